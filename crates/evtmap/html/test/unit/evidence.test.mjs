import assert from "node:assert/strict";
import { test } from "node:test";
import { document, module } from "../bundle.mjs";

const { readEvidence } = await module("evidence.ts");
const { Model, items } = await module("model.ts");

const item = (name, values, more = {}) => ({ item: name, field: name.split("|")[0], values, every: false, negated: false, ...more });
const condition = {
    all: [
        { selection: "selection", of: [item("Image", ["*\\cmd.exe", "*\\bad.exe"]), item("Command Line|all", ["x"])] },
        { not: { selection: "filter", of: [item("ParentImage", ["y"])] } },
    ],
};

test("what held is read", () => {
    assert.deepEqual(readEvidence("1110100;0:1,2;3:0"), {
        holds: [true, true, true, false, true, false, false], met: new Map([[0, [1, 2]], [3, [0]]]),
    });
    assert.deepEqual(readEvidence(""), { holds: [], met: new Map() });
});

test("items are counted from the top down, and those of exceptions are known", () => {
    assert.deepEqual(items(condition).map(({ item, isExcluded }) => [item.item, isExcluded]), [["Image", false], ["Command Line|all", false], ["ParentImage", true]]);
});

test("fields that a rule met are marked, under whatever name the event has them", () => {
    const content = document([[0, "WS01", "ann", 3, [0], "shell"]]);
    content.findings[0].rule = { id: null, author: "", level: null, status: null, path: "", falsepositives: [], references: [], condition };
    content.evidence = ["1111100;0:1;1:0;2:0"];
    content.alerts.evidence = [0];
    content.strings.push("C:\\bad.exe", "NewProcessName", "ParentImage", "y");
    const [image, name, parent, y] = [2, 3, 4, 5];
    content.shapes = [{ names: [0, name, parent], columns: [[1], [image], [y]] }];
    content.alerts.found = [[0, 0, [image]]];
    const model = new Model(content);
    assert.deepEqual([...model.matching(0)].sort(), ["CommandLine", "NewProcessName"]);
    assert.equal(model.gist(0), "run shell");
});

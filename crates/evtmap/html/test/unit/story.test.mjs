import assert from "node:assert/strict";
import { test } from "node:test";
import { document, module } from "../bundle.mjs";

const { Model } = await module("model.ts");
const { tellStory } = await module("story.ts");
const { makeRows, sortAlerts } = await module("table.ts");
const { Scale } = await module("time.ts");

const HOUR = 3600e6;

test("the story has the entry, the worst, and how one host led to another", () => {
    const connection = (minute, from, to, user, how) => ({ from, from_text: "", to, to_text: "", user, how, failed: false, n: 1, first: minute * 60e6, last: minute * 60e6 });
    const model = new Model(document([
        [10, "WS01", "ann", 3, [0], "macro"], [11, "WS01", "ann", 1, [1], "listing"], [30, "WS01", "ann", 4, [1], "dump"],
        [95, "FS01", "bob", 3, [2], "wiper"], [96, "FS01", "bob", 3, [2], "wiper"],
    ], { connections: [connection(5, 0, 1, 1, "network logon"), connection(90, 0, 1, 1, "network logon"), connection(90.5, 0, 1, 1, "share ADMIN$"), connection(91, 0, 1, 0, "network logon")] }));
    const story = tellStory(model);
    assert.deepEqual(story.steps.map((step) => `${step.number} ${model.finding(step.alert).title} ×${step.n}`), ["1 macro ×1", "2 dump ×1", "3 wiper ×2"]);
    // Before something was found on the first host a connection says nothing; ann did nothing on the second.
    assert.deepEqual(story.hops.map((hop) => [hop.connection.first / 60e6, hop.how]), [[90, ["network logon", "share ADMIN$"]]]);
});

test("without anything severe the story is of what there is", () => {
    const model = new Model(document([[1, "a", "u", 1, [0], "x"], [2, "a", "u", 0, [0], "y"]]));
    assert.deepEqual(tellStory(model).steps.map((step) => model.finding(step.alert).title), ["x"]);
    assert.deepEqual(tellStory(new Model(document([]))).steps, []);
});

test("rows are sorted and grouped", () => {
    const model = new Model(document([[1, "a", "u", 1, [0], "x"], [2, "b", "u", 3, [0], "y"], [3, "a", "u", 1, [0], "x"]]));
    const sort = (order, descending) => sortAlerts(model, [0, 1, 2], { order, descending });
    assert.deepEqual(sort("severity", true), [1, 0, 2]);
    assert.deepEqual(sort("time", true), [2, 1, 0]);
    assert.deepEqual(sort("host", false), [0, 2, 1]);
    const rows = (unfolded) => makeRows(model, sort("severity", true), true, new Set(unfolded)).map((row) => [row.alert, row.group?.length ?? "member"]);
    assert.deepEqual(rows([]), [[1, 1], [0, 2]]);
    assert.deepEqual(rows(["0 0"]), [[1, 1], [0, 2], [0, "member"], [2, "member"]]);
});

test("long quiet times are folded, and short ones are not", () => {
    const day = new Scale([0, HOUR, 5 * HOUR], [0, 5 * HOUR], 1000, true);
    assert.equal(day.isFolded, false);
    assert.equal(day.x(HOUR), 200);
    const years = new Scale([0, HOUR, 9000 * HOUR, 9001 * HOUR], [0, 9001 * HOUR], 1000, true);
    assert.equal(years.isFolded, true);
    assert.ok(years.x(HOUR) > 350 && years.x(9000 * HOUR) < 650, "both hours have their room");
    for (const time of [0, HOUR, 4000 * HOUR, 9000.5 * HOUR]) assert.ok(Math.abs(years.time(years.x(time)) - time) < HOUR);
    assert.ok(years.ticks().length > 1);
});

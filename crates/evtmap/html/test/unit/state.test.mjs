import assert from "node:assert/strict";
import { test } from "node:test";
import { document, module } from "../bundle.mjs";

const { Model } = await module("model.ts");
const { INITIAL, readLink, writeLink } = await module("state.ts");
const { Filter } = await module("filter.ts");
const { readQuery } = await module("query.ts");

const model = new Model(document([
    [0, "WS01", "ann", 3, [0], "macro"], [1, "WS01", "ann", 2, [1], "shell"], [90, "FS01", "bob", 4, [2], "wiper"],
]));

/** The titles of what a link shows. */
function shown(link) {
    const filter = new Filter(model);
    filter.apply(readLink(link, model));
    return filter.rows().map((alert) => model.finding(alert).title);
}

test("a link gives back the state it was made of", () => {
    const state = {
        ...INITIAL, severities: new Set([4, 2]), hosts: new Set([1]), tactics: new Set([0]), techniques: new Set([0]), findings: new Set([2]),
        range: [5, 60e6], query: 'a "b c" é&=', associations: true, order: "host", descending: false, grouped: false, lanes: "session", open: 2,
    };
    assert.deepEqual(readLink(writeLink(state, model), model), state);
    assert.equal(writeLink(INITIAL, model), "");
    assert.deepEqual(readLink("", model), INITIAL);
});

test("what a link says wrongly is passed over", () => {
    assert.deepEqual(readLink("#severity=worst&host=9.-1.x&time=9.1&sort=luck.up&lanes=x&alert=77&technique=T9", model), { ...INITIAL, descending: false });
});

test("restrictions combine", () => {
    assert.deepEqual(shown(""), ["macro", "shell", "wiper"]);
    assert.deepEqual(shown("severity=high.critical"), ["macro", "wiper"]);
    assert.deepEqual(shown("severity=high.critical&host=0"), ["macro"]);
    assert.deepEqual(shown("time=0.60000000"), ["macro", "shell"]);
    assert.deepEqual(shown("tactic=impact&host=0"), []);
    assert.deepEqual(shown("technique=T1059-001"), ["macro", "shell", "wiper"]);
});

test("searching", () => {
    const search = (query) => shown(`q=${encodeURIComponent(query)}`);
    assert.deepEqual(search("RUN ma"), ["macro"]);
    assert.deepEqual(search("-ann"), ["wiper"]);
    assert.deepEqual(search("host:ws01 -macro"), ["shell"]);
    assert.deepEqual(search('"run wiper"'), ["wiper"]);
    assert.deepEqual(search("commandline:shell"), ["shell"]);
    assert.deepEqual(search("technique:t1059 user:bob"), ["wiper"]);
    assert.deepEqual(search("event:468"), []);
    assert.deepEqual(search("nothing"), []);
});

test("queries as they are read", () => {
    assert.deepEqual(readQuery(String.raw`C:\Windows host:a -"b c" user:"d e`), [
        { text: "c:\\windows", place: null, isNegated: false },
        { text: "a", place: "host", isNegated: false },
        { text: "b c", place: null, isNegated: true },
        { text: "d e", place: "user", isNegated: false },
    ]);
});

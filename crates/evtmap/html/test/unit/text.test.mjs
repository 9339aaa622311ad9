import assert from "node:assert/strict";
import { test } from "node:test";
import { module } from "../bundle.mjs";

const { clip, flat, line, link, pieces, shortHost } = await module("text.ts");
const shown = (text) => pieces(text).map((piece) => (piece.hidden ? `<${piece.text}>` : piece.text)).join("");

test("what nobody would see is named", () => {
    assert.equal(shown("plain \ttext\nof two lines"), "plain \ttext\nof two lines");
    assert.equal(shown("a\r\nb"), "a\nb");
    assert.equal(shown("\u001b[31mred\u0000"), "<ESC>[31mred<NUL>");
    assert.equal(shown("\u202egpj.exe\u2066x"), "<U+202E>gpj.exe<U+2066>x");
    assert.equal(shown("in\u200bvis\ufeffible\u00ad"), "in<U+200B>vis<U+FEFF>ible<U+00AD>");
    assert.equal(shown("tag \u{e0041}, emoji \u{1f600}, lone \ud800"), "tag <U+E0041>, emoji \u{1f600}, lone <U+D800>");
    assert.equal(flat("a\u202eb"), "a[U+202E]b");
});

test("texts are cut between characters and with a sign", () => {
    assert.equal(clip("abc", 3), "abc");
    assert.equal(clip("abcd", 3), "abc…");
    assert.equal(clip("ab\u{1f600}d", 3), "ab…");
    assert.equal(line("  a\n\tb   c "), "a b c");
});

test("only http and https become links", () => {
    assert.equal(link("https://example.org/a?b=1#c"), "https://example.org/a?b=1#c");
    assert.equal(link("HTTP://example.org"), "http://example.org/");
    for (const other of ["javascript:alert(1)", "data:text/html,x", " https://example.org", "//example.org", "ftp://example.org", "https://", "file:///etc/passwd"]) {
        assert.equal(link(other), null, other);
    }
});

test("hosts lose their domain and addresses do not", () => {
    assert.deepEqual(["WS01.corp.example", "10.0.0.1", "", "fe80::1", ".x"].map(shortHost), ["WS01", "10.0.0.1", "", "fe80::1", ".x"]);
});

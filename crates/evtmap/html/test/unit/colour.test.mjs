// The severities must stay apart for those who do not see all colours, and in grey print.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

const css = readFileSync(new URL("../../src/style.css", import.meta.url), "utf8");
const NAMES = ["critical", "high", "medium", "low", "informational"];

/** The colours of the block that begins with a selector. */
function colours(selector) {
    const block = css.slice(css.indexOf(selector), css.indexOf("}", css.indexOf(selector)));
    return Object.fromEntries([...block.matchAll(/--([\w-]+): (#[0-9a-f]{6})/g)].map(([, name, colour]) => [name, colour]));
}
const themes = { light: colours(":root {"), dark: colours(':root[data-theme="dark"] {') };

const linear = (value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
const rgb = (hex) => [1, 3, 5].map((at) => linear(parseInt(hex.slice(at, at + 2), 16) / 255));
const apply = (matrix, colour) => matrix.map((row) => Math.min(1, Math.max(0, row.reduce((sum, factor, at) => sum + factor * colour[at], 0))));

/** What is seen without one kind of cones (Machado, Oliveira and Fernandes 2009, full severity). */
const SIGHTS = {
    all: [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
    protanopia: [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    deuteranopia: [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
    tritanopia: [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
};

function lab(colour) {
    const [x, y, z] = apply([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]], colour)
        .map((value, at) => value / [0.9505, 1, 1.089][at])
        .map((value) => (value > 0.008856 ? Math.cbrt(value) : 7.787 * value + 16 / 116));
    return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
}
const distance = (a, b) => Math.hypot(...a.map((value, at) => value - b[at]));
const luminance = (hex) => rgb(hex).reduce((sum, value, at) => sum + value * [0.2126, 0.7152, 0.0722][at], 0);
const contrast = (a, b) => { const [x, y] = [luminance(a), luminance(b)].sort((m, n) => n - m); return (x + 0.05) / (y + 0.05); };

for (const [theme, colour] of Object.entries(themes)) {
    for (const [sight, matrix] of Object.entries(SIGHTS)) {
        test(`severities stay apart, ${theme}, ${sight}`, () => {
            const seen = NAMES.map((name) => lab(apply(matrix, rgb(colour[name]))));
            for (let a = 0; a < NAMES.length; a++) for (let b = a + 1; b < NAMES.length; b++) {
                const apart = distance(seen[a], seen[b]);
                assert.ok(apart >= 15, `${NAMES[a]} and ${NAMES[b]}: ${apart.toFixed(1)}`);
            }
        });
    }
    test(`texts are readable, ${theme}`, () => {
        for (const [text, on, least] of [["ink", "paper", 7], ["ink", "sheet", 7], ["soft", "paper", 4.5], ["soft", "sheet", 4.5], ["soft", "sunk", 4.5], ["way", "paper", 4.5], ["ink", "match", 7],
            ...NAMES.map((name) => ["ink", `${name}-tint`, 7]), ...NAMES.map((name) => [name, "sheet", 2.2])]) {
            const found = contrast(colour[text], colour[on]);
            assert.ok(found >= least, `${text} on ${on}: ${found.toFixed(2)}`);
        }
    });
}

// Bundles the page into one file, dist/report.html, which the program carries. `--check` only compares.
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync, existsSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const target = join(here, "dist", "report.html");

async function bundle(entry, options) {
    const result = await build({ entryPoints: [join(here, "src", entry)], bundle: true, minify: true, write: false, charset: "utf8", legalComments: "none", absWorkingDir: here, ...options });
    return result.outputFiles[0].text.trim();
}

const hash = (text) => createHash("sha256").update(text).digest("base64");

export async function page() {
    const script = await bundle("main.ts", { format: "iife", target: "es2022" });
    const style = await bundle("style.css", { target: ["chrome109", "firefox113", "safari16.4"] });
    for (const text of [script, style]) {
        if (/<\/(script|style)|<!--/i.test(text)) throw new Error("the bundle would end its own element");
    }
    const parts = { script, style, "script-hash": hash(script), "style-hash": hash(style) };
    const template = readFileSync(join(here, "src", "page.html"), "utf8");
    return template.replace(/\{\{(script|style|script-hash|style-hash)\}\}/g, (_, name) => parts[name]);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
    const made = await page();
    if (process.argv.includes("--check")) {
        if (!existsSync(target) || readFileSync(target, "utf8") !== made) {
            console.error("dist/report.html is not what its sources give: run `make html`");
            process.exit(1);
        }
        console.log("dist/report.html is what its sources give");
    } else {
        mkdirSync(dirname(target), { recursive: true });
        writeFileSync(target, made);
        console.log(`dist/report.html: ${made.length.toLocaleString("en-US")} characters`);
    }
}

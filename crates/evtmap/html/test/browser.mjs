// Opens reports in a browser and uses them as an analyst would.
//
//   node test/browser.mjs --incident incident.html --hostile hostile.html [--pictures folder]
//
// Exit status 0: all held; 1: something did not; 77: there is no browser.
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";

const { values: options } = parseArgs({ options: { incident: { type: "string" }, hostile: { type: "string" }, pictures: { type: "string" } } });
const executablePath = [process.env["CHROMIUM"], "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find((path) => path && existsSync(path));
if (!executablePath) {
    console.log("no chromium: the browser test is skipped");
    process.exit(77);
}
const { chromium } = await import("playwright-core");
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const browser = await chromium.launch({
    executablePath,
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});
if (options.pictures) mkdirSync(options.pictures, { recursive: true });

const DESKTOP = { width: 1440, height: 900 };
const PHONE = { width: 390, height: 844 };

/** A page with a report in it, and a list of what must not happen. */
async function open(file, { viewport = DESKTOP, colorScheme = "light", fragment = "", bypassCSP = false } = {}) {
    const context = await browser.newContext({ viewport, colorScheme, bypassCSP, reducedMotion: "reduce" });
    const page = await context.newPage();
    const faults = [];
    page.on("console", (message) => ["error", "warning"].includes(message.type()) && faults.push(`console: ${message.text()}`));
    page.on("pageerror", (error) => faults.push(`error: ${error.stack}`));
    page.on("dialog", (dialog) => { faults.push(`dialog: ${dialog.message()}`); void dialog.dismiss(); });
    page.on("popup", () => faults.push("a window was opened"));
    await context.route("**/*", (route) => {
        if (route.request().url().split("#")[0] === address(file)) return route.continue();
        faults.push(`request: ${route.request().url()}`);
        return route.abort();
    });
    await page.goto(address(file) + fragment);
    await page.waitForSelector("html[data-ready]", { timeout: 20_000 });
    await settled(page);
    return { page, faults, close: () => context.close() };
}

const address = (file) => pathToFileURL(resolve(file)).href;
/** Until what is drawn with the next frame is drawn. */
const settled = (page) => page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 30)))));
const shown = async (page) => Number((await page.locator("#alerts .section-head > .faint").textContent()).split(" ")[0].replaceAll(",", ""));

async function picture(page, name, fullPage = true) {
    if (options.pictures) await page.screenshot({ path: join(options.pictures, `${name}.png`), fullPage });
}

const tests = [];
const test = (name, file, run) => file && tests.push({ name, run });

test("filters, an alert, a link", options.incident, async () => {
    const { page, faults, close } = await open(options.incident);
    const all = await shown(page);
    assert.ok(all > 10);
    assert.match(await page.locator("h1").textContent(), /detections on 3 hosts/);
    assert.equal(await page.locator(".dot .step-disc").count(), await page.locator(".step").count(), "each step is in the picture");

    await page.locator(".cell", { hasText: "T1003.001" }).first().click();
    await settled(page);
    const few = await shown(page);
    assert.ok(few > 0 && few < all, `${few} of ${all}`);
    await page.locator(".severity-toggle.severity-critical").click();
    await page.locator("#search").fill("comsvcs");
    await page.waitForFunction(() => location.hash.includes("q=comsvcs"));
    await settled(page);
    const fewer = await shown(page);
    assert.ok(fewer > 0 && fewer < few, `${fewer} of ${few}`);

    await page.locator(".rows .row").first().click();
    await settled(page);
    const title = await page.locator("#detail-title").textContent();
    for (const part of ["The event", "ATT&CK", "The rule", "Where it stands"]) assert.ok(await page.locator(".detail-part h3", { hasText: part }).count(), part);
    assert.ok(await page.locator(".tree .holds").count() > 0, "the condition says what held");
    assert.ok(await page.locator(".fields .is-matching").count() > 0, "a field is marked");
    const fragment = new URL(page.url()).hash;
    assert.deepEqual(faults, []);
    await close();

    const restored = await open(options.incident, { fragment });
    assert.equal(await shown(restored.page), fewer);
    assert.equal(await restored.page.locator("#detail-title").textContent(), title);
    assert.equal(await restored.page.locator("#search").inputValue(), "comsvcs");
    await restored.page.keyboard.press("Escape");
    await restored.page.locator(".chips button", { hasText: "Lift all" }).click();
    await settled(restored.page);
    assert.equal(await shown(restored.page), all);
    assert.deepEqual(restored.faults, []);
    await restored.close();
});

test("the keyboard alone", options.incident, async () => {
    const { page, faults, close } = await open(options.incident);
    await page.keyboard.press("/");
    assert.equal(await page.evaluate(() => document.activeElement.id), "search");
    await page.locator(".grid[role=grid]").focus();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    const second = await page.locator("#detail-title").textContent();
    await page.keyboard.press("ArrowDown");
    assert.notEqual(await page.locator("#detail-title").textContent(), second, "the panel follows the table");
    await page.keyboard.press("k");
    assert.equal(await page.locator("#detail-title").textContent(), second);
    await page.keyboard.press("Escape");
    assert.ok(await page.locator("#detail").isHidden());
    await page.keyboard.press("End");
    await settled(page);
    await page.locator("[data-mark][tabindex='0']").focus();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    assert.ok(await page.locator("#detail").isVisible(), "a mark of the picture opens its alert");
    await page.keyboard.press("Escape");
    const whole = await shown(page);
    await page.locator(".brush-handle").first().focus();
    for (let n = 0; n < 3; n++) await page.keyboard.press("Shift+ArrowRight");
    await settled(page);
    assert.ok(await shown(page) < whole, "time is restricted by the arrow keys");
    assert.deepEqual(faults, []);
    await close();
});

test("zoom by dragging", options.incident, async () => {
    const { page, faults, close } = await open(options.incident);
    await page.locator(".brush").scrollIntoViewIfNeeded();
    const box = await page.locator(".brush").boundingBox();
    const all = await shown(page);
    await page.mouse.move(box.x + box.width * 0.62, box.y + 12);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.7, box.y + 12, { steps: 4 });
    await page.mouse.up();
    await settled(page);
    const few = await shown(page);
    assert.ok(few < all, `${few} of ${all}`);
    await page.getByRole("button", { name: "Zoom out" }).click();
    await settled(page);
    assert.equal(await shown(page), all);
    for (const lanes of ["Accounts", "Logon sessions", "Hosts"]) {
        await page.getByRole("button", { name: lanes, exact: true }).click();
        await settled(page);
        assert.ok(await page.locator(".lane-name").count() > 0, lanes);
    }
    assert.deepEqual(faults, []);
    await close();
});

for (const [size, viewport] of Object.entries({ desktop: DESKTOP, phone: PHONE })) for (const colorScheme of ["light", "dark"]) {
    test(`usable by all: ${size}, ${colorScheme}`, options.incident, async () => {
        const { page, close } = await open(options.incident, { viewport, colorScheme, bypassCSP: true });
        await picture(page, `incident-${size}-${colorScheme}`);
        const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        assert.ok(wide <= 0, `the page is ${wide} px too wide`);
        await violations(page);
        await page.locator(".step button").first().click();
        await settled(page);
        await picture(page, `alert-${size}-${colorScheme}`, false);
        await violations(page);
        await close();
    });
}

async function violations(page) {
    await page.evaluate(axe);
    const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
    const words = violations.map((one) => `${one.id} (${one.impact}): ${one.nodes.slice(0, 4).map((node) => `${node.html.slice(0, 160)} ${node.any[0]?.message ?? ""}`).join("\n    ")}`);
    assert.deepEqual(words, [], words.join("\n"));
}

test("on paper", options.incident, async () => {
    const { page, faults, close } = await open(options.incident);
    await page.emulateMedia({ media: "print" });
    const pdf = await page.pdf({ format: "A4", ...(options.pictures ? { path: join(options.pictures, "incident.pdf") } : {}) });
    const n = pdf.toString("latin1").match(/\/Type\s*\/Page\b/g)?.length ?? 0;
    assert.ok(n >= 2 && n <= 10, `${n} pages`);
    assert.deepEqual(faults, []);
    await close();
});

test("a hostile log is text", options.hostile, async () => {
    const { page, faults, close } = await open(options.hostile);
    await picture(page, "hostile-desktop-light");
    await harmless(page);
    const n = Math.min(await page.locator(".rows .row").count(), 6);
    assert.ok(n > 0);
    for (let at = 0; at < n; at++) {
        await page.locator(".rows .row").nth(at).click();
        await settled(page);
        for (let more = 0; more < 4; more++) if (await page.locator(".fields .more").count() > more) await page.locator(".fields .more").nth(more).click();
        await harmless(page);
    }
    await picture(page, "hostile-alert", false);
    const text = await page.evaluate(() => document.body.innerText);
    assert.ok(text.includes("<script>"), "markup is shown as it is written");
    assert.ok(!/[\u202a-\u202e\u2066-\u2069\u001b\u0000]/.test(text), "nothing turns the direction of writing or steers a terminal");
    assert.ok(await page.locator(".hidden-character").count() > 0, "what is hidden is named");
    assert.deepEqual(faults, []);
    await close();
    const small = await open(options.hostile, { viewport: PHONE });
    const wide = await small.page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert.ok(wide <= 0, `the page is ${wide} px too wide`);
    await picture(small.page, "hostile-phone-light");
    await small.close();
});

/** Nothing in the page that the page's own code did not make. */
async function harmless(page) {
    const found = await page.evaluate(() => ({
        pwned: window.pwned,
        strange: [...document.querySelectorAll("script, img, iframe, object, embed, form, base, link, style, video, audio")].filter((one) => !["data", ""].includes(one.id) || (one.tagName !== "SCRIPT" && one.tagName !== "STYLE")).map((one) => one.outerHTML.slice(0, 100)),
        scripts: document.querySelectorAll("script").length,
        handlers: [...document.querySelectorAll("*")].filter((one) => [...one.attributes].some((attribute) => attribute.name.startsWith("on"))).length,
        links: [...document.querySelectorAll("a[href]")].map((one) => one.getAttribute("href")).filter((href) => !/^(#|https?:\/\/)/i.test(href)),
        open: [...document.querySelectorAll("a[href^=http]")].filter((one) => !one.rel.includes("noreferrer")).length,
    }));
    assert.equal(found.pwned, undefined);
    assert.deepEqual({ ...found, pwned: undefined }, { pwned: undefined, strange: [], scripts: 1, handlers: 0, links: [], open: 0 });
}

test("an old browser is told what to do", options.incident, async () => {
    const context = await browser.newContext({ viewport: DESKTOP });
    const page = await context.newPage();
    await page.addInitScript(() => delete window.DecompressionStream);
    await page.goto(address(options.incident));
    await page.waitForFunction(() => document.getElementById("waiting")?.textContent.includes("too old"));
    assert.match(await page.locator("#waiting").textContent(), /-o alerts\.csv/);
    await context.close();
});

let failed = 0;
for (const { name, run } of tests) {
    const start = Date.now();
    try {
        await run();
        console.log(`ok      ${name} (${Date.now() - start} ms)`);
    } catch (error) {
        failed++;
        console.log(`FAILED  ${name}\n${error.stack ?? error}`);
    }
}
await browser.close();
process.exit(failed > 0 ? 1 : 0);

/** One alert in full: why the rule held, the event, what goes with it, and what to do about it. */

import type { Index, Part } from "../contract.ts";
import { announce, append, h, replace, text } from "../dom.ts";
import type { Evidence } from "../evidence.ts";
import { type Field, members, plainName } from "../model.ts";
import { SHOWN_MAX, clip, counted, line, link, number, shortHost } from "../text.ts";
import { clock, duration, exact } from "../time.ts";
import { severityClass, severityName, spokenMark } from "./mark.ts";
import type { Page } from "./page.ts";

/** How many characters more are shown at once: a browser stands still over a megabyte. */
const PIECE = 20_000;
const AROUND = 15 * 60_000_000;
const AROUND_MAX = 12;

export function detail(page: Page): HTMLElement {
    const panel = h("aside", { class: "detail", id: "detail", "aria-labelledby": "detail-title", hidden: true });
    let before: HTMLElement | null = null;
    const draw = () => {
        const { open } = page.store.state;
        const wasHidden = panel.hidden;
        panel.hidden = open < 0;
        document.documentElement.classList.toggle("has-detail", open >= 0);
        if (open < 0) {
            replace(panel);
            if (!wasHidden) before?.focus({ preventScroll: true });
            return;
        }
        if (wasHidden) before = document.activeElement as HTMLElement | null;
        replace(panel, head(page, open), body(page, open));
        panel.querySelector(".detail-body")!.scrollTop = 0;
        announce(`${severityName(page.model.severity[open])}: ${page.model.finding(open).title}`);
        // On a phone the panel is all that is seen, and in the table the arrow keys must go on.
        if (wasHidden && !document.activeElement?.classList.contains("grid")) panel.querySelector<HTMLElement>("h2")?.focus();
    };
    page.store.listen((_, changed) => changed.has("open") && draw());
    document.addEventListener("keydown", (event) => keys(page, event));
    if (page.store.state.open >= 0) draw();
    return panel;
}

function keys(page: Page, event: KeyboardEvent): void {
    if (page.store.state.open < 0 || event.target instanceof HTMLInputElement || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape") page.store.set({ open: -1 });
    else if (event.key === "j") move(page, 1);
    else if (event.key === "k") move(page, -1);
}

function move(page: Page, by: number): void {
    const among = page.among ?? page.rows;
    const next = among[among.indexOf(page.store.state.open) + by];
    if (next !== undefined) page.open(next, page.among ?? undefined);
}

function head(page: Page, alert: Index): HTMLElement {
    const { model } = page;
    const finding = model.finding(alert);
    const among = page.among ?? page.rows;
    const at = among.indexOf(alert);
    const kind = finding.kind === "detection" ? severityName(finding.severity) : finding.kind === "association" ? "association" : "event";
    const step = (by: number, words: string, sign: string) => h("button", {
        type: "button", class: "quiet", "aria-label": words, title: words, disabled: at < 0 || among[at + by] === undefined, on: { click: () => move(page, by) },
    }, sign);
    return h("div", { class: `detail-head ${severityClass(finding.severity)}` },
        h("div", { class: "detail-bar" },
            h("span", { class: "severity-word" }, spokenMark(finding.severity, finding.kind !== "detection"), h("span", { "aria-hidden": "true" }, kind)),
            h("span", { class: "faint" }, at >= 0 ? `${number(at + 1)} of ${number(among.length)}` : ""),
            step(-1, "Previous alert (k)", "↑"), step(1, "Next alert (j)", "↓"),
            h("button", { type: "button", class: "quiet", "aria-label": "Close (Esc)", title: "Close (Esc)", on: { click: () => page.store.set({ open: -1 }) } }, "✕")),
        h("h2", { id: "detail-title", tabindex: "-1" }, finding.title),
        h("p", { class: "detail-where" }, h("time", null, exact(model.time[alert])), where(page, alert)),
        finding.overridden ? h("p", { class: "faint" }, `${severityName(finding.overridden.from)} by its rule; ${severityName(finding.severity)} by the configuration: ${finding.overridden.because.join("; ")}`) : null);
}

/** Host, account and session, each to filter by. */
function where(page: Page, alert: Index): HTMLElement[] {
    const { model, store } = page;
    const pick = (set: "hosts" | "users" | "sessions", value: Index, words: string, title: string) =>
        h("button", { type: "button", class: "pick", title, "aria-pressed": String(store.state[set].has(value)), on: { click: () => store.only(set, value) } }, line(words, 60));
    const [host, user, session] = [model.hostOf(alert), model.userOf(alert), model.sessionOf(alert)];
    return [
        host ? pick("hosts", model.host[alert], shortHost(host.name), `Show only ${host.name}`) : null,
        user ? pick("users", model.user[alert], user.name, `Show only ${user.name}`) : null,
        session ? pick("sessions", model.session[alert], `session ${session.id}`, "Show only this logon session") : null,
    ].filter((one) => one !== null);
}

function body(page: Page, alert: Index): HTMLElement {
    return h("div", { class: "detail-body", tabindex: "0", role: "region", "aria-label": "the alert in full" },
        meaning(page, alert), why(page, alert), correlation(page, alert), fields(page, alert), next(page, alert), around(page, alert),
        attack(page, alert), rule(page, alert), origin(page, alert));
}

function part(title: string, ...content: Parameters<typeof h>[2][]): HTMLElement {
    return h("section", { class: "detail-part" }, h("h3", null, title), content);
}

function meaning({ model }: Page, alert: Index): HTMLElement {
    const finding = model.finding(alert);
    const derivation = model.doc.derivations[model.doc.alerts.derivation[alert]];
    const id = model.kind(alert).id;
    return h("section", { class: "detail-part is-first" },
        h("p", { class: "description" }, finding.description),
        finding.kind === "association" ? h("p", { class: "notice" }, "Only the event's id was looked at, or its id and its kind: this is context, nothing was found.") : null,
        derivation ? h("p", { class: "notice" }, `The rule is about ${derivation.category.replaceAll("_", " ")}; Windows' own event ${id ?? ""} stands for it here.`,
            derivation.missing_fields.length > 0 ? ` The rule makes exceptions by ${derivation.missing_fields.join(", ")}, which this event lacks: what it would let pass may be told here.` : "") : null,
        model.isRecovered(alert) ? h("p", { class: "notice" }, "The event had been deleted from its log and was found again.") : null);
}

/** The condition as a tree, with what held. */
function why(page: Page, alert: Index): HTMLElement | null {
    const condition = page.model.finding(alert).rule?.condition;
    const evidence = page.model.evidence(alert);
    if (!condition || !evidence) return null;
    const counter = { part: 0, item: 0 };
    return part("Why the rule held", h("ul", { class: "tree" }, branch(page, alert, condition, evidence, counter)));
}

interface Counter { part: number; item: number; }

function branch(page: Page, alert: Index, of: Part, evidence: Evidence, counter: Counter): HTMLElement {
    const holds = evidence.holds[counter.part++] ?? false;
    const state = h("span", { class: holds ? "holds" : "fails" }, h("span", { "aria-hidden": "true" }, holds ? "✓" : "✗"), h("span", { class: "for-readers" }, holds ? "holds: " : "does not hold: "));
    if ("item" in of) {
        const at = counter.item++;
        return h("li", { class: holds ? "" : "is-false" }, state, leaf(page, alert, at, of, evidence));
    }
    const words = "selection" in of ? h("span", { class: "selection" }, of.selection)
        : h("span", { class: "operator" }, "not" in of ? "not" : "all" in of ? "all of" : "any" in of ? "one of" : `at least ${of.at_least} of`);
    return h("li", { class: holds ? "" : "is-false" }, state, words,
        h("ul", null, members(of).map((member) => branch(page, alert, member, evidence, counter))));
}

const VALUES_SHOWN = 4;

function leaf({ model }: Page, alert: Index, at: number, item: Extract<Part, { item: string }>, evidence: Evidence): HTMLElement {
    const met = new Set(evidence.met.get(at) ?? []);
    const ordered = item.values.map((value, index) => ({ value, isMet: met.has(index) })).sort((a, b) => Number(b.isMet) - Number(a.isMet));
    const n = Math.max(met.size, VALUES_SHOWN);
    const shown = ordered.slice(0, Math.min(n, 12));
    const found = model.found.get(alert)?.get(at);
    const values = found ? found.map((index) => (index < 0 ? null : model.doc.strings[index]))
        : item.field ? model.fields(alert).filter((field) => plainName(field.name) === plainName(item.field!)).map((field) => field.value) : [];
    const value = ({ value, isMet }: { value: string; isMet: boolean }) => h("code", { class: isMet ? "value is-met" : "value" }, clip(value, 160));
    return h("span", { class: "leaf" },
        h("span", { class: "item-name" }, item.item.replaceAll("|", " ")), item.negated ? h("span", { class: "operator" }, "not") : null,
        h("span", { class: "values" }, shown.map((one) => [value(one), " "]), ordered.length > shown.length ? h("span", { class: "faint" }, `${item.every ? "and" : "or"} ${counted(ordered.length - shown.length, "value")} more`) : null),
        values.length > 0 ? h("span", { class: "had" }, "has ", values.slice(0, 3).map((one) => [one === null ? h("i", null, "no value") : h("code", null, clip(line(one, 200), 160)), " "])) : h("span", { class: "had" }, "the event has no such field"));
}

function correlation({ model }: Page, alert: Index): HTMLElement | null {
    const one = model.doc.correlations[model.doc.alerts.correlation[alert]];
    if (!one) return null;
    return part(`${counted(one.events, "event")} within ${duration(one.last - one.first)}`,
        h("p", { class: "faint" }, `${one.type.replaceAll("_", " ")}; the event below is the first, with the values that all have in common`),
        h("ol", { class: "members" }, one.members.slice(0, 20).map((member) => h("li", null, member.time === null ? "no time" : clock(member.time), " ", shortHost(member.host), ` event ${member.event_id ?? "?"}`, member.record === null ? "" : `, record ${number(member.record)}`))),
        one.events > 20 ? h("p", { class: "faint" }, `and ${number(one.events - Math.min(20, one.members.length))} more`) : null);
}

function fields(page: Page, alert: Index): HTMLElement {
    const { model } = page;
    const matching = model.matching(alert);
    const all = model.fields(alert);
    const message = model.message(alert);
    const kind = model.kind(alert);
    const rows = (list: Field[]) => list.map((field) => h("tr", { class: matching.has(field.name) ? "is-matching" : "" },
        h("th", { scope: "row" }, field.name, matching.has(field.name) ? h("span", { class: "for-readers" }, " (matched)") : null),
        h("td", null, value(field))));
    return part("The event",
        h("p", { class: "faint" }, `${kind.channel || "unknown log"} · event ${kind.id ?? "?"} · ${kind.provider}`),
        h("table", { class: "fields" }, h("tbody", null, rows(all), message ? rows([{ ...message, name: "Message" }]) : null)),
        all.length === 0 && !message ? h("p", { class: "faint" }, "The event has no fields.") : null,
        copyButton("Copy the event", () => all.map((field) => `${field.name}: ${field.value ?? ""}`).join("\n")));
}

/** A value, cut where it is long, with what is hidden in it shown. */
function value(field: Field): HTMLElement {
    if (field.value === null) return h("i", { class: "faint" }, "no value");
    if (field.value === "") return h("i", { class: "faint" }, "empty");
    const whole = field.value;
    const box = h("bdi", { class: "value-text", dir: "ltr" });
    const inLog = field.cut ? h("span", { class: "faint" }, ` This page has ${number(whole.length)} of ${number(field.cut)} characters; the log has all.`) : null;
    if (whole.length <= SHOWN_MAX) {
        append(box, [whole]);
        return h("div", null, box, inLog);
    }
    append(box, [clip(whole, SHOWN_MAX)]);
    let shown = SHOWN_MAX;
    const words = () => `Show ${number(Math.min(whole.length - shown, PIECE))} more of ${number(whole.length)} characters`;
    const more = h("button", {
        type: "button", class: "quiet more", on: {
            click: () => {
                shown = Math.min(whole.length, shown + PIECE);
                box.replaceChildren(...text(whole.slice(0, shown)));
                if (shown >= whole.length) more.remove();
                else more.textContent = words();
            },
        },
    }, words());
    return h("div", null, box, more, inLog);
}

function copyButton(words: string, content: () => string): HTMLElement {
    const button = h("button", {
        type: "button", class: "quiet", on: {
            click: async () => {
                const done = await navigator.clipboard?.writeText(content()).then(() => true, () => false);
                button.textContent = done ? "Copied" : "The browser does not allow it";
                announce(button.textContent);
                window.setTimeout(() => (button.textContent = words), 1600);
            },
        },
    }, words);
    return button;
}

/** What to do next, out of what these logs have. */
function next(page: Page, alert: Index): HTMLElement | null {
    const { model, store } = page;
    const { doc } = model;
    const finding = model.finding(alert);
    const ways: HTMLElement[] = [];
    const way = (words: string, act: () => void) => ways.push(h("li", null, h("button", { type: "button", class: "way", on: { click: act } }, words)));
    const detections = (holds: (other: Index) => boolean) => {
        let n = 0;
        for (let other = 0; other < model.n; other++) if (other !== alert && model.isDetection[other] && holds(other)) n++;
        return n;
    };
    const session = model.session[alert];
    if (session >= 0) {
        const { from, from_text, opened, id } = doc.sessions[session];
        const n = detections((other) => model.session[other] === session);
        const origin = from >= 0 ? shortHost(doc.hosts[from].name) : from_text;
        if (n > 0) way(`Follow the logon session ${id}: ${counted(n, "more detection")}`, () => store.set({ sessions: new Set([session]), lanes: "session" }));
        if (origin) ways.push(h("li", null, `The session came from ${origin}${opened ? ` by ${opened}` : ""}: look there for what came before.`));
    }
    const user = model.user[alert];
    const elsewhere = new Map<Index, number>();
    if (user >= 0) for (let other = 0; other < model.n; other++) {
        if (model.isDetection[other] && model.user[other] === user && model.host[other] !== model.host[alert]) elsewhere.set(model.host[other], (elsewhere.get(model.host[other]) ?? 0) + 1);
    }
    if (elsewhere.size > 0) {
        const where = [...elsewhere.keys()].slice(0, 3).map((host) => shortHost(doc.hosts[host]?.name ?? "?")).join(", ");
        way(`The same account on ${where}${elsewhere.size > 3 ? ` and ${counted(elsewhere.size - 3, "other host")}` : ""}`, () => store.set({ users: new Set([user]), hosts: new Set() }));
    }
    const index = doc.alerts.finding[alert];
    const same = detections((other) => doc.alerts.finding[other] === index);
    if (same > 0) way(`The same rule elsewhere: ${counted(same, "more alert")}`, () => store.only("findings", index));
    for (const falsepositive of finding.rule?.falsepositives.slice(0, 3) ?? []) {
        ways.push(h("li", null, h("span", { class: "faint" }, "Rule out: "), line(falsepositive, 300)));
    }
    return ways.length > 0 ? part("What to do next", h("ul", { class: "ways" }, ways)) : null;
}

/** What else was found on the host a little before and after. */
function around(page: Page, alert: Index): HTMLElement | null {
    const { model } = page;
    const time = model.time[alert];
    if (Number.isNaN(time)) return null;
    const near: Index[] = [];
    for (let other = 0; other < model.n; other++) {
        if (model.host[other] === model.host[alert] && model.isDetection[other] && Math.abs(model.time[other] - time) <= AROUND) near.push(other);
    }
    if (near.length < 2) return null;
    const at = near.indexOf(alert);
    const from = Math.max(0, Math.min(at - AROUND_MAX / 2, near.length - AROUND_MAX));
    const shown = at < 0 ? near.slice(0, AROUND_MAX) : near.slice(from, from + AROUND_MAX);
    return part("Around it on this host", h("ol", { class: "around" }, shown.map((other) => {
        const finding = model.finding(other);
        return h("li", { class: other === alert ? "is-this" : "" }, h("button", { type: "button", "aria-current": other === alert ? "true" : undefined, on: { click: () => page.open(other, near) } },
            spokenMark(finding.severity), h("span", { class: "decisive-time" }, clock(model.time[other])), h("span", { class: "decisive-title" }, finding.title)));
    })), near.length > shown.length ? h("p", { class: "faint" }, `${number(near.length)} within 15 minutes`) : null);
}

function attack({ model }: Page, alert: Index): HTMLElement | null {
    const { doc } = model;
    const finding = model.finding(alert);
    if (finding.techniques.length === 0) return null;
    return part("ATT&CK", finding.techniques.map((index) => {
        const technique = doc.techniques[index];
        return h("div", { class: "technique" },
            h("h4", null, h("span", { class: "technique-id" }, technique.id), " ", technique.name),
            h("p", { class: "faint" }, technique.tactics.map((tactic) => doc.tactics[tactic].name).join(", ")),
            technique.description ? h("p", null, technique.description) : null,
            technique.mitigations.length > 0 ? h("p", null, h("span", { class: "faint" }, "Against it: "), technique.mitigations.map((one) => `${one.name} (${one.id})`).join(", ")) : null,
            reference(technique.url));
    }));
}

/** The address as text; where it may be followed, as a link that tells nobody where it is from. */
function reference(url: string): HTMLElement {
    const target = link(url);
    return h("p", { class: "reference" }, target ? h("a", { href: target, rel: "noreferrer noopener", target: "_blank" }, clip(url, 300)) : h("code", null, clip(url, 300)));
}

function rule({ model }: Page, alert: Index): HTMLElement | null {
    const { rule } = model.finding(alert);
    if (!rule) return null;
    const facts: [string, string | null][] = [["Author", rule.author], ["Status", rule.status], ["Level", rule.level], ["Id", rule.id], ["File", rule.path]];
    return part("The rule",
        h("dl", { class: "facts" }, facts.filter(([, value]) => value).map(([name, value]) => [h("dt", null, name), h("dd", null, value)])),
        rule.falsepositives.length > 0 ? [h("h4", null, "May also be"), h("ul", null, rule.falsepositives.map((one) => h("li", null, one)))] : null,
        rule.references.length > 0 ? [h("h4", null, "References"), rule.references.map(reference)] : null);
}

function origin({ model }: Page, alert: Index): HTMLElement {
    const record = model.recordOf(alert);
    const input = model.inputOf(alert);
    return part("Where it stands",
        h("p", null, h("code", null, input)),
        h("p", { class: "faint" }, [record === null ? "" : `record ${number(record)}`, `${/\.evtx$/i.test(input) ? "byte" : "position"} ${number(model.positionOf(alert))}`].filter(Boolean).join(", ")));
}


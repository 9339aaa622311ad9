/** The bar at the top: where to go, what to search for, and which restrictions are in force. */

import { type Index, SEVERITIES } from "../contract.ts";
import { announce, h, replace } from "../dom.ts";
import { FAILS } from "../filter.ts";
import { type State, type Store } from "../state.ts";
import { counted, line, number, shortHost } from "../text.ts";
import { span } from "../time.ts";
import { mark, severityClass } from "./mark.ts";
import type { Page } from "./page.ts";
import { type Choice, nextTheme, setTheme, theme } from "./theme.ts";

const SECTIONS: [string, string][] = [
    ["story", "What happened"], ["picture", "Over time"], ["matrix", "ATT&CK"], ["alerts", "Alerts"], ["account", "Not looked at"],
];

export function bar(page: Page): HTMLElement {
    const element = h("header", { class: "bar" }, h("div", { class: "bar-top" },
        h("a", { class: "brand", href: "#", on: { click: (event) => goTo(event, "story") } }, "evtmap"),
        h("nav", { "aria-label": "parts of the report" }, SECTIONS.map(([id, name]) =>
            h("a", { href: `#${id}`, on: { click: (event) => goTo(event, id) } }, name))),
        search(page),
        h("div", { class: "bar-tools" }, linkButton(page.store), themeButton())),
    restrictions(page));
    return element;
}

/** The address belongs to the state of the page, so that going to a part must not change it. */
function goTo(event: Event, id: string): void {
    event.preventDefault();
    const part = document.getElementById(id);
    part?.scrollIntoView({ behavior: window.matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
    part?.querySelector<HTMLElement>("h2")?.focus({ preventScroll: true });
}

function search({ store }: Page): HTMLElement {
    let waiting = 0;
    const input = h("input", {
        type: "search", id: "search", placeholder: "Search all fields     /", spellcheck: "false", autocomplete: "off",
        "aria-label": "Search all alerts",
        title: "Words that must all occur; \"two words\" together; -word not; host: user: rule: technique: event: channel: or a field's name before a word",
        on: {
            input: () => {
                window.clearTimeout(waiting);
                waiting = window.setTimeout(() => store.set({ query: input.value }), 120);
            },
            keydown: (event: KeyboardEvent) => {
                if (event.key === "Enter") {
                    window.clearTimeout(waiting);
                    store.set({ query: input.value });
                    goTo(event, "alerts");
                    document.querySelector<HTMLElement>(".grid")?.focus({ preventScroll: true });
                } else if (event.key === "Escape" && input.value) {
                    event.stopPropagation();
                    input.value = "";
                    store.set({ query: "" });
                }
            },
        },
    });
    store.listen((state) => {
        if (document.activeElement !== input && input.value !== state.query) input.value = state.query;
    });
    input.value = store.state.query;
    document.addEventListener("keydown", (event) => {
        if (event.key === "/" && !(event.target instanceof HTMLInputElement)) {
            event.preventDefault();
            input.focus();
            input.select();
        }
    });
    return h("div", { class: "search", role: "search" }, input);
}

function linkButton(store: Store): HTMLElement {
    const button = h("button", {
        type: "button", class: "quiet", title: "Copy a link that restores this view",
        on: {
            click: async () => {
                const link = `${location.href.split("#")[0]}#${store.link}`;
                const copied = await navigator.clipboard?.writeText(link).then(() => true, () => false);
                const words = copied ? "Link copied" : "The link is in the address bar";
                button.textContent = words;
                announce(words);
                window.setTimeout(() => (button.textContent = "Copy link"), 1800);
            },
        },
    }, "Copy link");
    return button;
}

const WORDS: { [choice in Choice]: [string, string] } = { auto: ["Auto", "as the system's"], light: ["Light", "light"], dark: ["Dark", "dark"] };

function themeButton(): HTMLElement {
    const button = h("button", { type: "button", class: "quiet theme", on: { click: () => { setTheme(nextTheme()); name(); } } });
    const name = () => {
        const [word, colours] = WORDS[theme()];
        button.textContent = word;
        button.title = `Colours: ${colours}`;
        button.setAttribute("aria-label", `${word}: colours are ${colours}; change`);
    };
    name();
    return button;
}

function restrictions(page: Page): HTMLElement {
    const { store } = page;
    const severities = h("div", { class: "severity-toggles", role: "group", "aria-label": "Severity" });
    const facets = h("div", { class: "facets" },
        facet(page, { name: "Host", set: "hosts", bit: FAILS.host, of: (alert) => page.model.host[alert], label: (host) => page.model.doc.hosts[host].name }),
        facet(page, { name: "Account", set: "users", bit: FAILS.user, of: (alert) => page.model.user[alert], label: (user) => page.model.doc.users[user].name }),
        facet(page, { name: "Rule", set: "findings", bit: FAILS.rule, of: (alert) => page.model.doc.alerts.finding[alert], label: (finding) => page.model.doc.findings[finding].title }));
    const associations = h("label", { class: "associations-toggle", title: "Events without a detection whose id may hint at a technique: context, nothing was found" });
    const chips = h("ul", { class: "chips", "aria-label": "Restrictions in force" });
    const draw = () => {
        drawSeverities(page, severities);
        drawAssociations(page, associations);
        drawChips(page, chips);
    };
    store.listen(draw);
    draw();
    return h("div", { class: "bar-filters" }, severities, facets, associations, chips);
}

function drawSeverities({ model, store, filter }: Page, element: HTMLElement): void {
    const counts = new Array<number>(SEVERITIES.length).fill(0);
    for (const alert of filter.rows(FAILS.severity)) if (model.severity[alert] >= 0) counts[model.severity[alert]]++;
    const focused = element.contains(document.activeElement) ? (document.activeElement as HTMLElement).dataset["severity"] : undefined;
    replace(element, SEVERITIES.map((name, severity) => ({ name, severity })).reverse().map(({ name, severity }) =>
        h("button", {
            type: "button", class: `severity-toggle ${severityClass(severity)}`, "data-severity": String(severity),
            "aria-pressed": String(store.state.severities.has(severity)),
            on: { click: () => store.toggle("severities", severity) },
        }, mark(severity), h("b", null, number(counts[severity])), h("span", { class: "word" }, name))));
    if (focused !== undefined) element.querySelector<HTMLElement>(`[data-severity="${focused}"]`)?.focus();
}

function drawAssociations({ model, store }: Page, element: HTMLElement): void {
    if (element.firstChild) {
        element.querySelector("input")!.checked = store.state.associations;
        return;
    }
    const n = model.n - model.isDetection.reduce((sum, one) => sum + one, 0);
    element.hidden = n === 0;
    const box = h("input", { type: "checkbox", on: { change: () => store.set({ associations: box.checked }) } });
    box.checked = store.state.associations;
    replace(element, box, ` + ${counted(n, "association")}`);
}

interface Facet {
    name: string;
    set: "hosts" | "users" | "findings";
    bit: number;
    of: (alert: Index) => Index;
    label: (value: Index) => string;
}

const FACET_ROWS_MAX = 200;

/** A list to choose from, with how many alerts each choice would show. */
function facet(page: Page, what: Facet): HTMLElement {
    const { store, filter } = page;
    const list = h("div", { class: "facet-list" });
    const details = h("details", { class: "facet" }, h("summary", null, what.name), list);
    const draw = (filterText = "") => {
        const counts = new Map<Index, number>();
        for (const alert of filter.rows(what.bit)) {
            const value = what.of(alert);
            if (value >= 0) counts.set(value, (counts.get(value) ?? 0) + 1);
        }
        const chosen = store.state[what.set];
        for (const value of chosen) if (!counts.has(value)) counts.set(value, 0);
        const all = [...counts].filter(([value]) => what.label(value).toLowerCase().includes(filterText.toLowerCase()))
            .sort((a, b) => b[1] - a[1]);
        const rows = all.slice(0, FACET_ROWS_MAX).map(([value, n]) => {
            const box = h("input", { type: "checkbox", on: { change: () => store.toggle(what.set, value) } });
            box.checked = chosen.has(value);
            return h("label", { title: what.label(value) }, box, h("span", { class: "facet-name" }, line(what.label(value), 90)), h("span", { class: "count" }, number(n)));
        });
        const more = all.length > FACET_ROWS_MAX ? h("p", { class: "faint" }, `and ${number(all.length - FACET_ROWS_MAX)} more: type to find them`) : null;
        replace(rowsBox, rows, more);
    };
    const find = h("input", { type: "search", placeholder: `Find a ${what.name.toLowerCase()}`, "aria-label": `Find a ${what.name.toLowerCase()}`, on: { input: () => draw(find.value) } });
    const rowsBox = h("div", { class: "facet-rows" });
    replace(list, find, rowsBox);
    details.addEventListener("toggle", () => {
        if (!details.open) return;
        draw(find.value);
        find.focus();
    });
    details.addEventListener("keydown", (event) => {
        if (event.key !== "Escape") return;
        event.stopPropagation();
        details.open = false;
        details.querySelector("summary")?.focus();
    });
    document.addEventListener("pointerdown", (event) => {
        if (details.open && !details.contains(event.target as Node)) details.open = false;
    });
    store.listen(() => {
        details.classList.toggle("is-active", store.state[what.set].size > 0);
        if (details.open && document.activeElement === find) draw(find.value);
    });
    return details;
}

function drawChips(page: Page, element: HTMLElement): void {
    const { store, model } = page;
    const { state } = store;
    const { doc } = model;
    const chip = (kind: string, words: string, lift: () => void) =>
        h("li", null, h("button", { type: "button", class: "chip", title: `Lift: ${words}`, on: { click: lift } },
            h("span", { class: "chip-kind" }, kind), line(words, 60), h("span", { "aria-hidden": "true" }, " ×"), h("span", { class: "for-readers" }, ", lift")));
    const of = (set: Parameters<Store["toggle"]>[0], kind: string, label: (value: Index) => string) =>
        [...state[set]].map((value) => chip(kind, label(value), () => store.toggle(set, value)));
    const chips = [
        ...of("hosts", "host", (host) => shortHost(doc.hosts[host].name)),
        ...of("users", "user", (user) => doc.users[user].name),
        ...of("sessions", "session", (session) => doc.sessions[session].id),
        ...of("tactics", "tactic", (tactic) => doc.tactics[tactic].name),
        ...of("techniques", "technique", (technique) => `${doc.techniques[technique].id} ${doc.techniques[technique].name}`),
        ...of("findings", "rule", (finding) => doc.findings[finding].title),
        state.range ? chip("time", span(state.range[0], state.range[1]), () => store.set({ range: null })) : null,
        state.query.trim() ? chip("text", state.query, () => clearQuery(store)) : null,
    ];
    replace(element, chips, store.isRestricted
        ? h("li", null, h("button", { type: "button", class: "quiet", on: { click: () => { clearQuery(store); store.clear(); } } }, "Lift all"))
        : null);
}

function clearQuery(store: Store): void {
    const input = document.getElementById("search");
    if (input instanceof HTMLInputElement) input.value = "";
    store.set({ query: "" });
}

/** What changed is also said, for those who do not see the table. */
export function announceCount({ rows }: Page, changed: ReadonlySet<keyof State>): void {
    const quiet: (keyof State)[] = ["open", "order", "descending", "lanes"];
    if ([...changed].every((name) => quiet.includes(name))) return;
    announce(`${counted(rows.length, "alert")} shown`);
}

/** The ATT&CK matrix: of each tactic the techniques that were found, with how often and how bad. */

import type { Index } from "../contract.ts";
import { h, replace, soon } from "../dom.ts";
import { FAILS } from "../filter.ts";
import { number } from "../text.ts";
import { severityClass, severityName } from "./mark.ts";
import type { Page } from "./page.ts";

/** How many techniques of a tactic are shown before the rest must be unfolded. */
const CELLS_SHOWN = 14;

interface Cell { technique: Index; n: number; worst: number; isAssociation: boolean; }

export function matrix(page: Page): HTMLElement {
    const grid = h("div", { class: "matrix", tabindex: "0", role: "group", "aria-label": "ATT&CK matrix" });
    const note = h("span", { class: "faint" });
    const draw = soon(() => drawMatrix(page, grid, note));
    page.store.listen((_, changed) => {
        const quiet = ["open", "order", "descending", "grouped", "lanes"];
        if (![...changed].every((name) => quiet.includes(name))) draw();
    });
    draw();
    return h("section", { id: "matrix", "aria-labelledby": "matrix-title" },
        h("div", { class: "section-head" }, h("h2", { id: "matrix-title", tabindex: "-1" }, "ATT&CK"), note), grid);
}

function drawMatrix(page: Page, grid: HTMLElement, note: HTMLElement): void {
    const { model, filter, store } = page;
    const { tactics, run } = model.doc;
    const alerts = filter.rows(FAILS.attack);
    const columns = count(page, alerts);
    const totals = tactics.map((_, tactic) => alerts.filter((alert) => model.finding(alert).tactics.includes(tactic)).length);
    const n = new Set(columns.flatMap((cells) => [...cells.values()].filter((cell) => !cell.isAssociation).map((cell) => cell.technique))).size;
    replace(note, `${number(n)} techniques found · ${run.attack.domain.replace("-attack", "")} ${run.attack.version ?? ""} · a choice filters everything`);
    const focused = grid.contains(document.activeElement) ? (document.activeElement as HTMLElement).dataset["key"] : undefined;
    grid.style.setProperty("--columns", columns.map((cells, index) => (cells.size > 0 || store.state.tactics.has(index) ? "minmax(0, 190px)" : "30px")).join(" "));
    replace(grid, tactics.map((tactic, index) => {
        const cells = arrange([...columns[index].values()], page);
        const total = totals[index];
        return h("div", { class: cells.length > 0 ? "tactic" : "tactic is-empty" },
            h("button", {
                type: "button", class: "tactic-name", "data-key": `tactic ${index}`, "aria-pressed": String(store.state.tactics.has(index)),
                disabled: total === 0 && !store.state.tactics.has(index), title: `${tactic.id} ${tactic.name}`,
                on: { click: () => store.toggle("tactics", index) },
            }, h("span", null, tactic.name), h("span", { class: "count" }, total > 0 ? number(total) : "–")),
            cells.slice(0, CELLS_SHOWN).map((cell) => button(page, cell, index)), rest(page, cells.slice(CELLS_SHOWN), index));
    }));
    if (focused) grid.querySelector<HTMLElement>(`[data-key="${CSS.escape(focused)}"]`)?.focus();
}

/** The less severe of a tactic with many, folded unless one of them is chosen. */
function rest(page: Page, cells: Cell[], tactic: Index): HTMLElement | null {
    if (cells.length === 0) return null;
    const isChosen = cells.some((cell) => page.store.state.techniques.has(cell.technique));
    return h("details", { class: "cells-rest", open: isChosen || page.unfolded.has(tactic), on: { toggle: (event: Event) => {
        if ((event.target as HTMLDetailsElement).open) page.unfolded.add(tactic);
        else page.unfolded.delete(tactic);
    } } }, h("summary", null, `${number(cells.length)} more`), cells.map((cell) => button(page, cell, tactic)));
}

/** For each tactic its techniques, as the rules name them. */
function count({ model }: Page, alerts: Index[]): Map<Index, Cell>[] {
    const columns = model.doc.tactics.map(() => new Map<Index, Cell>());
    for (const alert of alerts) {
        const finding = model.finding(alert);
        const isAssociation = finding.kind !== "detection";
        for (const technique of finding.techniques) {
            for (const tactic of places(model.doc.techniques[technique].tactics, finding.tactics)) {
                const cell = columns[tactic].get(technique);
                if (!cell) columns[tactic].set(technique, { technique, n: 1, worst: finding.severity, isAssociation });
                else if (cell.isAssociation === isAssociation) Object.assign(cell, { n: cell.n + 1, worst: Math.max(cell.worst, finding.severity) });
                // What a rule found stands before what an event id hints at.
                else if (cell.isAssociation) Object.assign(cell, { n: 1, worst: finding.severity, isAssociation: false });
            }
        }
    }
    return columns;
}

/** Where a technique stands: under the rule's tactics, as far as it belongs there, else under its own. */
function places(ofTechnique: Index[], ofRule: Index[]): Index[] {
    const both = ofTechnique.filter((tactic) => ofRule.includes(tactic));
    return both.length > 0 ? both : ofTechnique;
}

/** The worst first; a sub-technique follows its technique where that was found too. */
function arrange(cells: Cell[], { model }: Page): Cell[] {
    return cells.sort((a, b) => Number(a.isAssociation) - Number(b.isAssociation) || b.worst - a.worst || b.n - a.n ||
        model.doc.techniques[a.technique].id.localeCompare(model.doc.techniques[b.technique].id));
}

function button({ model, store }: Page, cell: Cell, tactic: Index): HTMLElement {
    const technique = model.doc.techniques[cell.technique];
    const parent = technique.parent ? model.doc.techniques.find((one) => one.id === technique.parent)?.name : undefined;
    return h("button", {
        type: "button", class: `cell ${severityClass(cell.worst)}${cell.isAssociation ? " is-association" : ""}`, "data-key": `${tactic} ${cell.technique}`,
        "aria-pressed": String(store.state.techniques.has(cell.technique)),
        title: `${technique.id} ${parent ? `${parent}: ` : ""}${technique.name}; ${number(cell.n)} ${cell.isAssociation ? "associations" : `detections, the worst ${severityName(cell.worst)}`}`,
        on: { click: () => store.toggle("techniques", cell.technique) },
    },
    h("span", { class: "cell-name" }, technique.name),
    h("span", { class: "cell-id" }, technique.id), h("span", { class: "count" }, number(cell.n)),
    h("span", { class: "for-readers" }, cell.isAssociation ? ", association" : `, ${severityName(cell.worst)}`));
}

/**
 * The table of alerts. Only the rows in sight are in the page, so that ten thousand cost no more than twenty;
 * for printing there is a plain table of the first.
 */

import type { Index } from "../contract.ts";
import { h, replace, soon } from "../dom.ts";
import type { Order, State } from "../state.ts";
import { type Row, groupKey, makeRows, sortAlerts } from "../table.ts";
import { counted, line, number, shortHost } from "../text.ts";
import { clock, day, stamp } from "../time.ts";
import { severityName, spokenMark } from "./mark.ts";
import { type Page, isNarrow } from "./page.ts";

const COLUMNS: { order: Order | null; name: string }[] = [
    { order: "severity", name: "Severity" }, { order: "time", name: "Time (UTC)" }, { order: "host", name: "Host" },
    { order: "user", name: "Account" }, { order: "rule", name: "What was found" }, { order: null, name: "In the event" }, { order: null, name: "Event" },
];
const SPARE = 8;
const PRINTED_MAX = 500;

export function table(page: Page): HTMLElement {
    return new Table(page).element;
}

class Table {
    readonly element: HTMLElement;
    private readonly page: Page;
    private readonly head = h("div", { class: "row head", role: "row", "aria-rowindex": "1" });
    private readonly body = h("div", { class: "rows", role: "rowgroup" });
    private readonly scroller: HTMLElement;
    private readonly note = h("span", { class: "faint" });
    private readonly tools = h("div", { class: "tools" });
    private readonly printed = h("div", { class: "print-only" });
    private readonly unfolded = new Set<string>();
    private rows: Row[] = [];
    private at = 0;
    private height = 34;

    constructor(page: Page) {
        this.page = page;
        this.scroller = h("div", { class: "grid", role: "grid", tabindex: "0", "aria-label": "Alerts; arrow keys go through them, the enter key opens one" },
            h("div", { class: "head-box", role: "rowgroup" }, this.head), this.body);
        this.element = h("section", { id: "alerts", "aria-labelledby": "alerts-title" },
            h("div", { class: "section-head" }, h("h2", { id: "alerts-title", tabindex: "-1" }, "Alerts"), this.note, this.tools),
            this.scroller, this.printed);
        const paint = soon(() => this.paint());
        this.scroller.addEventListener("scroll", paint, { passive: true });
        new ResizeObserver(paint).observe(this.scroller);
        this.scroller.addEventListener("keydown", (event) => this.walk(event));
        page.store.listen((state, changed) => this.follow(state, changed));
        window.addEventListener("beforeprint", () => this.print());
        window.addEventListener("afterprint", () => replace(this.printed));
        this.update();
    }

    private follow(state: State, changed: ReadonlySet<keyof State>): void {
        if (changed.size === 1 && changed.has("lanes")) return;
        if (changed.size === 1 && changed.has("open")) {
            const at = this.rows.findIndex((row) => row.alert === state.open && (!row.group || row.group.length === 1 || !row.isUnfolded));
            if (at >= 0) this.at = at;
            this.paint();
            return;
        }
        this.at = 0;
        this.scroller.scrollTop = 0;
        this.update();
    }

    private update(): void {
        const { page } = this;
        const { state } = page.store;
        page.rows = sortAlerts(page.model, page.filter.rows(), state);
        this.rows = makeRows(page.model, page.rows, state.grouped, this.unfolded);
        this.drawHead(state);
        this.drawTools(state);
        this.paint();
    }

    private drawHead(state: State): void {
        const focused = this.head.contains(document.activeElement) ? (document.activeElement as HTMLElement).dataset["order"] : undefined;
        replace(this.head, COLUMNS.map(({ order, name }) => {
            const isBy = order === state.order;
            const sort = isBy ? (state.descending ? "descending" : "ascending") : "none";
            return h("div", { role: "columnheader", class: "cell-head", "aria-sort": order ? sort : undefined }, order
                ? h("button", { type: "button", "data-order": order, on: { click: () => this.page.store.set({ order, descending: isBy ? !state.descending : order === "severity" }) } },
                    name, h("span", { class: "sort", "aria-hidden": "true" }, isBy ? (state.descending ? " ↓" : " ↑") : ""))
                : name);
        }));
        if (focused) this.head.querySelector<HTMLElement>(`[data-order="${focused}"]`)?.focus();
    }

    private drawTools(state: State): void {
        const { page } = this;
        const groups = new Set(page.rows.map((alert) => groupKey(page.model, alert))).size;
        replace(this.note, state.grouped ? `${counted(page.rows.length, "alert")} of ${counted(groups, "rule and host", "rules and hosts")}` : counted(page.rows.length, "alert"));
        const choose = (grouped: boolean, words: string) => h("button", {
            type: "button", "aria-pressed": String(state.grouped === grouped), on: { click: () => page.store.set({ grouped }) },
        }, words);
        replace(this.tools, h("div", { class: "segments", role: "group", "aria-label": "Rows" }, choose(true, "One row a rule and host"), choose(false, "Each alert")));
    }

    /** Puts the rows in sight into the page. */
    private paint(): void {
        this.height = isNarrow() ? 62 : 34;
        const { scrollTop, clientHeight } = this.scroller;
        const first = Math.max(0, Math.floor(scrollTop / this.height) - SPARE);
        const last = Math.min(this.rows.length, Math.ceil((scrollTop + Math.max(clientHeight, 200)) / this.height) + SPARE);
        this.body.style.height = `${this.rows.length * this.height}px`;
        this.scroller.setAttribute("aria-rowcount", String(this.rows.length + 1));
        this.at = Math.min(this.at, Math.max(0, this.rows.length - 1));
        const shown: HTMLElement[] = [];
        for (let at = first; at < last; at++) shown.push(this.row(this.rows[at], at));
        replace(this.body, shown, this.rows.length === 0 ? h("p", { class: "empty" }, this.page.store.isRestricted ? "No alert has all of this." : "No alerts.") : null);
        const isShown = this.at >= first && this.at < last;
        if (isShown) this.scroller.setAttribute("aria-activedescendant", `row-${this.at}`);
        else this.scroller.removeAttribute("aria-activedescendant");
    }

    private row(row: Row, at: number): HTMLElement {
        const { model, store } = this.page;
        const { alert, group } = row;
        const finding = model.finding(alert);
        const time = model.time[alert];
        const isAssociation = !model.isDetection[alert];
        const many = group && group.length > 1 ? group : null;
        const isOpen = store.state.open === alert || (many !== null && !row.isUnfolded && many.includes(store.state.open));
        const cell = (name: string, ...content: Parameters<typeof h>[2][]) => h("div", { role: "gridcell", class: `cell-${name}` }, content);
        return h("div", {
            class: `row${isOpen ? " is-open" : ""}${at === this.at ? " is-at" : ""}${row.isMember ? " is-member" : ""}${isAssociation ? " is-association" : ""}`,
            role: "row", id: `row-${at}`, "aria-rowindex": String(at + 2), "aria-selected": String(isOpen),
            style: { transform: `translateY(${at * this.height}px)` },
            on: { click: (event: MouseEvent) => this.choose(at, event) },
        },
        cell("severity", spokenMark(finding.severity, isAssociation), h("span", { class: "word", "aria-hidden": "true" }, isAssociation ? "association" : severityName(finding.severity))),
        cell("time", Number.isNaN(time) ? "no time" : [h("span", { class: "date" }, day(time)), " ", clock(time)]),
        cell("host", shortHost(model.hostOf(alert)?.name ?? "")),
        cell("user", line(model.userOf(alert)?.name ?? "", 60)),
        cell("rule", many ? h("span", { class: `fold${row.isUnfolded ? " is-unfolded" : ""}`, title: row.isUnfolded ? "fold" : "unfold" }, "▸") : null,
            h("span", { class: "title" }, finding.title), many ? h("span", { class: "times" }, `×${number(many.length)}`) : null),
        cell("gist", line(model.gist(alert), 260)),
        cell("event", h("span", null, String(model.kind(alert).id ?? ""), model.isDerived(alert) ? h("abbr", { title: "the event stands for one of another kind" }, " d") : null)));
    }

    private choose(at: number, event: MouseEvent): void {
        this.at = at;
        const row = this.rows[at];
        const isFold = (event.target as Element).closest(".fold, .times") !== null;
        if (isFold && row.group) this.fold(at);
        else this.open(at);
        this.scroller.focus({ preventScroll: true });
    }

    private fold(at: number): void {
        const row = this.rows[at];
        if (!row.group || row.group.length < 2) return;
        const key = groupKey(this.page.model, row.alert);
        if (!this.unfolded.delete(key)) this.unfolded.add(key);
        this.rows = makeRows(this.page.model, this.page.rows, this.page.store.state.grouped, this.unfolded);
        this.paint();
    }

    private open(at: number): void {
        const row = this.rows[at];
        if (row) this.page.open(row.alert, this.opened());
    }

    /** What "next" goes through: the first alert of each row, as the table stands. */
    private opened(): Index[] {
        return this.rows.filter((row) => !row.isUnfolded).map((row) => row.alert);
    }

    private walk(event: KeyboardEvent): void {
        if (event.target !== this.scroller) return;
        const page = Math.max(1, Math.floor(this.scroller.clientHeight / this.height) - 2);
        const to = {
            ArrowDown: this.at + 1, ArrowUp: this.at - 1, PageDown: this.at + page, PageUp: this.at - page,
            Home: 0, End: this.rows.length - 1,
        }[event.key];
        if (to !== undefined) {
            event.preventDefault();
            this.at = Math.min(Math.max(to, 0), this.rows.length - 1);
            this.bringIntoSight();
            if (this.page.store.state.open >= 0) this.open(this.at);
            else this.paint();
        } else if (event.key === "Enter") {
            event.preventDefault();
            this.open(this.at);
        } else if (event.key === "ArrowRight" || event.key === "ArrowLeft") {
            event.preventDefault();
            if (this.rows[this.at]?.group && this.rows[this.at].isUnfolded === (event.key === "ArrowLeft")) this.fold(this.at);
        }
    }

    private bringIntoSight(): void {
        const [top, head] = [this.at * this.height, this.head.offsetHeight];
        const { scrollTop, clientHeight } = this.scroller;
        if (top < scrollTop) this.scroller.scrollTop = top;
        else if (top + this.height + head > scrollTop + clientHeight) this.scroller.scrollTop = top + this.height + head - clientHeight;
    }

    /** On paper there is no scrolling: the first rows as a plain table, and how many there are more. */
    private print(): void {
        const { model } = this.page;
        const rows = this.rows.filter((row) => !row.isMember);
        replace(this.printed, h("table", null,
            h("thead", null, h("tr", null, ["Severity", "Time (UTC)", "Host", "Account", "What was found", "In the event"].map((name) => h("th", null, name)))),
            h("tbody", null, rows.slice(0, PRINTED_MAX).map(({ alert, group }) => h("tr", null,
                h("td", null, spokenMark(model.severity[alert]), severityName(model.severity[alert])),
                h("td", null, stamp(model.time[alert])), h("td", null, shortHost(model.hostOf(alert)?.name ?? "")),
                h("td", null, line(model.userOf(alert)?.name ?? "", 60)),
                h("td", null, model.finding(alert).title, group && group.length > 1 ? ` ×${number(group.length)}` : ""),
                h("td", null, line(model.gist(alert), 160)))))),
        rows.length > PRINTED_MAX ? h("p", null, `and ${number(rows.length - PRINTED_MAX)} rows more, which are in the file`) : null);
    }
}

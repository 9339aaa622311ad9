/**
 * The attack over time: a histogram, and under it a lane for each host, account or logon session, in which
 * alerts stand at their time in the row of their tactic. Rows are in the matrix's order, so that an attack
 * goes down and to the right; arcs are connections by which it may have come from lane to lane.
 */

import type { Connection, Index } from "../contract.ts";
import { h, replace, soon, svg } from "../dom.ts";
import { FAILS } from "../filter.ts";
import { LANES, type Lanes } from "../state.ts";
import { telling } from "../story.ts";
import { clip, counted, line, number, shortHost } from "../text.ts";
import { Scale, clock, duration, stamp } from "../time.ts";
import { Brush } from "./brush.ts";
import { outline, severityClass, severityName } from "./mark.ts";
import { type Page, isNarrow } from "./page.ts";

const ROW = 17;
const LANE_HEAD = 25;
const LANE_GAP = 10;
const HISTOGRAM = 58;
const AXIS = 22;
const LANES_FEW = 6;
const MERGE_WITHIN = 9;

/** A lane with its rows, laid out. */
interface Lane { key: Index; name: string; note: string; alerts: Index[]; rows: Row[]; top: number; bottom: number; }
interface Row { tactic: Index; y: number; }

export function picture(page: Page): HTMLElement {
    return new Picture(page).element;
}

class Picture {
    readonly element: HTMLElement;
    private readonly page: Page;
    private readonly brush: Brush | null;
    private readonly canvas = h("div", { class: "picture-canvas", role: "group", "aria-label": "Alerts by time, lane and tactic; arrow keys go from one to the next" });
    private readonly note = h("p", { class: "picture-note faint" });
    private readonly tools = h("div", { class: "tools" });
    private showsAll = false;
    private everyConnection = false;
    private focus = 0;

    constructor(page: Page) {
        this.page = page;
        const whole = this.whole();
        this.brush = whole ? new Brush(page, whole) : null;
        this.element = h("section", { id: "picture", "aria-labelledby": "picture-title" },
            h("div", { class: "section-head" }, h("h2", { id: "picture-title", tabindex: "-1" }, "Over time"), this.tools),
            this.brush?.element, this.canvas, this.note);
        const draw = soon(() => this.draw());
        page.store.listen((_, changed) => {
            if (changed.size === 1 && (changed.has("order") || changed.has("descending") || changed.has("grouped"))) return;
            draw();
        });
        new ResizeObserver(draw).observe(this.canvas);
        this.canvas.addEventListener("keydown", (event) => this.walk(event));
    }

    /** The time of the logs, or of the alerts where that is longer. */
    private whole(): [number, number] | null {
        const { model } = this.page;
        let [from, to] = model.doc.totals.span ?? [Infinity, -Infinity];
        for (const time of model.time) {
            if (time < from) from = time;
            if (time > to) to = time;
        }
        return from <= to ? [from, Math.max(to, from + 1_000_000)] : null;
    }

    /** What is shown when nothing was chosen: where detections are, with a little around them. */
    private range(alerts: Index[]): [number, number] {
        const { store, model } = this.page;
        if (store.state.range) return [store.state.range[0], Math.max(store.state.range[1], store.state.range[0] + 1)];
        let [from, to] = [Infinity, -Infinity];
        for (const alert of alerts) {
            const time = model.time[alert];
            if (time < from) from = time;
            if (time > to) to = time;
        }
        if (from > to) return this.whole() ?? [0, 1];
        const around = Math.max((to - from) * 0.02, 30_000_000);
        return [from - around, to + around];
    }

    private draw(): void {
        const { page } = this;
        const width = this.canvas.clientWidth;
        if (width === 0) return;
        const alerts = page.filter.rows(FAILS.time).filter((alert) => !Number.isNaN(page.model.time[alert]));
        const range = this.range(alerts);
        const shown = alerts.filter((alert) => page.model.time[alert] >= range[0] && page.model.time[alert] <= range[1]);
        const gutter = isNarrow() ? 88 : 158;
        const times = shown.map((alert) => page.model.time[alert]).sort((a, b) => a - b);
        const scale = new Scale(times, range, width - gutter - 12, true);
        const all = this.lanes(shown);
        const lanes = this.lay(this.showsAll ? all.slice(0, 60) : all.slice(0, LANES_FEW));
        const height = (lanes[lanes.length - 1]?.bottom ?? HISTOGRAM + AXIS) + 6;
        const drawing = new Drawing(page, scale, gutter, width, height);
        drawing.axis();
        drawing.histogram(shown);
        for (const lane of lanes) drawing.lane(lane);
        if (page.store.state.lanes === "host") drawing.connections(lanes, this.connections(range));
        drawing.marks(lanes);
        const focused = this.canvas.contains(document.activeElement);
        replace(this.canvas, drawing.svg);
        if (focused) this.marks()[this.focus]?.focus();
        this.zoomByDragging(drawing.svg, scale, gutter);
        this.brush?.draw(width, range);
        this.drawTools(all.length);
        this.drawNote(scale, lanes, shown.length);
    }

    private lanes(alerts: Index[]): Lane[] {
        const { model, store } = this.page;
        const by = store.state.lanes;
        const of = by === "host" ? model.host : by === "user" ? model.user : model.session;
        const grouped = new Map<Index, Index[]>();
        for (const alert of alerts) {
            if (by === "session" && of[alert] < 0) continue;
            const list = grouped.get(of[alert]);
            if (list) list.push(alert);
            else grouped.set(of[alert], [alert]);
        }
        const lanes = [...grouped].map(([key, list]) => ({ key, ...this.name(by, key), alerts: list, rows: [], top: 0, bottom: 0 }));
        const weight = (lane: Lane) => lane.alerts.reduce((sum, alert) => sum + [0, 1, 4, 16, 64][Math.max(0, model.severity[alert])], 0);
        const score = (lane: Lane) => (by === "host" ? model.doc.hosts[lane.key]?.score : by === "user" ? model.doc.users[lane.key]?.score : undefined) ?? weight(lane);
        return lanes.sort((a, b) => score(b) - score(a));
    }

    private name(by: Lanes, key: Index): { name: string; note: string } {
        const { hosts, users, sessions } = this.page.model.doc;
        if (by === "host") return { name: hosts[key] ? shortHost(hosts[key].name) : "unknown host", note: hosts[key]?.addresses[0] ?? "" };
        if (by === "user") return { name: users[key]?.name ?? "no account", note: "" };
        const session = sessions[key];
        if (!session) return { name: "no session", note: "" };
        const from = session.from >= 0 ? shortHost(hosts[session.from].name) : session.from_text;
        return {
            name: `${users[session.user]?.name ?? "?"} on ${shortHost(hosts[session.host]?.name ?? "?")}`,
            note: [session.id, session.opened, from && `from ${from}`].filter(Boolean).join(", "),
        };
    }

    /** The few that matter most, the first one that something was found in on top. */
    private lay(lanes: Lane[]): Lane[] {
        const { model } = this.page;
        const first = (lane: Lane) => Math.min(...lane.alerts.map((alert) => model.time[alert]));
        lanes.sort((a, b) => first(a) - first(b));
        let y = HISTOGRAM + AXIS + 4;
        for (const lane of lanes) {
            const tactics = new Set(lane.alerts.flatMap((alert) => model.finding(alert).tactics));
            lane.top = y;
            y += LANE_HEAD;
            lane.rows = [...tactics].sort((a, b) => a - b).map((tactic) => ({ tactic, y: (y += ROW) - ROW / 2 }));
            // Rules without a tactic have a row of their own.
            if (lane.alerts.some((alert) => model.finding(alert).tactics.length === 0)) lane.rows.push({ tactic: -1, y: (y += ROW) - ROW / 2 });
            lane.bottom = y + LANE_GAP / 2;
            y += LANE_GAP;
        }
        return lanes;
    }

    private connections(range: readonly [number, number]): Connection[] {
        const all = this.everyConnection ? this.page.model.doc.connections : telling(this.page.model);
        return all.filter((one) => one.last >= range[0] && one.first <= range[1]);
    }

    private drawTools(n: number): void {
        const { store, model } = this.page;
        const lanes = h("div", { class: "segments", role: "group", "aria-label": "Lanes" }, LANES.map((by) =>
            h("button", { type: "button", "aria-pressed": String(store.state.lanes === by), on: { click: () => store.set({ lanes: by }) } },
                { host: "Hosts", user: "Accounts", session: "Logon sessions" }[by])));
        const connections = model.doc.connections.length > 0 && store.state.lanes === "host"
            ? this.toggle("All connections", this.everyConnection, (on) => (this.everyConnection = on)) : null;
        const more = n > LANES_FEW ? this.toggle(`All ${number(n)} lanes`, this.showsAll, (on) => (this.showsAll = on)) : null;
        const whole = store.state.range
            ? h("button", { type: "button", class: "quiet", on: { click: () => store.set({ range: null }) } }, "Zoom out") : null;
        replace(this.tools, whole, connections, more, lanes);
    }

    private toggle(words: string, isOn: boolean, set: (on: boolean) => void): HTMLElement {
        return h("button", { type: "button", class: "quiet", "aria-pressed": String(isOn), on: { click: () => { set(!isOn); this.draw(); } } }, words);
    }

    private drawNote(scale: Scale, lanes: Lane[], n: number): void {
        const folded = scale.stretches.filter((stretch) => stretch.folded);
        const quiet = folded.reduce((sum, stretch) => sum + stretch.to - stretch.from, 0);
        replace(this.note, n === 0 ? "No alert with a time is shown. " : "",
            folded.length > 0 ? `Hatched: ${duration(quiet)} in which nothing was found, folded. ` : "",
            lanes.length > 0 ? "Numbers are the steps of the story; paler marks repeat an alert in its further tactics; drag over the bars to zoom in." : "");
    }

    private zoomByDragging(drawing: SVGSVGElement, scale: Scale, gutter: number): void {
        const area = drawing.querySelector<SVGRectElement>(".histogram-area");
        const chosen = drawing.querySelector<SVGRectElement>(".histogram-chosen");
        if (!area || !chosen) return;
        let start: number | null = null;
        const x = (event: PointerEvent) => Math.min(scale.width, Math.max(0, event.clientX - drawing.getBoundingClientRect().left - gutter));
        area.addEventListener("pointerdown", (event) => {
            start = x(event);
            area.setPointerCapture(event.pointerId);
        });
        area.addEventListener("pointermove", (event) => {
            if (start === null) return;
            const end = x(event);
            chosen.setAttribute("x", String(gutter + Math.min(start, end)));
            chosen.setAttribute("width", String(Math.abs(end - start)));
        });
        area.addEventListener("pointerup", (event) => {
            if (start === null) return;
            const [from, to] = [Math.min(start, x(event)), Math.max(start, x(event))];
            start = null;
            chosen.setAttribute("width", "0");
            if (to - from > 4) this.page.store.set({ range: [scale.time(from), scale.time(to)] });
        });
    }

    private marks(): SVGGElement[] { return [...this.canvas.querySelectorAll<SVGGElement>("[data-mark]")]; }

    /** One stop for the tabulator key; the arrow keys go through the marks. */
    private walk(event: KeyboardEvent): void {
        const marks = this.marks();
        const at = marks.indexOf(document.activeElement as unknown as SVGGElement);
        if (at < 0) return;
        const here = marks[at].getBoundingClientRect();
        const row = (mark: SVGGElement) => Number(mark.dataset["y"]);
        const near = (list: SVGGElement[]) => list.sort((a, b) =>
            Math.abs(row(a) - row(marks[at])) * 4 + Math.abs(a.getBoundingClientRect().left - here.left) -
            (Math.abs(row(b) - row(marks[at])) * 4 + Math.abs(b.getBoundingClientRect().left - here.left)))[0];
        const inRow = marks.filter((mark) => row(mark) === row(marks[at]));
        const ways: { [key: string]: () => SVGGElement | undefined } = {
            ArrowRight: () => inRow[inRow.indexOf(marks[at]) + 1],
            ArrowLeft: () => inRow[inRow.indexOf(marks[at]) - 1],
            ArrowDown: () => near(marks.filter((mark) => row(mark) > row(marks[at]))),
            ArrowUp: () => near(marks.filter((mark) => row(mark) < row(marks[at]))),
        };
        const next = ways[event.key]?.();
        if (next) {
            event.preventDefault();
            marks[at].setAttribute("tabindex", "-1");
            next.setAttribute("tabindex", "0");
            this.focus = marks.indexOf(next);
            next.focus();
        } else if (event.key === "Enter" || event.key === " ") {
            event.preventDefault();
            marks[at].dispatchEvent(new MouseEvent("click", { bubbles: true }));
        }
    }
}

/** Alerts of a row that stand too close to be told apart. */
interface Cluster { x: number; y: number; alerts: Index[]; worst: Index; isFirst: boolean; step: number | null; }

class Drawing {
    readonly svg: SVGSVGElement;
    private readonly page: Page;
    private readonly scale: Scale;
    private readonly gutter: number;
    private readonly width: number;
    private readonly height: number;
    private readonly steps: Map<Index, number>;

    constructor(page: Page, scale: Scale, gutter: number, width: number, height: number) {
        this.page = page;
        this.scale = scale;
        this.gutter = gutter;
        this.width = width;
        this.height = height;
        this.steps = new Map(page.story.steps.map((step) => [step.alert, step.number]));
        this.svg = svg("svg", { width, height, viewBox: `0 0 ${width} ${height}`, class: "picture" },
            svg("defs", null,
                svg("pattern", { id: "folded", width: 6, height: 6, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" }, svg("line", { x1: 0, y1: 0, x2: 0, y2: 6, class: "hatch" })),
                svg("marker", { id: "arrow", viewBox: "0 0 8 8", refX: 6.5, refY: 4, markerWidth: 6, markerHeight: 6, orient: "auto" }, svg("path", { d: "M0 0.5L7.5 4L0 7.5Z", class: "arrow-head" }))));
    }

    private x(time: number): number { return this.gutter + this.scale.x(time); }

    axis(): void {
        const bottom = HISTOGRAM + AXIS - 7;
        for (const stretch of this.scale.stretches.filter((one) => one.folded)) {
            const [x, wide] = [this.gutter + stretch.x0, stretch.x1 - stretch.x0];
            this.svg.append(svg("g", null, svg("rect", { x, y: 0, width: wide, height: this.height, fill: "url(#folded)", class: "fold" }),
                svg("title", null, `${duration(stretch.to - stretch.from)} in which nothing was found`)));
        }
        for (const tick of this.scale.ticks()) {
            const x = this.gutter + tick.x;
            this.svg.append(svg("line", { x1: x, x2: x, y1: 0, y2: this.height, class: "grid" }),
                svg("text", { x: x + 3, y: bottom, class: tick.isDay ? "tick is-day" : "tick" }, tick.label));
        }
        this.svg.append(svg("line", { x1: this.gutter, x2: this.width, y1: HISTOGRAM, y2: HISTOGRAM, class: "base" }));
    }

    histogram(alerts: Index[]): void {
        const { model } = this.page;
        const step = 6;
        const bins = Array.from({ length: Math.ceil(this.scale.width / step) + 1 }, () => new Float64Array(5));
        for (const alert of alerts) {
            const bin = bins[Math.floor(this.scale.x(model.time[alert]) / step)];
            if (model.severity[alert] >= 0) bin[model.severity[alert]]++;
        }
        const most = Math.max(1, ...bins.map((bin) => bin.reduce((sum, n) => sum + n, 0)));
        const paths = ["", "", "", "", ""];
        bins.forEach((bin, at) => {
            let y = HISTOGRAM;
            for (let severity = 4; severity >= 0; severity--) {
                if (bin[severity] === 0) continue;
                const tall = Math.max(2, ((HISTOGRAM - 8) * bin[severity]) / most);
                paths[severity] += `M${this.gutter + at * step} ${y.toFixed(1)}v${-tall.toFixed(1)}h${step - 1}v${tall.toFixed(1)}Z`;
                y -= tall;
            }
        });
        paths.forEach((d, severity) => d && this.svg.append(svg("path", { d, class: `fill ${severityClass(severity)}` })));
        this.svg.append(
            svg("text", { x: this.gutter - 8, y: 12, class: "tick is-end" }, `${number(most)} at most`),
            svg("rect", { class: "histogram-chosen", x: 0, y: 0, width: 0, height: HISTOGRAM }),
            svg("rect", { class: "histogram-area", x: this.gutter, y: 0, width: this.scale.width, height: HISTOGRAM }));
    }

    lane(lane: Lane): void {
        const { model } = this.page;
        const narrow = this.gutter < 100;
        this.svg.append(
            svg("rect", { x: 0, y: lane.top, width: this.width, height: lane.bottom - lane.top, rx: 5, class: "lane" }),
            svg("text", { x: 9, y: lane.top + 17, class: "lane-name" }, clip(line(lane.name, 60), narrow ? 24 : 44),
                lane.note ? svg("tspan", { class: "lane-note", dx: 8 }, clip(lane.note, narrow ? 16 : 70)) : null));
        for (const row of lane.rows) {
            const name = model.doc.tactics[row.tactic]?.name ?? "no tactic";
            this.svg.append(
                svg("text", { x: this.gutter - 9, y: row.y + 3.5, class: narrow ? "row-name is-narrow" : "row-name" }, narrow ? clip(name, 12) : name),
                svg("line", { x1: this.gutter, x2: this.width - 6, y1: row.y, y2: row.y, class: "row-line" }));
        }
    }

    connections(lanes: Lane[], all: Connection[]): void {
        const laneOf = new Map(lanes.map((lane) => [lane.key, lane]));
        const drawn = new Map<string, { x: number; n: number; one: Connection; from: Lane; to: Lane; isFirst: boolean }>();
        const hops = new Set(this.page.story.hops.map((hop) => hop.connection));
        const refused = new Set<string>();
        for (const one of all) {
            const [from, to] = [laneOf.get(one.from), laneOf.get(one.to)];
            if (!from || !to || from === to) continue;
            const x = this.x(Math.max(one.first, this.scale.from));
            const way = `${one.from} ${one.to} ${one.failed ? "failed" : one.user}`;
            const key = `${way} ${Math.round(x / 16)}`;
            const before = drawn.get(key);
            const isFirst = hops.has(one) || (one.failed && !refused.has(way));
            if (one.failed) refused.add(way);
            if (!before) drawn.set(key, { x, n: one.n, one, from, to, isFirst });
            else Object.assign(before, { n: before.n + one.n }, isFirst ? { one, x, isFirst } : {});
        }
        const taken: [number, number][] = [];
        for (const way of drawn.values()) this.connection(way, taken);
    }

    private connection({ x, n, one, from, to, isFirst }: { x: number; n: number; one: Connection; from: Lane; to: Lane; isFirst: boolean }, taken: [number, number][]): void {
        const { hosts, users } = this.page.model.doc;
        const down = to.top > from.top;
        const [y1, y2] = down ? [from.bottom - LANE_GAP / 2, to.top + 6] : [from.top + 4, to.bottom - LANE_GAP / 2];
        const bend = Math.min(26, Math.abs(y2 - y1) / 3 + 8);
        const user = users[one.user]?.name ?? "";
        const words = `${clock(one.first)} ${shortHost(hosts[one.from].name)} to ${shortHost(hosts[one.to].name)}: ${one.how}${user ? ` as ${user}` : ""}${n > 1 ? `, ${number(n)} times` : ""}${one.failed ? ", refused" : ""}`;
        const group = svg("g", { class: `connection${one.failed ? " is-failed" : ""}${isFirst ? " is-first" : ""}` },
            svg("title", null, words),
            svg("path", { d: `M${x - bend} ${y1}C${x - bend / 4} ${y1} ${x - bend / 4} ${y2} ${x + 1} ${y2}`, "marker-end": "url(#arrow)" }));
        const y = down ? to.top + 15 : from.top + 15;
        const label = clip(one.failed ? `${number(n)} refused` : `${user.split("\\").pop() ?? ""} · ${one.how}`, 34);
        const [left, right] = [x + 6, x + 10 + label.length * 5.6];
        const isFree = !taken.some(([a, b]) => left < b && right > a) && right < this.width && left > this.gutter + 60;
        if (isFirst && isFree) {
            taken.push([left, right]);
            group.append(svg("text", { x: left, y, class: "connection-name" }, label));
        }
        this.svg.append(group);
    }

    /** The marks of alerts, those of the story with their numbers and a thread from one to the next. */
    marks(lanes: Lane[]): void {
        const clusters = lanes.flatMap((lane) => lane.rows.flatMap((row) => this.clusters(lane, row)));
        const steps = clusters.filter((cluster) => cluster.step !== null).sort((a, b) => a.step! - b.step!);
        const thread = steps.map(({ x, y }, at) => {
            const before = steps[at - 1];
            const bend = before ? Math.min(36, Math.max(4, (x - before.x) / 2)) : 0;
            return before ? `C${before.x + bend} ${before.y} ${x - bend} ${y} ${x} ${y}` : `M${x} ${y}`;
        }).join("");
        if (steps.length > 1) this.svg.append(svg("path", { d: thread, class: "thread" }));
        clusters.sort((a, b) => a.y - b.y || a.x - b.x);
        clusters.forEach((cluster, at) => this.svg.append(this.mark(cluster, at === 0)));
    }

    private clusters(lane: Lane, row: Row): Cluster[] {
        const { model } = this.page;
        const clusters: Cluster[] = [];
        for (const alert of lane.alerts) {
            const { tactics } = model.finding(alert);
            if (row.tactic >= 0 ? !tactics.includes(row.tactic) : tactics.length > 0) continue;
            const isFirst = tactics[0] === row.tactic || row.tactic < 0;
            const step = isFirst ? (this.steps.get(alert) ?? null) : null;
            const x = this.x(model.time[alert]);
            const last = clusters[clusters.length - 1];
            if (last && x - last.x <= (last.step || step ? MERGE_WITHIN + 5 : MERGE_WITHIN) && !(last.step && step)) {
                last.alerts.push(alert);
                last.isFirst ||= isFirst;
                const isWorse = model.severity[alert] > model.severity[last.worst];
                if (step !== null) [last.step, last.worst] = [step, alert];
                else if (isWorse && last.step === null) last.worst = alert;
            } else clusters.push({ x, y: row.y, alerts: [alert], worst: alert, isFirst, step });
        }
        return clusters;
    }

    private mark(cluster: Cluster, isStop: boolean): SVGGElement {
        const { page } = this;
        const { model } = page;
        const { x, y, worst, alerts } = cluster;
        const severity = model.severity[worst];
        const isOpen = alerts.includes(page.store.state.open);
        const more = alerts.length > 1 ? `, and ${counted(alerts.length - 1, "more alert")} close to it` : "";
        const step = cluster.step === null ? "" : `${cluster.step}, `;
        const words = `${step}${stamp(model.time[worst])} ${severityName(severity)}: ${model.finding(worst).title}${more}`;
        const size = 3.9 + Math.min(2.6, Math.log2(alerts.length) * 0.8);
        const isAssociation = !model.isDetection[worst];
        const group = svg("g", {
            class: `dot ${severityClass(severity)}${cluster.isFirst ? "" : " is-further"}${isOpen ? " is-open" : ""}${isAssociation ? " is-association" : ""}`,
            role: "button", tabindex: isStop ? "0" : "-1", "aria-label": words, "data-mark": "", "data-y": String(y),
            on: { click: () => page.open(worst, alerts) },
        }, svg("title", null, words));
        if (cluster.step !== null) {
            group.append(svg("circle", { cx: x, cy: y, r: 8, class: "step-disc" }), svg("text", { x, y: y + 3.4, class: "step-label" }, String(cluster.step)));
        } else group.append(svg("path", { d: outline(severity, x, y, size) }));
        return group;
    }
}


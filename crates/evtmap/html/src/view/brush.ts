/** The strip of the whole time, on which a stretch is chosen: by dragging, or with the arrow keys. */

import { h, replace, svg } from "../dom.ts";
import { exact } from "../time.ts";
import type { Page } from "./page.ts";

const HEIGHT = 30;

export class Brush {
    readonly element: HTMLElement;
    private readonly plot = h("div", { class: "brush-plot" });
    private readonly window = h("div", { class: "brush-window" });
    private readonly handles: HTMLElement[];
    private readonly page: Page;
    private readonly from: number;
    private readonly to: number;
    /** What the picture shows, also when nothing was chosen. */
    private shown: readonly [number, number];

    constructor(page: Page, whole: readonly [number, number]) {
        this.page = page;
        [this.from, this.to] = whole;
        this.shown = whole;
        this.handles = ["start", "end"].map((name, which) => this.handle(name, which));
        this.element = h("div", { class: "brush", title: "Drag to choose a stretch of time; double click for all of it" }, this.plot, this.window, this.handles);
        this.listen();
    }

    draw(width: number, shown: readonly [number, number]): void {
        this.shown = shown;
        const { model, store } = this.page;
        const bins = new Float64Array(Math.max(20, Math.floor(width / 3)));
        for (let alert = 0; alert < model.n; alert++) {
            const time = model.time[alert];
            if (Number.isNaN(time) || !(model.isDetection[alert] || store.state.associations)) continue;
            bins[Math.min(bins.length - 1, Math.max(0, Math.floor(this.part(time) * bins.length)))] += 1;
        }
        const most = Math.max(...bins, 1);
        const step = width / bins.length;
        const bars = Array.from(bins, (n, at) => {
            const tall = n === 0 ? 0 : 3 + (HEIGHT - 5) * Math.sqrt(n / most);
            return n === 0 ? "" : `M${(at * step).toFixed(1)} ${HEIGHT}v-${tall.toFixed(1)}h${Math.max(1.4, step - 0.8).toFixed(1)}V${HEIGHT}Z`;
        }).join("");
        replace(this.plot, svg("svg", { width, height: HEIGHT, "aria-hidden": "true" }, svg("path", { d: bars, class: "brush-bars" })));
        const [left, right] = [this.part(shown[0]) * 100, this.part(shown[1]) * 100];
        this.window.style.left = `${left}%`;
        this.window.style.width = `max(2px, ${right - left}%)`;
        this.element.classList.toggle("is-chosen", store.state.range !== null);
        this.handles.forEach((handle, which) => {
            handle.style.left = `${which === 0 ? left : right}%`;
            handle.setAttribute("aria-valuenow", String(Math.round(this.part(shown[which]) * 1000)));
            handle.setAttribute("aria-valuetext", exact(shown[which]));
        });
    }

    private part(time: number): number {
        return Math.min(1, Math.max(0, (time - this.from) / Math.max(1, this.to - this.from)));
    }

    private handle(name: string, which: number): HTMLElement {
        return h("div", {
            class: "brush-handle", role: "slider", tabindex: "0", "aria-label": `${name} of the shown time`,
            "aria-valuemin": "0", "aria-valuemax": "1000", "aria-valuenow": String(which * 1000),
            on: {
                keydown: (event: KeyboardEvent) => {
                    const step = (this.to - this.from) / (event.shiftKey ? 20 : 200);
                    const by = { ArrowLeft: -step, ArrowDown: -step, ArrowRight: step, ArrowUp: step }[event.key];
                    if (by === undefined) return;
                    event.preventDefault();
                    const range: [number, number] = [this.shown[0], this.shown[1]];
                    range[which] = Math.min(this.to, Math.max(this.from, range[which] + by));
                    if (range[0] < range[1]) this.page.store.set({ range });
                },
            },
        });
    }

    private listen(): void {
        let start: number | null = null;
        const time = (event: PointerEvent) => {
            const box = this.element.getBoundingClientRect();
            return this.from + Math.min(1, Math.max(0, (event.clientX - box.left) / box.width)) * (this.to - this.from);
        };
        const select = (end: number) => start !== null && this.page.store.set({ range: start < end ? [start, end] : [end, start] });
        this.element.addEventListener("pointerdown", (event) => {
            if (event.button !== 0) return;
            const handle = this.handles.indexOf(event.target as HTMLElement);
            // Whoever takes a handle moves that end and keeps the other.
            start = handle < 0 ? time(event) : this.shown[1 - handle];
            this.element.setPointerCapture(event.pointerId);
        });
        this.element.addEventListener("pointermove", (event) => {
            if (start === null) return;
            const end = time(event);
            if (Math.abs(this.part(end) - this.part(start)) > 0.002) select(end);
        });
        const stop = () => (start = null);
        this.element.addEventListener("pointerup", stop);
        this.element.addEventListener("pointercancel", stop);
        this.element.addEventListener("dblclick", () => this.page.store.set({ range: null }));
    }
}

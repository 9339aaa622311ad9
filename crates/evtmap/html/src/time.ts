/** Times as text, and the scale that lays them out. All times are UTC and in microseconds. */

const MS = 1_000;
const SECOND = 1_000_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const iso = (time: number): string => {
    const date = new Date(time / MS);
    return Number.isNaN(date.getTime()) ? "" : date.toISOString();
};

/** `2026-03-11` */
export const day = (time: number): string => iso(time).split("T")[0] ?? "";
/** `14:11:47` */
export const clock = (time: number): string => iso(time).split("T")[1]?.slice(0, 8) ?? "";
/** `14:11` */
export const minute = (time: number): string => clock(time).slice(0, 5);
/** `2026-03-11 14:11:47` */
export const stamp = (time: number): string => (Number.isNaN(time) ? "no time" : `${day(time)} ${clock(time)}`);
/** With microseconds, as evidence is quoted. */
export function exact(time: number): string {
    if (Number.isNaN(time)) return "no time";
    const micros = String(((time % SECOND) + SECOND) % SECOND).padStart(6, "0");
    return `${day(time)} ${clock(time)}.${micros} UTC`;
}

/** From one time to another, without saying the day twice. */
export function span(from: number, to: number): string {
    if (day(from) !== day(to)) return `${day(from)} ${minute(from)} to ${day(to)} ${minute(to)}`;
    return minute(from) === minute(to) ? `${day(from)} ${minute(from)}` : `${day(from)} ${minute(from)} to ${minute(to)}`;
}

/** How long something took, roughly: `2 h 58 min`. */
export function duration(micros: number): string {
    const two = (big: number, bigName: string, small: number, smallName: string) => {
        const n = Math.floor(micros / big);
        const rest = Math.floor((micros - n * big) / small);
        return rest > 0 && n < 10 ? `${n} ${bigName} ${rest} ${smallName}` : `${n} ${bigName}`;
    };
    if (micros < SECOND) return "less than a second";
    if (micros < MINUTE) return `${Math.round(micros / SECOND)} s`;
    if (micros < HOUR) return two(MINUTE, "min", SECOND, "s");
    if (micros < DAY) return two(HOUR, "h", MINUTE, "min");
    if (micros < 700 * DAY) return two(DAY, "d", HOUR, "h");
    return `${Math.round(micros / (365.25 * DAY))} years`;
}

/** A stretch of time that is drawn to scale, or quiet and folded. */
interface Stretch { from: number; to: number; x0: number; x1: number; folded: boolean; }

const FOLD_WIDTH = 14;
/** How wide the page must be for each fold. */
const STRETCH_ROOM = 64;
const STRETCH_WIDTH_MIN = 16;
const GAP_MIN = 6 * HOUR;
const GAP_PART = 0.04;

/**
 * From time to place and back. Where nothing happens for long, time is folded to a narrow mark, so that the
 * hour that matters is not a hair on an axis of years.
 */
export class Scale {
    readonly stretches: Stretch[] = [];
    readonly from: number;
    readonly to: number;
    readonly width: number;

    constructor(times: number[], range: [number, number], width: number, fold: boolean) {
        [this.from, this.to] = range;
        this.width = width;
        const gaps = fold ? quiet(times, range, width) : [];
        this.lay(gaps, width);
    }

    get isFolded(): boolean { return this.stretches.some((stretch) => stretch.folded); }

    private lay(gaps: [number, number][], width: number): void {
        const edges = [this.from, ...gaps.flat(), this.to];
        const busy: number[] = [];
        for (let at = 0; at < edges.length; at += 2) busy.push(Math.max(edges[at + 1] - edges[at], 1));
        const total = busy.reduce((sum, one) => sum + one, 0);
        const least = Math.min(STRETCH_WIDTH_MIN, width / (busy.length * 2));
        const free = Math.max(width - gaps.length * FOLD_WIDTH - busy.length * least, 0);
        let x = 0;
        busy.forEach((length, at) => {
            const wide = least + (free * length) / total;
            this.stretches.push({ from: edges[2 * at], to: edges[2 * at + 1], x0: x, x1: (x += wide), folded: false });
            const gap = gaps[at];
            if (gap) this.stretches.push({ from: gap[0], to: gap[1], x0: x, x1: (x += FOLD_WIDTH), folded: true });
        });
    }

    x(time: number): number {
        const stretch = this.stretches.find((one) => time <= one.to) ?? this.stretches[this.stretches.length - 1];
        const part = (time - stretch.from) / Math.max(stretch.to - stretch.from, 1);
        return stretch.x0 + Math.min(Math.max(part, 0), 1) * (stretch.x1 - stretch.x0);
    }

    time(x: number): number {
        const stretch = this.stretches.find((one) => x <= one.x1) ?? this.stretches[this.stretches.length - 1];
        const part = (x - stretch.x0) / Math.max(stretch.x1 - stretch.x0, 1e-9);
        return stretch.from + Math.min(Math.max(part, 0), 1) * (stretch.to - stretch.from);
    }

    /** Where the axis has marks, and what they say; the first of a day says the day. */
    ticks(apart = 76): { x: number; label: string; isDay: boolean }[] {
        const ticks: { x: number; label: string; isDay: boolean }[] = [];
        let today = "";
        let free = -Infinity;
        for (const stretch of this.stretches) {
            if (stretch.folded) continue;
            const wide = stretch.x1 - stretch.x0;
            const step = niceStep(((stretch.to - stretch.from) * apart) / Math.max(wide, 1));
            const first = Math.ceil(stretch.from / step) * step;
            let n = 0;
            for (let time = first; time <= stretch.to && n < 100; time += step, n++) {
                const isDay = day(time) !== today;
                const x = this.x(time);
                if (x < free || x > this.width - 20) continue;
                const words = step >= DAY ? day(time) : step < MINUTE ? clock(time) : minute(time);
                ticks.push({ x, label: isDay && step < DAY ? `${day(time).slice(5)} ${words}` : words, isDay });
                free = x + (isDay ? apart * 1.1 : apart * 0.75);
                today = day(time);
            }
            if (n === 0 && stretch.x0 >= free && stretch.x0 < this.width - 60) {
                ticks.push({ x: stretch.x0, label: day(stretch.from), isDay: true });
                free = stretch.x0 + apart * 1.1;
                today = day(stretch.from);
            }
        }
        return ticks;
    }
}

/** The longest gaps, as long as one is a good part of what would be left to draw, and longer than a night's rest. */
function quiet(times: number[], [from, to]: [number, number], width: number): [number, number][] {
    const inside = times.filter((time) => time >= from && time <= to);
    const marks = [from, ...inside, to];
    const gaps: [number, number][] = [];
    for (let at = 1; at < marks.length; at++) {
        if (marks[at] - marks[at - 1] > GAP_MIN) gaps.push([marks[at - 1], marks[at]]);
    }
    gaps.sort((a, b) => b[1] - b[0] - (a[1] - a[0]));
    let left = to - from;
    const folded: [number, number][] = [];
    for (const [start, end] of gaps.slice(0, Math.floor(width / STRETCH_ROOM))) {
        if (end - start < left * GAP_PART) break;
        // What is drawn begins a little before something happens and ends a little after.
        const margin = Math.min((end - start) * 0.04, 10 * MINUTE);
        folded.push([start + margin, end - margin]);
        left -= end - start;
    }
    return folded.sort((a, b) => a[0] - b[0]);
}

const STEPS = [
    SECOND, 5 * SECOND, 15 * SECOND, 30 * SECOND, MINUTE, 2 * MINUTE, 5 * MINUTE, 10 * MINUTE, 15 * MINUTE, 30 * MINUTE,
    HOUR, 2 * HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 7 * DAY, 14 * DAY, 30 * DAY, 91 * DAY, 182 * DAY, 365 * DAY,
];

function niceStep(least: number): number {
    return STEPS.find((step) => step >= least) ?? Math.ceil(least / (365 * DAY)) * 365 * DAY;
}

/** What is chosen on the page, and the link that restores it. */

import { type Index, SEVERITIES } from "./contract.ts";
import type { Model } from "./model.ts";

/** What lanes of the picture are. */
export const LANES = ["host", "user", "session"] as const;
export type Lanes = (typeof LANES)[number];

/** What the table is sorted by. */
const ORDERS = ["severity", "time", "host", "user", "rule"] as const;
export type Order = (typeof ORDERS)[number];

export interface State {
    severities: ReadonlySet<number>;
    /** Whether associations are shown too: what event ids alone may hint at. */
    associations: boolean;
    hosts: ReadonlySet<Index>;
    users: ReadonlySet<Index>;
    sessions: ReadonlySet<Index>;
    tactics: ReadonlySet<Index>;
    techniques: ReadonlySet<Index>;
    findings: ReadonlySet<Index>;
    /** Microseconds, both or none. */
    range: readonly [number, number] | null;
    query: string;
    order: Order;
    descending: boolean;
    /** Whether alerts of one rule on one host are one row. */
    grouped: boolean;
    lanes: Lanes;
    /** The alert that is open; -1 when none. */
    open: Index;
}

const NOTHING: ReadonlySet<number> = new Set();

export const INITIAL: State = {
    severities: NOTHING, associations: false, hosts: NOTHING, users: NOTHING, sessions: NOTHING, tactics: NOTHING,
    techniques: NOTHING, findings: NOTHING, range: null, query: "", order: "severity", descending: true, grouped: true,
    lanes: "host", open: -1,
};

type SetName = "severities" | "hosts" | "users" | "sessions" | "tactics" | "techniques" | "findings";

type Listener = (state: State, changed: ReadonlySet<keyof State>) => void;

export class Store {
    private current: State = INITIAL;
    private readonly listeners: Listener[] = [];
    private readonly model: Model;

    constructor(model: Model) { this.model = model; }

    get state(): State { return this.current; }

    listen(listener: Listener): void { this.listeners.push(listener); }

    set(change: Partial<State>): void {
        const names = (Object.keys(change) as (keyof State)[]).filter((name) => change[name] !== this.current[name]);
        if (names.length === 0) return;
        this.current = { ...this.current, ...change };
        const changed = new Set(names);
        for (const listener of this.listeners) listener(this.current, changed);
    }

    /** Adds a value to a set, or takes it out. */
    toggle(name: SetName, value: number): void {
        const values = new Set(this.current[name]);
        if (!values.delete(value)) values.add(value);
        this.set({ [name]: values });
    }

    /** Restricts to one value, or lifts that when it is the only one already. */
    only(name: SetName, value: number): void {
        const values = this.current[name];
        this.set({ [name]: values.size === 1 && values.has(value) ? NOTHING : new Set([value]) });
    }

    clear(): void {
        const { severities, hosts, users, sessions, tactics, techniques, findings, range, query } = INITIAL;
        this.set({ severities, hosts, users, sessions, tactics, techniques, findings, range, query });
    }

    get isRestricted(): boolean {
        const { range, query, ...rest } = this.current;
        const sets = [rest.severities, rest.hosts, rest.users, rest.sessions, rest.tactics, rest.techniques, rest.findings];
        return range !== null || query.trim() !== "" || sets.some((set) => set.size > 0);
    }

    /** Takes over what a link says. What it says and this report has not got is passed over. */
    restore(fragment: string): void {
        this.set(readLink(fragment, this.model));
    }

    get link(): string { return writeLink(this.current, this.model); }
}

/** The names of sets in a link, and how their members are spelled: by number, as names of hosts may be anything. */
const SETS: [string, SetName][] = [
    ["host", "hosts"], ["user", "users"], ["session", "sessions"], ["rule", "findings"],
];

export function writeLink(state: State, model: Model): string {
    const { doc } = model;
    const link = new URLSearchParams();
    const put = (name: string, values: string[]) => values.length > 0 && link.set(name, values.join("."));
    put("severity", [...state.severities].sort().map((severity) => SEVERITIES[severity]));
    put("tactic", [...state.tactics].map((tactic) => doc.tactics[tactic].short_name));
    // A technique's id has a dot of its own.
    put("technique", [...state.techniques].map((technique) => doc.techniques[technique].id.replace(".", "-")));
    for (const [name, set] of SETS) put(name, [...state[set]].map(String));
    if (state.range) link.set("time", state.range.map((time) => Math.round(time)).join("."));
    if (state.query.trim()) link.set("q", state.query);
    if (state.associations) link.set("associations", "1");
    if (state.order !== INITIAL.order || state.descending !== INITIAL.descending) {
        link.set("sort", `${state.order}.${state.descending ? "down" : "up"}`);
    }
    if (!state.grouped) link.set("each", "1");
    if (state.lanes !== INITIAL.lanes) link.set("lanes", state.lanes);
    if (state.open >= 0) link.set("alert", String(state.open));
    return link.toString();
}

export function readLink(fragment: string, model: Model): State {
    const { doc } = model;
    const link = new URLSearchParams(fragment.replace(/^#/, ""));
    const list = (name: string) => (link.get(name) ?? "").split(".").filter(Boolean);
    const known = (values: number[], n: number): ReadonlySet<number> =>
        new Set(values.filter((value) => Number.isInteger(value) && value >= 0 && value < n));
    const size = { hosts: doc.hosts.length, users: doc.users.length, sessions: doc.sessions.length, findings: doc.findings.length };
    const sets = Object.fromEntries(
        SETS.map(([name, set]) => [set, known(list(name).map(Number), size[set as keyof typeof size])]),
    ) as Pick<State, "hosts" | "users" | "sessions" | "findings">;
    const [from, to] = list("time").map(Number);
    const [order, direction] = list("sort");
    const lanes = link.get("lanes") as Lanes;
    const open = Number(link.get("alert") ?? -1);
    return {
        ...sets,
        severities: known(list("severity").map((name) => SEVERITIES.indexOf(name as (typeof SEVERITIES)[number])), SEVERITIES.length),
        tactics: known(list("tactic").map((name) => doc.tactics.findIndex((tactic) => tactic.short_name === name)), doc.tactics.length),
        techniques: known(
            list("technique").map((id) => doc.techniques.findIndex((technique) => technique.id === id.replace("-", "."))),
            doc.techniques.length,
        ),
        range: Number.isFinite(from) && Number.isFinite(to) && from <= to ? [from, to] : null,
        query: (link.get("q") ?? "").slice(0, 1000),
        associations: link.get("associations") === "1",
        order: ORDERS.includes(order as Order) ? (order as Order) : INITIAL.order,
        descending: direction ? direction === "down" : INITIAL.descending,
        grouped: link.get("each") !== "1",
        lanes: LANES.includes(lanes) ? lanes : INITIAL.lanes,
        open: Number.isInteger(open) && open >= 0 && open < model.n ? open : -1,
    };
}

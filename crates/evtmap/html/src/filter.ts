/** Which alerts are shown, and which would be but for one restriction. */

import type { Index } from "./contract.ts";
import type { Model } from "./model.ts";
import { Search } from "./query.ts";
import type { State } from "./state.ts";

/** Restrictions as bits of what an alert fails. */
export const FAILS = { kind: 1, severity: 2, host: 4, user: 8, session: 16, attack: 32, rule: 64, time: 128, query: 256 } as const;

export class Filter {
    /** What each alert fails; 0 when it is shown. */
    readonly fails: Uint16Array;
    private readonly model: Model;
    private readonly search: Search;

    constructor(model: Model) {
        this.model = model;
        this.search = new Search(model);
        this.fails = new Uint16Array(model.n);
    }

    apply(state: State): void {
        const { model, fails } = this;
        const { findings, alerts } = model.doc;
        const isOf = (set: ReadonlySet<number>, value: number) => set.size === 0 || set.has(value);
        const speaksOf = findings.map((finding) =>
            (state.tactics.size === 0 || finding.tactics.some((tactic) => state.tactics.has(tactic))) &&
            (state.techniques.size === 0 || finding.techniques.some((technique) => state.techniques.has(technique))));
        const matches = state.query.trim() ? this.search.compile(state.query) : null;
        for (let alert = 0; alert < model.n; alert++) {
            const time = model.time[alert];
            fails[alert] =
                (state.associations || model.isDetection[alert] ? 0 : FAILS.kind) |
                (isOf(state.severities, model.severity[alert]) ? 0 : FAILS.severity) |
                (isOf(state.hosts, model.host[alert]) ? 0 : FAILS.host) |
                (isOf(state.users, model.user[alert]) ? 0 : FAILS.user) |
                (isOf(state.sessions, model.session[alert]) ? 0 : FAILS.session) |
                (speaksOf[alerts.finding[alert]] ? 0 : FAILS.attack) |
                (isOf(state.findings, alerts.finding[alert]) ? 0 : FAILS.rule) |
                (!state.range || (time >= state.range[0] && time <= state.range[1]) ? 0 : FAILS.time) |
                (matches && !matches(alert) ? FAILS.query : 0);
        }
    }

    /** The alerts that are shown, or that fail nothing but what is given. */
    rows(but = 0): Index[] {
        const rows: Index[] = [];
        for (let alert = 0; alert < this.model.n; alert++) {
            if ((this.fails[alert] & ~but) === 0) rows.push(alert);
        }
        return rows;
    }
}

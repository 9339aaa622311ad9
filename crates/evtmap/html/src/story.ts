/**
 * The attack in a few steps: of all detections those that tell most, in the order of time, and how it came
 * from one host to another. Nothing here knows a rule or a technique by name.
 */

import type { Connection, Index } from "./contract.ts";
import type { Model } from "./model.ts";

export interface Step {
    /** The step's number in the list and in the picture, from 1. */
    number: number;
    alert: Index;
    /** How many alerts of the same rule there are on the host. */
    n: number;
}

/** The way from one host to another, as an account after whose arrival something was found there. */
export interface Hop { connection: Connection; how: string[]; }

export interface Story { steps: Step[]; hops: Hop[]; }

const STEPS_MAX = 12;
const HOPS_MAX = 5;
const MINUTE = 60_000_000;

/** The weight of a severity, as in the risk score. */
export const WEIGHTS = [0, 1, 4, 16, 64];

interface Candidate { alert: Index; n: number; weight: number; }

export function tellStory(model: Model): Story {
    const chosen = choose(model, candidates(model));
    chosen.sort((a, b) => model.time[a.alert] - model.time[b.alert] || a.alert - b.alert);
    return { steps: chosen.map(({ alert, n }, at) => ({ number: at + 1, alert, n })), hops: hops(model) };
}

/** The first alert of each rule on each host, of the severities that are worth telling. */
function candidates(model: Model): Candidate[] {
    const first = new Map<string, Candidate>();
    const total = new Map<Index, number>();
    for (let alert = 0; alert < model.n; alert++) {
        if (!model.isDetection[alert] || Number.isNaN(model.time[alert])) continue;
        const finding = model.doc.alerts.finding[alert];
        total.set(finding, (total.get(finding) ?? 0) + 1);
        const key = `${model.host[alert]} ${finding}`;
        const before = first.get(key);
        if (before) before.n++;
        else first.set(key, { alert, n: 1, weight: 0 });
    }
    const all = [...first.values()];
    for (const one of all) {
        const n = total.get(model.doc.alerts.finding[one.alert]) ?? 1;
        one.weight = (WEIGHTS[model.severity[one.alert]] * 4) / (4 + Math.floor(Math.log10(n)));
    }
    for (const least of [3, 2, 1]) {
        const grave = all.filter((one) => model.severity[one.alert] >= least);
        if (grave.length >= 3 || least === 1) return grave;
    }
    return all;
}

/** Takes the heaviest again and again, where what tells a new tactic of a host weighs more. */
function choose(model: Model, all: Candidate[]): Candidate[] {
    const chosen: Candidate[] = [];
    const told = new Set<string>();
    const hosts = new Set<Index>();
    const entry = all.reduce<Candidate | null>((first, one) => (!first || model.time[one.alert] < model.time[first.alert] ? one : first), null);
    const value = (one: Candidate): number => {
        const { tactics } = model.finding(one.alert);
        const fresh = tactics.filter((tactic) => !told.has(`${tactic}`)).length;
        const freshHere = tactics.filter((tactic) => !told.has(`${model.host[one.alert]} ${tactic}`)).length;
        const isNear = chosen.some((other) =>
            model.host[other.alert] === model.host[one.alert] &&
            Math.abs(model.time[other.alert] - model.time[one.alert]) < MINUTE);
        // How it began is told in any case.
        const isEntry = one === entry ? 100 : 1;
        return isEntry * one.weight * (1 + Math.min(fresh, 2) + Math.min(freshHere, 2) / 2) * (hosts.has(model.host[one.alert]) ? 1 : 2) * (isNear ? 0.25 : 1);
    };
    const left = new Set(all.slice(0, 5_000));
    while (chosen.length < STEPS_MAX && left.size > 0) {
        let best: Candidate | null = null;
        let most = -1;
        for (const one of left) {
            const worth = value(one);
            if (worth > most) [best, most] = [one, worth];
        }
        if (!best) break;
        left.delete(best);
        chosen.push(best);
        hosts.add(model.host[best.alert]);
        for (const tactic of model.finding(best.alert).tactics) {
            told.add(`${tactic}`);
            told.add(`${model.host[best.alert]} ${tactic}`);
        }
    }
    return chosen;
}

/**
 * The first connection of each account from one host to another after which something was found there that the
 * account did. What comes within a minute of it is part of it: a logon and the share that it is for.
 */
function hops(model: Model): Hop[] {
    const found = new Map<string, Hop & { worth: number }>();
    for (const one of telling(model)) {
        if (one.failed || one.from < 0) continue;
        const key = `${one.from} ${one.to} ${one.user}`;
        const before = found.get(key);
        if (before) {
            if (one.first - before.connection.first <= MINUTE && !before.how.includes(one.how)) before.how.push(one.how);
            continue;
        }
        const worth = after(model, one);
        if (worth > 0) found.set(key, { connection: one, how: [one.how], worth });
    }
    return [...found.values()].sort((a, b) => b.worth - a.worth).slice(0, HOPS_MAX)
        .sort((a, b) => a.connection.first - b.connection.first);
}

/** What was found of an account on a host after it came there, by its weight. */
function after(model: Model, { to, user, first }: Connection): number {
    let worth = 0;
    for (let alert = 0; alert < model.n; alert++) {
        const isIt = model.isDetection[alert] && model.host[alert] === to && model.user[alert] === user && model.time[alert] >= first - MINUTE;
        if (isIt && model.severity[alert] >= 2) worth += WEIGHTS[model.severity[alert]];
    }
    return worth;
}

const known = new WeakMap<Model, Connection[]>();

/**
 * The connections that may be part of the attack: those made after something was found where they come from,
 * or by an account about which something was found. The rest is everyday's.
 */
export function telling(model: Model): Connection[] {
    let list = known.get(model);
    if (!list) {
        list = findTelling(model);
        known.set(model, list);
    }
    return list;
}

function findTelling(model: Model): Connection[] {
    const least = 2;
    const firstOnHost = new Map<Index, number>();
    const firstOfUser = new Map<Index, number>();
    for (let alert = 0; alert < model.n; alert++) {
        const time = model.time[alert];
        if (!model.isDetection[alert] || model.severity[alert] < least || Number.isNaN(time)) continue;
        const note = (map: Map<Index, number>, key: Index) => key >= 0 && map.set(key, Math.min(map.get(key) ?? Infinity, time));
        note(firstOnHost, model.host[alert]);
        note(firstOfUser, model.user[alert]);
    }
    // A logon may come a little before what is done with it.
    const margin = MINUTE;
    return model.doc.connections.filter((one) => {
        if (one.from === one.to || !firstOnHost.has(one.to)) return false;
        const fromHost = firstOnHost.get(one.from) ?? Infinity;
        const ofUser = firstOfUser.get(one.user) ?? Infinity;
        if (one.failed) return fromHost <= one.last + margin;
        return fromHost <= one.last + margin && ofUser < Infinity;
    });
}

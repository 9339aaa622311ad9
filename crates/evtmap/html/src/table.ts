/** The rows of the table: alerts in order, or groups of a rule's alerts on a host. */

import type { Index } from "./contract.ts";
import type { Model } from "./model.ts";
import type { State } from "./state.ts";

/** A row: an alert, or a group of them, or an alert of a group that is unfolded. */
export interface Row { alert: Index; group: Index[] | null; isMember: boolean; isUnfolded: boolean; }

/** The alerts in the order that was asked for; equal ones in that of time. */
export function sortAlerts(model: Model, alerts: Index[], { order, descending }: Pick<State, "order" | "descending">): Index[] {
    const { doc } = model;
    const hosts = ranks(doc.hosts.map((host) => host.name));
    const users = ranks(doc.users.map((user) => user.name));
    const titles = ranks(doc.findings.map((finding) => finding.title));
    const key: { [name in State["order"]]: (alert: Index) => number } = {
        severity: (alert) => model.severity[alert] + (model.isDetection[alert] ? 10 : 0),
        time: (alert) => (Number.isNaN(model.time[alert]) ? -Infinity : model.time[alert]),
        host: (alert) => hosts[model.host[alert]] ?? -1,
        user: (alert) => users[model.user[alert]] ?? -1,
        rule: (alert) => titles[doc.alerts.finding[alert]],
    };
    const keys = new Float64Array(model.n);
    for (const alert of alerts) keys[alert] = key[order](alert);
    const sign = descending ? -1 : 1;
    return [...alerts].sort((a, b) => (keys[a] === keys[b] ? a - b : keys[a] < keys[b] ? -sign : sign));
}

function ranks(names: string[]): number[] {
    const order = names.map((_, index) => index).sort((a, b) => (names[a] < names[b] ? -1 : names[a] > names[b] ? 1 : 0));
    const ranks: number[] = new Array(names.length);
    order.forEach((index, rank) => (ranks[index] = rank));
    return ranks;
}

export const groupKey = (model: Model, alert: Index): string => `${model.doc.alerts.finding[alert]} ${model.host[alert]}`;

/** Rows out of sorted alerts. A group stands where its first alert would. */
export function makeRows(model: Model, sorted: Index[], grouped: boolean, unfolded: ReadonlySet<string>): Row[] {
    if (!grouped) return sorted.map((alert) => ({ alert, group: null, isMember: false, isUnfolded: false }));
    const groups = new Map<string, Index[]>();
    for (const alert of sorted) {
        const key = groupKey(model, alert);
        const group = groups.get(key);
        if (group) group.push(alert);
        else groups.set(key, [alert]);
    }
    const rows: Row[] = [];
    for (const [key, group] of groups) {
        const isUnfolded = group.length > 1 && unfolded.has(key);
        rows.push({ alert: group[0], group, isMember: false, isUnfolded });
        if (isUnfolded) for (const alert of group) rows.push({ alert, group: null, isMember: true, isUnfolded: false });
    }
    return rows;
}

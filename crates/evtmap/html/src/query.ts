/**
 * What is typed into the search field. Words must all occur somewhere in an alert, in any case; `"two words"`
 * together, `-word` not at all, `name:word` in one place: `host`, `user`, `rule`, `technique`, `event` (the
 * id), `channel`, or a field of the event.
 */

import type { Index } from "./contract.ts";
import type { Model } from "./model.ts";

interface Term { text: string; place: string | null; isNegated: boolean; }

export function readQuery(query: string): Term[] {
    const terms: Term[] = [];
    // A place is a name before a colon; `C:\Windows` is none, and neither is what stands in quotes.
    for (const match of query.matchAll(/(-?)(?:([\p{L}_][\p{L}\d_]+):)?(?:"([^"]*)"?|(\S+))/gu)) {
        const text = (match[3] ?? match[4] ?? "").toLowerCase();
        if (text) terms.push({ text, place: match[2]?.toLowerCase() ?? null, isNegated: match[1] === "-" });
    }
    return terms;
}

/** Finds alerts; remembers the document's texts in lower case from the first search on. */
export class Search {
    private lower: string[] | null = null;
    private readonly model: Model;

    constructor(model: Model) { this.model = model; }

    /** A question about an alert: does it have all that the query asks for? */
    compile(query: string): (alert: Index) => boolean {
        const tests = readQuery(query).map((term) => {
            const holds = this.test(term);
            return term.isNegated ? (alert: Index) => !holds(alert) : holds;
        });
        return (alert) => tests.every((test) => test(alert));
    }

    private test({ text, place }: Term): (alert: Index) => boolean {
        const { model } = this;
        const { doc } = model;
        const has = (value: string | null | undefined) => !!value && value.toLowerCase().includes(text);
        const of = <T>(table: T[], holds: (entry: T) => boolean) => Uint8Array.from(table, (entry) => Number(holds(entry)));
        const hosts = of(doc.hosts, (host) => has(host.name) || host.addresses.some(has));
        const users = of(doc.users, (user) => has(user.name) || user.also.some(has));
        const titles = of(doc.findings, (finding) => has(finding.title) || has(finding.rule?.id) || has(finding.rule?.author));
        const named = of(doc.techniques, (technique) => has(technique.id) || has(technique.name));
        const techniques = of(doc.findings, (finding) => finding.techniques.some((technique) => named[technique] === 1));
        const kinds = of(doc.kinds, (kind) => has(kind.channel) || has(kind.provider));
        const kindOf = (alert: Index) => doc.events.kind[model.event[alert]];
        const places: { [name: string]: (alert: Index) => boolean } = {
            host: (alert) => hosts[model.host[alert]] === 1,
            user: (alert) => users[model.user[alert]] === 1,
            rule: (alert) => titles[doc.alerts.finding[alert]] === 1,
            technique: (alert) => techniques[doc.alerts.finding[alert]] === 1,
            channel: (alert) => kinds[kindOf(alert)] === 1,
            event: (alert) => String(doc.kinds[kindOf(alert)].id ?? "") === text,
        };
        if (place && places[place]) return places[place];
        const values = this.values(text);
        if (place) {
            const names = of(doc.strings, (name) => name.length < 100 && name.replaceAll(" ", "").toLowerCase() === place);
            return (alert) => model.someValue(alert, (value, name) => values[value] === 1 && names[name] === 1);
        }
        const { host, user, rule, technique, event } = places;
        return (alert) =>
            rule(alert) || host(alert) || user(alert) || technique(alert) || event(alert) ||
            values[doc.events.message[model.event[alert]]] === 1 ||
            model.someValue(alert, (value) => values[value] === 1);
    }

    private values(text: string): Uint8Array {
        this.lower ??= this.model.doc.strings.map((value) => value.toLowerCase());
        return Uint8Array.from(this.lower, (value) => Number(value.includes(text)));
    }
}

/** The document with its columns unfolded, and questions about an alert answered. */

import type { EventKind, Finding, Host, Index, Item, Part, ReportDocument, Session, User } from "./contract.ts";
import { type Evidence, readEvidence } from "./evidence.ts";
import { line } from "./text.ts";

/** A field of an event. `cut` is its full length where the writer kept only a part. */
export interface Field { name: string; value: string | null; cut: number | null; }

export class Model {
    /** How many alerts there are. */
    readonly n: number;
    readonly event: Int32Array;
    /** When an alert's event was, in microseconds; NaN when unknown. */
    readonly time: Float64Array;
    readonly severity: Int8Array;
    readonly isDetection: Uint8Array;
    readonly host: Int32Array;
    readonly user: Int32Array;
    readonly session: Int32Array;
    /** Fields to which the rule referred under another name: by alert, then by item. */
    readonly found = new Map<Index, Map<number, Index[]>>();
    private readonly record: (number | null)[];
    private readonly position: Float64Array;
    /** Where an event's values are in the columns of its shape. */
    private readonly rowInShape: Int32Array;
    private readonly recovered: Set<Index>;
    private readonly cut: Map<Index, number>;
    private readonly gists = new Map<Index, string>();

    readonly doc: ReportDocument;

    constructor(doc: ReportDocument) {
        this.doc = doc;
        const { events, alerts } = doc;
        this.n = alerts.finding.length;
        const times = undelta(events.time);
        this.record = undelta(events.record);
        this.position = Float64Array.from(undelta(events.position), (value) => value ?? 0);
        this.recovered = new Set(events.recovered);
        this.cut = new Map(doc.cut);
        const seen = new Int32Array(doc.shapes.length);
        this.rowInShape = Int32Array.from(events.shape, (shape) => seen[shape]++);
        this.event = Int32Array.from(undelta(alerts.event), (value) => value ?? 0);
        const ofEvent = (column: number[]) => Int32Array.from(this.event, (event) => column[event]);
        this.time = Float64Array.from(this.event, (event) => times[event] ?? NaN);
        this.host = ofEvent(events.host);
        this.user = ofEvent(events.user);
        this.session = ofEvent(events.session);
        this.severity = Int8Array.from(alerts.finding, (finding) => doc.findings[finding].severity);
        this.isDetection = Uint8Array.from(alerts.finding, (finding) => Number(doc.findings[finding].kind === "detection"));
        for (const [alert, item, values] of alerts.found) {
            if (!this.found.has(alert)) this.found.set(alert, new Map());
            this.found.get(alert)!.set(item, values);
        }
    }

    finding(alert: Index): Finding { return this.doc.findings[this.doc.alerts.finding[alert]]; }
    hostOf(alert: Index): Host | null { return this.doc.hosts[this.host[alert]] ?? null; }
    userOf(alert: Index): User | null { return this.doc.users[this.user[alert]] ?? null; }
    sessionOf(alert: Index): Session | null { return this.doc.sessions[this.session[alert]] ?? null; }
    kind(alert: Index): EventKind { return this.doc.kinds[this.doc.events.kind[this.event[alert]]]; }
    recordOf(alert: Index): number | null { return this.record[this.event[alert]] ?? null; }
    positionOf(alert: Index): number { return this.position[this.event[alert]]; }
    inputOf(alert: Index): string { return this.doc.inputs[this.doc.events.input[this.event[alert]]] ?? ""; }
    isRecovered(alert: Index): boolean { return this.recovered.has(this.event[alert]); }
    isDerived(alert: Index): boolean { return this.doc.alerts.derivation[alert] >= 0; }
    message(alert: Index): Field | null {
        const index = this.doc.events.message[this.event[alert]];
        return index < 0 ? null : this.field("message", index);
    }

    /** The fields of an alert's event, in its order. */
    fields(alert: Index): Field[] {
        const event = this.event[alert];
        const shape = this.doc.shapes[this.doc.events.shape[event]];
        if (!shape) return [];
        const row = this.rowInShape[event];
        return shape.names.map((name, column) => this.field(this.doc.strings[name], shape.columns[column][row]));
    }

    /** Calls a function with the indexes of names and values of an alert's event until it gives true. */
    someValue(alert: Index, holds: (value: Index, name: Index) => boolean): boolean {
        const event = this.event[alert];
        const shape = this.doc.shapes[this.doc.events.shape[event]];
        if (!shape) return false;
        const row = this.rowInShape[event];
        for (let column = 0; column < shape.names.length; column++) {
            const value = shape.columns[column][row];
            if (value >= 0 && holds(value, shape.names[column])) return true;
        }
        return false;
    }

    /** What held of the rule. */
    evidence(alert: Index): Evidence | null {
        const index = this.doc.alerts.evidence[alert];
        const condition = this.finding(alert).rule?.condition;
        return index < 0 || !condition ? null : readEvidence(this.doc.evidence[index]);
    }

    /** The fields of an event that met a value of the rule: those of that name, or those that have what was found. */
    matching(alert: Index): Set<string> {
        const condition = this.finding(alert).rule?.condition;
        const evidence = this.evidence(alert);
        const names = new Set<string>();
        if (!condition || !evidence) return names;
        const fields = this.fields(alert);
        items(condition).forEach(({ item, isExcluded }, at) => {
            if (isExcluded || item.negated || !evidence.met.get(at)?.length) return;
            const found = this.found.get(alert)?.get(at)?.map((value) => this.doc.strings[value]);
            for (const field of fields) {
                const isIt = found ? field.value !== null && found.includes(field.value)
                    : item.field !== null && plainName(field.name) === plainName(item.field);
                if (isIt) names.add(field.name);
            }
        });
        return names;
    }

    /** What the event is about, in a line: what a rule looked at, else what such events are known by. */
    gist(alert: Index): string {
        const event = this.event[alert];
        let gist = this.gists.get(event);
        if (gist === undefined) {
            gist = this.makeGist(alert);
            this.gists.set(event, gist);
        }
        return gist;
    }

    private makeGist(alert: Index): string {
        const fields = this.fields(alert).filter((field) => field.value && field.value !== "-");
        const value = (name: string) => fields.find((field) => field.name === name)?.value ?? "";
        for (const names of TELLING) {
            const values = names.map(value);
            if (values[0]) return line(values.filter(Boolean).join("  "), 400);
        }
        const matching = this.matching(alert);
        const told = fields.filter((field) => matching.has(field.name));
        const rest = told.length > 0 ? told : fields.filter((field) => !DULL.test(field.name)).slice(0, 4);
        return line(rest.map((field) => `${field.name} ${line(field.value ?? "", 90)}`).join(" · "), 400);
    }

    private field(name: string, index: Index): Field {
        return index < 0
            ? { name, value: null, cut: null }
            : { name, value: this.doc.strings[index], cut: this.cut.get(index) ?? null };
    }
}

/** Fields by which an event is known, the first that it has. */
const TELLING: string[][] = [
    ["CommandLine"],
    ["ScriptBlockText"],
    ["ServiceFileName", "ServiceName"],
    ["ImagePath", "ServiceName"],
    ["TargetObject", "Details"],
    ["TargetFilename", "Image"],
    ["PipeName", "Image"],
    ["TargetImage", "SourceImage", "GrantedAccess"],
    ["ImageLoaded", "Image"],
    ["QueryName", "Image"],
    ["DestinationHostname", "DestinationIp", "DestinationPort", "Image"],
    ["DestinationIp", "DestinationPort", "Image"],
    ["TaskName", "TaskContent"],
    ["ShareName", "RelativeTargetName", "IpAddress"],
    ["ContextInfo"],
    ["HostApplication"],
    ["Threat Name", "Path"],
    ["MemberName", "TargetUserName"],
];
const DULL = /guid|logonid|sid$|^utctime$|^rulename$|processid|keylength|^version$|^status$/i;

/** The items of a condition in the order in which they are counted, and whether what they say is excluded. */
export function items(part: Part, isExcluded = false): { item: Item; isExcluded: boolean }[] {
    if ("item" in part) return [{ item: part, isExcluded }];
    if ("not" in part) return items(part.not, !isExcluded);
    return members(part).flatMap((member) => items(member, isExcluded));
}

export function members(part: Part): Part[] {
    if ("item" in part) return [];
    if ("not" in part) return [part.not];
    if ("all" in part) return part.all;
    if ("any" in part) return part.any;
    return part.of;
}

/** A field's name as Sigma compares it: it knows neither case nor spaces. */
export const plainName = (name: string): string => name.replaceAll(" ", "").toLowerCase();

function undelta(column: (number | null)[]): (number | null)[] {
    let before = 0;
    return column.map((value) => (value === null ? null : (before += value)));
}

/**
 * What a report's page is given: one JSON document, compressed with gzip and written in base64 into the
 * page's data block. The Rust side (`report/html`) writes it, `load.ts` reads it.
 *
 * It is made to be small: what repeats stands once in a table and is referred to by its index, and what is
 * about alerts and events is kept by columns, because gzip finds more in values of one kind. An index of -1
 * is "none". Times are microseconds since 1970 (UTC). A column called a *delta* column holds the difference
 * from the entry before it, the first one from 0; null stays null and is skipped.
 */

/** An index into a table. */
export type Index = number;

/** Worst last, so that a larger number is worse. */
export const SEVERITIES = ["informational", "low", "medium", "high", "critical"] as const;
/** An index into `SEVERITIES`; -1 for a mere event. */
export type SeverityIndex = number;

export interface ReportDocument {
    /** The version of this contract. The page refuses others. */
    contract: 1;
    run: Run;
    totals: Totals;
    /** Texts of events: values, names of fields. */
    strings: string[];
    /** Strings that the writer had to cut, as pairs of index and full length in characters. */
    cut: [Index, number][];
    /** All tactics of the catalogue, in the matrix's order. */
    tactics: Tactic[];
    techniques: Technique[];
    findings: Finding[];
    /**
     * The first hosts and accounts by risk, and those that an alert or a connection is about besides: the latter
     * have a name and no score. Long names end in `…`.
     */
    hosts: Host[];
    users: User[];
    sessions: Session[];
    /** What connected to what, in time's order. */
    connections: Connection[];
    inputs: string[];
    /** Kinds of events: where an event of this id is from. */
    kinds: EventKind[];
    shapes: Shape[];
    events: Events;
    alerts: Alerts;
    /** What held of a rule, for `alerts.evidence`; see `Evidence` in `evidence.ts`. */
    evidence: string[];
    derivations: Derivation[];
    correlations: Correlation[];
    account: Account;
}

/** The run that the report is of. */
export interface Run {
    /** The program's version. */
    evtmap: string;
    /** The command line, one argument an entry; empty when unknown. */
    command: string[];
    /** When the report was made; null when the writer was not told. */
    made: number | null;
    attack: { domain: string; version: string | null; date: string | null; origin: string };
    rules: { used: number; origins: string[]; newest: string | null };
    /** The zone in which times were read that name none. */
    timezone: string;
    /** How many times named no zone. */
    local_times: number;
}

/** Numbers of the whole run, whatever of it is in the document. */
export interface Totals {
    files: number;
    events: number;
    /** The first and the last event. */
    span: [number, number] | null;
    /** By severity, in the order of `SEVERITIES`. */
    detections: number[];
    associations: number[];
    /**
     * The hosts with a detection, when the first and the last detection on a host was, and the tactics of those of
     * medium severity or more.
     */
    detected: { hosts: number; span: [number, number] | null; tactics: Index[] };
    /** What is not in the document: alerts, and hosts and accounts that have a risk. */
    left_out: { detections: number; associations: number; events: number; hosts: number; users: number };
    /** Where all alerts are to be had: other reports of the same run that hold every one. */
    other_reports: string[];
}

export interface Tactic { id: string; name: string; short_name: string; url: string; }

export interface Technique {
    id: string;
    name: string;
    parent: string | null;
    tactics: Index[];
    url: string;
    description: string | null;
    mitigations: { id: string; name: string; url: string }[];
}

export interface Finding {
    kind: "detection" | "association" | "event";
    severity: SeverityIndex;
    /** When a configuration gave it that severity: which one it had, and why. */
    overridden: { from: SeverityIndex; because: string[] } | null;
    title: string;
    /** What a rule finds, or why the event may be evidence. */
    description: string;
    techniques: Index[];
    tactics: Index[];
    /** How many alerts there are in the whole run. */
    total: number;
    rule: Rule | null;
}

export interface Rule {
    id: string | null;
    author: string;
    level: string | null;
    status: string | null;
    path: string;
    falsepositives: string[];
    references: string[];
    /** The condition; null when no evidence was asked for, for a correlation, or when it is too long. */
    condition: Part | null;
}

/** A part of a rule's detection. */
export type Part =
    | { all: Part[] }
    | { any: Part[] }
    | { at_least: number; of: Part[] }
    | { not: Part }
    | { selection: string; of: Part[] }
    | Item;

/** A field, or keywords, and what is asked of it. */
export interface Item {
    /** As the rule writes it, such as `Image|endswith`. */
    item: string;
    field: string | null;
    values: string[];
    /** Whether every value must be met. */
    every: boolean;
    /** Whether it holds when its values are not met. */
    negated: boolean;
}

/** What makes something worth a look, by a score; `docs/reports.md` has the formula. */
export interface Ranked {
    name: string;
    score: number;
    /** Detections by severity, in the order of `SEVERITIES`. */
    detections: number[];
    /** The tactics of its detections with the worst severity of each. */
    tactics: [Index, SeverityIndex][];
    first: number | null;
    last: number | null;
    /** The alerts that make most of the score, the most telling first; none without a detection. */
    decisive: Index[];
}

export interface Host extends Ranked {
    /** Its addresses, as far as the logs tell. */
    addresses: string[];
}

export interface User extends Ranked {
    /** Other spellings that mean the same account. */
    also: string[];
}

/** A logon session: what was done between one logon and its logoff. */
export interface Session {
    host: Index;
    /** The logon id as Windows writes it. */
    id: string;
    user: Index;
    /** Where it was opened from: a host, else an address or name, else nothing is known. */
    from: Index;
    from_text: string;
    /** Such as `network logon (type 3)`; empty when the logon was not seen. */
    opened: string;
}

export interface Connection {
    /** The host that it comes from; -1 for one that has no log here. */
    from: Index;
    /** Its address or name as the event writes it. */
    from_text: string;
    to: Index;
    /** The name as the event writes it, where there is no log of it here. */
    to_text: string;
    user: Index;
    /** Such as `network logon`, `remote desktop`, `share ADMIN$`, `other credentials`. */
    how: string;
    /** Whether it was refused. */
    failed: boolean;
    /** How many of the same between `first` and `last`. */
    n: number;
    first: number;
    last: number;
}

export interface EventKind { channel: string; provider: string; id: number | null; }

/** Events with the same names of fields, and their values by column. */
export interface Shape {
    /** Indexes of strings, one a field. */
    names: Index[];
    /** One column a field: indexes of strings, in the order in which events of this shape come; -1 is null. */
    columns: Index[][];
}

/** Events by column, in time's order, those without a time first. */
export interface Events {
    /** Delta. */
    time: (number | null)[];
    kind: Index[];
    host: Index[];
    user: Index[];
    session: Index[];
    /** Delta. */
    record: (number | null)[];
    input: Index[];
    /** Delta: the byte or line in the input. */
    position: number[];
    shape: Index[];
    /** Indexes of strings: the message as Windows rendered it. */
    message: Index[];
    /** Events that were deleted from their log and found again. */
    recovered: Index[];
}

/** Alerts by column, in the order of their events. */
export interface Alerts {
    /** Delta. */
    event: number[];
    finding: Index[];
    evidence: Index[];
    derivation: Index[];
    correlation: Index[];
    /**
     * For alerts whose event has not got a field of the rule's under its name: the alert, the number of the item
     * in the condition, and the values (indexes of strings, -1 for null).
     */
    found: [Index, number, Index[]][];
}

/** An event that stands for one of another kind. */
export interface Derivation { category: string; missing_fields: string[]; }

export interface Correlation {
    type: string;
    first: number;
    last: number;
    events: number;
    members: { time: number | null; host: string; event_id: number | null; record: number | null; input: string; position: number }[];
}

/** What was not looked at, and why. */
export interface Account {
    lines: AccountLine[];
}

export interface AccountLine {
    /** What it is about. */
    about: "files" | "records" | "events" | "rules" | "tags" | "correlations" | "messages" | "matches" | "alerts" | "run";
    n: number;
    /** Why, in words. */
    reason: string;
    examples: string[];
    /** Whether it may hide an attack, or is merely said for completeness. */
    grave: boolean;
}

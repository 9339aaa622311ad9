// The page's modules for tests, bundled as the page is.
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const src = join(dirname(fileURLToPath(import.meta.url)), "..", "src");

/** A module of `src`, such as `text.ts`. */
export async function module(name) {
    const result = await build({ entryPoints: [join(src, name)], bundle: true, write: false, format: "esm", target: "es2022", charset: "utf8" });
    return import(`data:text/javascript;base64,${Buffer.from(result.outputFiles[0].contents).toString("base64")}`);
}

/** A document with what the tests need: alerts given as [minute, host, user, severity, tactics, title]. */
export function document(alerts, more = {}) {
    const names = (at) => [...new Set(alerts.map((alert) => alert[at]))];
    const [hosts, users, titles] = [names(1), names(2), names(5)];
    const rank = { score: 0, detections: [0, 0, 0, 0, 0], tactics: [], first: null, last: null, decisive: [] };
    const delta = (values) => values.map((value, at) => (at === 0 ? value : value - values[at - 1]));
    const column = (value) => alerts.map(() => value);
    return {
        contract: 1,
        run: { evtmap: "0", command: [], made: null, attack: { domain: "enterprise-attack", version: "1", date: null, origin: "" }, rules: { used: 0, origins: [], newest: null }, timezone: "UTC", local_times: 0 },
        totals: { files: 1, events: 1, span: null, detections: [0, 0, 0, 0, 0], associations: [0, 0, 0, 0, 0], detected: { hosts: 0, span: null, tactics: [] }, left_out: { detections: 0, associations: 0, events: 0, hosts: 0, users: 0 }, other_reports: [] },
        strings: ["CommandLine", ...titles.map((title) => `run ${title}`)], cut: [],
        tactics: ["initial-access", "execution", "impact"].map((name) => ({ id: name, name, short_name: name, url: "" })),
        techniques: [{ id: "T1059.001", name: "PowerShell", parent: "T1059", tactics: [1], url: "", description: null, mitigations: [] }],
        findings: titles.map((title) => {
            const [, , , severity, tactics] = alerts.find((alert) => alert[5] === title);
            return { kind: "detection", severity, overridden: null, title, description: "", techniques: [0], tactics, total: 1, rule: null };
        }),
        hosts: hosts.map((name) => ({ ...rank, name, addresses: [] })), users: users.map((name) => ({ ...rank, name, also: [] })),
        sessions: [], connections: [], inputs: ["x.evtx"], kinds: [{ channel: "Security", provider: "P", id: 4688 }],
        shapes: [{ names: [0], columns: [alerts.map((alert) => 1 + titles.indexOf(alert[5]))] }],
        events: {
            time: delta(alerts.map((alert) => alert[0] * 60e6)), kind: column(0), host: alerts.map((alert) => hosts.indexOf(alert[1])),
            user: alerts.map((alert) => users.indexOf(alert[2])), session: column(-1), record: column(1), input: column(0), position: column(0), shape: column(0), message: column(-1), recovered: [],
        },
        alerts: { event: delta(alerts.map((_, at) => at)), finding: alerts.map((alert) => titles.indexOf(alert[5])), evidence: column(-1), derivation: column(-1), correlation: column(-1), found: [] },
        evidence: [], derivations: [], correlations: [], account: { lines: [] }, ...more,
    };
}

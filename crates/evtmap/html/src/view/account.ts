/** What was not looked at, what this is made of, and how it is read. */

import type { AccountLine } from "../contract.ts";
import { SEVERITIES } from "../contract.ts";
import { h } from "../dom.ts";
import { counted, line, number } from "../text.ts";
import { exact } from "../time.ts";
import { mark } from "./mark.ts";
import type { Page } from "./page.ts";

export function account(page: Page): HTMLElement {
    return h("section", { id: "account", "aria-labelledby": "account-title" },
        h("div", { class: "account-columns" }, notLookedAt(page), madeOf(page), howToRead()));
}

const ABOUT: { [about in AccountLine["about"]]: [string, string] } = {
    files: ["file", "files"], records: ["record", "records"], events: ["event", "events"], rules: ["rule", "rules"],
    tags: ["tag", "tags"], correlations: ["correlation", "correlations"], messages: ["message", "messages"],
    matches: ["match", "matches"], alerts: ["alert", "alerts"], run: ["", ""],
};

function notLookedAt({ model }: Page): HTMLElement {
    const lines = [...model.doc.account.lines].sort((a, b) => Number(b.grave) - Number(a.grave));
    return h("div", null,
        h("h2", { id: "account-title", tabindex: "-1" }, "Not looked at"),
        lines.length === 0 ? h("p", null, "Nothing: every file, record and rule was used.") : null,
        h("ul", { class: "account-lines" }, lines.map((one) => {
            const [single, many] = ABOUT[one.about] ?? ["", ""];
            const words = [one.about === "run" ? "" : h("b", null, counted(one.n, single, many)), one.about === "run" ? one.reason : `: ${one.reason}`];
            return h("li", { class: one.grave ? "is-grave" : "" }, one.examples.length === 0 ? words
                : h("details", null, h("summary", null, words),
                    h("ul", null, one.examples.map((example) => h("li", null, h("code", null, line(example, 300)))),
                        one.n > one.examples.length && one.examples.length > 0 ? h("li", { class: "faint" }, `${number(one.n)} in all`) : null)));
        })));
}

function madeOf({ model }: Page): HTMLElement {
    const { run, totals } = model.doc;
    const facts: [string, string | null][] = [
        ["Program", `evtmap ${run.evtmap}`],
        ["Rules", `${counted(run.rules.used, "rule")} from ${run.rules.origins.join(", ")}${run.rules.newest ? `, the newest of ${run.rules.newest}` : ""}`],
        ["ATT&CK", `${run.attack.domain} ${run.attack.version ?? "of unknown version"}${run.attack.date ? ` of ${run.attack.date}` : ""}, from ${run.attack.origin}`],
        ["Times", `UTC${run.local_times > 0 ? `; ${counted(run.local_times, "time")} without a zone read as ${run.timezone}` : ""}`],
        ["In this file", `${counted(model.n, "alert")} of ${number([...totals.detections, ...totals.associations].reduce((sum, n) => sum + n, 0) + totals.left_out.events)}`],
        ["Made", run.made === null ? null : exact(run.made)],
    ];
    return h("div", null, h("h2", null, "Made of"),
        h("dl", { class: "facts" }, facts.filter(([, value]) => value).map(([name, value]) => [h("dt", null, name), h("dd", null, value)])),
        run.command.length > 0 ? h("pre", { class: "command", tabindex: "0", "aria-label": "command line" }, run.command.map(quoted).join(" ")) : null);
}

/** An argument as it would be typed. */
const quoted = (argument: string): string => (/^[\w./:=@%+,\\-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", "'\\''")}'`);

function howToRead(): HTMLElement {
    return h("div", null, h("h2", null, "How to read this"),
        h("ul", { class: "legend" }, SEVERITIES.map((name, severity) => h("li", null, mark(severity), name)).reverse()),
        h("p", null, "A detection is a rule's whole condition that held in an event: a reason to look, not a proof. An association is an event whose id alone may go with a technique: context, nothing else of it was looked at."),
        h("p", null, "Rules are signed by their authors, and each says what else may look like what it finds. ATT&CK® is a registered trademark of The MITRE Corporation."),
        h("p", { class: "keys" }, h("kbd", null, "/"), " search  ", h("kbd", null, "↑"), h("kbd", null, "↓"), " alerts  ", h("kbd", null, "Enter"), " open  ", h("kbd", null, "j"), h("kbd", null, "k"), " next, previous  ", h("kbd", null, "Esc"), " close"));
}

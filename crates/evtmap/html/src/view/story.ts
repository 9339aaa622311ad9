/** The first screen: what happened in a sentence and a few steps, and where to look first. */

import type { Host, Index, Ranked, Totals, User } from "../contract.ts";
import { h, replace } from "../dom.ts";
import { type Hop, type Step, WEIGHTS } from "../story.ts";
import { counted, line, number, shortHost } from "../text.ts";
import { clock, day, duration, minute, span } from "../time.ts";
import { mark, severityClass, severityName, spokenMark } from "./mark.ts";
import type { Page } from "./page.ts";

export function story(page: Page): HTMLElement {
    return h("section", { id: "story", "aria-labelledby": "story-title" },
        headline(page),
        h("div", { class: "first-screen" },
            h("div", { class: "steps-box" }, h("h2", null, "The story ", h("span", { class: "faint" }, "what tells most, in time's order")), steps(page)),
            h("div", { class: "look-first" }, ranked(page, "Hosts to look at first", page.model.doc.hosts, "hosts"), ranked(page, "Accounts", page.model.doc.users, "users"))));
}

/** What is known in a sentence: how much, where, when, from where to where of the matrix. */
function headline({ model }: Page): HTMLElement {
    const { totals, hosts, tactics } = model.doc;
    const { detected } = totals;
    const n = totals.detections.reduce((sum, one) => sum + one, 0);
    const only = detected.hosts === 1 ? hosts.find((host) => host.detections.some((count) => count > 0)) : undefined;
    const title = n === 0 ? "No rule found anything in these logs"
        : [`${counted(n, "detection")} on ${only ? shortHost(only.name) : counted(detected.hosts, "host")}`, when(detected.span)];
    const seen = detected.tactics.map((tactic) => tactics[tactic]);
    const reach = seen.length > 1 ? `${seen.length} of ${tactics.length} tactics, ${seen[0].name} to ${seen[seen.length - 1].name}` : "";
    const of = [counted(totals.events, "event"), counted(totals.files, "file"), totals.span ? `${span(totals.span[0], totals.span[1])} UTC` : ""];
    return h("div", { class: "headline" },
        h("h1", { id: "story-title", tabindex: "-1" }, title),
        h("p", { class: "reach" }, reach, reach ? " · " : "", h("span", { class: "faint" }, `in ${of.filter(Boolean).join(", ").replace(", ", " in ")}`)),
        leftOut(totals));
}

/** When it was, in pieces that are not torn at the end of a line. */
function when(between: [number, number] | null): (string | HTMLElement)[] {
    if (!between) return [];
    const [from, to] = between;
    const whole = (words: string) => h("span", null, words);
    const end = day(from) === day(to) ? minute(to) : `${day(to)} ${minute(to)}`;
    const long = to > from ? [" ", whole(`(${duration(to - from)})`)] : [];
    return [", ", whole(`${day(from)} ${minute(from)}`), minute(from) === end ? "" : [" ", whole(`to ${end}`)], long].flat();
}

/** What the page has no room for, and where it is. */
function leftOut({ left_out: left, other_reports: others }: Totals): HTMLElement | null {
    const alerts = [
        left.detections > 0 ? counted(left.detections, "detection") : "",
        left.associations > 0 ? counted(left.associations, "association") : "",
        left.events > 0 ? counted(left.events, "mere event") : "",
    ].filter(Boolean);
    const places = [
        left.hosts > 0 ? counted(left.hosts, "host") : "",
        left.users > 0 ? counted(left.users, "account") : "",
    ].filter(Boolean);
    if (alerts.length === 0 && places.length === 0) return null;
    const last = "the last by kind, severity, how often the rule fires on the host, and time";
    const sentences = [
        alerts.length > 0 ? `This page leaves out ${alerts.join(" and ")}, ${last}.` : "",
        places.length > 0 ? `It does not list ${places.join(" and ")}, the last by risk.` : "",
        others.length > 0 ? `All alerts are in ${others.join(", ")}.` : "A report of the same run as JSON or CSV would have all alerts: `-o alerts.jsonl`.",
    ];
    return h("p", { class: left.detections > 0 ? "notice is-grave" : "notice" }, sentences.filter(Boolean).join(" ").replace(/^It does/, "This page does"));
}

function steps(page: Page): HTMLElement {
    const { model } = page;
    const { steps, hops } = page.story;
    if (steps.length === 0) return h("p", { class: "faint" }, noSteps(model.doc.totals));
    const among = steps.map((step) => step.alert);
    const entries = [
        ...steps.map((step) => ({ time: model.time[step.alert], step, hop: null })),
        ...hops.map((hop) => ({ time: hop.connection.first, step: null, hop })),
    ].sort((a, b) => a.time - b.time);
    let today = "";
    let before = -1;
    return h("ol", { class: "steps" }, entries.map(({ time, step, hop }) => {
        const isNewDay = day(time) !== today;
        today = day(time);
        if (hop) return oneHop(page, hop, isNewDay);
        const host = model.host[step.alert];
        const isNewHost = host !== before;
        before = host;
        return oneStep(page, step, isNewDay, isNewHost, among);
    }));
}

/** Why there is no story. */
function noSteps({ detections, left_out: left }: Totals): string {
    if (detections.slice(1).every((n) => n === 0)) return "Nothing to tell: there is no detection above informational.";
    const which = left.detections > 0 ? "that is in this page has" : "has";
    return `No detection above informational ${which} a time, so that there is no order to tell them in. They are among the alerts below.`;
}

const dayAnd = (time: number, isNewDay: boolean) => [isNewDay ? h("span", { class: "step-day" }, day(time)) : null, clock(time)];

function oneHop({ model }: Page, { connection, how }: Hop, isNewDay: boolean): HTMLElement {
    const { hosts, users } = model.doc;
    const name = (host: Index, text: string) => (hosts[host] ? shortHost(hosts[host].name) : text);
    return h("li", { class: "hop" }, h("span", { class: "hop-time" }, dayAnd(connection.first, isNewDay)), h("span", { class: "hop-words" },
        h("b", null, name(connection.from, connection.from_text)), h("span", { class: "arrow", "aria-label": " to " }, " → "), h("b", null, name(connection.to, connection.to_text)),
        users[connection.user] ? [" as ", h("b", null, users[connection.user].name)] : null, h("span", { class: "hop-how" }, line(how.join(", "), 80))));
}

function oneStep(page: Page, step: Step, isNewDay: boolean, isNewHost: boolean, among: Index[]): HTMLElement {
    const { model } = page;
    const finding = model.finding(step.alert);
    const time = model.time[step.alert];
    const tactics = finding.tactics.map((tactic) => model.doc.tactics[tactic].name);
    const more = tactics.length > 2 ? ` +${tactics.length - 2}` : "";
    const [host, user] = [model.hostOf(step.alert), model.userOf(step.alert)];
    return h("li", { class: "step" }, h("button", { type: "button", on: { click: () => page.open(step.alert, among) } },
        h("span", { class: `step-number ${severityClass(finding.severity)}` }, String(step.number)),
        h("span", { class: "step-time" }, dayAnd(time, isNewDay)),
        h("span", { class: isNewHost ? "step-host is-new" : "step-host" }, host ? shortHost(host.name) : "unknown host",
            user ? h("span", { class: "step-user", title: user.name }, line(user.name.split("\\").pop() ?? "", 40)) : null),
        h("span", { class: "step-words" },
            h("span", { class: "step-title" }, spokenMark(finding.severity), finding.title, step.n > 1 ? h("span", { class: "faint" }, ` ×${number(step.n)}`) : null),
            h("span", { class: "step-tactics", title: tactics.join(", ") }, tactics.slice(0, 2).join(", "), more),
            h("code", { class: "gist" }, line(model.gist(step.alert), 220)))));
}

const SHOWN = { hosts: 3, users: 3 };

function ranked(page: Page, title: string, all: (Host | User)[], set: "hosts" | "users"): HTMLElement {
    const order = all.map((_, index) => index).filter((index) => all[index].score > 0)
        .sort((a, b) => all[b].score - all[a].score || a - b);
    const list = h("ol", { class: `ranked ranked-${set}` });
    const most = Math.max(1, ...all.map((one) => one.score));
    const box = h("div", { class: "ranked-box" },
        h("h2", null, title, " ", h("span", { class: "faint" }, "by ", h("span", { class: "explained", title: SCORE }, "risk"))), list);
    const draw = (n: number) => {
        replace(list, order.slice(0, n).map((index) => card(page, all[index], index, most, set)));
        more?.remove();
    };
    const more = order.length > SHOWN[set]
        ? h("button", { type: "button", class: "quiet more", on: { click: () => draw(200) } }, `Show ${order.length > 200 ? "the first 200 of" : "all"} ${number(order.length)}`)
        : null;
    draw(SHOWN[set]);
    if (more) box.append(more);
    const left = page.model.doc.totals.left_out[set];
    if (left > 0) box.append(h("p", { class: "faint" }, `and ${counted(left, set === "hosts" ? "host" : "account")} more, of no higher risk, which this page does not list`));
    if (order.length === 0) box.append(h("p", { class: "faint" }, "None with a detection above informational."));
    page.store.listen((state) => {
        for (const button of list.querySelectorAll<HTMLElement>("[data-index]")) {
            button.setAttribute("aria-pressed", String(state[set].has(Number(button.dataset["index"]))));
        }
    });
    return box;
}

const SCORE = `Each different rule counts ${WEIGHTS[4]} points when it is critical, ${WEIGHTS[3]} high, ${WEIGHTS[2]} medium, ${WEIGHTS[1]} low: less when it fires often or in an event that stands for another, half for the second of a severity, a third for the third and so on; each further tactic adds a tenth. It orders hosts of this report and means nothing beside another report.`;

function card(page: Page, one: Host | User, index: Index, most: number, set: "hosts" | "users"): HTMLElement {
    const addresses = "addresses" in one ? one.addresses.slice(0, 2).join(", ") : "";
    // A SID beside the name says nothing to people.
    const spellings = "also" in one ? one.also.filter((name) => !/^S-1-/i.test(name)) : [];
    const also = spellings.length > 0 ? `also ${spellings.slice(0, 2).map((name) => line(name, 30)).join(", ")}` : "";
    return h("li", { class: "card" },
        h("div", { class: "card-head" },
            h("button", { type: "button", class: "card-name", "data-index": String(index), "aria-pressed": String(page.store.state[set].has(index)), title: `Show only ${one.name}`, on: { click: () => page.store.only(set, index) } },
                line(set === "hosts" ? shortHost(one.name) : one.name, 44)),
            h("span", { class: "card-note faint" }, addresses || also),
            h("span", { class: "score", title: SCORE }, h("span", { class: "for-readers" }, "risk "), number(one.score)),
            h("span", { class: "score-bar", "aria-hidden": "true" }, h("span", { style: { width: `${Math.max(2, (100 * one.score) / most)}%` } }))),
        h("div", { class: "card-facts" }, tally(one), strip(page, one), h("span", { class: "faint card-span" }, one.first !== null && one.last !== null ? span(one.first, one.last) : "")),
        set === "hosts" ? h("ul", { class: "decisive" }, one.decisive.map((alert) => decisive(page, alert, one))) : null);
}

/** How many of each severity, those that there are. */
function tally(one: Ranked): HTMLElement {
    return h("span", { class: "tally" }, one.detections.map((n, severity) => ({ n, severity })).reverse().filter(({ n }) => n > 0).map(({ n, severity }) =>
        h("span", { class: severityClass(severity), title: `${number(n)} ${severityName(severity)}` }, mark(severity), number(n), h("span", { class: "for-readers" }, ` ${severityName(severity)} `))));
}

/** The matrix's tactics in a line, each in the colour of the worst that was found. */
function strip({ model }: Page, one: Ranked): HTMLElement {
    const worst = new Map(one.tactics);
    const words = one.tactics.map(([tactic]) => model.doc.tactics[tactic].name).join(", ");
    return h("span", { class: "strip", role: "img", "aria-label": `tactics: ${words}`, title: words }, model.doc.tactics.map((_, tactic) =>
        h("span", { class: worst.has(tactic) ? severityClass(worst.get(tactic)!) : "" })));
}

function decisive(page: Page, alert: Index, one: Ranked): HTMLElement {
    const finding = page.model.finding(alert);
    const time = page.model.time[alert];
    const isOneDay = one.first !== null && one.last !== null && day(one.first) === day(one.last);
    return h("li", null, h("button", { type: "button", on: { click: () => page.open(alert, one.decisive) } },
        spokenMark(finding.severity), h("span", { class: "decisive-time" }, Number.isNaN(time) ? "" : isOneDay ? minute(time) : day(time)),
        h("span", { class: "decisive-title" }, finding.title)));
}

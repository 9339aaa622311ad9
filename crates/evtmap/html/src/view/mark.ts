/**
 * How a severity looks: a colour, a shape and a word, so that nobody depends on one of them. The shapes have
 * more corners to catch the eye the worse it is.
 */

import { SEVERITIES, type SeverityIndex } from "../contract.ts";
import { h, svg } from "../dom.ts";

/** The word; nothing for a mere event. */
export const severityName = (severity: SeverityIndex): string => SEVERITIES[severity] ?? "event";

/** The class that gives the colour. */
export const severityClass = (severity: SeverityIndex): string => `severity-${severityName(severity)}`;

/** The outline of a severity's shape around a point. */
export function outline(severity: SeverityIndex, x: number, y: number, r: number): string {
    const at = (dx: number, dy: number) => `${(x + dx * r).toFixed(1)} ${(y + dy * r).toFixed(1)}`;
    switch (severity) {
        case 4: return `M${at(0, -1.3)}L${at(1.3, 0)}L${at(0, 1.3)}L${at(-1.3, 0)}Z`;
        case 3: return `M${at(0, -1.15)}L${at(1.15, 0.85)}L${at(-1.15, 0.85)}Z`;
        case 2: return `M${at(-0.88, -0.88)}L${at(0.88, -0.88)}L${at(0.88, 0.88)}L${at(-0.88, 0.88)}Z`;
        default: {
            const wide = severity === 1 ? r * 0.95 : r * 0.7;
            const from = `${(x - wide).toFixed(1)} ${y.toFixed(1)}`;
            return `M${from}a${wide} ${wide} 0 1 0 ${2 * wide} 0a${wide} ${wide} 0 1 0 ${-2 * wide} 0Z`;
        }
    }
}

/** The mark alone, for places where the word stands beside it. */
export function mark(severity: SeverityIndex, isAssociation = false): SVGSVGElement {
    return svg("svg", { class: `mark ${severityClass(severity)}${isAssociation ? " is-association" : ""}`, viewBox: "-7 -7 14 14", "aria-hidden": "true" },
        svg("path", { d: outline(severity, 0, 0, 5) }));
}

/** The mark with the word for those who do not see it. */
export function spokenMark(severity: SeverityIndex, isAssociation = false): HTMLElement {
    return h("span", { class: "spoken-mark", title: severityName(severity) + (isAssociation ? ", association" : "") },
        mark(severity, isAssociation),
        h("span", { class: "for-readers" }, severityName(severity)));
}

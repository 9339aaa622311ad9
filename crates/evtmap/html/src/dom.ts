/**
 * Elements out of tags and texts. There is no other way from data to the page: texts become text nodes, and
 * the page's policy refuses markup in strings.
 */

import { flat, pieces } from "./text.ts";

export type Child = Node | string | number | null | undefined | false | Child[];

export interface Attributes {
    class?: string;
    title?: string;
    on?: { [event: string]: (event: any) => void };
    style?: { [property: string]: string };
    [attribute: string]: unknown;
}

const SVG = "http://www.w3.org/2000/svg";

export function h<K extends keyof HTMLElementTagNameMap>(
    tag: K,
    attributes?: Attributes | null,
    ...children: Child[]
): HTMLElementTagNameMap[K] {
    return dress(document.createElement(tag), attributes, children);
}

export function svg<K extends keyof SVGElementTagNameMap>(
    tag: K,
    attributes?: Attributes | null,
    ...children: Child[]
): SVGElementTagNameMap[K] {
    return dress(document.createElementNS(SVG, tag) as SVGElementTagNameMap[K], attributes, children);
}

function dress<E extends HTMLElement | SVGElement>(element: E, attributes: Attributes | null | undefined, children: Child[]): E {
    for (const [name, value] of Object.entries(attributes ?? {})) {
        if (value === undefined || value === null || value === false) continue;
        if (name === "on") {
            for (const [event, listener] of Object.entries(value as object)) element.addEventListener(event, listener);
        } else if (name === "style") {
            for (const [property, text] of Object.entries(value as object)) element.style.setProperty(property, text);
        } else {
            // What is read out or shown may be from a log; the rest is ours.
            const isShown = name === "title" || name === "aria-label";
            element.setAttribute(name, value === true ? "" : isShown ? flat(String(value)) : String(value));
        }
    }
    append(element, children);
    return element;
}

export function append(element: Element, children: Child[]): void {
    for (const child of children) {
        if (child === null || child === undefined || child === false) continue;
        if (Array.isArray(child)) append(element, child);
        else if (child instanceof Node) element.append(child);
        else element.append(...text(String(child), element.namespaceURI === SVG));
    }
}

/** A text with what is hidden in it shown. */
export function text(content: string, inSvg = false): Node[] {
    return pieces(content).map((piece) => {
        if (!piece.hidden) return document.createTextNode(piece.text);
        const shown = inSvg ? document.createElementNS(SVG, "tspan") : document.createElement("span");
        shown.setAttribute("class", "hidden-character");
        shown.append(piece.text);
        return shown;
    });
}

export function replace(element: Element, ...children: Child[]): void {
    element.replaceChildren();
    append(element, children);
}

/** What a screen reader says when something has changed elsewhere on the page. */
export function announce(words: string): void {
    const region = document.getElementById("announcements");
    if (region) region.textContent = flat(words);
}

/** Calls a function when the browser draws next, once, however often it is asked. */
export function soon(work: () => void): () => void {
    let asked = false;
    return () => {
        if (asked) return;
        asked = true;
        requestAnimationFrame(() => {
            asked = false;
            work();
        });
    };
}

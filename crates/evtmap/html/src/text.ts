/**
 * Text from logs is hostile: it may hold control characters, escape sequences of terminals, marks that turn
 * the direction of writing, characters that nobody sees, and be a megabyte long. Here it becomes text that
 * shows what is in it.
 */

/** How many characters of a value are shown before it must be unfolded. */
export const SHOWN_MAX = 700;

/** Characters that would not be seen, or would change how others are seen. Line feeds and tabs are harmless. */
const HIDDEN =
    /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202f\u205f-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff\ud800-\udfff]|[\u{e0000}-\u{e0fff}\u{1d173}-\u{1d17a}]/u;
const HIDDEN_ALL = new RegExp(HIDDEN.source, "gu");

const CONTROLS =
    "NUL SOH STX ETX EOT ENQ ACK BEL BS TAB LF VT FF CR SO SI DLE DC1 DC2 DC3 DC4 NAK SYN ETB CAN EM SUB ESC FS GS RS US".split(" ");

/** How a hidden character is named: as ASCII does, else by its number. */
function nameOf(character: string): string {
    const code = character.codePointAt(0) ?? 0;
    if (code < CONTROLS.length) return CONTROLS[code];
    if (code === 0x7f) return "DEL";
    return `U+${code.toString(16).toUpperCase().padStart(4, "0")}`;
}

/** A text in pieces: what is plain, and what is hidden and must be named. */
export function pieces(text: string): { text: string; hidden: boolean }[] {
    // Windows ends lines with two characters, which is no news.
    const unified = text.replaceAll("\r\n", "\n");
    if (!HIDDEN.test(unified)) return [{ text: unified, hidden: false }];
    const found: { text: string; hidden: boolean }[] = [];
    let end = 0;
    for (const match of unified.matchAll(HIDDEN_ALL)) {
        if (match.index > end) found.push({ text: unified.slice(end, match.index), hidden: false });
        found.push({ text: nameOf(match[0]), hidden: true });
        end = match.index + match[0].length;
    }
    if (end < unified.length) found.push({ text: unified.slice(end), hidden: false });
    return found;
}

/** A text for places that take no markup, such as tooltips and the page's title. */
export function flat(text: string, max = 300): string {
    return pieces(clip(text, max)).map((piece) => (piece.hidden ? `[${piece.text}]` : piece.text)).join("");
}

/** A text in one line. */
export function line(text: string, max = 240): string {
    return clip(text.slice(0, max * 4).replace(/\s+/g, " ").trim(), max);
}

/** A text of at most so many characters, with a sign where it was cut, and no character cut in half. */
export function clip(text: string, max: number): string {
    if (text.length <= max) return text;
    const last = text.charCodeAt(max - 1);
    return text.slice(0, last >= 0xd800 && last < 0xdc00 ? max - 1 : max) + "…";
}

const NUMBER = new Intl.NumberFormat("en-US");

export const number = (n: number): string => NUMBER.format(n);

/** `1 alert`, `2 alerts`. */
export function counted(n: number, one: string, many = `${one}s`): string {
    return `${number(n)} ${n === 1 ? one : many}`;
}

/** A host without its domain, where that is enough to know it. */
export function shortHost(name: string): string {
    return /^[\d.:]+$/.test(name) ? name : name.split(".")[0] || name;
}

/** A reference of a rule as an address that may be a link: http and https only, nothing else. */
export function link(reference: string): string | null {
    if (!/^https?:\/\//i.test(reference)) return null;
    try {
        const url = new URL(reference);
        return url.protocol === "https:" || url.protocol === "http:" ? url.href : null;
    } catch {
        return null;
    }
}

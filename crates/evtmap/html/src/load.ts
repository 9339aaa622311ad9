/** The data block of the page, unpacked. */

import type { ReportDocument } from "./contract.ts";

/** The contract that this page reads. */
const CONTRACT = 1;

/** Why a report cannot be shown, in words for whoever opened it. */
export class Unreadable extends Error {}

export async function load(): Promise<ReportDocument> {
    const block = document.getElementById("data");
    const packed = block?.textContent?.trim() ?? "";
    if (typeof DecompressionStream === "undefined") {
        throw new Unreadable("This browser is too old to unpack the report (it lacks DecompressionStream).");
    }
    let content: unknown;
    try {
        content = JSON.parse(await unpack(packed));
    } catch {
        throw new Unreadable("The report's data is damaged: the file was cut or changed after it was written.");
    }
    block?.remove();
    if ((content as ReportDocument | null)?.contract !== CONTRACT) {
        throw new Unreadable("The report's data is of another version than this page.");
    }
    return content as ReportDocument;
}

async function unpack(base64: string): Promise<string> {
    const binary = atob(base64);
    const bytes = new Uint8Array(binary.length);
    for (let at = 0; at < binary.length; at++) bytes[at] = binary.charCodeAt(at);
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Response(stream).text();
}

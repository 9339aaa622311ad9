/**
 * What held of a rule for one event. As text it is the parts of the condition from the top down, each `1` or
 * `0`; then for each item that met something `;item:value,value`, where items are counted in the order in
 * which they come and values are those of the item. `1110;0:2` is a condition of four parts, of which the
 * last does not hold, and whose first item met its third value.
 */
export interface Evidence {
    /** Whether a part holds, by its number from the top down. */
    holds: boolean[];
    /** Which values an item met, by its number. */
    met: Map<number, number[]>;
}

export function readEvidence(text: string): Evidence {
    const [bits, ...items] = text.split(";");
    const met = new Map<number, number[]>();
    for (const item of items) {
        const [number, values] = item.split(":");
        met.set(Number(number), (values ?? "").split(",").filter(Boolean).map(Number));
    }
    return { holds: Array.from(bits, (bit) => bit === "1"), met };
}

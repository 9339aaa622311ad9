/** What all parts of the page share. */

import type { Index } from "../contract.ts";
import type { Filter } from "../filter.ts";
import type { Model } from "../model.ts";
import type { Store } from "../state.ts";
import type { Story } from "../story.ts";

export interface Page {
    readonly model: Model;
    readonly store: Store;
    readonly filter: Filter;
    readonly story: Story;
    /** The alerts that are shown, in the order of the table. */
    rows: Index[];
    /** Opens an alert; `among` is what "next" and "previous" go through, by default the table's rows. */
    open(alert: Index, among?: Index[]): void;
    /** The alerts that "next" and "previous" go through. */
    among: Index[] | null;
    /** The tactics whose columns of the matrix are unfolded. */
    readonly unfolded: Set<Index>;
}

/** Whether the window is that of a phone. */
export const isNarrow = (): boolean => window.matchMedia("(max-width: 719px)").matches;

/** Puts the page together. */

import { announceCount, bar } from "./view/bar.ts";
import { account } from "./view/account.ts";
import { detail } from "./view/detail.ts";
import { h } from "./dom.ts";
import { Filter } from "./filter.ts";
import { Unreadable, load } from "./load.ts";
import { matrix } from "./view/matrix.ts";
import { Model } from "./model.ts";
import type { Page } from "./view/page.ts";
import { picture } from "./view/picture.ts";
import { Store } from "./state.ts";
import { story } from "./view/story.ts";
import { startTheme } from "./view/theme.ts";
import { table } from "./view/table.ts";
import { tellStory } from "./story.ts";

async function start(): Promise<void> {
    const model = new Model(await load());
    const store = new Store(model);
    const filter = new Filter(model);
    store.restore(location.hash);
    filter.apply(store.state);
    // The filter hears of changes before what draws them.
    store.listen((state) => filter.apply(state));
    const page: Page = {
        model, store, filter, story: tellStory(model), rows: [], among: null, unfolded: new Set(),
        open(alert, among) {
            page.among = among ?? null;
            store.set({ open: alert });
        },
    };
    const app = document.getElementById("app")!;
    app.replaceChildren(
        h("a", { class: "skip", href: "#alerts", on: { click: skip } }, "Skip to the alerts"),
        bar(page),
        h("main", null, story(page), picture(page), matrix(page), table(page), account(page)),
        detail(page),
        h("div", { id: "announcements", class: "for-readers", role: "status", "aria-live": "polite" }));
    document.getElementById("waiting")?.remove();
    store.listen((_, changed) => {
        announceCount(page, changed);
        remember(store);
    });
    window.addEventListener("hashchange", () => {
        if (location.hash.slice(1) !== store.link) store.restore(location.hash);
    });
    document.documentElement.dataset["ready"] = "yes";
}

function skip(event: Event): void {
    event.preventDefault();
    document.querySelector<HTMLElement>(".grid")?.focus();
}

/** The address always restores what is seen; browsers that refuse to change a file's address do without. */
function remember(store: Store): void {
    try {
        history.replaceState(null, "", `#${store.link}`);
    } catch { /* the link can be copied all the same */ }
}

startTheme();
start().catch((error: unknown) => {
    const words = error instanceof Unreadable ? error.message : "The report could not be shown.";
    const way = "Open it in a current browser (Edge or Chrome 80, Firefox 113, Safari 16.4 or newer), or write the same alerts as a table: evtmap map … -o alerts.csv";
    const waiting = document.getElementById("waiting");
    waiting?.replaceChildren(h("p", null, h("b", null, words)), h("p", null, way));
    if (!(error instanceof Unreadable)) console.error(error);
});

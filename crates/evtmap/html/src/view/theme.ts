/** Light or dark: as the system has it, or as was chosen. */

const CHOICES = ["auto", "light", "dark"] as const;
export type Choice = (typeof CHOICES)[number];

const KEY = "evtmap-colours";
const system = window.matchMedia("(prefers-color-scheme: dark)");
let chosen: Choice = "auto";

/** Before anything is drawn, so that nobody is dazzled. */
export function startTheme(): void {
    let kept: string | null = null;
    try {
        kept = localStorage.getItem(KEY);
    } catch { /* some browsers keep nothing for files */ }
    chosen = CHOICES.find((choice) => choice === kept) ?? "auto";
    system.addEventListener("change", apply);
    apply();
}

export const theme = (): Choice => chosen;

export const nextTheme = (): Choice => CHOICES[(CHOICES.indexOf(chosen) + 1) % CHOICES.length];

export function setTheme(choice: Choice): void {
    chosen = choice;
    try {
        localStorage.setItem(KEY, choice);
    } catch { /* it holds until the page is closed */ }
    apply();
}

function apply(): void {
    document.documentElement.dataset["theme"] = chosen === "auto" ? (system.matches ? "dark" : "light") : chosen;
}

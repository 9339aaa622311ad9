// Whether the document that the program wrote in its own test is what `src/contract.ts` says: the compiler is
// asked, so that a member too many is found as well as one too few.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const document = readFileSync(join(here, "document.json"), "utf8").trim();
// Beside the sources, so that the compiler finds the contract and the options.
const folder = mkdtempSync(join(here, "..", "src", ".contract-"));
try {
    const file = join(folder, "document.ts");
    writeFileSync(file, `import type { ReportDocument } from "../contract.ts";\nconst document = ${document} satisfies ReportDocument;\nvoid document;\n`);
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ extends: "../../tsconfig.json", include: [], files: ["document.ts"] }));
    execFileSync(join(here, "..", "node_modules", ".bin", "tsc"), ["--noEmit", "-p", folder], { stdio: "inherit" });
    console.log("the program's document keeps to the contract");
} catch {
    process.exitCode = 1;
} finally {
    rmSync(folder, { recursive: true, force: true });
}

// licences.mjs TARGET OUTPUT PACKAGE…: the licences of all that these packages of ours are built of, as one text.
//
// a dependency without a licence ends it with an error. One that brings no text gets the text of the licence it
// names, where that is one of the few whose wording is the same everywhere.

import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { crates, npmPackages, root, sqlite, texts } from "./dependencies.mjs";

const [target, output, ...programs] = process.argv.slice(2);
if (programs.length === 0) throw new Error("use: licences.mjs TARGET OUTPUT PACKAGE…");

const all = crates(programs, target);
const foreign = all.filter((it) => !it.ours);
// only the desktop app and the server have the UI in them
const withUi = programs.some((it) => it === "upkeep") || all.some((it) => it.name === "upkeep-api");
if (withUi) foreign.push(...npmPackages());

const nameless = foreign.filter((it) => !it.licence);
if (nameless.length > 0) {
    throw new Error(`no licence is named by ${nameless.map((it) => `${it.name} ${it.version}`).join(", ")}`);
}

const MIT = readFileSync(path.join(root, "LICENSE-MIT"), "utf8").replace(/^[\s\S]*?(?=Permission is)/, "");
const APACHE = readFileSync(path.join(root, "LICENSE-APACHE"), "utf8");

/** What stands for the text of a dependency that brings none. */
function standard({ name, licence, authors }) {
    if (/\bApache-2\.0\b(?! WITH)/.test(licence)) return { file: "the text of Apache-2.0", text: APACHE.trim() };
    if (/\bMIT\b/.test(licence)) {
        const holders = authors.length > 0 ? authors.join(", ").replace(/ <[^>]*>/g, "") : `the authors of ${name}`;
        return { file: "the text of MIT", text: `MIT License\n\nCopyright (c) ${holders}\n\n${MIT.trim()}` };
    }
    // the MPL is worded the same everywhere; of others only a text by the same authors will do
    const alike = (it) => licence === "MPL-2.0" || it.authors.join() === authors.join();
    const sibling = foreign.find((it) => it.licence === licence && alike(it) && texts(it.folder).length > 0);
    if (sibling) return { file: `the text of ${sibling.name}`, text: texts(sibling.folder)[0].text };
    throw new Error(`${name} brings no text of its licence (${licence}), and none is known here`);
}

const byText = new Map();
for (const it of foreign) {
    const found = texts(it.folder);
    for (const { file, text } of found.length > 0 ? found : [standard(it)]) {
        const key = createHash("sha256").update(text.replace(/\s+/g, " ")).digest("hex");
        const entry = byText.get(key) ?? { text, users: [] };
        entry.users.push(`${it.name} ${it.version} (${file})`);
        byText.set(key, entry);
    }
}

const line = "=".repeat(100);
const parts = [
    "Upkeep itself is licensed under MIT or Apache-2.0, as you like. It is built of the following, each under the",
    "licence beside it. Where a licence says OR, each of them may be chosen.",
    "",
    ...foreign.map((it) => `${`${it.name} ${it.version}`.padEnd(44)} ${it.licence}${it.page ? `  ${it.page}` : ""}`),
];
const engine = sqlite(all);
if (engine) parts.push(`${`SQLite ${engine.version}`.padEnd(44)} public domain  https://sqlite.org/copyright.html`);
// the licence asks that whoever gets a program is told where the source is
if (foreign.some((it) => /MPL-2\.0/.test(it.licence))) {
    parts.push("", "Those under MPL-2.0 are used unchanged; their source is at https://crates.io/crates/NAME/VERSION.");
}
for (const { text, users } of byText.values()) {
    parts.push("", line, ...users, line, "", text);
}
writeFileSync(output, `${parts.join("\n")}\n`);
console.log(`    ${foreign.length} dependencies, ${byText.size} texts: ${path.basename(output)}`);

// what is built into the programs: the crates that cargo resolved, and the UI's packages that npm installed.
//
// tests' and build scripts' own dependencies are left out, as nothing of them is shipped. cargo resolves the
// features of the whole workspace at once, so a crate or two may be listed that a single program does without.

import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, readdirSync, statSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");

// part of every bundle, though npm counts it among the tools that make one
const BUNDLED_TOOLS = ["svelte"];

/** A licence as an SPDX expression; older crates write a slash where it has `OR`. */
export function spdx(licence) {
    return licence ? licence.replace(/\s*\/\s*/g, " OR ") : undefined;
}

function byName(left, right) {
    return left.name.localeCompare(right.name, "en") || left.version.localeCompare(right.version, "en");
}

/** sha256 of each crate's archive, by `name version`, as Cargo.lock has it. */
function checksums() {
    const lock = readFileSync(path.join(root, "Cargo.lock"), "utf8");
    const found = new Map();
    for (const block of lock.split("[[package]]").slice(1)) {
        const value = (key) => block.match(new RegExp(`^${key} = "(.*)"$`, "m"))?.[1];
        if (value("checksum")) found.set(`${value("name")} ${value("version")}`, value("checksum"));
    }
    return found;
}

/** The crates that these packages of ours are built of, they themselves first, with what each uses. */
export function crates(programs, target) {
    const output = execFileSync(
        "cargo",
        ["metadata", "--format-version", "1", "--locked", "--filter-platform", target],
        { cwd: root, encoding: "utf8", maxBuffer: 1 << 28, stdio: ["ignore", "pipe", "inherit"] },
    );
    const { packages, resolve } = JSON.parse(output);
    const packageOf = new Map(packages.map((it) => [it.id, it]));
    const nodeOf = new Map(resolve.nodes.map((it) => [it.id, it]));
    const used = (id) =>
        nodeOf
            .get(id)
            .deps.filter((dep) => dep.dep_kinds.some(({ kind }) => kind === null))
            .map((dep) => dep.pkg);

    const waiting = packages.filter((it) => it.source === null && programs.includes(it.name)).map((it) => it.id);
    if (waiting.length !== programs.length) throw new Error(`not all packages of ours: ${programs.join(", ")}`);
    const reached = new Set(waiting);
    for (let id = waiting.pop(); id; id = waiting.pop()) {
        for (const next of used(id).filter((it) => !reached.has(it))) {
            reached.add(next);
            waiting.push(next);
        }
    }
    const sums = checksums();
    const reference = ({ name, version }) => `pkg:cargo/${name}@${version}`;
    return [...reached]
        .map((id) => packageOf.get(id))
        .map((it) => ({
            name: it.name,
            version: it.version,
            licence: spdx(it.license),
            authors: it.authors,
            description: it.description,
            page: it.repository ?? it.homepage,
            folder: path.dirname(it.manifest_path),
            ours: it.source === null,
            reference: reference(it),
            hash: sums.has(`${it.name} ${it.version}`)
                ? { algorithm: "SHA-256", content: sums.get(`${it.name} ${it.version}`) }
                : undefined,
            uses: used(it.id).map((id) => reference(packageOf.get(id))).sort(),
        }))
        .sort(byName);
}

/** The packages of npm that the UI's bundle is made of, with what each uses. */
export function npmPackages() {
    const { packages } = JSON.parse(readFileSync(path.join(root, "ui/package-lock.json"), "utf8"));
    const at = (name, from) => {
        // as node looks for it: in the package's own folder, then in those above
        for (let folder = from; ; folder = folder.replace(/(^|\/)node_modules\/(@[^/]+\/)?[^/]+$/, "")) {
            const key = `${folder ? `${folder}/` : ""}node_modules/${name}`;
            if (packages[key]) return key;
            if (!folder) return undefined;
        }
    };
    const first = [...Object.keys(packages[""].dependencies ?? {}), ...BUNDLED_TOOLS];
    const waiting = first.map((name) => at(name, ""));
    const reached = new Set(waiting);
    // types are gone when the bundle is made
    const usedBy = (key) =>
        Object.keys(packages[key].dependencies ?? {})
            .filter((name) => !name.startsWith("@types/"))
            .map((name) => at(name, key))
            .filter(Boolean);
    for (let key = waiting.pop(); key; key = waiting.pop()) {
        for (const next of usedBy(key).filter((it) => !reached.has(it))) {
            reached.add(next);
            waiting.push(next);
        }
    }
    const nameOf = (key) => key.replace(/^.*node_modules\//, "");
    const reference = (key) => `pkg:npm/${nameOf(key).replace("@", "%40")}@${packages[key].version}`;
    return [...reached]
        .map((key) => {
            const folder = path.join(root, "ui", key);
            const manifest = JSON.parse(readFileSync(path.join(folder, "package.json"), "utf8"));
            const [, algorithm, digest] = packages[key].integrity?.match(/^sha(\d+)-(.+)$/) ?? [];
            const repository = manifest.repository?.url ?? manifest.repository;
            return {
                name: nameOf(key),
                version: packages[key].version,
                licence: packages[key].license ?? manifest.license,
                authors: [manifest.author?.name ?? manifest.author].filter(Boolean),
                description: manifest.description,
                page: typeof repository === "string" ? repository.replace(/^git\+/, "") : manifest.homepage,
                folder,
                ours: false,
                reference: reference(key),
                hash: digest && {
                    algorithm: `SHA-${algorithm}`,
                    content: Buffer.from(digest, "base64").toString("hex"),
                },
                uses: usedBy(key).map(reference).sort(),
            };
        })
        .sort(byName);
}

/** The C library inside libsqlite3-sys, which no list of crates names. */
export function sqlite(all) {
    const holder = all.find((it) => it.name === "libsqlite3-sys");
    const header = holder && path.join(holder.folder, "sqlite3/sqlite3.h");
    if (!header || !existsSync(header)) return undefined;
    const version = readFileSync(header, "utf8").match(/^#define SQLITE_VERSION\s+"([^"]+)"/m)?.[1];
    return version && { name: "sqlite", version, holder: holder.reference };
}

/** The texts of licences and notices that a package brings along, with the names of their files. */
export function texts(folder) {
    const wanted = /^(licen[cs]e|copying|copyright|notice|unlicense)/i;
    const source = /\.(rs|js|ts|json|toml|html|py|sh)$/i;
    const read = (from) =>
        readdirSync(from)
            .filter((name) => wanted.test(name) && !source.test(name))
            .sort()
            .flatMap((name) => {
                const file = path.join(from, name);
                if (statSync(file).isDirectory()) return readdirSync(file).map((it) => path.join(file, it));
                return [file];
            })
            .filter((file) => statSync(file).isFile())
            .map((file) => ({ file: path.relative(folder, file), text: readFileSync(file, "utf8").trim() }))
            .filter(({ text }) => text.length > 0);
    return read(folder);
}

// sbom.mjs TARGET OUTPUT PACKAGE…: what these packages of ours are built of, as a CycloneDX 1.5 document.
//
// the same sources give the same document, number and time included.

import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { crates, npmPackages, sqlite } from "./dependencies.mjs";

const [target, output, ...programs] = process.argv.slice(2);
if (programs.length === 0) throw new Error("use: sbom.mjs TARGET OUTPUT PACKAGE…");

const all = crates(programs, target);
const withUi = programs.some((it) => it === "upkeep") || all.some((it) => it.name === "upkeep-api");
const ui = withUi ? npmPackages() : [];

function component(it) {
    const external = /^https?:\/\//.test(it.page ?? "") ? [{ type: "vcs", url: it.page }] : undefined;
    return {
        type: "library",
        "bom-ref": it.reference,
        name: it.name,
        version: it.version,
        description: it.description?.trim().replace(/\s+/g, " ") || undefined,
        scope: "required",
        hashes: it.hash && [{ alg: it.hash.algorithm, content: it.hash.content }],
        licenses: it.licence ? [{ expression: it.licence }] : undefined,
        // what is ours is in no registry
        purl: it.ours ? undefined : it.reference,
        externalReferences: external,
    };
}

const components = [...all, ...ui].map(component);
const dependencies = [...all, ...ui].map((it) => ({ ref: it.reference, dependsOn: [...new Set(it.uses)] }));

const engine = sqlite(all);
if (engine) {
    const reference = `pkg:generic/sqlite@${engine.version}`;
    components.push({
        type: "library",
        "bom-ref": reference,
        name: "sqlite",
        version: engine.version,
        scope: "required",
        licenses: [{ license: { id: "blessing" } }],
        purl: reference,
        externalReferences: [{ type: "website", url: "https://sqlite.org" }],
    });
    dependencies.push({ ref: reference, dependsOn: [] });
    dependencies.find((it) => it.ref === engine.holder).dependsOn.push(reference);
}

const main = all.find((it) => it.name === programs[0]);
const reference = `upkeep:${programs.join("+")}@${main.version}`;
const uiReferences = ui.map((it) => it.reference);
dependencies.push({
    ref: reference,
    dependsOn: [...all.filter((it) => programs.includes(it.name)).map((it) => it.reference), ...uiReferences],
});

const when = new Date(Number(process.env.SOURCE_DATE_EPOCH ?? Math.floor(Date.now() / 1000)) * 1000);
const digest = createHash("sha256").update(JSON.stringify([components, dependencies, when])).digest("hex");
const variant = ((parseInt(digest[16], 16) & 3) | 8).toString(16);
const number = [
    digest.slice(0, 8),
    digest.slice(8, 12),
    `5${digest.slice(13, 16)}`,
    `${variant}${digest.slice(17, 20)}`,
    digest.slice(20, 32),
].join("-");

const document = {
    $schema: "http://cyclonedx.org/schema/bom-1.5.schema.json",
    bomFormat: "CycloneDX",
    specVersion: "1.5",
    serialNumber: `urn:uuid:${number}`,
    version: 1,
    metadata: {
        timestamp: when.toISOString(),
        component: {
            type: "application",
            "bom-ref": reference,
            name: programs[0],
            version: main.version,
            licenses: [{ expression: "MIT OR Apache-2.0" }],
        },
        properties: [{ name: "upkeep:target", value: target }],
    },
    components,
    dependencies,
};

// what the specification asks for beyond the shape that is written above
const check = (met, words) => {
    if (!met) throw new Error(`the document is no CycloneDX: ${words}`);
};
const references = [reference, ...components.map((it) => it["bom-ref"])];
check(new Set(references).size === references.length, "a reference stands for two components");
const dangling = dependencies.flatMap((it) => [it.ref, ...it.dependsOn]).find((it) => !references.includes(it));
check(!dangling, `nothing is called ${dangling}`);
check(dependencies.length === references.length, "a component does not say what it uses");
check(dependencies.every((it) => new Set(it.dependsOn).size === it.dependsOn.length), "a use is named twice");
check(components.every((it) => it.name && it.version && it.licenses), "a component lacks name, version or licence");
check(/^urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(document.serialNumber), "its number is no UUID");
writeFileSync(output, `${JSON.stringify(document, null, 2)}\n`);
console.log(`    ${components.length} components: ${path.basename(output)}`);

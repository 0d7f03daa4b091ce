// the design system holds: colours, sizes of letters, roundness and motion have names, and only tokens.css has values.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { render } from "@testing-library/svelte";
import { expect, test } from "vitest";
import Gallery from "../dev/Gallery.svelte";

const SOURCE = join(process.cwd(), "src");
const read = (file: string) => readFileSync(join(SOURCE, file), "utf8");
const base = read("lib/styles/base.css");
const tokens = read("lib/styles/tokens.css");
const galleryText = read("../dev/Gallery.svelte");

/** Values that stand for themselves. */
const PLAIN = /^(inherit|initial|unset|none|0|transparent|currentcolor)$/;

const RULES: { property: RegExp; allowed: RegExp; why: string }[] = [
  { property: /^font-size$/, allowed: /^(var\(--size-[a-z]+\)|[0-9.]+em)$/, why: "a size of letters" },
  { property: /^font$/, allowed: /var\(--size-[a-z]+\).*var\(--font(-mono)?\)$/, why: "letters" },
  { property: /^font-family$/, allowed: /^var\(--font(-mono)?\)$/, why: "letters" },
  {
    property: /^border(-[a-z]+)*-radius$/,
    allowed: /^((var\(--radius(-[a-z]+)?\)|0|50%) ?)+$/,
    why: "roundness",
  },
  { property: /^(transition|animation)$/, allowed: /var\(--motion-[a-z]+\)/, why: "motion" },
  {
    property: /^(transition|animation)-(duration|timing-function)$/,
    allowed: /var\(--motion-/,
    why: "motion",
  },
  { property: /^accent-color$/, allowed: /^var\(--accent\)$/, why: "the accent" },
  { property: /^font-variant-numeric$/, allowed: /^tabular-nums$/, why: "figures of one width" },
];

const COLOUR =
  /#[0-9a-f]{3,8}\b|\b(rgba?|hsla?|hwb|oklab|oklch|lab|lch|color|light-dark)\(|:[^;]*\b(white|black|red|green|blue|gr[ae]y|orange|yellow|silver|purple|teal|navy)\b/i;

/** What a stylesheet says against the rules, one line each. */
export function broken(css: string): string[] {
  const bare = css.replace(/\/\*[\s\S]*?\*\//g, "").replace(/@media \(prefers-reduced-motion[\s\S]*$/, "");
  const found: string[] = [];
  for (const [, property = "", value = ""] of bare.matchAll(/(?:^|[{;\n])\s*([a-z-]+)\s*:\s*([^;{}]+);/g)) {
    const said = `${property}: ${value.trim()}`;
    if (COLOUR.test(said.replace(/var\(--[a-z0-9-]+\)/g, "").replace(/color-mix\(/, "")))
      found.push(`a colour of its own: ${said}`);
    const rule = RULES.find((one) => one.property.test(property));
    if (rule && !PLAIN.test(value.trim()) && !rule.allowed.test(value.trim()))
      found.push(`${rule.why} without a name: ${said}`);
  }
  return found;
}

function styles(): [string, string][] {
  const files = readdirSync(SOURCE, { recursive: true, encoding: "utf8" });
  return files
    .filter((file) => /\.(svelte|css)$/.test(file) && !file.endsWith("tokens.css"))
    .map((file) => {
      const text = read(file);
      return [file, file.endsWith(".css") ? text : (/<style>([\s\S]*)<\/style>/.exec(text)?.[1] ?? "")];
    });
}

test("only the tokens have values", () => {
  const all = styles();
  expect(all.length).toBeGreaterThan(60);
  expect(all.flatMap(([file, css]) => broken(css).map((line) => `${file}: ${line}`))).toEqual([]);
});

test.each([
  ["a { color: #fff; }", "colour"],
  ["a {\n  border: 1px solid rgb(1 2 3);\n}", "colour"],
  ["a { background: white; }", "colour"],
  ["a { background: color-mix(in srgb, red 22%, var(--surface)); }", "colour"],
  ["a { font-size: 13px; }", "letters"],
  ["a { font-size: 0.8rem; }", "letters"],
  ["a { border-radius: 4px; }", "roundness"],
  ["a { transition: color 200ms; }", "motion"],
  ["a { font-variant-numeric: normal; }", "figures"],
])("%s is told", (css, what) => {
  expect(broken(css).join()).toContain(what);
});

test.each([
  "a { color: var(--text); border: 1px solid var(--line); font-size: 0.95em; border-radius: 0; }",
  "a { background: color-mix(in srgb, var(--swatch) 22%, var(--surface-raised)); border-radius: inherit; }",
  "a { transition: inline-size var(--motion-wait); white-space: nowrap; }",
])("%s is fine", (css) => {
  expect(broken(css)).toEqual([]);
});

test("figures have one width, and what moves stops for those who want less motion", () => {
  expect(/body \{[^}]*font-variant-numeric: tabular-nums;/.test(base)).toBe(true);
  const calm = /@media \(prefers-reduced-motion: reduce\) \{([\s\S]*)\}/.exec(base)?.[1] ?? "";
  for (const stopped of ["animation-duration", "animation-iteration-count", "transition-duration"])
    expect(calm).toContain(stopped);
});

test("a panel, which may grow long, casts no blurred shadow", () => {
  expect(/\.panel \{[^}]*box-shadow: var\(--shadow\);/.test(base)).toBe(true);
  const [x, y, blur] = /--shadow: (\S+) (\S+) (\S+) /.exec(tokens)?.slice(1) ?? [];
  expect([x, y, blur]).toEqual(["0", "1px", "0"]);
});

test("what is used has a value, and every value is used", () => {
  const defined = new Set([...tokens.matchAll(/^ {2}(--[a-z0-9-]+):/gm)].map((match) => match[1]));
  const used = new Set(
    [tokens, ...styles().map(([, css]) => css)].flatMap((css) =>
      [...css.matchAll(/var\((--[a-z0-9-]+)/g)].map((match) => match[1]),
    ),
  );
  // set where they are used
  const local = ["--swatch"];
  expect([...used].filter((name) => !defined.has(name) && !local.includes(name ?? ""))).toEqual([]);
  // charts take theirs by name
  expect([...defined].filter((name) => !used.has(name) && !name?.startsWith("--chart-"))).toEqual([]);
});

test("the gallery shows the shared components", () => {
  // made of the others for one place, and seen there
  const composed = [
    "CleanupTables",
    "CommandPalette",
    "EntryTable",
    "HealthReportView",
    "HostMeters",
    "KeptTable",
    "KeysDialog",
    "LargestEntries",
    "ListFoot",
    "OperationForm",
    "PlanDialog",
    "PlanEntries",
    "ReportItems",
    "ReportView",
    "StatisticsReportView",
    "TargetSelect",
    "VitalsStrip",
    "WorkerStrip",
  ];
  const there = readdirSync(join(SOURCE, "lib/components"))
    .filter((file) => file.endsWith(".svelte"))
    .map((file) => file.replace(".svelte", ""));
  const missing = there.filter((name) => !composed.includes(name) && !galleryText.includes(`<${name}`));
  expect(missing).toEqual([]);
  const { container } = render(Gallery);
  expect(container.querySelectorAll("section").length).toBe(7);
});

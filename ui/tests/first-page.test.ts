import { expect, test } from "vitest";
import { firstPage, packed, strangers } from "../build/first-page";

const bundle = {
  "index.js": { type: "chunk", isEntry: true, imports: ["shared.js"], code: "a".repeat(10_000) },
  "shared.js": { type: "chunk", imports: ["deep.js", "index.js"], code: "b" },
  "deep.js": { type: "chunk", imports: [], code: "c" },
  "later.js": { type: "chunk", imports: ["shared.js"], code: "d" },
  "index.css": { type: "asset" },
};

test("the first page is the entry with all that it names, and not what is loaded later", () => {
  expect(firstPage(bundle)).toEqual(["index.js", "shared.js", "deep.js"]);
});

test("its weight is that of its files as they travel", () => {
  expect(packed(bundle, ["index.js"])).toBeLessThan(100);
  expect(packed(bundle, firstPage(bundle))).toBeGreaterThan(packed(bundle, ["index.js"]));
});

test("a module of development in the build is named", () => {
  const moduleIds = [
    "/x/ui/src/App.svelte",
    "/x/ui/dev/Gallery.svelte",
    "/x/ui/node_modules/axe-core/axe.js",
  ];
  expect(strangers({ "index.js": { type: "chunk", moduleIds } })).toEqual(moduleIds.slice(1));
  expect(strangers(bundle)).toEqual([]);
});

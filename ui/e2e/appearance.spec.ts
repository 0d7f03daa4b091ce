// how it looks and whether everybody can use it: axe-core on each page in a browser, and pictures when they are asked for.
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import type { Page } from "@playwright/test";
import type axe from "axe-core";
import { expect, seen, test } from "./upkeep";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const PAGES = ["tasks", "workers", "health", "health/live", "statistics", "audit", "settings", "overview"];
const { UPKEEP_TEST_SCREENSHOTS } = process.env;

async function picture(page: Page, name: string): Promise<void> {
  if (!UPKEEP_TEST_SCREENSHOTS) return;
  mkdirSync(UPKEEP_TEST_SCREENSHOTS, { recursive: true });
  await page.screenshot({ path: join(UPKEEP_TEST_SCREENSHOTS, name), animations: "disabled" });
}

/** What is wrong, one line each. */
async function wrong(page: Page): Promise<string[]> {
  await page.evaluate(AXE);
  return page.evaluate(async () => {
    const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
    const checker = (window as unknown as { axe: typeof axe }).axe;
    const { violations, passes } = await checker.run(document, { runOnly: tags });
    if (passes.length < 5) return ["axe looked at nothing"];
    return violations.flatMap(({ id, nodes }) =>
      nodes.map(({ target, html }) => `${id} at ${target.join(" ")}: ${html}`),
    );
  });
}

for (const appearance of ["light", "dark"] as const) {
  test(`axe finds nothing on any page, ${appearance}`, async ({ upkeep, page }) => {
    await page.emulateMedia({ colorScheme: appearance, reducedMotion: "reduce" });
    for (let number = 0; number < 40; number += 1) upkeep.file(`old/file-${number}.tmp`, 48);
    await upkeep.serve();
    await page.goto(upkeep.origin);
    await expect(seen(page, "sign-in")).toBeVisible();
    const found: Record<string, string[]> = { "sign-in": await wrong(page) };
    await picture(page, `browser-sign-in-${appearance}.png`);

    await page.goto(await upkeep.signInLink());
    await seen(page, "run-health-check").click();
    await expect(seen(page, "last-run-health-check")).toContainText(/ago|just now|succeeded/i);
    for (const path of PAGES) {
      await page.goto(`${upkeep.origin}/#/${path}`);
      await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
      await page.waitForLoadState("load");
      await expect(page.getByText("Reading…")).toHaveCount(0);
      await page.locator("main").evaluate((main) => main.scrollTo(0, 0));
      found[path] = await wrong(page);
      await picture(page, `browser-${path.replace("/", "-")}-${appearance}.png`);
    }
    await page.goto(`${upkeep.origin}/#/settings`);
    await seen(page, "add-location").click();
    await seen(page, "place-choose").click();
    await expect(seen(page, "folder-path")).toBeVisible();
    found["folders"] = await wrong(page);
    await picture(page, `browser-folders-${appearance}.png`);
    expect(Object.fromEntries(Object.entries(found).filter(([, lines]) => lines.length > 0))).toEqual({});
  });
}

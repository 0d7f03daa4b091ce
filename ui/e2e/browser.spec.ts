// the way of an operator through a browser: in by a link, preview, run, look, take a report away, out.
import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, seen, signedIn, test } from "./upkeep";

const CARD = "cleanup-temp-files";

test("without a session there is only the way to get one", async ({ upkeep, page, request }) => {
  await upkeep.serve();
  await page.goto(upkeep.origin);
  await expect(seen(page, "sign-in")).toContainText("upkeepctl sign-in-link");
  await expect(seen(page, "nav-overview")).toHaveCount(0);
  for (const path of [
    "/api/overview",
    "/api/tasks",
    "/api/settings",
    "/api/folders?path=/",
    "/api/export/tasks?format=csv",
  ])
    expect((await request.get(upkeep.origin + path)).status(), path).toBe(401);
  const trigger = `${upkeep.origin}/api/system/maintenance/${CARD}`;
  expect((await request.post(trigger)).status()).toBe(401);
});

test("a link signs in once, and a tab of another browser stays outside", async ({
  upkeep,
  page,
  browser,
}) => {
  const link = await upkeep.serve();
  await page.goto(link);
  await expect(seen(page, "nav-overview")).toBeVisible();
  expect(page.url(), "the code does not stay in the address").not.toContain("code=");
  const cookie = (await page.context().cookies()).find(({ name }) => name === "upkeep_session");
  expect(cookie).toMatchObject({ httpOnly: true, sameSite: "Strict" });

  const stranger = await browser.newContext();
  const foreign = await stranger.newPage();
  await foreign.goto(link);
  await foreign.goto(upkeep.origin);
  await expect(seen(foreign, "sign-in")).toBeVisible();
  const answered = await foreign.evaluate(async () => (await fetch("/api/tasks")).status);
  expect(answered).toBe(401);
  await stranger.close();
});

test("another site can neither read nor start anything through a browser that is signed in", async ({
  upkeep,
  page,
}) => {
  await signedIn(upkeep, page);
  const elsewhere = await page.context().newPage();
  await elsewhere.route("http://elsewhere.test/**", (route) =>
    route.fulfill({ contentType: "text/html", body: "<title>elsewhere</title>" }),
  );
  await elsewhere.goto("http://elsewhere.test/");
  const read = await elsewhere.evaluate(async (origin) => {
    try {
      return (await (await fetch(`${origin}/api/overview`, { credentials: "include" })).text()).length;
    } catch {
      return "refused";
    }
  }, upkeep.origin);
  expect(read).toBe("refused");
  await elsewhere.evaluate(
    async ([origin, operation]) => {
      const options: RequestInit = { method: "POST", mode: "no-cors", credentials: "include", body: "{}" };
      await fetch(`${origin}/api/system/maintenance/${operation}`, options).catch(() => undefined);
    },
    [upkeep.origin, CARD],
  );
  const tasks = await page.evaluate(
    async () => ((await (await fetch("/api/tasks")).json()) as { tasks: [] }).tasks,
  );
  expect(tasks).toEqual([]);
});

test("a cleanup is previewed, run with live progress, and ends with what was done", async ({
  upkeep,
  page,
}) => {
  for (let number = 0; number < 3000; number += 1) upkeep.file(`old/${number % 50}/file-${number}.tmp`, 48);
  const young = upkeep.file("young.tmp", 1);
  await signedIn(upkeep, page);

  await seen(page, `preview-${CARD}`).click();
  await expect(seen(page, "plan-confirm")).toContainText("3,000");
  expect(existsSync(join(upkeep.scratch, "old/0/file-0.tmp")), "a preview removes nothing").toBe(true);
  // one changes after it was shown: it is left alone, and said
  const changed = join(upkeep.scratch, "old/7/file-7.tmp");
  appendFileSync(changed, "more");
  // states that the page showed, however shortly
  await page.evaluate((operation) => {
    const states = new Set<string>();
    Object.assign(window, { statesSeen: states });
    new MutationObserver(() => {
      const progress = document.querySelector<HTMLElement>(`[data-testid="progress-${operation}"]`);
      if (progress) states.add(progress.dataset.state ?? "");
    }).observe(document.body, { childList: true, subtree: true, attributes: true });
  }, CARD);
  await seen(page, "plan-confirm").click();
  const last = seen(page, `last-run-${CARD}`);
  await expect(last).toContainText(/removed 2,999 files/i);
  const states = await page.evaluate(() => [
    ...(window as unknown as { statesSeen: Set<string> }).statesSeen,
  ]);
  expect(states, "it was seen at work").toContain("running");
  expect(existsSync(changed)).toBe(true);
  expect(existsSync(young)).toBe(true);
  expect(existsSync(join(upkeep.scratch, "old/0/file-0.tmp"))).toBe(false);

  await page.goto(`${upkeep.origin}/#/tasks`);
  await page
    .getByRole("link", { name: /clean temporary files/i })
    .first()
    .click();
  await expect(seen(page, "task-state")).toContainText(/succeeded|partial/i);
  await expect(seen(page, "task-log")).toContainText("attempt 1");
  const report = page.waitForEvent("download");
  await seen(page, "task-save-report").click();
  const saved = readFileSync(await (await report).path(), "utf8");
  expect(saved).toContain("scratch");
});

test("a report of tasks is downloaded under its name and can be read", async ({ upkeep, page }) => {
  await signedIn(upkeep, page);
  await seen(page, "run-health-check").click();
  await expect(seen(page, "last-run-health-check")).toContainText(/succeeded|just now|ago/i);
  await page.goto(`${upkeep.origin}/#/tasks`);
  await seen(page, "tasks-export").click();
  const download = page.waitForEvent("download");
  await seen(page, "export-start").click();
  const file = await download;
  expect(file.suggestedFilename()).toMatch(/^upkeep-tasks-.*\.csv$/);
  const text = readFileSync(await file.path(), "utf8");
  expect(text).toContain("health-check");
  expect(text).toContain("(browser)");
  await expect(seen(page, "export-handed-over")).toBeVisible();
});

test("a folder of the server is chosen in a dialog of our own", async ({ upkeep, page }) => {
  upkeep.file("choose/me/file.txt", 1);
  await signedIn(upkeep, page);
  await page.goto(`${upkeep.origin}/#/settings`);
  await seen(page, "add-location").click();
  await seen(page, "place-path").fill(upkeep.scratch);
  await seen(page, "place-choose").click();
  await expect(seen(page, "folder-path")).toContainText(upkeep.scratch);
  await page.getByRole("button", { name: "choose", exact: true }).click();
  await page.getByRole("button", { name: "me", exact: true }).click();
  await expect(seen(page, "folder-path")).toContainText("choose/me");
  await seen(page, "folder-choose").click();
  await expect(seen(page, "place-path")).toHaveValue(join(upkeep.scratch, "choose/me"));
});

test("signing out ends the session on the server, and a new link brings the page back", async ({
  upkeep,
  page,
}) => {
  await signedIn(upkeep, page);
  await seen(page, "nav-workers").click();
  await seen(page, "sign-out").click();
  await expect(seen(page, "sign-in")).toContainText("You are signed out");
  expect((await page.request.get(`${upkeep.origin}/api/overview`)).status()).toBe(401);

  const other = await page.context().newPage();
  await other.goto(await upkeep.signInLink());
  await expect(seen(other, "nav-overview")).toBeVisible();
  await other.close();
  await expect(page.getByRole("heading", { level: 1, name: "Workers" })).toBeVisible();
});

test("a server that goes away is told on the page, and one that is back as well", async ({
  upkeep,
  page,
}) => {
  await signedIn(upkeep, page);
  await expect(seen(page, "card-health-check")).toBeVisible();
  await upkeep.stop();
  await expect(seen(page, "trouble-connection")).toContainText("upkeepctl serve");
  await expect(seen(page, "card-health-check"), "what was read last stays").toBeVisible();
  const link = await upkeep.serve();
  // sessions live as long as the server, so a link is needed again
  await expect(seen(page, "sign-in").or(seen(page, "card-health-check"))).toBeVisible();
  await page.goto(link);
  await expect(seen(page, "card-health-check")).toBeVisible();
  await expect(seen(page, "trouble-connection")).toHaveCount(0);
});

test("who may only look is told so, and a refusal says it again", async ({ upkeep, page, request }) => {
  await upkeep.serve();
  const token = readFileSync(join(upkeep.home, "api-token-read-only"), "utf8").trim();
  const answer = await request.post(`${upkeep.origin}/api/sign-in-links`, {
    headers: { Authorization: `Bearer ${token}` },
  });
  const { url } = (await answer.json()) as { url: string };
  await page.goto(url);
  await expect(seen(page, "read-only")).toBeVisible();
  await seen(page, "run-health-check").click();
  await expect(page.getByRole("alert").first()).toContainText(/read|look/i);
});

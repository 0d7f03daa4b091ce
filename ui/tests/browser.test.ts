// the UI in a browser: signing in, folders of the server, reports that the browser downloads, notifications.
import { afterEach, expect, test, vi } from "vitest";
import type { BrowserShell, FolderList, Session } from "$lib/backend/backend";
import { BackendError } from "$lib/backend/errors";
import { notifyOfEnds, words } from "$lib/state/notifier";
import { ended, running, detailOf } from "./builders";
import { FakeBackend } from "./fake";
import { all, click, eventually, find, openApp, query, setVisibility, settled, text } from "./window";

const SIGNED_IN: Session = { signed_in: true, read_only: false, requester: "anna@srv-1 (browser)" };
const NOBODY: Session = { signed_in: false, read_only: false, requester: "" };

class FakeShell implements BrowserShell {
  readonly kind = "browser";
  current: Session = SIGNED_IN;
  asked: (string | null)[] = [];
  /** Those who are followed while the page is hidden. */
  hidden = 0;
  readonly #listeners = new Set<() => void>();

  session = () => Promise.resolve(this.current);
  signOut = () => {
    this.current = NOBODY;
    return Promise.resolve(null);
  };
  onSignedOut = (listener: () => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };
  listFolders = (path: string | null): Promise<FolderList> => {
    this.asked.push(path);
    if (path === "/no/such")
      return Promise.reject(new BackendError({ code: "not_found", message: "no such folder", hint: "" }));
    const here = path ?? "/";
    const below = here === "/" ? "/srv" : `${here}/below`;
    const parent = here === "/" ? null : here.slice(0, here.lastIndexOf("/")) || "/";
    return Promise.resolve({
      path: here,
      parent,
      folders: [{ name: below.split("/").at(-1) ?? "", path: below }],
    });
  };
  followHidden = () => {
    this.hidden += 1;
    return () => (this.hidden -= 1);
  };

  /** Some request was answered with 401. */
  lose(): void {
    this.current = NOBODY;
    for (const listener of this.#listeners) listener();
  }
}

function inABrowser(): { backend: FakeBackend; shell: FakeShell } {
  const backend = new FakeBackend();
  const shell = new FakeShell();
  backend.shell = shell;
  return { backend, shell };
}

afterEach(() => vi.unstubAllGlobals());

async function signInPage(): Promise<string> {
  await eventually(() => find("sign-in"));
  return text("sign-in");
}

test("who is not signed in is told how to get a link, and pages ask for nothing", async () => {
  const { backend, shell } = inABrowser();
  shell.current = NOBODY;
  await openApp(backend);
  expect(await signInPage()).toContain("upkeepctl sign-in-link");
  expect(document.querySelector("h1")?.textContent?.trim()).toBe("Sign in");
  expect(query("nav-overview")).toBeNull();
  expect(backend.calls).toEqual([]);
});

test("a session that ends anywhere leads there, and a new one back to the page", async () => {
  const { backend, shell } = inABrowser();
  await openApp(backend, "#/workers");
  expect(text("session-requester")).toContain("anna@srv-1 (browser)");
  shell.lose();
  await settled();
  expect(await signInPage()).toContain("Your session has ended");
  shell.current = SIGNED_IN;
  await click("sign-in-look");
  expect(query("sign-in")).toBeNull();
  expect(document.querySelector("h1")?.textContent).toContain("Workers");
});

test("a link that was opened in another tab is noticed when one comes back", async () => {
  const { backend, shell } = inABrowser();
  shell.current = NOBODY;
  await openApp(backend);
  await signInPage();
  shell.current = SIGNED_IN;
  window.dispatchEvent(new Event("focus"));
  await eventually(() => expect(query("nav-overview")).not.toBeNull());
});

test("signing out says that what was asked for goes on", async () => {
  const { backend } = inABrowser();
  await openApp(backend);
  await click("sign-out");
  const said = await signInPage();
  expect(said).toContain("You are signed out");
  expect(said).toContain("go on");
});

test("a session to look says so before anything is refused", async () => {
  const { backend, shell } = inABrowser();
  shell.current = { ...SIGNED_IN, read_only: true };
  await openApp(backend);
  expect(text("read-only")).toContain("signed in to look");
  expect(text("session-read-only")).toContain("may look");
});

test("the desktop's window has no session", async () => {
  await openApp(new FakeBackend());
  expect(query("sign-out")).toBeNull();
  expect(query("read-only")).toBeNull();
});

test("a server that is away is told above every page, with what to do, and once", async () => {
  const { backend } = inABrowser();
  const gone = { code: "unreachable" as const, message: "Upkeep at http://srv does not answer", hint: "" };
  backend.failing = { condition: gone, overview: gone };
  await openApp(backend);
  expect(text("trouble-connection")).toContain("The connection to Upkeep was lost");
  expect(text("trouble-connection")).toContain("upkeepctl serve");
  expect(query("error-overview")).toBeNull();
  backend.failing = {};
  await click("trouble-look");
  expect(query("trouble-connection")).toBeNull();
});

async function openPlaceDialog(backend: FakeBackend): Promise<void> {
  await openApp(backend, "#/settings");
  await click("add-location");
}

function entries(): string[] {
  return all("folder-entry").map((entry) => (entry.textContent ?? "").trim());
}

test("a folder of the server is chosen one level at a time", async () => {
  const { backend, shell } = inABrowser();
  await openPlaceDialog(backend);
  await click("place-choose");
  expect(text("folder-path")).toContain("/");
  expect(entries()).toEqual(["srv"]);
  await click("folder-entry");
  await click("folder-entry");
  expect(text("folder-path")).toContain("/srv/below");
  await click("folder-up");
  await click("folder-choose");
  expect(query("folder-dialog")).toBeNull();
  expect((find("place-path") as HTMLInputElement).value).toBe("/srv");
  expect(shell.asked).toEqual([null, "/srv", "/srv/below", "/srv"]);
});

test("what was typed is where choosing begins, unless it is not there", async () => {
  const { backend, shell } = inABrowser();
  await openPlaceDialog(backend);
  const field = find("place-path") as HTMLInputElement;
  field.value = "/no/such";
  field.dispatchEvent(new Event("input"));
  await settled();
  await click("place-choose");
  expect(shell.asked).toEqual(["/no/such", null]);
  await click("folder-cancel");
  expect(field.value).toBe("/no/such");
});

test("a report that the browser downloads is left to it", async () => {
  const { backend } = inABrowser();
  await openApp(backend, "#/statistics");
  await click("statistics-export");
  expect(text("export-start")).toBe("Download");
  await click("export-start");
  backend.exports[0]?.watcher.update({ status: "handed_over" });
  await settled();
  expect(text("export-handed-over")).toContain("the browser downloads it");
  await click("export-done");
  expect(query("export-dialog")).toBeNull();
});

interface Shown {
  title: string;
  body: string;
}

function notifications(): Shown[] {
  const shown: Shown[] = [];
  vi.stubGlobal("Notification", function (title: string, { body }: { body: string }) {
    shown.push({ title, body });
  });
  return shown;
}

test("what ends while the page is hidden is told, and nothing that had ended before", async () => {
  const { backend, shell } = inABrowser();
  const shown = notifications();
  const add = (id: string, finished_at: number) =>
    backend.details.set(id, detailOf(ended("failed", { id, finished_at, worker_host: "web-1" })));
  add("before", 100);
  const stop = notifyOfEnds(backend);
  expect(shell.hidden).toBe(0);
  setVisibility("hidden");
  await eventually(() => expect(shell.hidden).toBe(1));
  await settled();
  add("news", 200);
  backend.changed({ kind: "task", task_id: "news" });
  await eventually(() => expect(shown).toHaveLength(1));
  expect(shown[0]?.body).toContain("On web-1");
  setVisibility("visible");
  await settled();
  expect(shell.hidden).toBe(0);
  stop();
});

test("nothing is followed while the page is hidden when nobody wants to be told", async () => {
  const { backend, shell } = inABrowser();
  backend.preferencesValue = { notify_of: "off" };
  const stop = notifyOfEnds(backend);
  setVisibility("hidden");
  await settled();
  expect(shell.hidden).toBe(0);
  stop();
});

test("one end is told by name and many by number", () => {
  const failed = ended("failed", { operation: "health-check", worker_host: "web-1" });
  const [title] = words([{ ...failed, error: { kind: "permanent", message: "no", hint: "" } }]);
  expect(title).toBe("Check health failed");
  expect(words([failed, ended("succeeded"), ended("failed")])).toEqual([
    "3 tasks ended",
    "2 failed, 1 succeeded",
  ]);
  expect(words([{ ...running(), worker_host: null }])[1]).toBe("");
});

// the backend over HTTP against a server that is made up: addresses, bodies, refusals, the life of streams.
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Backend, BrowserShell } from "$lib/backend/backend";
import { BackendError } from "$lib/backend/errors";
import { httpBackend } from "$lib/backend/http";
import { eventReader, type ServerEvent } from "$lib/backend/http/events";
import { address } from "$lib/backend/http/requests";
import type { Change } from "$lib/generated/Change";
import type { HostVitals } from "$lib/generated/HostVitals";
import type { SettingChange } from "$lib/generated/SettingChange";
import type { TaskUpdate } from "$lib/generated/TaskUpdate";
import { aFilter, aLocation, detailOf, ended, running } from "./builders";
import type { LogLine } from "$lib/generated/LogLine";
import { eventually, setVisibility, settled } from "./window";

interface Asked {
  method: string;
  path: string;
  headers: Record<string, string>;
  body: unknown;
}

/** A stream that a test writes into, and sees given up. */
class FakeStream {
  stopped = false;
  #controller: ReadableStreamDefaultController<Uint8Array> | null = null;
  readonly response = new Response(
    new ReadableStream<Uint8Array>({ start: (controller) => void (this.#controller = controller) }),
    { headers: { "Content-Type": "text/event-stream" } },
  );

  constructor(signal: AbortSignal | null | undefined) {
    signal?.addEventListener("abort", () => {
      this.stopped = true;
      try {
        this.#controller?.error(new DOMException("aborted", "AbortError"));
      } catch {
        // closed already
      }
    });
  }

  send(value: unknown, event = "", id = ""): void {
    const text = `${event && `event: ${event}\n`}${id && `id: ${id}\n`}data: ${JSON.stringify(value)}\n\n`;
    this.#controller?.enqueue(new TextEncoder().encode(text));
  }

  end(): void {
    this.#controller?.close();
  }
}

class FakeServer {
  asked: Asked[] = [];
  streams = new Map<string, FakeStream[]>();
  /** What is answered, by method and path without its query; everything else gets an empty object. */
  answers: Record<string, unknown> = {};
  refusals: Record<string, [status: number, body: unknown]> = {};
  gone = false;

  fetch = (path: string, init: RequestInit = {}): Promise<Response> => {
    const method = init.method ?? "GET";
    const headers = init.headers as Record<string, string>;
    this.asked.push({ method, path, headers, body: init.body ? JSON.parse(String(init.body)) : undefined });
    if (this.gone) return Promise.reject(new TypeError("Failed to fetch"));
    const key = `${method} ${path.split("?")[0]}`;
    const refusal = this.refusals[key];
    if (refusal) {
      const [status, body] = refusal;
      const text = typeof body === "string" ? body : JSON.stringify(body);
      return Promise.resolve(new Response(text, { status }));
    }
    if (headers.Accept === "text/event-stream") {
      const stream = new FakeStream(init.signal);
      this.streams.set(path, [...(this.streams.get(path) ?? []), stream]);
      return Promise.resolve(stream.response);
    }
    const answer = key in this.answers ? this.answers[key] : {};
    if (answer === null) return Promise.resolve(new Response(null, { status: 204 }));
    return Promise.resolve(new Response(JSON.stringify(answer)));
  };

  stream(path: string): FakeStream {
    const stream = this.streams.get(path)?.at(-1);
    if (!stream) throw new Error(`nobody opened ${path}`);
    return stream;
  }

  /** As `METHOD path`, in order. */
  get lines(): string[] {
    return this.asked.map(({ method, path }) => `${method} ${path}`);
  }
}

let server: FakeServer;
let backend: Backend;
let shell: BrowserShell;

beforeEach(() => {
  server = new FakeServer();
  vi.stubGlobal("fetch", server.fetch);
  backend = httpBackend();
  if (backend.shell.kind !== "browser") throw new Error("no browser's shell");
  shell = backend.shell;
});
afterEach(() => vi.unstubAllGlobals());

const filter = aFilter({ host: "web-02", states: ["failed", "partial"] });
const changes: SettingChange[] = [
  { kind: "save_location", previous_name: null, location: aLocation("scratch") },
  { kind: "value", key: "worker.concurrency", typed: "4" },
];

test("each question goes to its address, with what is set in the query", async () => {
  await shell.session();
  await shell.listFolders(null);
  await shell.listFolders("/srv/a b");
  await backend.condition();
  await backend.overview();
  await backend.taskGroup("g");
  await backend.countTasks(filter);
  await backend.listTasks(filter, null, 50);
  await backend.listTasks(aFilter({}), { enqueued_at: 12, id: "t/1" }, 50);
  await backend.taskDetail("t/1");
  await backend.earlierRuns("t");
  await backend.taskLog("t", null, 100);
  await backend.taskLog("t", 7, 100);
  await backend.searchTaskLog("t", "a&b", 3);
  await backend.listWorkers();
  await backend.embeddedWorker();
  await backend.listAudit(
    { what: ["enqueue", "cancel"], subject: null, text: "x", from: 1, until: null },
    "a",
    9,
  );
  await backend.healthHistory(null, 100);
  await backend.statistics({ range: { kind: "week" }, host: null, operation: "health-check" });
  await backend.statistics({ range: { kind: "between", from: 1, to: 2 }, host: "h", operation: null });
  await backend.settings();
  await backend.historyRoom();
  expect(server.lines).toEqual([
    "GET /api/session",
    "GET /api/folders",
    "GET /api/folders?path=%2Fsrv%2Fa+b",
    "GET /api/condition",
    "GET /api/overview",
    "GET /api/groups/g",
    "GET /api/tasks/count?states=failed%2Cpartial&host=web-02",
    "GET /api/tasks?states=failed%2Cpartial&host=web-02&limit=50",
    "GET /api/tasks?after_enqueued_at=12&after_id=t%2F1&limit=50",
    "GET /api/tasks/t%2F1",
    "GET /api/tasks/t/earlier-runs",
    "GET /api/tasks/t/log?limit=100",
    "GET /api/tasks/t/log?after=7&limit=100",
    "GET /api/tasks/t/log/search?text=a%26b&after=3",
    "GET /api/workers",
    "GET /api/embedded-worker",
    "GET /api/audit?what=enqueue%2Ccancel&text=x&from=1&after=a&limit=9",
    "GET /api/health/history?limit=100",
    "GET /api/statistics?range=week&operation=health-check",
    "GET /api/statistics?from=1&to=2&host=h",
    "GET /api/settings",
    "GET /api/history-room",
  ]);
  expect(server.asked.every(({ headers }) => !("X-Upkeep-Request" in headers))).toBe(true);
});

test("each wish goes to its address with its body, and says that it comes from this page", async () => {
  server.answers = { "POST /api/workers/forget": { forgotten: 2 }, "POST /api/sign-out": null };
  await backend.trigger("health-check", { cpu_window_ms: 500 }, "web-02");
  await backend.triggerEveryHost("health-check", {});
  await backend.executeGroup("g");
  await backend.repeatGroup("g");
  await backend.pauseOperation("health-check");
  await backend.resumeOperation("health-check");
  await backend.cancelTask("t");
  await backend.runTaskAgain("t");
  await backend.setPriority("t", 7);
  await backend.forceCloseTask("t");
  await backend.cancelMatching(filter, 1234);
  await backend.runAgainMatching(filter, 1234);
  await backend.drainWorker("w");
  await backend.resumeWorker("w");
  expect(await backend.forgetWorkers(["w", "x"])).toBe(2);
  await backend.beginEmbeddedWorker();
  await backend.endEmbeddedWorker();
  await backend.reviewSettings(changes);
  await backend.saveSettings("base", changes);
  expect(await shell.signOut()).toBeNull();
  expect(server.asked.map(({ method, path, body }) => [`${method} ${path}`, body])).toEqual([
    ["POST /api/tasks", { operation: "health-check", params: { cpu_window_ms: 500 }, host: "web-02" }],
    ["POST /api/groups", { operation: "health-check", params: {} }],
    ["POST /api/groups/g/execute", undefined],
    ["POST /api/groups/g/repeat", undefined],
    ["POST /api/operations/health-check/pause", undefined],
    ["POST /api/operations/health-check/resume", undefined],
    ["POST /api/tasks/t/cancel", undefined],
    ["POST /api/tasks/t/run-again", undefined],
    ["PUT /api/tasks/t/priority", { priority: 7 }],
    ["POST /api/tasks/t/force-close", undefined],
    ["POST /api/tasks/cancel", { filter, enqueued_by: 1234 }],
    ["POST /api/tasks/run-again", { filter, enqueued_by: 1234 }],
    ["POST /api/workers/w/drain", undefined],
    ["POST /api/workers/w/resume", undefined],
    ["POST /api/workers/forget", { worker_ids: ["w", "x"] }],
    ["POST /api/embedded-worker/start", undefined],
    ["POST /api/embedded-worker/stop", undefined],
    ["POST /api/settings/review", { changes }],
    ["PUT /api/settings", { base: "base", changes }],
    ["POST /api/sign-out", undefined],
  ]);
  for (const { headers, body } of server.asked) {
    expect(headers["X-Upkeep-Request"]).toBe("browser");
    expect(headers["Content-Type"]).toBe(body === undefined ? undefined : "application/json");
  }
});

test("nothing stands in an address that nobody asked for", () => {
  expect(address("/a")).toBe("/a");
  expect(address("/a", { none: null, empty: "", list: [], missing: undefined })).toBe("/a");
  expect(address("/a", { zero: 0, no: false, list: ["x", "y"] })).toBe("/a?zero=0&no=false&list=x%2Cy");
});

test.each([
  [{ status: 409, body: { code: "conflict", message: "used already", hint: "preview again" } }, "conflict"],
  [{ status: 403, body: { code: "forbidden", message: "only to look", hint: "" } }, "forbidden"],
  [{ status: 502, body: "<html>bad gateway</html>" }, "unreachable"],
  [{ status: 418, body: "<html>teapot</html>" }, "internal"],
])("a refusal is an error with its code: %o", async ({ status, body }, code) => {
  server.refusals["GET /api/overview"] = [status, body];
  await expect(backend.overview()).rejects.toMatchObject({ reply: { code } });
  await expect(backend.overview()).rejects.toBeInstanceOf(BackendError);
});

test("a server that does not answer is told as that", async () => {
  server.gone = true;
  await expect(backend.overview()).rejects.toMatchObject({ reply: { code: "unreachable" } });
});

test("an answer that nobody is signed in is heard, and no other one", async () => {
  const heard = vi.fn();
  const stop = shell.onSignedOut(heard);
  server.refusals["GET /api/overview"] = [403, { code: "forbidden", message: "no", hint: "" }];
  await expect(backend.overview()).rejects.toBeInstanceOf(BackendError);
  expect(heard).not.toHaveBeenCalled();
  server.refusals["GET /api/overview"] = [401, { code: "unauthorized", message: "no", hint: "" }];
  await expect(backend.overview()).rejects.toBeInstanceOf(BackendError);
  expect(heard).toHaveBeenCalledOnce();
  stop();
  await expect(backend.overview()).rejects.toBeInstanceOf(BackendError);
  expect(heard).toHaveBeenCalledOnce();
});

test.each<[string, string[], ServerEvent[]]>([
  ["one message", ["data: 1\n\n"], [{ event: "message", data: "1", id: null }]],
  ["in pieces", ["da", "ta: 1", "\n", "\n"], [{ event: "message", data: "1", id: null }]],
  ["two lines of data", ["data: 1\ndata: 2\n\n"], [{ event: "message", data: "1\n2", id: null }]],
  ["with name and number", ["event: end\nid: 7\ndata: {}\n\n"], [{ event: "end", data: "{}", id: "7" }]],
  [
    "other ends of lines",
    ["data: 1\r", "\n\r\ndata: 2\r\r", "x"],
    [
      { event: "message", data: "1", id: null },
      { event: "message", data: "2", id: null },
    ],
  ],
  ["comments", [": here\n\ndata: 1\n\n"], [{ event: "message", data: "1", id: null }]],
  ["an end without a message", ["data: 1\n"], []],
])("events are read: %s", (_, parts, expected) => {
  const found: ServerEvent[] = [];
  const read = eventReader((event) => found.push(event));
  for (const part of parts) read(part);
  expect(found).toEqual(expected);
});

test("samples come until the watch is stopped, and that ends the stream", async () => {
  const samples: unknown[] = [];
  const stop = backend.watchVitals({ update: (sample: HostVitals) => samples.push(sample), failed: vi.fn() });
  await settled();
  const stream = server.stream("/api/vitals/events");
  stream.send({ at: 1 });
  await eventually(() => expect(samples).toEqual([{ at: 1 }]));
  stop();
  stop();
  expect(stream.stopped).toBe(true);
  await settled();
  expect(server.lines).toEqual(["GET /api/vitals/events"]);
});

test("a stream that broke off is opened again, and goes on where it was", async () => {
  const heard: Change[][] = [];
  const stop = backend.onChange((some) => heard.push(some));
  await settled();
  server.stream("/api/events").send([{ kind: "settings" }], "", "41");
  await eventually(() => expect(heard).toEqual([[{ kind: "settings" }]]));
  server.stream("/api/events").end();
  await eventually(() => expect(server.streams.get("/api/events")).toHaveLength(2));
  expect(server.asked.at(-1)?.headers["Last-Event-ID"]).toBe("41");
  // what was missed meanwhile is read anew
  await eventually(() => expect(heard.at(-1)).toEqual([{ kind: "all" }]));
  stop();
});

test("a stream that is refused says so once and is not tried again", async () => {
  server.refusals["GET /api/vitals/events"] = [403, { code: "forbidden", message: "no", hint: "" }];
  const failures: string[] = [];
  const watcher = { update: vi.fn(), failed: ({ reply }: BackendError) => void failures.push(reply.code) };
  backend.watchVitals(watcher);
  backend.watchVitals(watcher)();
  await eventually(() => expect(failures).toEqual(["forbidden"]));
  await new Promise((resolve) => setTimeout(resolve, 700));
  expect(server.lines).toHaveLength(2);
});

test("a stream whose server is away says so once and opens when it is back", async () => {
  server.gone = true;
  const failed = vi.fn();
  const update = vi.fn();
  const stop = backend.watchVitals({ update, failed });
  await eventually(() => expect(server.lines.length).toBeGreaterThan(1));
  expect(failed).toHaveBeenCalledOnce();
  server.gone = false;
  await eventually(() => server.stream("/api/vitals/events").send({ at: 2 }));
  await eventually(() => expect(update).toHaveBeenCalledWith({ at: 2 }));
  stop();
});

test("everybody who listens shares one stream, and a hidden page has none unless it is wanted", async () => {
  const [one, two] = [vi.fn(), vi.fn()];
  const stops = [backend.onChange(one), backend.onChange(two)];
  await settled();
  expect(server.streams.get("/api/events")).toHaveLength(1);
  const stream = server.stream("/api/events");
  setVisibility("hidden");
  expect(stream.stopped).toBe(true);
  setVisibility("visible");
  await eventually(() => expect(one).toHaveBeenCalledWith([{ kind: "all" }]));
  expect(two).toHaveBeenCalledWith([{ kind: "all" }]);
  const stopHidden = shell.followHidden();
  setVisibility("hidden");
  expect(server.stream("/api/events").stopped).toBe(false);
  stopHidden();
  expect(server.stream("/api/events").stopped).toBe(true);
  for (const stop of stops) stop();
});

const aLine = (sequence: number): LogLine => ({
  sequence,
  attempt: 1,
  at: sequence,
  level: "info",
  message: `line ${sequence}`,
});

test("a task is told at once, then on each signal with the lines that are new, until it has ended", async () => {
  const path = "/api/tasks/t";
  const updates: TaskUpdate[] = [];
  backend.watchTask("t", { update: (update) => updates.push(update), failed: vi.fn() });
  await settled();
  const alive = detailOf(running({ id: "t" }));
  server.stream(`${path}/events`).send({ detail: alive, log: [aLine(1)], log_end: 1 });
  await eventually(() => expect(updates).toHaveLength(1));
  expect(server.stream(`${path}/events`).stopped).toBe(true);

  const over = detailOf(ended("succeeded", { id: "t", finished_at: 9 }));
  server.answers = { [`GET ${path}`]: over, [`GET ${path}/log`]: [aLine(2), aLine(3)] };
  server.stream("/api/events").send([{ kind: "task", task_id: "another" }]);
  server.stream("/api/events").send([{ kind: "task", task_id: "t" }]);
  await eventually(() => expect(updates).toHaveLength(2));
  expect(updates[1]).toEqual({ detail: over, log: [aLine(2), aLine(3)], log_end: 3 });
  expect(server.lines.filter((line) => line === `GET ${path}`)).toHaveLength(1);
  expect(server.lines).toContain(`GET ${path}/log?after=1&limit=500`);
  // nobody listens any more
  expect(server.stream("/api/events").stopped).toBe(true);
});

test("a task that is not there fails its watch, unless nobody waits for it any more", async () => {
  server.refusals["GET /api/tasks/gone/events"] = [
    404,
    { code: "not_found", message: "no such task", hint: "" },
  ];
  const failures: string[] = [];
  const watcher = { update: vi.fn(), failed: (error: Error) => void failures.push(error.message) };
  const stop = backend.watchTask("gone", watcher);
  backend.watchTask("gone", watcher)();
  await eventually(() => expect(failures).toEqual(["no such task"]));
  stop();
});

test("a count of a suggested folder ends by itself", async () => {
  const update = vi.fn();
  backend.watchSuggestionAmount("a b", { update, failed: vi.fn() });
  await settled();
  const stream = server.stream("/api/settings/suggestions/a%20b/amount/events");
  stream.send({ files: 3, ended: true });
  await eventually(() => expect(update).toHaveBeenCalledOnce());
  expect(stream.stopped).toBe(true);
});

function clicks(): string[] {
  const clicked: string[] = [];
  vi.spyOn(HTMLAnchorElement.prototype, "click").mockImplementation(function (this: HTMLAnchorElement) {
    clicked.push(this.getAttribute("href") ?? "");
  });
  return clicked;
}

test("a report is left to the browser, at the address of what was asked for", async () => {
  const clicked = clicks();
  server.answers["GET /api/condition"] = { database_error: null };
  const update = vi.fn();
  const watcher = { update, failed: vi.fn() };
  backend.exportReport({ subject: { of: "tasks", filter }, format: "csv" }, watcher);
  await eventually(() => expect(update).toHaveBeenCalledWith({ status: "handed_over" }));
  const query = {
    range: { kind: "between" as const, from: 1, to: 2 },
    host: null,
    operation: "health-check",
  };
  backend.exportReport({ subject: { of: "statistics", query }, format: "openmetrics" }, watcher);
  backend.exportReport(
    { subject: { of: "health", range: { kind: "day" }, host: "h" }, format: "html" },
    watcher,
  );
  await eventually(() => expect(update).toHaveBeenCalledTimes(3));
  expect(await backend.saveReport("t")).toEqual({ status: "handed_over" });
  expect(clicked).toEqual([
    "/api/export/tasks?format=csv&states=failed%2Cpartial&host=web-02",
    "/api/export/statistics?format=openmetrics&from=1&to=2&operation=health-check",
    "/api/export/health?format=html&range=day&host=h",
    "/api/tasks/t/report",
  ]);
  expect(document.querySelectorAll("a")).toHaveLength(0);
});

test("a report that cannot come is told here and not begun", async () => {
  const clicked = clicks();
  const away = { code: "database_unavailable", message: "away", hint: "" };
  server.answers["GET /api/condition"] = { database_error: away };
  const failed = vi.fn();
  backend.exportReport({ subject: { of: "tasks", filter }, format: "csv" }, { update: vi.fn(), failed });
  await eventually(() => expect(failed).toHaveBeenCalledOnce());
  server.gone = true;
  await expect(backend.saveReport("t")).rejects.toMatchObject({ reply: { code: "unreachable" } });
  expect(clicked).toEqual([]);
});

test("notifications are off until the browser agreed to a choice", async () => {
  const api = { permission: "default", requestPermission: vi.fn(() => Promise.resolve("denied")) };
  vi.stubGlobal("Notification", api);
  expect(await backend.preferences()).toEqual({ notify_of: "off" });
  expect(api.requestPermission).not.toHaveBeenCalled();
  await expect(backend.savePreferences({ notify_of: "all" })).rejects.toMatchObject({
    reply: { code: "refused" },
  });
  api.requestPermission.mockImplementation(() => {
    api.permission = "granted";
    return Promise.resolve("granted");
  });
  await backend.savePreferences({ notify_of: "all" });
  expect(await backend.preferences()).toEqual({ notify_of: "all" });
  // taken back in the browser's own settings
  api.permission = "denied";
  expect(await backend.preferences()).toEqual({ notify_of: "off" });
});

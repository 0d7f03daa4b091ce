// the words for why a task waits: one input, one line.
import { expect, test } from "vitest";
import type { FanOutOutcome } from "$lib/generated/FanOutOutcome";
import type { Waiting } from "$lib/generated/Waiting";
import { listed, moment, relativeTime, shortId } from "$lib/format";
import { cancelledWords, filterWords, ranAgainWords } from "$lib/operations/bulk";
import { paramWords } from "$lib/operations/param-words";
import { fanOutWords, isBlocked, queuedWords, waitingWords } from "$lib/operations/waiting";
import { byHost, liveHosts } from "$lib/operations/workers";
import { aFilter, aTask, aWorker, fannedOut, NOW, someVitals } from "./builders";

const HOUR = 3_600_000;
const then = NOW - 3 * HOUR;
const when = `${moment(then, NOW)} (3 hours ago)`;

test.each<[Waiting, string, boolean]>([
  [{ reason: "operation_paused", by: "anna", since: then }, `paused by anna since ${when}`, true],
  [
    { reason: "no_worker", host: "web-02", last_seen: then },
    `no worker on web-02 that performs it has been seen since ${when}`,
    true,
  ],
  [
    { reason: "no_worker", host: "web-02", last_seen: null },
    "no worker on web-02 that performs it has ever been seen",
    true,
  ],
  [
    { reason: "no_worker", host: null, last_seen: null },
    "no worker that performs it has ever been seen",
    true,
  ],
  [{ reason: "workers_draining", host: null }, "every worker that may take it is draining", true],
  [
    { reason: "workers_draining", host: "desk-7" },
    "every worker on desk-7 that may take it is draining",
    true,
  ],
  [{ reason: "limit_reached", hosts: ["desk-7"] }, "another one runs on desk-7", true],
  [{ reason: "limit_reached", hosts: ["a", "b"] }, "others run on a and b", true],
  [{ reason: "back_off", until: NOW + 11_400 }, "tried again in 12 s", false],
  [{ reason: "back_off", until: NOW - 1 }, "about to be tried again", false],
  [{ reason: "turn" }, "waiting for its turn", false],
])("%j is said as: %s", (waiting, words, blocked) => {
  expect(waitingWords(waiting, NOW)).toBe(words);
  expect(isBlocked(waiting)).toBe(blocked);
});

test("a moment of another day is told with its day", () => {
  expect(moment(NOW - 48 * HOUR, NOW)).toContain("2026");
  expect(moment(then, NOW)).not.toContain("2026");
  expect(relativeTime(then, NOW)).toBe("3 hours ago");
});

test("a retry that cannot begin says what holds it, not that it will begin", () => {
  const error = { kind: "transient", message: "the disk is full", hint: "" };
  const retry = aTask({ attempt: 1, error, waiting: { reason: "workers_draining", host: null } });
  expect(queuedWords(retry, NOW)).toBe("Queued; every worker that may take it is draining");
  expect(queuedWords({ ...retry, waiting: { reason: "back_off", until: NOW + 5000 } }, NOW)).toBe(
    "Will be tried again in 5 s (attempt 2 of 3): the disk is full",
  );
});

test.each<[FanOutOutcome, string]>([
  [fannedOut("g", ["a", "b"]), "Queued on 2 hosts"],
  [
    fannedOut("g", ["a", "b"], { reason: "workers_draining", host: "a" }),
    "Queued on 2 hosts; a waits: every worker on a that may take it is draining (and 1 more wait)",
  ],
  [
    {
      status: "queued",
      group_id: "g",
      tasks: [{ host: "a", outcome: { status: "already_queued", task_id: "t" } }],
    },
    "Queued on 0 hosts; on a it was queued or running already",
  ],
  [
    { status: "no_live_host", last_seen: then },
    `Nothing was queued: no worker that performs it has been seen since ${when}`,
  ],
  [
    { status: "nothing_to_repeat" },
    "Nothing to repeat: every host succeeded, or its task still waits or runs",
  ],
])("the fan-out %# is told in one line", (outcome, words) => expect(fanOutWords(outcome, NOW)).toBe(words));

test("a filter is told in words, and so is the absence of one", () => {
  expect(filterWords(aFilter())).toBe("every task, whatever it is");
  const filter = aFilter({
    states: ["queued", "failed"],
    operations: ["health-check"],
    host: "web",
    text: "x",
  });
  expect(filterWords(filter)).toBe(
    "state Queued or Failed or Lost; operation Check health; host web; text “x”",
  );
  expect(filterWords(aFilter({ states: ["failed"], failed_as: "lost" }))).toBe("state Lost");
  expect(filterWords(aFilter({ states: ["failed"], failed_as: "error" }))).toBe("state Failed");
});

test("what a bulk action did is told with every number that is not zero", () => {
  expect(cancelledWords({ cancelled: 0, requested: 0 })).toContain("Nothing was cancelled");
  expect(cancelledWords({ cancelled: 2, requested: 1 })).toBe(
    "Cancelled 2 waiting tasks and asked 1 running one to stop.",
  );
  const refusal = { code: "refused" as const, message: "location `x` is gone", hint: "add it" };
  expect(ranAgainWords({ queued: 3, already_queued: 1, refused: 2, first_refusal: refusal })).toBe(
    "Queued 3 new tasks, 1 was queued or running already and 2 were refused (the first: location `x` is gone; add it).",
  );
  expect(ranAgainWords({ queued: 1, already_queued: 0, refused: 0, first_refusal: null })).toBe(
    "Queued 1 new task.",
  );
});

test.each([
  [
    "cleanup-temp-files",
    { max_age_hours: 24 },
    ["what is older than 24 hours", "in every location that is turned on for each host"],
  ],
  [
    "cleanup-temp-files",
    { max_age_hours: 0, locations: ["a", "b"] },
    ["everything, however new it is", "in the locations a and b"],
  ],
  [
    "cleanup-temp-files",
    { max_age_hours: 24, exclude: ["*.log", "a/**"], min_size_bytes: 4096, locations: ["scratch"] },
    [
      "what is older than 24 hours",
      "never *.log and a/**",
      "nothing smaller than 4,096 bytes",
      "in the location scratch",
    ],
  ],
  ["cleanup-runs", { history: true, run_stores: [] }, ["finished tasks in the history", "no run store"]],
])("the parameters of %s %j are told before they are confirmed", (operation, params, lines) =>
  expect(paramWords(operation, params)).toEqual(lines),
);

test("only hosts with a live worker that performs the operation count", () => {
  const workers = [
    aWorker({ host: "b" }),
    aWorker({ host: "a", state: "draining" }),
    aWorker({ host: "a", state: "busy" }),
    aWorker({ host: "gone", state: "stale" }),
    aWorker({ host: "left", state: "stopped" }),
    aWorker({ host: "other", operations: ["log-statistics"] }),
  ];
  expect(liveHosts(workers, "health-check")).toEqual(["a", "b"]);
  expect(liveHosts(workers)).toEqual(["a", "b", "other"]);
});

test("hosts with life come first, with the newest vital signs of their workers", () => {
  const hosts = byHost([
    aWorker({ host: "a", state: "stopped" }),
    aWorker({ host: "b", vitals: someVitals({ at: 1 }) }),
    aWorker({ host: "b", state: "stale", vitals: someVitals({ at: 2 }) }),
    aWorker({ host: "c", state: "stale" }),
  ]);
  expect(hosts.map(({ host }) => host)).toEqual(["b", "c", "a"]);
  expect(hosts[0]).toMatchObject({ vitals: { at: 2 }, alive: [{ host: "b" }], stale: [{ state: "stale" }] });
});

test("lists and ids are cut where a person stops reading", () => {
  expect(listed(["a", "b", "c", "d", "e"])).toBe("a, b, c and 2 more");
  expect(shortId("0190f000-1111-7222-8333-00000000abcd")).toBe("…0000abcd");
});

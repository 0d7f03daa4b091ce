// the adapter against a mocked IPC: names of commands, names of arguments, life of a stream.
import { clearMocks, mockIPC } from "@tauri-apps/api/mocks";
import { afterEach, expect, test } from "vitest";
import type { SettingChange } from "$lib/generated/SettingChange";
import { tauriBackend } from "$lib/backend/tauri";
import { aFilter, aLocation } from "./builders";
import { settled } from "./window";

interface Call {
  command: string;
  args: Record<string, unknown>;
}

function listening(answer: (command: string) => unknown = () => null): Call[] {
  const calls: Call[] = [];
  mockIPC((command, args) => {
    calls.push({ command, args: { ...(args as Record<string, unknown>) } });
    return answer(command);
  });
  return calls;
}

afterEach(() => clearMocks());

const filter = aFilter({ host: "web-02" });
const changes: SettingChange[] = [
  { kind: "save_location", previous_name: null, location: aLocation("scratch") },
  { kind: "value", key: "worker.concurrency", typed: "4" },
];

test("every command goes out under its name with the arguments it takes", async () => {
  const calls = listening();
  const backend = tauriBackend();
  await backend.overview();
  await backend.trigger("health-check", { cpu_window_ms: 500 }, null);
  await backend.trigger("health-check", {}, "web-02");
  await backend.triggerEveryHost("health-check", {});
  await backend.taskGroup("g");
  await backend.repeatGroup("g");
  await backend.executeGroup("g");
  await backend.pauseOperation("health-check");
  await backend.resumeOperation("health-check");
  await backend.cancelTask("t");
  await backend.runTaskAgain("t");
  await backend.setPriority("t", 7);
  await backend.forceCloseTask("t");
  await backend.countTasks(filter);
  await backend.cancelMatching(filter, 1234);
  await backend.runAgainMatching(filter, 1234);
  await backend.listWorkers();
  await backend.drainWorker("w");
  await backend.resumeWorker("w");
  await backend.listTasks(filter, null, 50);
  await backend.taskDetail("t");
  await backend.healthHistory("web-02", 100);
  await backend.taskLog("t", 7, 100);
  await backend.saveReport("t");
  await backend.settings();
  await backend.reviewSettings(changes);
  await backend.saveSettings("base", changes);
  await backend.historyRoom();
  await backend.forgetWorkers(["w", "x"]);
  await backend.embeddedWorker();
  await backend.beginEmbeddedWorker();
  await backend.endEmbeddedWorker();
  expect(backend.shell.kind).toBe("desktop");
  if (backend.shell.kind === "desktop") await backend.shell.chooseFolder();
  expect(calls).toEqual([
    { command: "overview", args: {} },
    { command: "trigger", args: { operation: "health-check", params: { cpu_window_ms: 500 }, host: null } },
    { command: "trigger", args: { operation: "health-check", params: {}, host: "web-02" } },
    { command: "trigger_every_host", args: { operation: "health-check", params: {} } },
    { command: "task_group", args: { groupId: "g" } },
    { command: "repeat_group", args: { groupId: "g" } },
    { command: "execute_group", args: { groupId: "g" } },
    { command: "pause_operation", args: { operation: "health-check" } },
    { command: "resume_operation", args: { operation: "health-check" } },
    { command: "cancel_task", args: { taskId: "t" } },
    { command: "run_task_again", args: { taskId: "t" } },
    { command: "set_priority", args: { taskId: "t", priority: 7 } },
    { command: "force_close_task", args: { taskId: "t" } },
    { command: "count_tasks", args: { filter } },
    { command: "cancel_matching", args: { filter, enqueuedBy: 1234 } },
    { command: "run_again_matching", args: { filter, enqueuedBy: 1234 } },
    { command: "list_workers", args: {} },
    { command: "drain_worker", args: { workerId: "w" } },
    { command: "resume_worker", args: { workerId: "w" } },
    { command: "list_tasks", args: { filter, after: null, limit: 50 } },
    { command: "task_detail", args: { taskId: "t" } },
    { command: "health_history", args: { host: "web-02", limit: 100 } },
    { command: "task_log", args: { taskId: "t", after: 7, limit: 100 } },
    { command: "save_report", args: { taskId: "t" } },
    { command: "settings", args: {} },
    { command: "review_settings", args: { changes } },
    { command: "save_settings", args: { base: "base", changes } },
    { command: "history_room", args: {} },
    { command: "forget_workers", args: { workerIds: ["w", "x"] } },
    { command: "embedded_worker", args: {} },
    { command: "begin_embedded_worker", args: {} },
    { command: "end_embedded_worker", args: {} },
    { command: "choose_folder", args: {} },
  ]);
});

test("a rejection becomes an error with code, message and hint", async () => {
  mockIPC(() => {
    throw { code: "conflict", message: "used already", hint: "preview again" };
  });
  await expect(tauriBackend().trigger("x", {}, null)).rejects.toMatchObject({
    reply: { code: "conflict", message: "used already", hint: "preview again" },
  });
});

test("stopping a stream gives its id back, even when it is stopped before the id came", async () => {
  const calls = listening((command) => (command === "watch_vitals" ? 42 : null));
  const stop = tauriBackend().watchVitals({ update: () => undefined, failed: () => undefined });
  stop();
  stop();
  await settled();
  await expect
    .poll(() => calls.filter(({ command }) => command === "unwatch"))
    .toEqual([{ command: "unwatch", args: { watchId: 42 } }]);
  expect(calls[0]?.args).toHaveProperty("updates");
});

test("a stream that cannot be opened says so, unless nobody waits for it any more", async () => {
  mockIPC(() => {
    throw { code: "not_found", message: "no such task", hint: "" };
  });
  const failures: string[] = [];
  const watcher = { update: () => undefined, failed: (error: Error) => void failures.push(error.message) };
  tauriBackend().watchTask("gone", watcher);
  tauriBackend().watchTask("gone", watcher)();
  await expect.poll(() => failures).toEqual(["no such task"]);
});

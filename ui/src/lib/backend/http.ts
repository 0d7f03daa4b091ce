// the backend over HTTP, for the same UI in a browser: the routes that `upkeepctl serve` answers.
import type { FolderAmount } from "$lib/generated/FolderAmount";
import type { HostVitals } from "$lib/generated/HostVitals";
import type { LiveSample } from "$lib/generated/LiveSample";
import type { Backend, Stop, Watcher } from "./backend";
import { toBackendError } from "./errors";
import { ChangeFeed } from "./http/changes";
import { download, exportAddress, filterQuery, rangeQuery } from "./http/downloads";
import { openStream } from "./http/events";
import { keepChoice, readChoice } from "./http/notify-choice";
import { piece, Requests } from "./http/requests";
import { watchTask } from "./http/task-watch";

/** Samples, for as long as somebody looks; a connection that broke off is opened again. */
function watchSamples<T>(requests: Requests, path: string, watcher: Watcher<T>): Stop {
  return openStream(requests, path, {
    message: (sample) => watcher.update(sample as T),
    failed: (error) => watcher.failed(error),
  });
}

/** A count that ends by itself. */
function watchAmount(requests: Requests, name: string, watcher: Watcher<FolderAmount>): Stop {
  const stop = openStream(requests, `/api/settings/suggestions/${piece(name)}/amount/events`, {
    message: (value) => {
      const amount = value as FolderAmount;
      // a stream that was read to its end would be opened again, and counted again
      if (amount.ended) stop();
      watcher.update(amount);
    },
    failed: (error) => {
      stop();
      watcher.failed(error);
    },
  });
  return stop;
}

export function httpBackend(): Backend {
  const requests = new Requests();
  const feed = new ChangeFeed(requests);
  const task = (taskId: string) => `/api/tasks/${piece(taskId)}`;
  const group = (groupId: string) => `/api/groups/${piece(groupId)}`;
  const worker = (workerId: string) => `/api/workers/${piece(workerId)}`;
  const operation = (id: string) => `/api/operations/${piece(id)}`;
  return {
    shell: {
      kind: "browser",
      session: () => requests.get("/api/session"),
      signOut: () => requests.send("POST", "/api/sign-out"),
      onSignedOut: (listener) => requests.onSignedOut(listener),
      listFolders: (path) => requests.get("/api/folders", { path }),
      followHidden: () => feed.followHidden(),
    },
    condition: () => requests.get("/api/condition"),
    overview: () => requests.get("/api/overview"),
    trigger: (id, params, host) => requests.send("POST", "/api/tasks", { operation: id, params, host }),
    triggerEveryHost: (id, params) => requests.send("POST", "/api/groups", { operation: id, params }),
    taskGroup: (groupId) => requests.get(group(groupId)),
    executeGroup: (groupId) => requests.send("POST", `${group(groupId)}/execute`),
    repeatGroup: (groupId) => requests.send("POST", `${group(groupId)}/repeat`),
    pauseOperation: (id) => requests.send("POST", `${operation(id)}/pause`),
    resumeOperation: (id) => requests.send("POST", `${operation(id)}/resume`),
    cancelTask: (taskId) => requests.send("POST", `${task(taskId)}/cancel`),
    runTaskAgain: (taskId) => requests.send("POST", `${task(taskId)}/run-again`),
    setPriority: (taskId, priority) => requests.send("PUT", `${task(taskId)}/priority`, { priority }),
    forceCloseTask: (taskId) => requests.send("POST", `${task(taskId)}/force-close`),
    countTasks: (filter) => requests.get("/api/tasks/count", filterQuery(filter)),
    cancelMatching: (filter, enqueuedBy) =>
      requests.send("POST", "/api/tasks/cancel", { filter, enqueued_by: enqueuedBy }),
    runAgainMatching: (filter, enqueuedBy) =>
      requests.send("POST", "/api/tasks/run-again", { filter, enqueued_by: enqueuedBy }),
    listWorkers: () => requests.get("/api/workers"),
    drainWorker: (workerId) => requests.send("POST", `${worker(workerId)}/drain`),
    resumeWorker: (workerId) => requests.send("POST", `${worker(workerId)}/resume`),
    forgetWorkers: async (workerIds) => {
      const path = "/api/workers/forget";
      const { forgotten } = await requests.send<{ forgotten: number }>("POST", path, {
        worker_ids: workerIds,
      });
      return forgotten;
    },
    embeddedWorker: () => requests.get("/api/embedded-worker"),
    beginEmbeddedWorker: () => requests.send("POST", "/api/embedded-worker/start"),
    endEmbeddedWorker: () => requests.send("POST", "/api/embedded-worker/stop"),
    listTasks: (filter, after, limit) =>
      requests.get("/api/tasks", {
        ...filterQuery(filter),
        after_enqueued_at: after?.enqueued_at,
        after_id: after?.id,
        limit,
      }),
    taskDetail: (taskId) => requests.get(task(taskId)),
    earlierRuns: (taskId) => requests.get(`${task(taskId)}/earlier-runs`),
    taskLog: (taskId, after, limit) => requests.get(`${task(taskId)}/log`, { after, limit }),
    searchTaskLog: (taskId, text, after) => requests.get(`${task(taskId)}/log/search`, { text, after }),
    saveReport: async (taskId) => {
      await download(requests, `${task(taskId)}/report`);
      return { status: "handed_over" };
    },
    listAudit: (filter, after, limit) => requests.get("/api/audit", { ...filter, after, limit }),
    healthHistory: (host, limit) => requests.get("/api/health/history", { host, limit }),
    watchTask: (taskId, watcher) => watchTask({ requests, feed }, taskId, watcher),
    watchVitals: (watcher) => watchSamples<HostVitals>(requests, "/api/vitals/events", watcher),
    watchLive: (watcher) => watchSamples<LiveSample>(requests, "/api/live/events", watcher),
    onChange: (listener) => feed.listen(listener),
    statistics: ({ range, host, operation: only }) =>
      requests.get("/api/statistics", { ...rangeQuery(range), host, operation: only }),
    exportReport: (request, watcher) => {
      let stopped = false;
      download(requests, exportAddress(request)).then(
        () => stopped || watcher.update({ status: "handed_over" }),
        (thrown: unknown) => stopped || watcher.failed(toBackendError(thrown)),
      );
      return () => (stopped = true);
    },
    preferences: () => Promise.resolve(readChoice()),
    savePreferences: keepChoice,
    settings: () => requests.get("/api/settings"),
    watchSuggestionAmount: (name, watcher) => watchAmount(requests, name, watcher),
    reviewSettings: (changes) => requests.send("POST", "/api/settings/review", { changes }),
    saveSettings: (base, changes) => requests.send("PUT", "/api/settings", { base, changes }),
    historyRoom: () => requests.get("/api/history-room"),
  };
}

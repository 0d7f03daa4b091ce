//! What the sources themselves show: every timer is known, and only who is asked enqueues.

use crate::support::sources::files_with;

/// Every timer of the program, by file, with what it waits for. A timer that is not named here fails the test.
const TIMERS: [(&str, usize, &str); 44] = [
    (
        "crates/api/src/call.rs",
        1,
        "a request: how long its body may take",
    ),
    (
        "crates/api/src/guard.rs",
        1,
        "a request: how long it waits for its turn",
    ),
    (
        "crates/api/src/hub.rs",
        1,
        "how long the queue is still listened to after the last stream of changes ended",
    ),
    (
        "crates/api/src/pace.rs",
        1,
        "a connection: how long a client may read nothing of what waits for it",
    ),
    (
        "crates/api/src/serve.rs",
        5,
        "connections: how long their beginning, a request's head and their end may take, and the pause after there was no room for one",
    ),
    (
        "crates/api/src/sse.rs",
        1,
        "an open stream: its sign of life",
    ),
    (
        "crates/console/src/changes.rs",
        2,
        "a window that is open: changes are passed on at most ten times a second",
    ),
    (
        "crates/console/src/keeper.rs",
        1,
        "the time limit of shutting down",
    ),
    (
        "crates/console/src/vitals.rs",
        1,
        "a dashboard that somebody looks at: one sample a second, on the Overview four a minute",
    ),
    (
        "crates/console/src/watch.rs",
        2,
        "a watched task: at most ten updates a second, and the pause after an error",
    ),
    (
        "crates/ctl/src/connection/server/client.rs",
        5,
        "a command line that asks a server: how long an answer may take, and the pause after it was busy",
    ),
    (
        "crates/ctl/src/connection/server/watch.rs",
        1,
        "a command line that watches a task: the pause before a lost connection is made again",
    ),
    (
        "crates/ctl/src/wait.rs",
        1,
        "a person who waits for a task on the command line: how long they want to",
    ),
    (
        "crates/operations/src/health_check.rs",
        1,
        "within a health check: the window over which CPU use is averaged",
    ),
    (
        "crates/operations/src/health_check/queue.rs",
        1,
        "within a health check: the time limit of a probe",
    ),
    (
        "crates/operations/src/log_statistics.rs",
        1,
        "within log-statistics: the window over which CPU use is averaged",
    ),
    (
        "crates/operations/src/log_statistics/log.rs",
        1,
        "within log-statistics: the pause until another program has written its line",
    ),
    (
        "crates/operations/src/probes/limit.rs",
        1,
        "within a health check: the time limit of a probe",
    ),
    (
        "crates/queue/src/changes.rs",
        1,
        "waiting for the queue: the pause after other processes' changes could not be heard",
    ),
    (
        "crates/queue/src/engine/log_watch.rs",
        1,
        "waiting for the queue: other processes' changes of a file, while somebody listens",
    ),
    (
        "crates/queue/src/engine/outside.rs",
        1,
        "waiting for the queue: other processes' changes, while somebody listens",
    ),
    (
        "crates/queue/src/engine/postgres.rs",
        2,
        "how long a statement waits for a connection, and the first connection for the server",
    ),
    (
        "crates/queue/src/engine/room.rs",
        2,
        "within cleanup-runs: the rest between two steps of giving room back, and how long cutting the files waits",
    ),
    (
        "crates/queue/src/engine/sqlite.rs",
        1,
        "one statement: how long it waits for another process's write",
    ),
    (
        "crates/queue/src/engine/sqlite_writer.rs",
        1,
        "opening: the pause while another process makes the same fresh file",
    ),
    (
        "crates/queue/src/engine/write_events.rs",
        3,
        "waiting for the queue: the same, where the system cannot tell of writes",
    ),
    (
        "crates/worker/src/attempt.rs",
        3,
        "within an attempt: its time limit, stopping, storing its result",
    ),
    (
        "crates/worker/src/check.rs",
        1,
        "within a check: how long a folder may take to answer",
    ),
    (
        "crates/worker/src/heartbeat.rs",
        5,
        "the heartbeat and its time limit, the own leases, and the look for those that nobody extends, seldom while nothing runs",
    ),
    (
        "crates/worker/src/reporter.rs",
        2,
        "within an attempt: the throttle of its progress",
    ),
    (
        "crates/worker/src/service.rs",
        2,
        "the watchdog of the service manager, and how long telling it may take",
    ),
    (
        "crates/worker/src/worker.rs",
        2,
        "waiting for the queue, and the grace time when stopping",
    ),
    (
        "src-tauri/src/notifications.rs",
        4,
        "an open app: how often ends of tasks are told on the desktop, how long that may take, and how long it is shown",
    ),
    (
        "src-tauri/src/page_process.rs",
        1,
        "a page whose process has died again: the pause before it is loaded anew",
    ),
    (
        "ui/src/lib/backend/http/events.ts",
        4,
        "a page in a browser that is looked at: a stream that broke off, or has gone silent, is opened again",
    ),
    (
        "ui/src/lib/backend/http/requests.ts",
        1,
        "the time limit of a request to the server",
    ),
    (
        "ui/src/lib/components/CopyButton.svelte",
        2,
        "the word `copied` goes away",
    ),
    (
        "ui/src/lib/format/clock.svelte.ts",
        2,
        "relative times move on",
    ),
    (
        "ui/src/lib/state/condition.svelte.ts",
        2,
        "a window that is looked at: whether the installation is well, sooner after trouble",
    ),
    (
        "ui/src/lib/state/follow.ts",
        3,
        "a page that is looked at is read again",
    ),
    (
        "ui/src/lib/state/session.svelte.ts",
        1,
        "a browser where nobody is signed in: whether somebody is",
    ),
    (
        "ui/src/routes/audit/AuditPage.svelte",
        2,
        "the pause in typing before a search",
    ),
    (
        "ui/src/routes/tasks/LogView.svelte",
        2,
        "the pause in typing before a search",
    ),
    (
        "ui/src/routes/tasks/TasksPage.svelte",
        2,
        "the pause in typing before a search",
    ),
];

#[test]
fn the_only_timers_are_heartbeats_waits_and_dashboards_being_looked_at() {
    let timers = [
        "sleep(",
        "sleep_until(",
        "interval(",
        "timeout(",
        "timeout_at(",
        "setInterval",
        "setTimeout",
    ];
    let named: Vec<(String, usize)> = TIMERS
        .iter()
        .map(|(file, count, _)| ((*file).to_owned(), *count))
        .collect();
    assert_eq!(files_with(&timers), named);
}

#[test]
fn one_place_enqueues_and_only_a_front_door_calls_it() {
    let enqueues = files_with(&[".enqueue(", ".enqueue_all("]);
    assert_eq!(enqueues, [("crates/console/src/trigger.rs".to_owned(), 2)]);
    let triggers = files_with(&[
        ".trigger(",
        ".trigger_every_host(",
        ".repeat_group(",
        ".execute_group(",
        ".run_again(",
        ".run_again_matching(",
    ]);
    let files: Vec<&str> = triggers.iter().map(|(file, _)| file.as_str()).collect();
    assert!(
        files.contains(&"src-tauri/src/commands/tasks.rs"),
        "{files:?}"
    );
    assert!(
        files.iter().all(|file| [
            "src-tauri/src/commands/",
            "ui/src/",
            "crates/ctl/src/",
            "crates/api/src/handlers/"
        ]
        .iter()
        .any(|front_door| file.starts_with(front_door))),
        "{files:?}"
    );
}

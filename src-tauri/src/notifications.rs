//! Tells on the desktop of tasks that end while no window is in front.
//!
//! Rules: nothing waits for a notification, and a desktop without a service for them is no error. What
//! ends while the operator looks is not told again later. Many ends at once are one notification.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use notify_rust::{Hint, Notification, Urgency};
use tauri::{AppHandle, Manager};
use tokio::time::{Instant, sleep, sleep_until, timeout};
use upkeep_console::{ChangeBatches, Console};
use upkeep_contract::preferences::NotifyOf;
use upkeep_contract::task::{Task, TaskState};
use upkeep_contract::{TaskId, Timestamp};

use crate::state::AppState;

/// A service that takes longer to show something hangs.
const PATIENCE: Duration = Duration::from_secs(5);

/// Not more often than this: what ends in between is told together.
const PAUSE: Duration = Duration::from_secs(5);

/// Ends are committed a little later than they happened, and not in their order.
const LATE: Duration = Duration::from_secs(5);

/// How often ends are looked for while tasks change all the time.
const LOOK_PAUSE: Duration = Duration::from_millis(500);

/// Ends of one look; more in so short a time are told by their number.
const LOOKED_AT: u32 = 500;

/// Tells of ends for as long as the queue lives.
pub(crate) async fn tell(app: AppHandle, console: Arc<Console>, mut changes: ChangeBatches) {
    let mut ends = Ends::from_now(console.now());
    let mut waiting: Vec<Task> = Vec::new();
    let mut not_before = Instant::now();
    loop {
        if waiting.is_empty() {
            if changes.next().await.is_none() {
                return;
            }
        } else {
            // what waits is told when the pause is over, whether something else ends or not
            sleep_until(not_before).await;
        }
        let wanted = app.state::<AppState>().preferences.get().notify_of;
        let states = worth_telling(wanted);
        if in_front(&app) || states.is_empty() {
            ends.forget(console.now());
            waiting.clear();
            continue;
        }
        match console.ended_since(ends.since(), states, LOOKED_AT).await {
            Ok(ended) => waiting.extend(ends.news(ended)),
            Err(error) => tracing::debug!(%error, "cannot see which tasks ended"),
        }
        if waiting.is_empty() {
            // changes come ten times a second, ends need not be looked for so often
            sleep(LOOK_PAUSE).await;
        } else if Instant::now() >= not_before {
            show(&std::mem::take(&mut waiting)).await;
            not_before = Instant::now() + PAUSE;
        }
    }
}

/// Which ends have been looked at.
#[derive(Debug)]
struct Ends {
    /// What ended before is nobody's news.
    from: Timestamp,
    newest: Timestamp,
    known: HashSet<TaskId>,
    order: VecDeque<(Timestamp, TaskId)>,
}

impl Ends {
    fn from_now(now: Timestamp) -> Self {
        Self {
            from: now,
            newest: now,
            known: HashSet::new(),
            order: VecDeque::new(),
        }
    }

    /// Everything so far was seen by the operator, or is not wanted.
    fn forget(&mut self, now: Timestamp) {
        *self = Self::from_now(now);
    }

    fn since(&self) -> Timestamp {
        self.from.max(self.newest.minus(LATE))
    }

    /// Those that were not looked at before.
    fn news(&mut self, ended: Vec<Task>) -> Vec<Task> {
        let mut news = Vec::new();
        for task in ended {
            let at = task.finished_at.unwrap_or(self.newest);
            if self.known.insert(task.id.clone()) {
                self.newest = self.newest.max(at);
                self.order.push_back((at, task.id.clone()));
                news.push(task);
            }
        }
        let since = self.since();
        while let Some((at, _)) = self.order.front()
            && *at < since
        {
            if let Some((_, id)) = self.order.pop_front() {
                self.known.remove(&id);
            }
        }
        news
    }
}

fn worth_telling(wanted: NotifyOf) -> &'static [TaskState] {
    match wanted {
        NotifyOf::Off => &[],
        NotifyOf::Problems => &[TaskState::Failed, TaskState::Partial],
        NotifyOf::All => &[
            TaskState::Failed,
            TaskState::Partial,
            TaskState::Succeeded,
            TaskState::Cancelled,
        ],
    }
}

/// True when the operator is looking at a window of ours. One that cannot say is not in front.
fn in_front(app: &AppHandle) -> bool {
    app.webview_windows().values().any(|window| {
        window.is_focused().unwrap_or(false) && !window.is_minimized().unwrap_or(false)
    })
}

async fn show(ended: &[Task]) {
    let (title, text) = words(ended);
    let mut notification = Notification::new();
    notification
        .appname("Upkeep")
        .icon("io.upkeep.console")
        .summary(&title)
        .body(&text)
        .hint(Hint::DesktopEntry("io.upkeep.console".to_owned()));
    if ended.iter().any(|task| task.state == TaskState::Failed) {
        notification.urgency(Urgency::Critical);
        // critical ones stay until they are dismissed, which would be too much of it
        notification.timeout(Duration::from_secs(30));
    }
    match timeout(PATIENCE, notification.show_async()).await {
        Ok(Ok(_)) => tracing::debug!(%title, "told on the desktop"),
        Ok(Err(error)) => tracing::debug!(%error, "the desktop shows no notifications"),
        Err(_) => tracing::debug!("the desktop's notifications do not answer"),
    }
}

/// A heading and what happened.
fn words(ended: &[Task]) -> (String, String) {
    if let [task] = ended {
        let title = format!("{} {}", operation(task), outcome(task.state));
        let host = task.worker_host.as_ref().map(|host| format!("On {host}"));
        let error = task
            .error
            .as_ref()
            .filter(|_| task.state == TaskState::Failed);
        let error = error.map(|error| error.message.clone());
        let parts: Vec<String> = host.into_iter().chain(error).collect();
        return (title, escaped(&parts.join(": ")));
    }
    let title = format!("{} tasks ended", ended.len());
    let parts: Vec<String> = [
        TaskState::Failed,
        TaskState::Partial,
        TaskState::Cancelled,
        TaskState::Succeeded,
    ]
    .into_iter()
    .filter_map(|state| {
        let count = ended.iter().filter(|task| task.state == state).count();
        (count > 0).then(|| format!("{count} {}", outcome(state)))
    })
    .collect();
    (title, parts.join(", "))
}

fn operation(task: &Task) -> String {
    let words = task.operation.as_str().replace('-', " ");
    let mut signs = words.chars();
    signs.next().map_or(words.clone(), |first| {
        first.to_uppercase().chain(signs).collect()
    })
}

fn outcome(state: TaskState) -> &'static str {
    match state {
        TaskState::Partial => "could not do everything",
        TaskState::Failed => "failed",
        TaskState::Cancelled => "was cancelled",
        TaskState::Succeeded => "succeeded",
        TaskState::Queued => "waits",
        TaskState::Running => "runs",
    }
}

/// Some services read the text as markup.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn task(id: &str, state: &str, finished_at: i64) -> Task {
        serde_json::from_value(json!({
            "id": id, "operation": "cleanup-temp-files", "params": {}, "dry_run": false, "state": state,
            "priority": 100, "requested_by": "anna", "enqueued_at": 1, "run_after": 1, "attempt": 1, "lost": false,
            "max_attempts": 3, "timeout_ms": 1000, "finished_at": finished_at, "worker_host": "web-1",
            "error": (state == "failed").then(|| json!({"kind": "permanent", "message": "no <b> & no", "hint": ""})),
        }))
        .unwrap()
    }

    #[test]
    fn only_problems_are_worth_telling_unless_all_are_wanted() {
        let check = |wanted: NotifyOf, expect: &[TaskState]| {
            let told: Vec<TaskState> = TaskState::ALL
                .into_iter()
                .filter(|state| worth_telling(wanted).contains(state))
                .collect();
            assert_eq!(told, expect);
        };
        check(NotifyOf::Off, &[]);
        check(NotifyOf::Problems, &[TaskState::Partial, TaskState::Failed]);
        check(NotifyOf::All, &TaskState::ALL[2..]);
    }

    #[test]
    fn an_end_is_news_once_however_late_it_is_committed() {
        let ids = |tasks: Vec<Task>| tasks.into_iter().map(|task| task.id.0).collect::<Vec<_>>();
        let mut ends = Ends::from_now(Timestamp(100_000));
        assert_eq!(ends.since(), Timestamp(100_000));
        assert_eq!(
            ids(ends.news(vec![
                task("a", "failed", 100_001),
                task("b", "failed", 130_000)
            ])),
            ["a", "b"]
        );
        assert_eq!(
            ends.since(),
            Timestamp(125_000),
            "a little back from the newest"
        );
        assert_eq!(
            ids(ends.news(vec![
                task("late", "failed", 126_000),
                task("b", "failed", 130_000)
            ])),
            ["late"]
        );
        assert!(
            ends.known.len() < 3,
            "what cannot come again is forgotten: {ends:?}"
        );
        ends.forget(Timestamp(140_000));
        assert_eq!(
            ends.since(),
            Timestamp(140_000),
            "what was seen is no news later"
        );
    }

    #[test]
    fn one_end_is_told_by_name_and_many_by_number() {
        let check = |tasks: &[Task], title: &str, text: &str| {
            assert_eq!(words(tasks), (title.to_owned(), text.to_owned()));
        };
        check(
            &[task("a", "failed", 5)],
            "Cleanup temp files failed",
            "On web-1: no &lt;b&gt; &amp; no",
        );
        check(
            &[task("a", "partial", 5)],
            "Cleanup temp files could not do everything",
            "On web-1",
        );
        check(
            &[
                task("a", "failed", 5),
                task("b", "succeeded", 5),
                task("c", "failed", 6),
            ],
            "3 tasks ended",
            "2 failed, 1 succeeded",
        );
    }
}

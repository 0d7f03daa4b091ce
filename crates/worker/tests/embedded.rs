//! A worker inside this process, on a real SQLite file, with operations that do what a test needs.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test stops at the first surprise"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tempfile::TempDir;
use upkeep_contract::params::{InvalidParameter, Validate};
use upkeep_contract::task::{AttemptOutcome, CancelOutcome, TaskDetail, TaskState};
use upkeep_contract::worker::WorkerState;
use upkeep_contract::{TaskId, Timestamp};
use upkeep_operations::{Context, Finished, Operation, OperationError, Registry};
use upkeep_queue::{Backoff, Enqueued, NewTask, Queue};
use upkeep_testkit::newest_audit;
use upkeep_worker::{RunningWorker, WorkerOptions, start};

#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Params {
    /// Fails with a transient error this many times first.
    transient: u32,
    /// Works until it is cancelled.
    endless: bool,
    /// Breaks down.
    panic: bool,
    /// Ends as partial.
    partial: bool,
    /// Blocks its thread this long without looking at the cancellation.
    blocks_ms: u64,
}

impl Validate for Params {
    fn validate(&self) -> Result<(), InvalidParameter> {
        Ok(())
    }
}

/// An operation that does what its parameters say, and counts its runs.
#[derive(Clone, Default)]
struct TestOperation {
    runs: Arc<AtomicU32>,
}

#[async_trait]
impl Operation for TestOperation {
    type Params = Params;
    type Report = u32;

    fn id(&self) -> &'static str {
        "test-operation"
    }

    fn summary(&self) -> &'static str {
        "does what a test needs"
    }

    fn deletes(&self) -> bool {
        false
    }

    async fn run(
        &self,
        params: Params,
        context: &Context,
    ) -> Result<Finished<u32>, OperationError> {
        let run = self.runs.fetch_add(1, Ordering::SeqCst) + 1;
        context.progress(1, Some(2), "steps", "begun");
        context.info("hello");
        assert!(!params.panic, "broken on purpose");
        if params.blocks_ms > 0 {
            let pause = Duration::from_millis(params.blocks_ms);
            tokio::task::spawn_blocking(move || std::thread::sleep(pause))
                .await
                .unwrap();
        }
        if params.endless {
            context.cancellation.cancelled().await;
            return Err(OperationError::Cancelled {
                report: Some(json!({"done": run})),
            });
        }
        if context.attempt <= params.transient {
            return Err(OperationError::transient("away", "wait"));
        }
        Ok(if params.partial {
            Finished::Partial(run)
        } else {
            Finished::Succeeded(run)
        })
    }
}

struct Setup {
    queue: Queue,
    operation: TestOperation,
    folder: TempDir,
}

impl Setup {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let queue = Self::open(&folder).await;
        Self {
            queue,
            operation: TestOperation::default(),
            folder,
        }
    }

    async fn open(folder: &TempDir) -> Queue {
        let backoff = Backoff {
            first: Duration::from_millis(20),
            cap: Duration::from_millis(50),
        };
        let url = format!("sqlite://{}", folder.path().join("upkeep.db").display());
        Queue::open(&url).await.unwrap().with_backoff(backoff)
    }

    async fn worker(&self) -> RunningWorker {
        let options = WorkerOptions {
            lease: Duration::from_secs(1),
            ..WorkerOptions::default()
        };
        let registry = Registry::empty().with(self.operation.clone());
        start(
            self.queue.clone(),
            registry,
            self.folder.path().join("artifacts"),
            options,
        )
        .await
        .unwrap()
    }

    async fn enqueue(&self, params: Params) -> TaskId {
        self.enqueue_task(NewTask::new("test-operation", json!(params), "tester"))
            .await
    }

    async fn enqueue_task(&self, task: NewTask) -> TaskId {
        match self.queue.enqueue(task).await.unwrap() {
            Enqueued::New(id) | Enqueued::Existing(id) => id,
        }
    }

    /// Waits on the change feed until the task satisfies the condition.
    async fn until(&self, id: &TaskId, condition: impl Fn(&TaskDetail) -> bool) -> TaskDetail {
        let mut changes = self.queue.changes();
        let wait = async {
            loop {
                let detail = self.queue.task(id).await.unwrap();
                if condition(&detail) {
                    return detail;
                }
                changes.next().await.unwrap();
            }
        };
        tokio::time::timeout(Duration::from_secs(20), wait)
            .await
            .expect("the condition was never met")
    }

    async fn until_final(&self, id: &TaskId) -> TaskDetail {
        self.until(id, |detail| detail.task.state.is_final()).await
    }

    async fn until_progress(&self, id: &TaskId) -> TaskDetail {
        self.until(id, |detail| detail.task.progress.is_some())
            .await
    }
}

fn outcomes(detail: &TaskDetail) -> Vec<AttemptOutcome> {
    detail
        .attempts
        .iter()
        .map(|attempt| attempt.outcome)
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_is_performed_with_progress_log_and_report() {
    let setup = Setup::new().await;
    let worker = setup.worker().await;
    let id = setup.enqueue(Params::default()).await;
    let detail = setup.until_final(&id).await;
    assert_eq!(
        (detail.task.state, detail.report),
        (TaskState::Succeeded, Some(json!(1)))
    );
    let progress = detail.task.progress.unwrap();
    assert_eq!(
        (progress.done, progress.total, progress.message.as_str()),
        (1, Some(2), "begun")
    );
    let log = setup.queue.log_after(&id, 0, 10).await.unwrap();
    let log: Vec<&str> = log.iter().map(|line| line.message.as_str()).collect();
    assert!(log[0].starts_with("attempt 1 of 3 begins on "), "{log:?}");
    assert_eq!(log[1], "hello");
    assert!(log[2].starts_with("attempt 1 succeeded after "), "{log:?}");
    worker.stop().await.unwrap();
    let workers = setup.queue.workers(Timestamp(0)).await.unwrap();
    assert_eq!(workers[0].state, WorkerState::Stopped);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_without_a_request_performs_nothing() {
    let setup = Setup::new().await;
    let worker = setup.worker().await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(setup.operation.runs.load(Ordering::SeqCst), 0);
    assert!(newest_audit(&setup.queue, 10).await.is_empty());
    worker.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transient_error_is_tried_again_and_partial_is_not_success() {
    let setup = Setup::new().await;
    let worker = setup.worker().await;
    let id = setup
        .enqueue(Params {
            transient: 2,
            partial: true,
            ..Params::default()
        })
        .await;
    let detail = setup.until_final(&id).await;
    assert_eq!(detail.task.state, TaskState::Partial);
    assert_eq!(
        outcomes(&detail),
        [
            AttemptOutcome::Failed,
            AttemptOutcome::Failed,
            AttemptOutcome::Partial
        ]
    );
    worker.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operation_that_breaks_down_fails_its_task_and_not_the_worker() {
    let setup = Setup::new().await;
    let worker = setup.worker().await;
    let broken = setup
        .enqueue(Params {
            panic: true,
            ..Params::default()
        })
        .await;
    let error = setup.until_final(&broken).await.task.error.unwrap();
    assert!(error.message.contains("broke down"), "{error:?}");
    let id = setup.enqueue(Params::default()).await;
    assert_eq!(
        setup.until_final(&id).await.task.state,
        TaskState::Succeeded
    );
    worker.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_parameters_fail_without_another_attempt() {
    let setup = Setup::new().await;
    let worker = setup.worker().await;
    let id = setup
        .enqueue_task(NewTask::new(
            "test-operation",
            json!({"unknown": 1}),
            "tester",
        ))
        .await;
    let detail = setup.until_final(&id).await;
    assert_eq!(
        (detail.task.state, detail.attempts.len()),
        (TaskState::Failed, 1)
    );
    worker.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelling_reaches_the_operation_at_once_also_from_another_process() {
    let setup = Setup::new().await;
    let worker = setup.worker().await;
    // a second connection sees the file as another process would
    let elsewhere = Setup::open(&setup.folder).await;
    for queue in [&setup.queue, &elsewhere] {
        let id = setup
            .enqueue(Params {
                endless: true,
                ..Params::default()
            })
            .await;
        setup.until_progress(&id).await;
        let asked = Instant::now();
        assert_eq!(
            queue.cancel(&id, "anna").await.unwrap(),
            CancelOutcome::Requested
        );
        let detail = setup.until_final(&id).await;
        assert_eq!(detail.task.state, TaskState::Cancelled);
        assert!(detail.report.is_some(), "the counts so far are kept");
        assert!(
            asked.elapsed() < Duration::from_secs(1),
            "{:?}",
            asked.elapsed()
        );
    }
    worker.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn who_cancels_is_told_that_the_wish_has_arrived_before_the_work_has_stopped() {
    let setup = Setup::new().await;
    let worker = setup.worker().await;
    let id = setup
        .enqueue(Params {
            blocks_ms: 1500,
            endless: true,
            ..Params::default()
        })
        .await;
    setup.until_progress(&id).await;
    setup.queue.cancel(&id, "anna").await.unwrap();
    setup
        .until(&id, |detail| {
            let progress = detail.task.progress.as_ref();
            let told = progress.is_some_and(|progress| progress.stopping);
            // what the operation said of its progress stays
            told && progress.is_some_and(|progress| progress.total == Some(2))
                && detail.task.state == TaskState::Running
        })
        .await;
    let detail = setup.until_final(&id).await;
    assert_eq!(detail.task.state, TaskState::Cancelled);
    let log = setup.queue.log_tail(&id, 10).await.unwrap();
    let said = |text: &str| log.iter().position(|line| line.message.contains(text));
    assert!(
        said("asked to stop").unwrap() < said("was cancelled").unwrap(),
        "{log:?}"
    );
    worker.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attempt_that_takes_too_long_times_out() {
    let setup = Setup::new().await;
    let worker = setup.worker().await;
    let request = NewTask::new("test-operation", json!({"endless": true}), "tester");
    let id = setup
        .enqueue_task(NewTask {
            timeout: Duration::from_millis(100),
            max_attempts: 2,
            ..request
        })
        .await;
    let detail = setup.until_final(&id).await;
    assert_eq!(detail.task.state, TaskState::Failed);
    assert_eq!(outcomes(&detail), [AttemptOutcome::TimedOut; 2]);
    worker.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopping_worker_hands_back_what_it_holds_and_the_next_one_goes_on() {
    let setup = Setup::new().await;
    let worker = setup.worker().await;
    let id = setup
        .enqueue(Params {
            endless: true,
            ..Params::default()
        })
        .await;
    setup.until_progress(&id).await;
    worker.stop().await.unwrap();
    let detail = setup.queue.task(&id).await.unwrap();
    assert_eq!(
        (detail.task.state, outcomes(&detail)),
        (TaskState::Queued, vec![AttemptOutcome::Released])
    );
    let worker = setup.worker().await;
    setup
        .until(&id, |detail| {
            detail.task.attempt == 2 && detail.task.state == TaskState::Running
        })
        .await;
    setup.queue.cancel(&id, "anna").await.unwrap();
    setup.until_final(&id).await;
    worker.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_attempt_keeps_its_lease_beside_another_worker() {
    let setup = Setup::new().await;
    let (first, second) = (setup.worker().await, setup.worker().await);
    // three leases long
    let id = setup
        .enqueue(Params {
            blocks_ms: 3000,
            ..Params::default()
        })
        .await;
    let detail = setup.until_final(&id).await;
    assert_eq!(outcomes(&detail), [AttemptOutcome::Succeeded]);
    assert_eq!(setup.operation.runs.load(Ordering::SeqCst), 1);
    first.stop().await.unwrap();
    second.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn many_tasks_are_each_performed_once_by_two_workers() {
    let setup = Setup::new().await;
    let (first, second) = (setup.worker().await, setup.worker().await);
    let mut ids = Vec::new();
    for _ in 0..60 {
        ids.push(setup.enqueue(Params::default()).await);
    }
    for id in &ids {
        assert_eq!(
            outcomes(&setup.until_final(id).await),
            [AttemptOutcome::Succeeded]
        );
    }
    assert_eq!(setup.operation.runs.load(Ordering::SeqCst), 60);
    first.stop().await.unwrap();
    second.stop().await.unwrap();
}

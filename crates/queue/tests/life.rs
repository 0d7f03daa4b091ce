//! A task's life, row by row of the state table, on both engines.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::time::Duration;

use serde_json::json;
use upkeep_contract::TaskId;
use upkeep_contract::task::{
    AttemptOutcome, CancelOutcome, LogLevel, Progress, TaskError, TaskState,
};
use upkeep_queue::{Ending, Enqueued, Finish, Held, Lease, NewLogLine, NewTask, QueueError};
use upkeep_testkit::{TestQueue, task};

const LEASE: Duration = Duration::from_secs(10);

fn error(message: &str) -> TaskError {
    TaskError {
        kind: "transient".to_owned(),
        message: message.to_owned(),
        hint: String::new(),
    }
}

async fn state(test: &TestQueue, id: &TaskId) -> TaskState {
    test.queue.task(id).await.unwrap().task.state
}

async fn outcomes(test: &TestQueue, id: &TaskId) -> Vec<AttemptOutcome> {
    test.queue
        .task(id)
        .await
        .unwrap()
        .attempts
        .iter()
        .map(|attempt| attempt.outcome)
        .collect()
}

/// Enqueues, claims, and returns the id and the lease.
async fn running(test: &TestQueue, request: NewTask) -> (TaskId, Lease) {
    let id = test.enqueue(request).await;
    let claim = test.claim("worker-1").await.unwrap();
    assert_eq!(claim.task.id, id);
    (id, claim.lease)
}

async fn an_accepted_task_is_claimed_once_and_finished_once(test: TestQueue) {
    let (id, lease) = running(&test, task()).await;
    assert!(
        test.claim("worker-2").await.is_none(),
        "a running task is not claimed again"
    );
    assert_eq!(
        test.queue
            .finish(&lease, Ending::Succeeded(json!({"n": 1})))
            .await
            .unwrap(),
        Finish::Accepted(TaskState::Succeeded)
    );
    assert_eq!(
        test.queue
            .finish(&lease, Ending::Permanent(error("late")))
            .await
            .unwrap(),
        Finish::Fenced
    );
    let detail = test.queue.task(&id).await.unwrap();
    assert_eq!(
        (detail.task.state, detail.report),
        (TaskState::Succeeded, Some(json!({"n": 1})))
    );
    assert_eq!(detail.task.requested_by, "tester");
    assert_eq!(outcomes(&test, &id).await, [AttemptOutcome::Succeeded]);
}

async fn an_accepted_task_survives_a_reopened_database(test: TestQueue) {
    let id = test.enqueue(task()).await;
    test.queue.close().await;
    let again = upkeep_queue::Queue::open(&test.url()).await.unwrap();
    assert_eq!(again.task(&id).await.unwrap().task.state, TaskState::Queued);
}

async fn the_same_request_is_not_queued_twice_but_may_be_asked_again_after_its_end(
    test: TestQueue,
) {
    let request = || NewTask {
        dedup_key: Some("same".to_owned()),
        ..task()
    };
    let (id, lease) = running(&test, request()).await;
    assert_eq!(
        test.queue.enqueue(request()).await.unwrap(),
        Enqueued::Existing(id.clone())
    );
    test.queue
        .finish(&lease, Ending::Succeeded(json!(null)))
        .await
        .unwrap();
    assert!(matches!(
        test.queue.enqueue(request()).await.unwrap(),
        Enqueued::New(_)
    ));
    let audit: Vec<String> = test
        .queue
        .audit(None, 10)
        .await
        .unwrap()
        .into_iter()
        .map(|entry| entry.what)
        .collect();
    assert_eq!(audit, ["enqueue", "enqueue_duplicate", "enqueue"]);
}

async fn a_task_without_a_requester_is_refused(test: TestQueue) {
    let nobody = NewTask::new("test-operation", json!({}), "");
    assert!(matches!(
        test.queue.enqueue(nobody).await,
        Err(QueueError::Unavailable { .. })
    ));
    assert!(test.claim("worker-1").await.is_none());
}

async fn a_transient_error_waits_before_the_next_attempt_and_the_last_one_fails(test: TestQueue) {
    let (id, lease) = running(
        &test,
        NewTask {
            max_attempts: 2,
            ..task()
        },
    )
    .await;
    assert_eq!(
        test.queue
            .finish(&lease, Ending::Transient(error("away")))
            .await
            .unwrap(),
        Finish::Accepted(TaskState::Queued)
    );
    assert!(
        test.claim("worker-1").await.is_none(),
        "not claimed again at once"
    );
    test.clock.advance(Duration::from_secs(2));
    let again = test.claim("worker-1").await.unwrap();
    assert_eq!((again.task.attempt, &again.task.id), (2, &id));
    assert_ne!(again.lease.token, lease.token);
    assert_eq!(
        test.queue
            .finish(&again.lease, Ending::Transient(error("still away")))
            .await
            .unwrap(),
        Finish::Accepted(TaskState::Failed)
    );
    assert_eq!(
        test.queue
            .task(&id)
            .await
            .unwrap()
            .task
            .error
            .unwrap()
            .message,
        "still away"
    );
    assert_eq!(
        outcomes(&test, &id).await,
        [AttemptOutcome::Failed, AttemptOutcome::Failed]
    );
}

async fn a_permanent_error_fails_at_once_and_a_timeout_is_tried_again(test: TestQueue) {
    let (id, lease) = running(&test, task()).await;
    test.queue
        .finish(&lease, Ending::Permanent(error("wrong")))
        .await
        .unwrap();
    assert_eq!(state(&test, &id).await, TaskState::Failed);
    let (id, lease) = running(&test, task()).await;
    test.queue
        .finish(&lease, Ending::TimedOut(error("slow")))
        .await
        .unwrap();
    assert_eq!(state(&test, &id).await, TaskState::Queued);
    assert_eq!(outcomes(&test, &id).await, [AttemptOutcome::TimedOut]);
}

async fn a_lease_that_ran_out_is_rescued_and_the_zombie_changes_nothing(test: TestQueue) {
    let (id, zombie) = running(&test, task()).await;
    assert_eq!(
        test.rescue_after(LEASE).await,
        0,
        "a lease holds to its last millisecond"
    );
    assert_eq!(test.rescue_after(Duration::from_millis(1)).await, 1);
    assert_eq!(test.rescue().await, 0, "rescued once");
    let second = test.claim("worker-1").await.unwrap();
    assert_eq!(second.lease.attempt, 2);
    // the zombie has the same worker id: only its token tells it apart
    let progress = Progress {
        done: 9,
        ..Progress::default()
    };
    assert!(
        !test
            .queue
            .report_progress(&zombie, Some(&progress), &[])
            .await
            .unwrap()
    );
    assert_eq!(
        test.queue
            .extend(std::slice::from_ref(&zombie), LEASE)
            .await
            .unwrap(),
        [Held::Lost]
    );
    assert_eq!(
        test.queue
            .look(std::slice::from_ref(&zombie))
            .await
            .unwrap(),
        [Held::Lost]
    );
    assert_eq!(
        test.queue
            .finish(&zombie, Ending::Succeeded(json!("zombie")))
            .await
            .unwrap(),
        Finish::Fenced
    );
    test.queue
        .finish(&second.lease, Ending::Succeeded(json!("second")))
        .await
        .unwrap();
    let detail = test.queue.task(&id).await.unwrap();
    assert_eq!(
        (detail.report, detail.task.progress),
        (Some(json!("second")), None)
    );
    assert_eq!(
        outcomes(&test, &id).await,
        [AttemptOutcome::Lost, AttemptOutcome::Succeeded]
    );
}

async fn a_task_that_kills_its_workers_ends_as_failed(test: TestQueue) {
    let id = test
        .enqueue(NewTask {
            max_attempts: 3,
            ..task()
        })
        .await;
    for _ in 0..3 {
        assert!(test.claim("worker-1").await.is_some());
        assert_eq!(test.rescue_after(LEASE * 2).await, 1);
    }
    assert!(test.claim("worker-1").await.is_none());
    let detail = test.queue.task(&id).await.unwrap();
    assert_eq!(detail.task.state, TaskState::Failed);
    assert_eq!(detail.task.error.unwrap().kind, "lease_expired");
    assert_eq!(outcomes(&test, &id).await, [AttemptOutcome::Lost; 3]);
}

async fn a_heartbeat_keeps_the_lease(test: TestQueue) {
    let (id, lease) = running(&test, task()).await;
    for _ in 0..5 {
        test.clock.advance(Duration::from_secs(8));
        let held = test
            .queue
            .extend(std::slice::from_ref(&lease), LEASE)
            .await
            .unwrap();
        assert_eq!(
            held,
            [Held::Kept {
                cancel_requested: false
            }]
        );
        assert_eq!(test.rescue().await, 0);
    }
    assert_eq!(state(&test, &id).await, TaskState::Running);
}

async fn cancelling_ends_a_queued_task_and_flags_a_running_one(test: TestQueue) {
    let queued = test.enqueue(task()).await;
    assert_eq!(
        test.queue.cancel(&queued, "anna").await.unwrap(),
        CancelOutcome::Cancelled
    );
    assert_eq!(
        test.queue.cancel(&queued, "anna").await.unwrap(),
        CancelOutcome::AlreadyFinished
    );
    assert!(test.claim("worker-1").await.is_none());

    let (id, lease) = running(&test, task()).await;
    assert_eq!(
        test.queue.cancel(&id, "anna").await.unwrap(),
        CancelOutcome::Requested
    );
    assert_eq!(
        test.queue.look(std::slice::from_ref(&lease)).await.unwrap(),
        [Held::Kept {
            cancel_requested: true
        }]
    );
    let ending = Ending::Cancelled(Some(json!({"files_removed": 3})));
    test.queue.finish(&lease, ending).await.unwrap();
    let detail = test.queue.task(&id).await.unwrap();
    assert_eq!(detail.task.state, TaskState::Cancelled);
    assert_eq!(detail.task.cancel_requested_by.as_deref(), Some("anna"));
    assert_eq!(detail.report, Some(json!({"files_removed": 3})));

    let missing = TaskId::from("nowhere");
    assert!(matches!(
        test.queue.cancel(&missing, "anna").await,
        Err(QueueError::NoSuchTask(_))
    ));
}

async fn a_cancelled_task_is_not_tried_again(test: TestQueue) {
    for ending in [
        Ending::Transient(error("away")),
        Ending::TimedOut(error("slow")),
        Ending::Released,
    ] {
        let (id, lease) = running(&test, task()).await;
        test.queue.cancel(&id, "anna").await.unwrap();
        assert_eq!(
            test.queue.finish(&lease, ending).await.unwrap(),
            Finish::Accepted(TaskState::Cancelled)
        );
    }
    let (id, _) = running(&test, task()).await;
    test.queue.cancel(&id, "anna").await.unwrap();
    test.rescue_after(LEASE * 2).await;
    assert_eq!(state(&test, &id).await, TaskState::Cancelled);
}

async fn a_released_attempt_is_not_charged(test: TestQueue) {
    let (id, mut lease) = running(
        &test,
        NewTask {
            max_attempts: 1,
            ..task()
        },
    )
    .await;
    for _ in 0..4 {
        let finish = test.queue.finish(&lease, Ending::Released).await.unwrap();
        assert_eq!(finish, Finish::Accepted(TaskState::Queued));
        lease = test.claim("worker-1").await.unwrap().lease;
    }
    test.queue
        .finish(&lease, Ending::Succeeded(json!(null)))
        .await
        .unwrap();
    assert_eq!(outcomes(&test, &id).await.len(), 5);
}

async fn a_task_goes_only_to_its_host_and_to_workers_that_can_perform_it(test: TestQueue) {
    test.enqueue(NewTask {
        target_host: Some("host-b".to_owned()),
        ..task()
    })
    .await;
    test.enqueue(NewTask::new("another-operation", json!({}), "tester"))
        .await;
    assert!(test.claim("worker-1").await.is_none());
    let filter = upkeep_testkit::claim_all("host-b");
    let claim = test.claim_with("worker-2", &filter, 1).await.pop().unwrap();
    assert_eq!(claim.task.target_host.as_deref(), Some("host-b"));
}

async fn progress_and_log_lines_are_kept_in_order_across_attempts(test: TestQueue) {
    let (id, lease) = running(&test, task()).await;
    let line = |message: &str| NewLogLine {
        at: test.queue.now(),
        level: LogLevel::Info,
        message: message.to_owned(),
    };
    let progress = Progress {
        done: 1,
        total: Some(2),
        unit: "files".to_owned(),
        message: "working".to_owned(),
    };
    assert!(
        test.queue
            .report_progress(&lease, Some(&progress), &[line("a"), line("b")])
            .await
            .unwrap()
    );
    assert_eq!(
        test.queue.task(&id).await.unwrap().task.progress,
        Some(progress)
    );
    test.queue.finish(&lease, Ending::Released).await.unwrap();
    let lease = test.claim("worker-1").await.unwrap().lease;
    assert!(
        test.queue
            .report_progress(&lease, None, &[line("c")])
            .await
            .unwrap()
    );
    let lines = test.queue.log_after(&id, 1, 10).await.unwrap();
    let lines: Vec<_> = lines
        .iter()
        .map(|line| (line.sequence, line.attempt, line.message.as_str()))
        .collect();
    assert_eq!(lines, [(2, 1, "b"), (3, 2, "c")]);
    assert_eq!(test.queue.log_tail(&id, 1).await.unwrap()[0].message, "c");
}

async fn asking_again_after_a_wish_to_cancel_makes_a_new_task(test: TestQueue) {
    let request = || NewTask {
        dedup_key: Some("same".to_owned()),
        ..task()
    };
    let (id, lease) = running(&test, request()).await;
    test.queue.cancel(&id, "anna").await.unwrap();
    let again = test.queue.enqueue(request()).await.unwrap();
    assert!(matches!(again, Enqueued::New(_)), "{again:?}");
    test.queue
        .finish(&lease, Ending::Cancelled(None))
        .await
        .unwrap();
    assert!(test.claim("worker-1").await.is_some());
}

upkeep_testkit::on_both_engines!(
    an_accepted_task_is_claimed_once_and_finished_once,
    an_accepted_task_survives_a_reopened_database,
    the_same_request_is_not_queued_twice_but_may_be_asked_again_after_its_end,
    a_task_without_a_requester_is_refused,
    a_transient_error_waits_before_the_next_attempt_and_the_last_one_fails,
    a_permanent_error_fails_at_once_and_a_timeout_is_tried_again,
    a_lease_that_ran_out_is_rescued_and_the_zombie_changes_nothing,
    a_task_that_kills_its_workers_ends_as_failed,
    a_heartbeat_keeps_the_lease,
    cancelling_ends_a_queued_task_and_flags_a_running_one,
    a_cancelled_task_is_not_tried_again,
    a_released_attempt_is_not_charged,
    a_task_goes_only_to_its_host_and_to_workers_that_can_perform_it,
    progress_and_log_lines_are_kept_in_order_across_attempts,
    asking_again_after_a_wish_to_cancel_makes_a_new_task,
);

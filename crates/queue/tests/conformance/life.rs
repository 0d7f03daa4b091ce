//! A task's life, row by row of the state table.

use std::time::Duration;

use serde_json::json;
use upkeep_contract::TaskId;
use upkeep_contract::task::{
    AttemptOutcome, CancelOutcome, ForceCloseOutcome, LogLevel, PriorityOutcome, Progress,
    TaskState,
};
use upkeep_queue::{Ending, Finish, Held, NewLogLine, NewTask, QueueError};
use upkeep_testkit::{TestQueue, task};

use crate::support::{LEASE, end, endings, error, outcomes, running, state};

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
        stopping: false,
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
    let claim = test.claim("worker-1").await.unwrap();
    assert_eq!(claim.task.progress, None, "that of the new attempt");
    let lease = claim.lease;
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

async fn work_that_ends_with_items_left_is_partial_and_not_a_success(test: TestQueue) {
    let (id, lease) = running(&test, task()).await;
    let report = json!({"files_removed": 3, "problems": 1});
    let state = end(&test, &lease, Ending::Partial(report.clone())).await;
    assert_eq!(state, TaskState::Partial);
    let detail = test.queue.task(&id).await.unwrap();
    assert_eq!(
        (detail.task.state, detail.report),
        (TaskState::Partial, Some(report))
    );
    assert_eq!(outcomes(&test, &id).await, [AttemptOutcome::Partial]);
}

async fn a_final_state_never_changes(test: TestQueue) {
    for ending in endings() {
        let request = NewTask {
            max_attempts: 1,
            ..task()
        };
        let (id, lease) = running(&test, request).await;
        if !end(&test, &lease, ending).await.is_final() {
            let claim = test.claim("worker-1").await.unwrap();
            end(&test, &claim.lease, Ending::Permanent(error("wrong"))).await;
        }
        let before = test.bare().await.tasks().await;
        let cancelled = test.queue.cancel(&id, "anna").await.unwrap();
        assert_eq!(cancelled, CancelOutcome::AlreadyFinished);
        let closed = test.queue.force_close(&id, "anna").await.unwrap();
        assert_eq!(closed, ForceCloseOutcome::NotRunning);
        let priority = test.queue.set_priority(&id, 1, "anna").await.unwrap();
        assert_eq!(priority, PriorityOutcome::NotQueued);
        assert!(test.claim("worker-1").await.is_none());
        test.rescue_after(LEASE * 2).await;
        assert_eq!(test.bare().await.tasks().await, before);
    }
}

async fn an_operator_who_cancels_too_late_does_not_undo_what_was_done(test: TestQueue) {
    for (ending, expect) in [
        (Ending::Succeeded(json!(null)), TaskState::Succeeded),
        (Ending::Partial(json!(null)), TaskState::Partial),
        (Ending::Permanent(error("wrong")), TaskState::Failed),
    ] {
        let (id, lease) = running(&test, task()).await;
        test.queue.cancel(&id, "anna").await.unwrap();
        assert_eq!(end(&test, &lease, ending).await, expect);
    }
}

upkeep_testkit::on_both_engines!(
    an_accepted_task_is_claimed_once_and_finished_once,
    an_accepted_task_survives_a_reopened_database,
    a_task_without_a_requester_is_refused,
    a_transient_error_waits_before_the_next_attempt_and_the_last_one_fails,
    a_permanent_error_fails_at_once_and_a_timeout_is_tried_again,
    a_lease_that_ran_out_is_rescued_and_the_zombie_changes_nothing,
    a_task_that_kills_its_workers_ends_as_failed,
    a_heartbeat_keeps_the_lease,
    cancelling_ends_a_queued_task_and_flags_a_running_one,
    a_cancelled_task_is_not_tried_again,
    a_released_attempt_is_not_charged,
    progress_and_log_lines_are_kept_in_order_across_attempts,
    work_that_ends_with_items_left_is_partial_and_not_a_success,
    a_final_state_never_changes,
    an_operator_who_cancels_too_late_does_not_undo_what_was_done,
);

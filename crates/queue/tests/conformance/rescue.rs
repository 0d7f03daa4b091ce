//! Leases: who keeps one, who loses it, and that no clock on the wall has a say in it.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use upkeep_contract::WorkerId;
use upkeep_contract::task::{AttemptOutcome, FailedAs, TaskFilter, TaskState};
use upkeep_queue::{
    Ending, Finish, Held, Lease, LeaseWatch, NewTask, NewWorker, Queue, STALE_AFTER,
};
use upkeep_testkit::{FakeClock, TestQueue, claim_all, new_worker, task};

use crate::support;
use crate::support::{LEASE, MILLISECOND, SECOND, attempts, end, of, read, running, state};

const KEPT: Held = Held::Kept {
    cancel_requested: false,
};

const HOUR_MS: i64 = 3_600_000;

async fn extend(test: &TestQueue, lease: &Lease, length: Duration) -> Held {
    let leases = std::slice::from_ref(lease);
    test.queue.extend(leases, length).await.unwrap()[0]
}

async fn a_lost_attempt_counts_and_says_what_happened(test: TestQueue) {
    let (id, _) = running(
        &test,
        NewTask {
            max_attempts: 2,
            ..task()
        },
    )
    .await;
    assert_eq!(test.rescue_after(LEASE + MILLISECOND).await, 1);
    let task = read(&test, &id).await;
    assert_eq!(
        (task.state, task.attempt, task.run_after),
        (TaskState::Queued, 1, test.queue.now())
    );
    let error = task.error.unwrap();
    assert_eq!(error.kind, "lease_expired");
    assert!(
        error.message.contains("host-a") && error.hint.contains("host-a"),
        "{error:?}"
    );
    let attempt = attempts(&test, &id).await.remove(0);
    assert_eq!(
        (attempt.outcome, attempt.error),
        (AttemptOutcome::Lost, Some(error))
    );
    assert_eq!(attempt.ended_at, Some(test.queue.now()));
    assert!(
        test.claim("w").await.is_some(),
        "at once: the wait was long enough"
    );
    assert_eq!(test.rescue_after(LEASE + MILLISECOND).await, 1);
    let lost = read(&test, &id).await;
    assert_eq!((lost.state, lost.lost), (TaskState::Failed, true));
    assert!(!task.lost, "while it is tried again it is not lost");
    // apart from what failed by itself
    let (broken, lease) = running(&test, of("test-operation")).await;
    end(&test, &lease, Ending::Permanent(support::error("it broke"))).await;
    let listed = async |failed_as| {
        let filter = TaskFilter {
            states: vec![TaskState::Failed],
            failed_as,
            ..TaskFilter::default()
        };
        let tasks = test.queue.tasks(&filter, None, 10).await.unwrap().tasks;
        tasks
            .into_iter()
            .map(|task| (task.id, task.lost))
            .collect::<Vec<_>>()
    };
    let (lost, broken) = ((id, true), (broken, false));
    assert_eq!(listed(FailedAs::Lost).await, std::slice::from_ref(&lost));
    assert_eq!(listed(FailedAs::Error).await, std::slice::from_ref(&broken));
    assert_eq!(listed(FailedAs::Any).await, [broken, lost]);
}

async fn a_task_whose_worker_is_gone_is_lost_before_anybody_takes_it_back(test: TestQueue) {
    let (id, lease) = running(&test, task()).await;
    let holder = read(&test, &id).await.worker.unwrap();
    let worker = NewWorker {
        id: holder.clone(),
        ..new_worker("host-a")
    };
    test.queue.register_worker(&worker).await.unwrap();
    let lost = async || {
        let page = test.queue.tasks(&TaskFilter::default(), None, 10).await;
        let listed = page.unwrap().tasks.remove(0);
        assert_eq!(listed, read(&test, &id).await);
        assert_eq!(listed.state, TaskState::Running);
        listed.lost
    };
    assert!(!lost().await);
    test.clock.advance(STALE_AFTER);
    assert!(!lost().await);
    test.clock.advance(MILLISECOND);
    assert!(lost().await, "it gave no sign of life");
    test.queue.worker_alive(&holder, None).await.unwrap();
    assert!(!lost().await, "it came back");
    end(&test, &lease, Ending::Succeeded(json!(null))).await;
    assert!(!read(&test, &id).await.lost);
}

async fn a_lost_attempt_of_a_task_that_was_to_be_cancelled_cancels_it(test: TestQueue) {
    let (id, _) = running(&test, task()).await;
    test.queue.cancel(&id, "anna").await.unwrap();
    assert_eq!(test.rescue_after(LEASE + MILLISECOND).await, 1);
    let task = read(&test, &id).await;
    assert_eq!(
        (task.state, task.error.unwrap().kind.as_str()),
        (TaskState::Cancelled, "lease_expired")
    );
    assert_eq!(attempts(&test, &id).await[0].outcome, AttemptOutcome::Lost);
}

async fn a_lease_that_is_extended_in_the_last_moment_is_kept(test: TestQueue) {
    let (id, lease) = running(&test, task()).await;
    test.rescue().await;
    for _ in 0..5 {
        test.clock.advance(LEASE);
        assert_eq!(extend(&test, &lease, LEASE).await, KEPT);
        test.clock.advance(MILLISECOND);
        assert_eq!(test.rescue().await, 0);
    }
    // twice within a millisecond and to the same end: still seen as a sign of life
    test.clock.advance(LEASE);
    assert_eq!(extend(&test, &lease, Duration::ZERO).await, KEPT);
    assert_eq!(extend(&test, &lease, LEASE).await, KEPT);
    assert_eq!(test.rescue().await, 0);
    assert_eq!(state(&test, &id).await, TaskState::Running);
}

async fn a_rescue_and_a_heartbeat_at_once_agree_on_who_has_the_task(test: TestQueue) {
    let other = test.another().await;
    for _ in 0..25 {
        let (id, lease) = running(
            &test,
            NewTask {
                max_attempts: 9,
                ..task()
            },
        )
        .await;
        let mut watch = LeaseWatch::default();
        other.rescue(&mut watch).await.unwrap();
        test.clock.advance(LEASE * 2);
        let (rescued, held) = tokio::join!(other.rescue(&mut watch), extend(&test, &lease, LEASE));
        match (rescued.unwrap(), held) {
            (1, Held::Lost) => assert_eq!(state(&test, &id).await, TaskState::Queued),
            (0, KEPT) => assert_eq!(state(&test, &id).await, TaskState::Running),
            other => panic!("{other:?}"),
        }
        test.queue.cancel(&id, "tester").await.unwrap();
        test.queue.force_close(&id, "tester").await.unwrap();
    }
}

async fn a_rescue_and_a_finish_at_once_end_the_attempt_once(test: TestQueue) {
    let other = test.another().await;
    for _ in 0..25 {
        let (id, lease) = running(&test, task()).await;
        let mut watch = LeaseWatch::default();
        other.rescue(&mut watch).await.unwrap();
        test.clock.advance(LEASE * 2);
        let ending = Ending::Succeeded(json!(null));
        let (rescued, finish) =
            tokio::join!(other.rescue(&mut watch), test.queue.finish(&lease, ending));
        let attempt = attempts(&test, &id).await.remove(0);
        match (rescued.unwrap(), finish.unwrap()) {
            (0, Finish::Accepted(TaskState::Succeeded)) => {
                assert_eq!(attempt.outcome, AttemptOutcome::Succeeded);
            }
            (1, Finish::Fenced) => {
                assert_eq!(attempt.outcome, AttemptOutcome::Lost);
                assert_eq!(attempt.late.unwrap().outcome, AttemptOutcome::Succeeded);
                assert_eq!(
                    test.queue.cancel(&id, "tester").await.unwrap(),
                    upkeep_contract::task::CancelOutcome::Cancelled
                );
            }
            other => panic!("{other:?}"),
        }
    }
}

async fn two_who_look_after_leases_rescue_once(test: TestQueue) {
    let other = test.another().await;
    let (mut mine, mut theirs) = (LeaseWatch::default(), LeaseWatch::default());
    for round in 1..=10 {
        for _ in 0..round {
            running(&test, task()).await;
        }
        test.queue.rescue(&mut mine).await.unwrap();
        other.rescue(&mut theirs).await.unwrap();
        test.clock.advance(LEASE * 2);
        let (here, there) = tokio::join!(test.queue.rescue(&mut mine), other.rescue(&mut theirs));
        assert_eq!(here.unwrap() + there.unwrap(), round);
        let everything = upkeep_contract::task::TaskFilter::default();
        let now = test.queue.now();
        test.queue
            .cancel_matching(&everything, now, "tester")
            .await
            .unwrap();
    }
}

async fn who_begins_to_look_waits_a_whole_lease_before_judging(test: TestQueue) {
    running(&test, task()).await;
    // dead for a day, but nobody looked
    test.clock.advance(Duration::from_hours(24));
    assert_eq!(test.rescue().await, 0);
    assert_eq!(test.rescue_after(LEASE).await, 0);
    assert_eq!(test.rescue_after(MILLISECOND).await, 1);
}

async fn each_lease_has_its_own_length(test: TestQueue) {
    let (_, long) = running(&test, task()).await;
    let (short, _) = running(&test, task()).await;
    assert_eq!(extend(&test, &long, 6 * LEASE).await, KEPT);
    test.rescue().await;
    assert_eq!(test.rescue_after(LEASE + MILLISECOND).await, 1);
    assert_eq!(state(&test, &short).await, TaskState::Queued);
    assert_eq!(
        test.rescue_after((5 * LEASE).saturating_sub(MILLISECOND))
            .await,
        0
    );
    assert_eq!(test.rescue_after(MILLISECOND).await, 1);
}

async fn a_wall_clock_that_is_set_takes_nothing_from_the_living_and_spares_no_dead(
    test: TestQueue,
) {
    let (id, living) = running(&test, task()).await;
    for jump in [
        5 * HOUR_MS,
        -9 * HOUR_MS,
        -1,
        30 * 24 * HOUR_MS,
        -60 * 24 * HOUR_MS,
        0,
    ] {
        let (dead, _) = running(
            &test,
            NewTask {
                max_attempts: 1,
                ..task()
            },
        )
        .await;
        let mut rescued = test.rescue().await;
        test.clock.jump(jump);
        for beat in 1..=4 {
            rescued += test.rescue().await;
            assert_eq!(rescued, u64::from(beat > 3), "{jump}");
            test.clock.advance(4 * SECOND);
            assert_eq!(extend(&test, &living, LEASE).await, KEPT, "{jump}");
            rescued += test.rescue().await;
        }
        assert_eq!(state(&test, &dead).await, TaskState::Failed, "{jump}");
        assert_eq!(state(&test, &id).await, TaskState::Running, "{jump}");
    }
}

async fn a_worker_whose_clock_is_wrong_keeps_its_lease(test: TestQueue) {
    for wrong_by in [-7 * HOUR_MS, 7 * HOUR_MS] {
        let clock = Arc::new(FakeClock::at_present());
        clock.jump(wrong_by);
        let url = test.url();
        let wrong = Queue::open_with_clock(&url, Arc::<FakeClock>::clone(&clock));
        let wrong = wrong.await.unwrap();
        test.clock.advance(SECOND);
        wrong.enqueue(task()).await.unwrap();
        let worker = WorkerId::from("wrong");
        let mut claims = wrong
            .claim(&worker, 1, &claim_all("host-b"), LEASE, 1)
            .await
            .unwrap();
        let lease = claims.pop().unwrap().lease;
        for _ in 0..8 {
            assert_eq!(test.rescue_after(3 * SECOND).await, 0);
            clock.advance(3 * SECOND);
            assert_eq!(
                wrong
                    .extend(std::slice::from_ref(&lease), LEASE)
                    .await
                    .unwrap(),
                [KEPT]
            );
        }
        assert_eq!(test.rescue_after(LEASE).await, 0);
        assert_eq!(test.rescue_after(MILLISECOND).await, 1);
        let again = wrong
            .claim(&worker, 1, &claim_all("host-b"), LEASE, 1)
            .await
            .unwrap();
        // the time at which the rescuer gave it back is far off by this clock: nobody waits for it
        let claim = &again[0];
        wrong
            .finish(&claim.lease, Ending::Succeeded(json!(null)))
            .await
            .unwrap();
    }
}

async fn the_load_of_a_dead_host_is_taken_back_in_one_look(test: TestQueue) {
    test.queue.enqueue_all(vec![task(); 250]).await.unwrap();
    assert_eq!(
        test.claim_with("w", &claim_all("host-a"), 250).await.len(),
        250
    );
    assert_eq!(test.rescue_after(LEASE + MILLISECOND).await, 250);
    assert_eq!(test.queue.count(TaskState::Queued).await.unwrap(), 250);
}

async fn a_task_that_is_claimed_again_is_watched_from_the_beginning(test: TestQueue) {
    let (_, lease) = running(&test, task()).await;
    test.rescue().await;
    test.clock.advance(LEASE);
    test.queue.finish(&lease, Ending::Released).await.unwrap();
    test.claim("worker-1").await.unwrap();
    test.clock.advance(MILLISECOND);
    assert_eq!(test.rescue().await, 0);
    assert_eq!(test.rescue_after(LEASE).await, 0);
    assert_eq!(test.rescue_after(MILLISECOND).await, 1);
}

upkeep_testkit::on_both_engines!(
    a_lost_attempt_counts_and_says_what_happened,
    a_task_whose_worker_is_gone_is_lost_before_anybody_takes_it_back,
    a_lost_attempt_of_a_task_that_was_to_be_cancelled_cancels_it,
    a_lease_that_is_extended_in_the_last_moment_is_kept,
    a_rescue_and_a_heartbeat_at_once_agree_on_who_has_the_task,
    a_rescue_and_a_finish_at_once_end_the_attempt_once,
    two_who_look_after_leases_rescue_once,
    who_begins_to_look_waits_a_whole_lease_before_judging,
    each_lease_has_its_own_length,
    a_wall_clock_that_is_set_takes_nothing_from_the_living_and_spares_no_dead,
    a_worker_whose_clock_is_wrong_keeps_its_lease,
    the_load_of_a_dead_host_is_taken_back_in_one_look,
    a_task_that_is_claimed_again_is_watched_from_the_beginning,
);

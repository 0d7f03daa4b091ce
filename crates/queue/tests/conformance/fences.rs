//! Writes without the lease change nothing. What a worker says too late is noted on its attempt.

use serde_json::{Value, json};
use upkeep_contract::task::{AttemptOutcome, LogLevel, Progress, TaskState};
use upkeep_contract::{LeaseToken, TaskId};
use upkeep_queue::{Closing, Ending, Finish, Held, Lease, NewLogLine, NewTask};
use upkeep_testkit::{TestQueue, task};

use crate::support::{LEASE, attempts, end, endings, error, running, state, succeed};

/// What takes a lease from its worker.
#[derive(Clone, Copy, Debug)]
enum Taken {
    Rescued,
    ClaimedByAnother,
    FinishedByAnother,
    Exhausted,
    ForceClosed,
}

async fn taken(test: &TestQueue, how: Taken) -> (TaskId, Lease) {
    let (id, lease) = running(
        test,
        NewTask {
            max_attempts: if matches!(how, Taken::Exhausted) {
                1
            } else {
                3
            },
            ..task()
        },
    )
    .await;
    if let Taken::ForceClosed = how {
        test.queue.force_close(&id, "anna").await.unwrap();
        return (id, lease);
    }
    test.rescue_after(LEASE * 2).await;
    if let Taken::ClaimedByAnother | Taken::FinishedByAnother = how {
        // the same worker id: only the token tells them apart
        let second = test.claim("worker-1").await.unwrap();
        if let Taken::FinishedByAnother = how {
            succeed(test, &second.lease).await;
        }
    }
    (id, lease)
}

fn last_words(test: &TestQueue) -> Closing {
    Closing {
        progress: Some(Progress {
            done: 7,
            ..Progress::default()
        }),
        lines: vec![NewLogLine {
            at: test.queue.now(),
            level: LogLevel::Warning,
            message: "that was all".to_owned(),
        }],
    }
}

async fn try_all_but_finish(test: &TestQueue, zombie: &Lease) {
    let leases = std::slice::from_ref(zombie);
    assert_eq!(
        test.queue.extend(leases, LEASE * 9).await.unwrap(),
        [Held::Lost]
    );
    assert_eq!(test.queue.look(leases).await.unwrap(), [Held::Lost]);
    let progress = Progress {
        done: 9,
        ..Progress::default()
    };
    let line = NewLogLine {
        at: test.queue.now(),
        level: LogLevel::Info,
        message: "from the grave".to_owned(),
    };
    for (progress, lines) in [
        (Some(&progress), vec![]),
        (None, vec![line.clone()]),
        (Some(&progress), vec![line]),
    ] {
        assert!(
            !test
                .queue
                .report_progress(zombie, progress, &lines)
                .await
                .unwrap()
        );
    }
}

async fn a_write_without_the_lease_changes_nothing_but_the_late_note(test: TestQueue) {
    let without_note = |mut tables: [Vec<Value>; 3]| {
        for attempt in &mut tables[1] {
            let row = attempt.as_object_mut().unwrap();
            row.retain(|name, _| !name.starts_with("late_"));
        }
        tables
    };
    for how in [
        Taken::Rescued,
        Taken::ClaimedByAnother,
        Taken::FinishedByAnother,
        Taken::Exhausted,
        Taken::ForceClosed,
    ] {
        for ending in endings() {
            let (id, zombie) = taken(&test, how).await;
            let before = test.bare().await.tasks().await;
            try_all_but_finish(&test, &zombie).await;
            assert_eq!(test.bare().await.tasks().await, before, "{how:?}");
            let finish = test
                .queue
                .finish_with(&zombie, ending.clone(), last_words(&test));
            assert_eq!(finish.await.unwrap(), Finish::Fenced, "{how:?} {ending:?}");
            let after = test.bare().await.tasks().await;
            assert_eq!(
                without_note(after.clone()),
                without_note(before),
                "{how:?} {ending:?}"
            );
            try_all_but_finish(&test, &zombie).await;
            for again in endings() {
                test.queue.finish(&zombie, again).await.unwrap();
            }
            assert_eq!(
                test.bare().await.tasks().await,
                after,
                "{how:?}: noted once"
            );
            // out of the way of the next round
            test.queue.cancel(&id, "tester").await.unwrap();
            test.queue.force_close(&id, "tester").await.unwrap();
        }
    }
}

async fn a_late_result_is_noted_once_with_its_outcome_and_error(test: TestQueue) {
    for how in [Taken::FinishedByAnother, Taken::ForceClosed] {
        let (id, zombie) = taken(&test, how).await;
        let before = state(&test, &id).await;
        assert_eq!(attempts(&test, &id).await[0].late, None);
        test.clock.advance(LEASE);
        let at = test.queue.now();
        let ending = Ending::TimedOut(error("back after a nap"));
        test.queue.finish(&zombie, ending).await.unwrap();
        test.clock.advance(LEASE);
        test.queue
            .finish(&zombie, Ending::Succeeded(json!({"n": 1})))
            .await
            .unwrap();
        let late = attempts(&test, &id).await[0].late.clone().unwrap();
        assert_eq!(
            (late.at, late.outcome, late.error),
            (
                at,
                AttemptOutcome::TimedOut,
                Some(error("back after a nap"))
            )
        );
        assert_eq!(state(&test, &id).await, before);
    }
}

async fn an_accepted_finish_asked_again_is_accepted_again(test: TestQueue) {
    for cancelled in [false, true] {
        for ending in endings() {
            let (id, lease) = running(&test, task()).await;
            if cancelled {
                test.queue.cancel(&id, "anna").await.unwrap();
            }
            let state = end(&test, &lease, ending.clone()).await;
            let before = test.bare().await.tasks().await;
            let again = test.queue.finish(&lease, ending.clone()).await.unwrap();
            assert_eq!(again, Finish::Accepted(state), "{ending:?}");
            assert_eq!(test.bare().await.tasks().await, before);
            test.queue.cancel(&id, "tester").await.unwrap();
        }
    }
}

async fn last_words_are_written_with_the_accepted_end_and_only_once(test: TestQueue) {
    for ending in endings() {
        let (id, lease) = running(&test, task()).await;
        for _ in 0..2 {
            let finish = test
                .queue
                .finish_with(&lease, ending.clone(), last_words(&test));
            assert!(matches!(finish.await.unwrap(), Finish::Accepted(_)));
        }
        let progress = test.queue.task(&id).await.unwrap().task.progress;
        assert_eq!(progress, last_words(&test).progress, "{ending:?}");
        let log = test.queue.log_tail(&id, 10).await.unwrap();
        let told: Vec<_> = log
            .iter()
            .map(|line| (line.sequence, line.attempt))
            .collect();
        assert_eq!(told, [(1, 1)], "{ending:?}");
        test.queue.cancel(&id, "tester").await.unwrap();
    }
}

async fn a_finish_asked_twice_at_once_is_accepted_twice(test: TestQueue) {
    let (_, first) = running(&test, task()).await;
    let (id, lease) = running(&test, task()).await;
    let ending = || Ending::Succeeded(json!(null));
    // the first has a transaction of its own, the other two share the next
    let (_, once, twice) = tokio::join!(
        test.queue.finish(&first, ending()),
        test.queue.finish(&lease, ending()),
        test.queue.finish(&lease, ending())
    );
    let accepted = Finish::Accepted(TaskState::Succeeded);
    assert_eq!((once.unwrap(), twice.unwrap()), (accepted, accepted));
    assert_eq!(attempts(&test, &id).await[0].late, None);
}

async fn another_ending_than_the_accepted_one_is_refused_without_a_note(test: TestQueue) {
    let (id, lease) = running(&test, task()).await;
    succeed(&test, &lease).await;
    let before = test.bare().await.tasks().await;
    let ending = Ending::Permanent(error("wrong"));
    let finish = test.queue.finish(&lease, ending).await.unwrap();
    assert_eq!(finish, Finish::Fenced);
    assert_eq!(test.bare().await.tasks().await, before);
    assert_eq!(state(&test, &id).await, TaskState::Succeeded);
}

async fn a_token_opens_its_own_task_only(test: TestQueue) {
    let (mine, lease) = running(&test, task()).await;
    let (other, _) = running(&test, task()).await;
    let before = test.bare().await.tasks().await;
    for wrong in [
        Lease {
            task_id: other,
            ..lease.clone()
        },
        Lease {
            task_id: TaskId::from("nowhere"),
            ..lease.clone()
        },
        Lease {
            token: LeaseToken::generate(),
            ..lease.clone()
        },
        Lease {
            token: LeaseToken::from(""),
            ..lease.clone()
        },
    ] {
        try_all_but_finish(&test, &wrong).await;
        let finish = test
            .queue
            .finish(&wrong, Ending::Succeeded(json!(null)))
            .await;
        assert_eq!(finish.unwrap(), Finish::Fenced);
    }
    assert_eq!(test.bare().await.tasks().await, before);
    // among wrong ones the right one is told
    let wrong = Lease {
        token: LeaseToken::generate(),
        ..lease.clone()
    };
    let kept = Held::Kept {
        cancel_requested: false,
    };
    let held = test
        .queue
        .extend(&[wrong.clone(), lease.clone()], LEASE)
        .await
        .unwrap();
    assert_eq!(held, [Held::Lost, kept]);
    assert_eq!(
        test.queue.look(&[lease, wrong]).await.unwrap(),
        [kept, Held::Lost]
    );
    assert_eq!(test.queue.look(&[]).await.unwrap(), []);
    assert_eq!(test.queue.extend(&[], LEASE).await.unwrap(), []);
    assert_eq!(state(&test, &mine).await, TaskState::Running);
}

async fn many_endings_at_once_are_each_judged_alone(test: TestQueue) {
    let mut leases = Vec::new();
    for index in 0..30 {
        let (id, lease) = running(&test, task()).await;
        if index % 3 == 0 {
            test.queue.force_close(&id, "anna").await.unwrap();
        }
        leases.push(lease);
    }
    let finishes = leases
        .iter()
        .map(|lease| test.queue.finish(lease, Ending::Succeeded(json!(null))));
    for (index, finish) in futures::future::join_all(finishes)
        .await
        .into_iter()
        .enumerate()
    {
        let expect = match index % 3 {
            0 => Finish::Fenced,
            _ => Finish::Accepted(TaskState::Succeeded),
        };
        assert_eq!(finish.unwrap(), expect);
    }
    assert_eq!(test.queue.count(TaskState::Succeeded).await.unwrap(), 20);
    assert_eq!(test.queue.count(TaskState::Cancelled).await.unwrap(), 10);
}

upkeep_testkit::on_both_engines!(
    a_write_without_the_lease_changes_nothing_but_the_late_note,
    a_late_result_is_noted_once_with_its_outcome_and_error,
    an_accepted_finish_asked_again_is_accepted_again,
    last_words_are_written_with_the_accepted_end_and_only_once,
    a_finish_asked_twice_at_once_is_accepted_twice,
    another_ending_than_the_accepted_one_is_refused_without_a_note,
    a_token_opens_its_own_task_only,
    many_endings_at_once_are_each_judged_alone,
);

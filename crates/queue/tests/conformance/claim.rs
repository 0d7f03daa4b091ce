//! Which tasks a worker gets: its operations, its host, what is due; each task once.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use upkeep_contract::WorkerId;
use upkeep_contract::task::TaskState;
use upkeep_contract::worker::ClaimStrategy;
use upkeep_queue::{Backoff, Ending, NewTask};
use upkeep_testkit::{Bare, PostgresCluster, TestQueue, claim_all, task};

use crate::support::{
    LEASE, MILLISECOND, SECOND, attempts, by, end, error, names, of, performs, running, succeed,
};

fn targeted(host: &str) -> NewTask {
    NewTask {
        target_host: Some(host.to_owned()),
        ..by(host)
    }
}

async fn a_task_goes_only_to_its_host_and_to_workers_that_can_perform_it(test: TestQueue) {
    test.enqueue(targeted("host-b")).await;
    test.enqueue(of("another-operation")).await;
    assert!(test.claim("worker-1").await.is_none());
    let claim = test
        .claim_with("worker-2", &claim_all("host-b"), 1)
        .await
        .pop()
        .unwrap();
    assert_eq!(claim.task.target_host.as_deref(), Some("host-b"));
    assert_eq!(claim.task.worker_host.as_deref(), Some("host-b"));
    // names of hosts are compared to the letter
    test.enqueue(targeted("Host-B")).await;
    test.enqueue(NewTask {
        target_host: Some(String::new()),
        ..task()
    })
    .await;
    assert!(
        test.claim_with("worker-2", &claim_all("host-b"), 9)
            .await
            .is_empty()
    );
}

async fn targets_are_kept_under_every_strategy_and_for_another_attempt_too(test: TestQueue) {
    for strategy in [
        ClaimStrategy::Priority,
        ClaimStrategy::Fifo,
        ClaimStrategy::Lifo,
        ClaimStrategy::WeightedRandom,
    ] {
        test.enqueue(targeted("host-b")).await;
        for round in 0..2 {
            let here = performs(&["test-operation"], "host-a", strategy);
            assert!(
                test.claim_with("w", &here, 9).await.is_empty(),
                "{strategy:?}"
            );
            let there = performs(&["test-operation"], "host-b", strategy);
            let claim = test.claim_with("w", &there, 9).await.pop().unwrap();
            let ending = if round == 0 {
                Ending::Released
            } else {
                Ending::Succeeded(json!(null))
            };
            end(&test, &claim.lease, ending).await;
        }
    }
}

async fn a_worker_takes_tasks_of_all_its_operations_in_one_order(test: TestQueue) {
    for (operation, priority) in [("b", 2), ("a", 3), ("c", 0), ("a", 1), ("b", 4)] {
        test.enqueue(NewTask {
            priority,
            ..of(operation)
        })
        .await;
    }
    test.enqueue(NewTask {
        priority: 0,
        target_host: Some("host-a".to_owned()),
        ..of("b")
    })
    .await;
    let filter = performs(&["a", "b", "a"], "host-a", ClaimStrategy::Priority);
    let claims = test.claim_with("w", &filter, 10).await;
    let order: Vec<(&str, i32)> = claims
        .iter()
        .map(|claim| (claim.task.operation.as_str(), claim.task.priority))
        .collect();
    assert_eq!(order, [("b", 0), ("a", 1), ("b", 2), ("a", 3), ("b", 4)]);
    assert!(
        test.claim_with("w", &performs(&[], "host-a", ClaimStrategy::Fifo), 9)
            .await
            .is_empty()
    );
    let rest = performs(&["c"], "host-a", ClaimStrategy::Lifo);
    assert!(test.claim_with("w", &rest, 0).await.is_empty());
    assert_eq!(test.claim_with("w", &rest, 1).await.len(), 1);
}

async fn a_claim_says_all_about_the_attempt(test: TestQueue) {
    let id = test.enqueue(task()).await;
    test.clock.advance(SECOND);
    let begun = test.queue.now();
    let claim = test.claim("worker-1").await.unwrap();
    assert_eq!(
        (claim.task.state, claim.task.attempt),
        (TaskState::Running, 1)
    );
    assert_eq!(
        (claim.lease.attempt, claim.lease_until),
        (1, begun.plus(LEASE))
    );
    assert_eq!(claim.task.started_at, Some(begun));
    assert_eq!(claim.task.worker, Some(WorkerId::from("worker-1")));
    assert_eq!(claim.task.waiting, None);
    test.clock.advance(SECOND);
    end(&test, &claim.lease, Ending::Released).await;
    let claim = test.claim("worker-2").await.unwrap();
    assert_eq!(
        claim.task.started_at,
        Some(begun),
        "that of the first attempt"
    );
    let attempts = attempts(&test, &id).await;
    let told: Vec<_> = attempts
        .iter()
        .map(|one| {
            (
                one.number,
                one.worker.as_str(),
                one.host.as_str(),
                one.pid,
                one.started_at,
            )
        })
        .collect();
    let second = begun.plus(SECOND);
    assert_eq!(
        told,
        [
            (1, "worker-1", "host-a", 4242, begun),
            (2, "worker-2", "host-a", 4242, second)
        ]
    );
    assert_eq!(attempts[0].ended_at, Some(second));
}

async fn what_is_not_due_yet_is_not_in_the_way(test: TestQueue) {
    let (_, lease) = running(
        &test,
        NewTask {
            priority: 0,
            ..by("first")
        },
    )
    .await;
    end(&test, &lease, Ending::Transient(error("away"))).await;
    test.enqueue(by("second")).await;
    assert_eq!(test.claim("w").await.unwrap().task.requested_by, "second");
    assert!(test.claim("w").await.is_none());
    test.clock.advance(2 * SECOND);
    assert_eq!(test.claim("w").await.unwrap().task.requested_by, "first");
}

async fn a_clock_that_was_set_back_lets_no_task_wait_longer_than_the_longest_wait(test: TestQueue) {
    let filter = claim_all("host-a");
    let (_, lease) = running(&test, by("tried")).await;
    end(&test, &lease, Ending::Transient(error("away"))).await;
    test.enqueue(by("new")).await;
    test.clock.jump(-3 * 3_600_000);
    let due = test.queue.next_due(&filter).await.unwrap();
    assert_eq!(due, Some(test.queue.now()));
    let claims = test.claim_with("w", &filter, 9).await;
    assert_eq!(names(&claims), ["tried", "new"]);
    // a little: the wait is only so much longer
    end(&test, &claims[0].lease, Ending::Transient(error("away"))).await;
    test.clock.jump(-60_000);
    assert!(test.claim_with("w", &filter, 9).await.is_empty());
    let due = test.queue.next_due(&filter).await.unwrap().unwrap();
    test.clock.advance(due.since(test.queue.now()));
    assert_eq!(names(&test.claim_with("w", &filter, 9).await), ["tried"]);
}

async fn waits_grow_from_attempt_to_attempt_up_to_the_cap(mut test: TestQueue) {
    let backoff = Backoff {
        first: 4 * SECOND,
        cap: 10 * SECOND,
    };
    test.queue = test.queue.with_backoff(backoff);
    let id = test
        .enqueue(NewTask {
            max_attempts: 5,
            ..task()
        })
        .await;
    for full in [4, 8, 10, 10] {
        let claim = test.claim("w").await.unwrap();
        end(&test, &claim.lease, Ending::TimedOut(error("slow"))).await;
        let wait = test
            .queue
            .task(&id)
            .await
            .unwrap()
            .task
            .run_after
            .since(test.queue.now());
        assert!(
            (full * SECOND / 2..=full * SECOND).contains(&wait),
            "{wait:?} of {full} s"
        );
        test.clock.advance(wait.saturating_sub(MILLISECOND));
        assert!(test.claim("w").await.is_none());
        test.clock.advance(MILLISECOND);
    }
    assert!(test.claim("w").await.is_some());
}

async fn the_next_due_time_says_when_to_come_back(mut test: TestQueue) {
    test.queue = test.queue.with_host_limits([("limited".into(), 1)].into());
    let filter = performs(
        &["test-operation", "limited"],
        "host-a",
        ClaimStrategy::WeightedRandom,
    );
    let next = async || test.queue.next_due(&filter).await.unwrap();
    let now = || Some(test.queue.now());
    assert_eq!(next().await, None);
    test.enqueue(of("another")).await;
    test.enqueue(targeted("host-b")).await;
    assert_eq!(next().await, None, "nothing for this worker");

    let (id, lease) = running(&test, task()).await;
    end(&test, &lease, Ending::Transient(error("away"))).await;
    let due = test.queue.task(&id).await.unwrap().task.run_after;
    assert_eq!(next().await, Some(due));
    test.queue
        .pause(&"test-operation".into(), "anna")
        .await
        .unwrap();
    assert_eq!(next().await, None, "paused");
    test.queue
        .resume(&"test-operation".into(), "anna")
        .await
        .unwrap();

    test.enqueue(of("limited")).await;
    assert_eq!(next().await, now());
    test.enqueue(of("limited")).await;
    let only = performs(&["limited"], "host-a", ClaimStrategy::Fifo);
    let claim = test.claim_with("w", &only, 9).await.pop().unwrap();
    assert_eq!(next().await, Some(due), "the limit is reached");
    let preview = test
        .enqueue(NewTask {
            dry_run: true,
            ..of("limited")
        })
        .await;
    assert_eq!(next().await, now(), "previews are not limited");
    test.queue.cancel(&preview, "anna").await.unwrap();
    succeed(&test, &claim.lease).await;
    assert_eq!(next().await, now());
    test.clock.advance(Duration::from_hours(1));
    assert_eq!(next().await, now());
}

async fn claimers_in_parallel_get_each_task_once(test: TestQueue) {
    let requests = (0..400).map(|index| NewTask {
        priority: index % 7,
        ..by(&index.to_string())
    });
    test.queue.enqueue_all(requests.collect()).await.unwrap();
    let test = Arc::new(test);
    let mut claimers = Vec::new();
    for (index, strategy) in [
        ClaimStrategy::Priority,
        ClaimStrategy::Priority,
        ClaimStrategy::Priority,
        ClaimStrategy::Fifo,
        ClaimStrategy::Fifo,
        ClaimStrategy::Lifo,
        ClaimStrategy::Lifo,
        ClaimStrategy::WeightedRandom,
    ]
    .into_iter()
    .enumerate()
    {
        let queue = test.another().await;
        let filter = performs(&["test-operation"], &format!("host-{index}"), strategy);
        claimers.push(tokio::spawn(async move {
            let mut got = Vec::new();
            // nothing may be claimed while others hold what is due: then it is asked when to come back
            while queue.next_due(&filter).await.unwrap().is_some() {
                let worker = WorkerId::from(filter.host.as_str());
                got.extend(queue.claim(&worker, 1, &filter, LEASE, 7).await.unwrap());
            }
            got
        }));
    }
    let (mut tasks, mut tokens) = (HashSet::new(), HashSet::new());
    let mut claimed = 0;
    for claimer in claimers {
        for claim in claimer.await.unwrap() {
            claimed += 1;
            tasks.insert(claim.task.id.to_string());
            tokens.insert(claim.lease.token.to_string());
        }
    }
    assert_eq!((claimed, tasks.len(), tokens.len()), (400, 400, 400));
    let rows = test.bare().await.rows("attempts", "task_id").await;
    assert_eq!(rows.len(), 400);
}

async fn cancels_and_claims_at_once_leave_each_task_to_one_of_them(test: TestQueue) {
    let requests: Vec<NewTask> = (0..60).map(|index| by(&index.to_string())).collect();
    let ids = test.queue.enqueue_all(requests).await.unwrap();
    let other = test.another().await;
    let cancelling = async {
        for id in ids.iter().rev() {
            other.cancel(id.id(), "anna").await.unwrap();
        }
    };
    let claiming = async {
        let mut claims = Vec::new();
        loop {
            match test.claim_with("w", &claim_all("host-a"), 3).await {
                none if none.is_empty() => return claims,
                some => claims.extend(some),
            }
        }
    };
    let ((), claims) = tokio::join!(cancelling, claiming);
    let running = test.queue.count(TaskState::Running).await.unwrap();
    let cancelled = test.queue.count(TaskState::Cancelled).await.unwrap();
    assert_eq!((running, running + cancelled), (claims.len() as u64, 60));
    assert_eq!(
        names(&claims).into_iter().collect::<HashSet<_>>().len(),
        claims.len()
    );
}

/// PostgreSQL plans a statement anew until it believes to know better; then it must still go by the index.
#[tokio::test]
async fn a_long_queue_is_not_read_again_for_each_claim() {
    const QUEUED: i64 = 20_000;
    const CLAIMS: i64 = 30;
    let url = PostgresCluster::shared().database().await;
    let test = TestQueue::on(url).await;
    let requests = (0..QUEUED).map(|index| by(&index.to_string()));
    test.queue.enqueue_all(requests.collect()).await.unwrap();
    let Bare::Postgres(pool) = test.bare().await else {
        panic!("not on postgres");
    };
    sqlx::query("ANALYZE tasks").execute(pool).await.unwrap();
    let read = async || {
        // counts reach others when their connection has told them, at the latest a second later
        sqlx::query("SELECT pg_sleep(1.2)")
            .execute(pool)
            .await
            .unwrap();
        let (rows,): (i64,) =
            sqlx::query_as("SELECT seq_tup_read FROM pg_stat_user_tables WHERE relname = 'tasks'")
                .fetch_one(pool)
                .await
                .unwrap();
        rows
    };
    let before = read().await;
    for _ in 0..CLAIMS {
        let claims = test.claim_with("w", &claim_all("host-a"), 64).await;
        assert_eq!(claims.len(), 64);
    }
    // the counts are told at the next chance after that second
    tokio::time::sleep(std::time::Duration::from_millis(1200)).await;
    test.claim_with("w", &claim_all("host-a"), 64).await;
    let rows = read().await - before;
    assert!(
        rows < CLAIMS * QUEUED / 4,
        "{CLAIMS} claims of a queue of {QUEUED} read {rows} rows one after another"
    );
}

upkeep_testkit::on_both_engines!(
    a_task_goes_only_to_its_host_and_to_workers_that_can_perform_it,
    targets_are_kept_under_every_strategy_and_for_another_attempt_too,
    a_worker_takes_tasks_of_all_its_operations_in_one_order,
    a_claim_says_all_about_the_attempt,
    what_is_not_due_yet_is_not_in_the_way,
    a_clock_that_was_set_back_lets_no_task_wait_longer_than_the_longest_wait,
    waits_grow_from_attempt_to_attempt_up_to_the_cap,
    the_next_due_time_says_when_to_come_back,
    claimers_in_parallel_get_each_task_once,
    cancels_and_claims_at_once_leave_each_task_to_one_of_them,
);

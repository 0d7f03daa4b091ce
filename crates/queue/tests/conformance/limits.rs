//! How many tasks of an operation may run at once on one host.

use std::collections::HashMap;

use serde_json::json;
use upkeep_contract::worker::ClaimStrategy;
use upkeep_contract::{OperationId, WorkerId};
use upkeep_queue::{Ending, NewTask};
use upkeep_testkit::TestQueue;

use crate::support::{LEASE, end, of, performs, succeed};

const STRATEGIES: [ClaimStrategy; 4] = [
    ClaimStrategy::Priority,
    ClaimStrategy::Fifo,
    ClaimStrategy::Lifo,
    ClaimStrategy::WeightedRandom,
];

fn preview(operation: &str) -> NewTask {
    NewTask {
        dry_run: true,
        ..of(operation)
    }
}

async fn a_host_takes_no_more_than_its_limit_and_a_free_place_is_taken_again(test: TestQueue) {
    let test = test.with_host_limit("limited", 2);
    for strategy in STRATEGIES {
        for _ in 0..5 {
            test.enqueue(of("limited")).await;
        }
        let mut held = Vec::new();
        let claim = async |host: &str| {
            let filter = performs(&["limited"], host, strategy);
            test.claim_with("w", &filter, 1).await.pop()
        };
        held.push(claim("host-a").await.unwrap());
        held.push(claim("host-a").await.unwrap());
        assert!(claim("host-a").await.is_none(), "{strategy:?}");
        held.push(claim("host-b").await.unwrap());
        for ending in [Ending::Released, Ending::Succeeded(json!(null))] {
            end(&test, &held.remove(0).lease, ending).await;
            held.push(claim("host-a").await.unwrap());
            assert!(claim("host-a").await.is_none(), "{strategy:?}");
        }
        // those whose worker died have their place until somebody takes them back
        test.rescue_after(LEASE * 2).await;
        held.clear();
        held.push(claim("host-a").await.unwrap());
        held.push(claim("host-a").await.unwrap());
        assert!(claim("host-a").await.is_none(), "{strategy:?}");
        for claim in held {
            succeed(&test, &claim.lease).await;
        }
        let rest = performs(&["limited"], "host-c", strategy);
        for claim in test.claim_with("w", &rest, 9).await {
            succeed(&test, &claim.lease).await;
        }
    }
}

async fn a_batch_takes_no_more_than_there_is_room_for(test: TestQueue) {
    let test = test.with_host_limit("limited", 3);
    for strategy in [
        ClaimStrategy::Priority,
        ClaimStrategy::Fifo,
        ClaimStrategy::Lifo,
    ] {
        for index in 0..8 {
            let target_host = (index % 2 == 0).then(|| "host-a".to_owned());
            test.enqueue(NewTask {
                target_host,
                ..of("limited")
            })
            .await;
            test.enqueue(of("free")).await;
        }
        let filter = performs(&["limited", "free"], "host-a", strategy);
        let count = |claims: &[upkeep_queue::Claim], operation: &str| {
            claims
                .iter()
                .filter(|claim| claim.task.operation.as_str() == operation)
                .count()
        };
        let claims = test.claim_with("w", &filter, 100).await;
        assert_eq!(
            (count(&claims, "limited"), count(&claims, "free")),
            (3, 8),
            "{strategy:?}"
        );
        assert!(test.claim_with("w", &filter, 100).await.is_empty());
        for claim in claims {
            succeed(&test, &claim.lease).await;
        }
        while let Some(claim) = test.claim_with("w", &filter, 1).await.pop() {
            succeed(&test, &claim.lease).await;
        }
    }
}

async fn previews_neither_count_nor_wait(test: TestQueue) {
    let test = test.with_host_limit("limited", 1);
    for strategy in STRATEGIES {
        let filter = performs(&["limited"], "host-a", strategy);
        let mut held = Vec::new();
        for _ in 0..3 {
            test.enqueue(preview("limited")).await;
            held.extend(test.claim_with("w", &filter, 1).await);
        }
        assert_eq!(held.len(), 3);
        test.enqueue(of("limited")).await;
        test.enqueue(of("limited")).await;
        held.extend(test.claim_with("w", &filter, 1).await);
        assert_eq!(held.len(), 4, "{strategy:?}: previews take no place");
        test.enqueue(preview("limited")).await;
        held.extend(test.claim_with("w", &filter, 1).await);
        assert_eq!(held.len(), 5, "{strategy:?}: previews need no place");
        assert!(held[4].task.dry_run);
        assert!(test.claim_with("w", &filter, 1).await.is_empty());
        for claim in &held {
            succeed(&test, &claim.lease).await;
        }
        let last = test.claim_with("w", &filter, 1).await.pop().unwrap();
        succeed(&test, &last.lease).await;
    }
}

async fn workers_of_one_host_that_claim_at_the_same_time_keep_the_limit_together(test: TestQueue) {
    let limits: HashMap<OperationId, u32> = [("limited".into(), 3), ("lone".into(), 1)].into();
    let mut queues = Vec::new();
    for _ in 0..6 {
        queues.push(test.another().await.with_host_limits(limits.clone()));
    }
    for round in 0..6 {
        let mut requests = Vec::new();
        for _ in 0..20 {
            requests.extend([of("limited"), of("lone"), preview("lone")]);
        }
        test.queue.enqueue_all(requests).await.unwrap();
        let strategy = STRATEGIES[round % 4];
        let claiming: Vec<_> = queues
            .iter()
            .enumerate()
            .map(|(index, queue)| {
                let queue = queue.clone();
                // two hosts, three workers each
                let host = format!("host-{}", index % 2);
                let filter = performs(&["limited", "lone"], &host, strategy);
                tokio::spawn(async move {
                    let worker = WorkerId::from(format!("worker-{index}"));
                    let mut got = Vec::new();
                    for _ in 0..10 {
                        got.extend(queue.claim(&worker, 1, &filter, LEASE, 2).await.unwrap());
                    }
                    got
                })
            })
            .collect();
        let mut held = HashMap::new();
        let mut claims = Vec::new();
        for claimer in claiming {
            claims.extend(claimer.await.unwrap());
        }
        for claim in &claims {
            let host = claim.task.worker_host.clone().unwrap();
            let kind = (host, claim.task.operation.to_string(), claim.task.dry_run);
            *held.entry(kind).or_insert(0) += 1;
        }
        for host in ["host-0", "host-1"] {
            let count = |operation: &str| {
                let kind = (host.to_owned(), operation.to_owned(), false);
                held.get(&kind).copied().unwrap_or(0)
            };
            let counts = (count("limited"), count("lone"));
            assert!(counts.0 <= 3 && counts.1 <= 1, "{strategy:?} {held:?}");
            // by chance the tries may be over before every place is taken
            assert!(
                counts == (3, 1) || strategy == ClaimStrategy::WeightedRandom,
                "{held:?}"
            );
        }
        for claim in &claims {
            succeed(&test, &claim.lease).await;
        }
        let everything = upkeep_contract::task::TaskFilter::default();
        let now = test.queue.now();
        test.queue
            .cancel_matching(&everything, now, "tester")
            .await
            .unwrap();
    }
}

upkeep_testkit::on_both_engines!(
    a_host_takes_no_more_than_its_limit_and_a_free_place_is_taken_again,
    a_batch_takes_no_more_than_there_is_room_for,
    previews_neither_count_nor_wait,
    workers_of_one_host_that_claim_at_the_same_time_keep_the_limit_together,
);

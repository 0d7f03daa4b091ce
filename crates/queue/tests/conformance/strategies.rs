//! In which order a worker takes what is due, and how chance is weighted.

use std::collections::HashSet;
use std::time::Duration;

use serde_json::json;
use upkeep_contract::worker::ClaimStrategy;
use upkeep_queue::{Ending, NewTask};
use upkeep_testkit::{TestQueue, claim_all, task};

use crate::support::{MILLISECOND, by, end, names, performs, succeed};

async fn strategies_decide_the_order(test: TestQueue) {
    for (strategy, expect) in [
        (ClaimStrategy::Priority, ["second", "first", "third"]),
        (ClaimStrategy::Fifo, ["first", "second", "third"]),
        (ClaimStrategy::Lifo, ["third", "second", "first"]),
    ] {
        for (name, priority) in [("first", 5), ("second", 1), ("third", 5)] {
            test.enqueue(NewTask {
                priority,
                ..NewTask::new("test-operation", json!({}), name)
            })
            .await;
            test.clock.advance(Duration::from_millis(1));
        }
        let filter = upkeep_queue::ClaimFilter {
            strategy,
            ..claim_all("host-a")
        };
        for name in expect {
            let claim = test.claim_with("w", &filter, 1).await.pop().unwrap();
            assert_eq!(claim.task.requested_by, name, "{strategy:?}");
        }
    }
}

async fn a_batch_is_taken_and_given_in_the_strategys_order(test: TestQueue) {
    for (strategy, first, second) in [
        (ClaimStrategy::Priority, ["c", "f", "a"], ["b", "e", "d"]),
        (ClaimStrategy::Fifo, ["a", "b", "c"], ["d", "e", "f"]),
        (ClaimStrategy::Lifo, ["f", "e", "d"], ["c", "b", "a"]),
    ] {
        // b and c at the same moment: then the id decides
        for (name, priority, wait) in [
            ("a", 5, 1),
            ("b", 6, 0),
            ("c", -1, 1),
            ("d", 7, 1),
            ("e", 6, 1),
            ("f", -1, 1),
        ] {
            test.enqueue(NewTask {
                priority,
                ..by(name)
            })
            .await;
            test.clock.advance(wait * MILLISECOND);
        }
        let filter = performs(&["test-operation"], "host-a", strategy);
        for expect in [first, second] {
            let claims = test.claim_with("w", &filter, 3).await;
            assert_eq!(names(&claims), expect, "{strategy:?}");
            for claim in &claims {
                succeed(&test, &claim.lease).await;
            }
        }
        assert!(test.claim_with("w", &filter, 3).await.is_empty());
    }
}

async fn a_worker_that_goes_by_chance_gets_one_at_a_time_and_all_in_the_end(test: TestQueue) {
    let requests = (0..30).map(|priority| NewTask {
        priority: priority * 1000 - 1000,
        ..task()
    });
    test.queue.enqueue_all(requests.collect()).await.unwrap();
    let filter = performs(&["test-operation"], "host-a", ClaimStrategy::WeightedRandom);
    let mut ids = HashSet::new();
    for _ in 0..30 {
        let claims = test.claim_with("w", &filter, 10).await;
        assert_eq!(claims.len(), 1);
        ids.insert(claims[0].task.id.to_string());
    }
    assert_eq!(ids.len(), 30);
    assert!(test.claim_with("w", &filter, 10).await.is_empty());
}

async fn chance_is_weighted_by_one_over_priority_and_one(test: TestQueue) {
    // weights 1, 1/2, 1/4, 1/8
    let weighted = [("0", 0, 8.0), ("1", 1, 4.0), ("3", 3, 2.0), ("7", 7, 1.0)];
    for (name, priority, _) in weighted {
        test.enqueue(NewTask {
            priority,
            ..by(name)
        })
        .await;
    }
    let filter = performs(&["test-operation"], "host-a", ClaimStrategy::WeightedRandom);
    let draws = 300;
    let mut drawn = [0; 4];
    for _ in 0..draws {
        let claim = test.claim_with("w", &filter, 1).await.pop().unwrap();
        let index = weighted
            .iter()
            .position(|(name, _, _)| *name == claim.task.requested_by);
        drawn[index.unwrap()] += 1;
        end(&test, &claim.lease, Ending::Released).await;
    }
    let chi_square: f64 = weighted
        .iter()
        .zip(drawn)
        .map(|((_, _, share), seen)| {
            let expected = f64::from(draws) * share / 15.0;
            (f64::from(seen) - expected).powi(2) / expected
        })
        .sum();
    // three degrees of freedom: beyond 45 once in a billion; equal chances would give some 300
    assert!(chi_square < 45.0, "{drawn:?}: {chi_square}");
}

upkeep_testkit::on_both_engines!(
    strategies_decide_the_order,
    a_batch_is_taken_and_given_in_the_strategys_order,
    a_worker_that_goes_by_chance_gets_one_at_a_time_and_all_in_the_end,
    chance_is_weighted_by_one_over_priority_and_one,
);

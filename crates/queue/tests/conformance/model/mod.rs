//! Random interleavings of everything that may happen, on a real queue and in a model of it.
//!
//! Ordinarily the interleavings are the same each time. With `UPKEEP_MODEL_CASES` set, so many new
//! ones are drawn; one that fails is shrunk to a short list of steps.

mod compare;
mod operators;
mod run;
mod step;
mod world;

use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};
use upkeep_contract::worker::ClaimStrategy;
use upkeep_testkit::TestQueue;

use run::Runner;
use step::{How, Step, steps};

/// Enough to try every kind of step hundreds of times, few enough for every day.
const CASES: u32 = 100;

fn agree(open: impl AsyncFnOnce() -> TestQueue) {
    let wanted = std::env::var("UPKEEP_MODEL_CASES").ok();
    let config = Config {
        cases: wanted
            .as_ref()
            .map_or(CASES, |cases| cases.parse().unwrap()),
        failure_persistence: None,
        max_shrink_iters: 3000,
        ..Config::default()
    };
    let mut cases = match wanted {
        Some(_) => TestRunner::new(config),
        None => TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha)),
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let runner = runtime.block_on(async { Runner::new(open().await).await });
    let result = cases.run(&steps(), |steps| {
        let result = runtime.block_on(runner.run(&steps));
        result.map_err(TestCaseError::fail)
    });
    match result {
        Ok(()) => {}
        Err(TestError::Fail(why, steps)) => panic!("{why}\nthe steps: {steps:#?}"),
        Err(TestError::Abort(why)) => panic!("{why}"),
    }
}

mod random_interleavings_agree_with_the_model {
    #[test]
    fn sqlite() {
        super::agree(super::TestQueue::sqlite);
    }

    #[test]
    fn postgres() {
        super::agree(super::TestQueue::postgres);
    }
}

/// Takes steps that once showed a defect.
async fn check(test: TestQueue, steps: &[Step]) {
    let result = Runner::new(test).await.run(steps).await;
    assert_eq!(result, Ok(()), "{steps:#?}");
}

const ENQUEUE: Step = Step::Enqueue {
    operation: 1,
    key: None,
    target: None,
    priority: 0,
    max_attempts: 2,
    dry_run: false,
};

const CLAIM: Step = Step::Claim {
    worker: 0,
    up_to: 1,
    strategy: ClaimStrategy::Priority,
};

async fn a_worker_that_claims_again_what_it_lost_is_told_of_its_first_lease(test: TestQueue) {
    let steps = [
        ENQUEUE,
        CLAIM,
        Step::Rescue { watcher: 0 },
        Step::Advance { ms: 10_001 },
        Step::Rescue { watcher: 0 },
        CLAIM,
        Step::Heartbeat { worker: Some(0) },
    ];
    check(test, &steps).await;
}

async fn what_is_handed_back_although_it_was_cancelled_is_accepted_again(test: TestQueue) {
    let released = Step::Finish {
        lease: 0,
        how: How::Released,
    };
    check(
        test,
        &[
            ENQUEUE,
            CLAIM,
            Step::Cancel { task: 0 },
            released.clone(),
            released,
        ],
    )
    .await;
}

async fn a_clock_set_back_lets_a_new_task_wait_for_nothing(test: TestQueue) {
    check(test, &[ENQUEUE, Step::Jump { ms: -18_000_000 }, CLAIM]).await;
}

upkeep_testkit::on_both_engines!(
    a_worker_that_claims_again_what_it_lost_is_told_of_its_first_lease,
    what_is_handed_back_although_it_was_cancelled_is_accepted_again,
    a_clock_set_back_lets_a_new_task_wait_for_nothing,
);

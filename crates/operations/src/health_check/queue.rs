//! The checks of the queue, the workers and the database, as the history tells them.

use std::time::Duration;

use upkeep_contract::health::{CheckStatus, HealthCheck};

use super::judge::{Finding, unknown};
use crate::history::{QueueHealth, TaskHistory};
use crate::settings::{Measure, Threshold, Thresholds};

/// `queue`, `queue:failures`, `workers` and `database`; none without a history.
pub(super) async fn checks(
    history: Option<&dyn TaskHistory>,
    thresholds: &Thresholds,
    limit: Duration,
) -> Vec<HealthCheck> {
    let Some(history) = history else {
        return Vec::new();
    };
    let why = match tokio::time::timeout(limit, history.health()).await {
        Ok(Ok(health)) => {
            return vec![
                queue(&health, thresholds.of(Measure::Queue)),
                failures(&health, thresholds.of(Measure::Failures)),
                workers(&health, thresholds.of(Measure::Workers)),
                database(&health, thresholds.of(Measure::Database)),
            ];
        }
        Ok(Err(error)) => format!("the database could not be asked: {error}"),
        Err(_) => format!(
            "the database gave no answer within {} s",
            limit.as_secs_f64()
        ),
    };
    let action = "see whether the database can be reached and its disk is not full";
    [
        ("queue", "seconds"),
        ("queue:failures", "tasks"),
        ("workers", "workers"),
        ("database", "ms"),
    ]
    .map(|(id, unit)| unknown(id, unit, why.clone(), action))
    .into()
}

fn queue(health: &QueueHealth, threshold: Threshold) -> HealthCheck {
    let oldest = Duration::from_millis(
        health
            .oldest_waiting_ms
            .and_then(|age| u64::try_from(age).ok())
            .unwrap_or(0),
    );
    Finding {
        id: "queue".to_owned(),
        unit: "seconds",
        observed: oldest.as_secs_f64(),
        threshold,
        message: match health.queued {
            0 => "no task waits".to_owned(),
            1 => format!("one task waits, for {} s", oldest.as_secs()),
            more => format!("{more} tasks wait, the oldest for {} s", oldest.as_secs()),
        },
        action: "see whether a worker is alive that performs this operation on the host the task is meant for",
    }
    .judge()
}

#[expect(clippy::cast_precision_loss, reason = "there are never 2^52 tasks")]
fn failures(health: &QueueHealth, threshold: Threshold) -> HealthCheck {
    Finding {
        id: "queue:failures".to_owned(),
        unit: "tasks",
        observed: health.failed_last_hour as f64,
        threshold,
        message: match health.failed_last_hour {
            0 => "no task failed within the last hour".to_owned(),
            1 => "one task failed within the last hour".to_owned(),
            more => format!("{more} tasks failed within the last hour"),
        },
        action: "open the failed tasks and read their errors",
    }
    .judge()
}

#[expect(clippy::cast_precision_loss, reason = "there are never 2^52 workers")]
fn workers(health: &QueueHealth, threshold: Threshold) -> HealthCheck {
    let (alive, stale) = (health.workers_alive, health.workers_stale);
    let mut check = Finding {
        id: "workers".to_owned(),
        unit: "workers",
        observed: stale as f64,
        threshold,
        message: format!("{alive} alive, {stale} stopped without a farewell"),
        action: "see whether those workers' hosts are up; their tasks are taken over by others",
    }
    .judge();
    // with nobody to take tasks, no number of stale ones makes it better
    if alive == 0 {
        check.status = CheckStatus::Critical;
        "start a worker: open the app, or run `upkeep-worker run`".clone_into(&mut check.action);
    }
    check
}

fn database(health: &QueueHealth, threshold: Threshold) -> HealthCheck {
    Finding {
        id: "database".to_owned(),
        unit: "ms",
        observed: health.round_trip_ms,
        threshold,
        message: format!("one round trip took {:.1} ms", health.round_trip_ms),
        action: "see whether the database's host or disk is overloaded",
    }
    .judge()
}

#[cfg(test)]
mod tests {
    use super::*;

    const WELL: QueueHealth = QueueHealth {
        oldest_waiting_ms: None,
        queued: 0,
        failed_last_hour: 0,
        workers_alive: 1,
        workers_stale: 0,
        round_trip_ms: 1.0,
    };

    #[track_caller]
    fn judged(check: &HealthCheck, expect: CheckStatus) {
        assert_eq!(check.status, expect, "{check:?}");
        assert_eq!(check.action.is_empty(), expect == CheckStatus::Ok);
    }

    #[test]
    fn a_queue_that_nobody_serves_is_told() {
        let check = |queued, oldest_waiting_ms, expect: CheckStatus| {
            let health = QueueHealth {
                oldest_waiting_ms,
                queued,
                ..WELL
            };
            judged(&queue(&health, Measure::Queue.default_threshold()), expect);
        };
        check(0, None, CheckStatus::Ok);
        check(9, Some(299_999), CheckStatus::Ok);
        check(9, Some(300_000), CheckStatus::Warning);
        check(1, Some(3_600_000), CheckStatus::Critical);
        check(1, Some(-5), CheckStatus::Ok);
    }

    #[test]
    fn recent_failures_are_told() {
        let check = |failed_last_hour, expect: CheckStatus| {
            let health = QueueHealth {
                failed_last_hour,
                ..WELL
            };
            judged(
                &failures(&health, Measure::Failures.default_threshold()),
                expect,
            );
        };
        check(0, CheckStatus::Ok);
        check(1, CheckStatus::Warning);
        check(9, CheckStatus::Warning);
        check(10, CheckStatus::Critical);
    }

    #[test]
    fn stale_and_missing_workers_are_told() {
        let check = |alive, stale, expect: CheckStatus| {
            let health = QueueHealth {
                workers_alive: alive,
                workers_stale: stale,
                ..WELL
            };
            judged(
                &workers(&health, Measure::Workers.default_threshold()),
                expect,
            );
        };
        check(1, 0, CheckStatus::Ok);
        check(3, 1, CheckStatus::Warning);
        check(3, 5, CheckStatus::Critical);
        check(0, 0, CheckStatus::Critical);
        check(0, 2, CheckStatus::Critical);
    }

    #[test]
    fn a_slow_database_is_told() {
        let check = |round_trip_ms, expect: CheckStatus| {
            let health = QueueHealth {
                round_trip_ms,
                ..WELL
            };
            let check = database(&health, Measure::Database.default_threshold());
            assert_eq!(check.status, expect);
        };
        check(0.4, CheckStatus::Ok);
        check(100.0, CheckStatus::Warning);
        check(5000.0, CheckStatus::Critical);
        check(f64::NAN, CheckStatus::Unknown);
    }
}

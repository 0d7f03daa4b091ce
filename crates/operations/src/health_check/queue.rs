//! The checks of the queue, the workers and the database, as the history tells them.

use std::time::Duration;

use upkeep_contract::health::{CheckStatus, HealthCheck};

use super::judge::{Finding, unknown};
use crate::history::{QueueHealth, TaskHistory};
use crate::settings::Threshold;

/// Seconds the oldest due task waits: five minutes are odd on a queue that people watch, an hour means nobody takes it.
const OLDEST_WAITING: Threshold = Threshold::new(300.0, 3600.0);
/// Milliseconds of one round trip: above a tenth of a second every click is felt, above a second leases suffer.
const ROUND_TRIP: Threshold = Threshold::new(100.0, 1000.0);

/// `queue`, `workers` and `database`; none without a history.
pub(super) async fn checks(history: Option<&dyn TaskHistory>, limit: Duration) -> Vec<HealthCheck> {
    let Some(history) = history else {
        return Vec::new();
    };
    let why = match tokio::time::timeout(limit, history.health()).await {
        Ok(Ok(health)) => return vec![queue(&health), workers(&health), database(&health)],
        Ok(Err(error)) => format!("the database could not be asked: {error}"),
        Err(_) => format!(
            "the database gave no answer within {} s",
            limit.as_secs_f64()
        ),
    };
    let action = "see whether the database can be reached and its disk is not full";
    [
        ("queue", "seconds"),
        ("workers", "workers"),
        ("database", "ms"),
    ]
    .map(|(id, unit)| unknown(id, unit, why.clone(), action))
    .into()
}

fn queue(health: &QueueHealth) -> HealthCheck {
    let oldest = Duration::from_millis(
        health
            .oldest_waiting_ms
            .and_then(|age| u64::try_from(age).ok())
            .unwrap_or(0),
    );
    let waiting = match health.queued {
        0 => "no task waits".to_owned(),
        1 => format!("one task waits, for {} s", oldest.as_secs()),
        more => format!("{more} tasks wait, the oldest for {} s", oldest.as_secs()),
    };
    let mut check = Finding {
        id: "queue".to_owned(),
        unit: "seconds",
        observed: oldest.as_secs_f64(),
        threshold: OLDEST_WAITING,
        message: waiting,
        action: "see whether a worker is alive that performs this operation on the host the task is meant for",
    }
    .judge();
    if health.failed_last_hour > 0 {
        check.message = format!(
            "{}; {} failed within the last hour",
            check.message, health.failed_last_hour
        );
        if check.status == CheckStatus::Ok {
            check.status = CheckStatus::Warning;
            "open the failed tasks and read their errors".clone_into(&mut check.action);
        }
    }
    check
}

#[expect(clippy::cast_precision_loss, reason = "there are never 2^52 workers")]
fn workers(health: &QueueHealth) -> HealthCheck {
    let (alive, stale) = (health.workers_alive, health.workers_stale);
    let status = match (alive, stale) {
        (0, _) => CheckStatus::Critical,
        (_, 0) => CheckStatus::Ok,
        _ => CheckStatus::Warning,
    };
    let action = match status {
        CheckStatus::Critical => "start a worker: open the app, or run `upkeep-worker run`",
        CheckStatus::Warning => {
            "see whether those workers' hosts are up; their tasks are taken over by others"
        }
        _ => "",
    };
    HealthCheck {
        id: "workers".to_owned(),
        status,
        observed: Some(stale as f64),
        unit: "workers".to_owned(),
        warning: Some(1.0),
        critical: None,
        message: format!("{alive} alive, {stale} stopped without a farewell"),
        action: action.to_owned(),
    }
}

fn database(health: &QueueHealth) -> HealthCheck {
    Finding {
        id: "database".to_owned(),
        unit: "ms",
        observed: health.round_trip_ms,
        threshold: ROUND_TRIP,
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

    #[test]
    fn a_queue_that_nobody_serves_or_that_fails_is_told() {
        let check = |health: QueueHealth, expect: CheckStatus| {
            let check = queue(&health);
            assert_eq!(check.status, expect, "{check:?}");
            assert_eq!(check.action.is_empty(), expect == CheckStatus::Ok);
        };
        check(WELL, CheckStatus::Ok);
        check(
            QueueHealth {
                queued: 9,
                oldest_waiting_ms: Some(299_999),
                ..WELL
            },
            CheckStatus::Ok,
        );
        check(
            QueueHealth {
                queued: 9,
                oldest_waiting_ms: Some(300_000),
                ..WELL
            },
            CheckStatus::Warning,
        );
        check(
            QueueHealth {
                queued: 1,
                oldest_waiting_ms: Some(3_600_000),
                ..WELL
            },
            CheckStatus::Critical,
        );
        check(
            QueueHealth {
                oldest_waiting_ms: Some(-5),
                ..WELL
            },
            CheckStatus::Ok,
        );
        check(
            QueueHealth {
                failed_last_hour: 1,
                ..WELL
            },
            CheckStatus::Warning,
        );
        let both = QueueHealth {
            failed_last_hour: 1,
            queued: 1,
            oldest_waiting_ms: Some(3_600_000),
            ..WELL
        };
        check(both, CheckStatus::Critical);
    }

    #[test]
    fn stale_and_missing_workers_are_told() {
        let check = |alive, stale, expect: CheckStatus| {
            let health = QueueHealth {
                workers_alive: alive,
                workers_stale: stale,
                ..WELL
            };
            assert_eq!(workers(&health).status, expect, "{alive} {stale}");
        };
        check(1, 0, CheckStatus::Ok);
        check(3, 1, CheckStatus::Warning);
        check(0, 0, CheckStatus::Critical);
        check(0, 2, CheckStatus::Critical);
    }

    #[test]
    fn a_slow_database_is_told() {
        let check = |round_trip_ms, expect: CheckStatus| {
            assert_eq!(
                database(&QueueHealth {
                    round_trip_ms,
                    ..WELL
                })
                .status,
                expect
            );
        };
        check(0.4, CheckStatus::Ok);
        check(100.0, CheckStatus::Warning);
        check(5000.0, CheckStatus::Critical);
        check(f64::NAN, CheckStatus::Unknown);
    }
}

//! One text for each stretch of the range instead of a row for each task: the driver takes longer for a
//! million rows than the database for finding them.
//!
//! A task is a number: its waiting time, its working time and its final state in one; where one of them
//! is missing or too large for that, or negative because somebody's clock was set back, it is written out.

use std::ops::Range;

use upkeep_contract::statistics::Outcomes;
use upkeep_contract::task::TaskState;
use upkeep_contract::{OperationId, Timestamp};

use super::StatisticsRequest;
use crate::QueueError;
use crate::engine::{Connected, sql};
use crate::rows::unreadable;

/// The number: working time × 2^33 + waiting time × 4 + state. The working time is below 2^29 ms (six
/// days), the waiting time below 2^31 ms (24 days).
const PACKED: &str = "CASE WHEN finished_at - started_at BETWEEN 0 AND 536870911 AND started_at - enqueued_at BETWEEN 0 AND 2147483647 \
     THEN CAST((finished_at - started_at) * 8589934592 + (started_at - enqueued_at) * 4 \
     + CASE state WHEN 'succeeded' THEN 0 WHEN 'failed' THEN 1 WHEN 'partial' THEN 2 ELSE 3 END AS TEXT) \
     ELSE state || ':' || COALESCE(CAST(finished_at - started_at AS TEXT), '') || ':' || COALESCE(CAST(started_at - enqueued_at AS TEXT), '') END";

/// Final states by their number.
const STATES: [TaskState; 4] = [
    TaskState::Succeeded,
    TaskState::Failed,
    TaskState::Partial,
    TaskState::Cancelled,
];

/// What one statement reads.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) operation: OperationId,
    pub(super) dry_run: bool,
    /// Which of the stretches.
    pub(super) stretches: Range<usize>,
}

/// What was read.
#[derive(Debug)]
pub(super) struct Tally {
    pub(super) operation: OperationId,
    pub(super) dry_run: bool,
    /// By stretch, over the whole range.
    pub(super) outcomes: Vec<Outcomes>,
    /// The longest working time of each stretch.
    pub(super) longest: Vec<Option<i64>>,
    pub(super) durations: Vec<i64>,
    pub(super) waits: Vec<i64>,
}

/// Reads and tallies one part.
pub(super) async fn read(
    connection: &mut impl Connected,
    request: &StatisticsRequest,
    stretches: &[(Timestamp, Timestamp)],
    part: Part,
) -> Result<Tally, QueueError> {
    let mut statement = sql("WITH stretches(number, since, till) AS (VALUES ");
    for (index, number) in part.stretches.clone().enumerate() {
        let (from, to) = stretches[number];
        statement.push(if index == 0 { "" } else { ", " });
        statement.push(&format!("({number}, CAST("));
        statement.push_bind(from).push(" AS BIGINT), CAST(");
        statement.push_bind(to).push(" AS BIGINT))");
    }
    statement.push(&format!(
        ") SELECT CAST(number AS BIGINT), (SELECT string_agg({PACKED}, ',') FROM tasks WHERE operation = "
    ));
    statement
        .push_bind(part.operation.as_str())
        .push(" AND dry_run = ")
        .push_bind(part.dry_run)
        .push(" AND finished_at IS NOT NULL AND finished_at >= since AND finished_at < till");
    request.push_host(&mut statement);
    statement.push(") FROM stretches");
    let rows: Vec<(i64, Option<String>)> = statement.fetch_all(connection).await?;

    let mut tally = Tally {
        operation: part.operation,
        dry_run: part.dry_run,
        outcomes: vec![Outcomes::default(); stretches.len()],
        longest: vec![None; stretches.len()],
        durations: Vec::new(),
        waits: Vec::new(),
    };
    for (number, packed) in rows {
        let stretch = usize::try_from(number).unwrap_or(usize::MAX);
        if let Some(packed) = packed {
            for one in packed.split(',') {
                tally.add(stretch, unpack(one)?);
            }
        }
    }
    Ok(tally)
}

/// A task: how it ended, its working time, its waiting time.
type Ended = (TaskState, Option<i64>, Option<i64>);

impl Tally {
    fn add(&mut self, stretch: usize, (state, duration, wait): Ended) {
        self.outcomes[stretch].add(state, 1);
        if let Some(duration) = duration {
            self.longest[stretch] = self.longest[stretch].max(Some(duration));
            self.durations.push(duration);
        }
        self.waits.extend(wait);
    }
}

fn unpack(text: &str) -> Result<Ended, QueueError> {
    let wrong = || unreadable("tasks", format!("the figures `{text}`"));
    if let Some((name, times)) = text.split_once(':') {
        let (duration, wait) = times.split_once(':').ok_or_else(wrong)?;
        let time = |text: &str| match text {
            "" => Ok(None),
            _ => text.parse().map(Some).map_err(|_| wrong()),
        };
        let state = TaskState::parse(name).ok_or_else(wrong)?;
        return Ok((state, time(duration)?, time(wait)?));
    }
    let number: i64 = text.parse().map_err(|_| wrong())?;
    let state = STATES[usize::try_from(number & 3).map_err(|_| wrong())?];
    Ok((state, Some(number >> 33), Some((number >> 2) & 0x7fff_ffff)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_packed_is_unpacked() {
        let check = |text: &str, expect: Ended| assert_eq!(unpack(text).unwrap(), expect, "{text}");
        let pack = |duration: i64, wait: i64, state: i64| {
            (duration * 8_589_934_592 + wait * 4 + state).to_string()
        };
        let (largest, longest_wait) = (536_870_911, 2_147_483_647);
        check(&pack(0, 0, 0), (TaskState::Succeeded, Some(0), Some(0)));
        check(&pack(885, 15, 1), (TaskState::Failed, Some(885), Some(15)));
        check(
            &pack(largest, longest_wait, 3),
            (TaskState::Cancelled, Some(largest), Some(longest_wait)),
        );
        check(&pack(1, 2, 2), (TaskState::Partial, Some(1), Some(2)));
        check("cancelled::", (TaskState::Cancelled, None, None));
        check("failed:-3:7", (TaskState::Failed, Some(-3), Some(7)));
        for wrong in ["", "x", "lost:1:2", "failed:1", "failed:a:1"] {
            assert!(unpack(wrong).is_err(), "{wrong}");
        }
    }
}

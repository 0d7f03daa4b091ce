//! Earlier runs of the same operation: what a report is compared with, and how long a run may take.

use upkeep_contract::TaskId;
use upkeep_contract::earlier::{EarlierRuns, UsualDuration};
use upkeep_contract::task::{Task, TaskFilter, TaskState};

use crate::{Console, ConsoleError};

/// Runs that are looked at: enough for a range, few enough to follow a change of habits.
const RUNS_MAX: usize = 20;
/// Fewer say nothing.
const RUNS_MIN: usize = 3;
/// Pages of the history that are looked through for them, each of a hundred rows.
const PAGES_MAX: usize = 5;
const PAGE_ROWS: u32 = 100;

impl Console {
    /// What earlier runs say about a task: the one before it, and how long such runs took.
    ///
    /// # Errors
    /// [`ConsoleError::Queue`]: there is no such task, or the database cannot be reached.
    pub async fn earlier_runs(&self, id: &TaskId) -> Result<EarlierRuns, ConsoleError> {
        let task = self.queue.task(id).await?.task;
        let runs = self.runs_before(&task).await?;
        let previous = match runs.first() {
            Some(run) => Some(self.queue.task(&run.id).await?),
            None => None,
        };
        Ok(EarlierRuns {
            previous,
            usual: usual(&task, &runs),
        })
    }

    /// The newest first.
    async fn runs_before(&self, task: &Task) -> Result<Vec<Task>, ConsoleError> {
        let filter = TaskFilter {
            states: vec![TaskState::Succeeded, TaskState::Partial],
            operations: vec![task.operation.clone()],
            host: task
                .worker_host
                .clone()
                .or_else(|| task.target_host.clone()),
            ..TaskFilter::default()
        };
        let began = task.started_at.unwrap_or(task.enqueued_at);
        let (mut runs, mut after) = (Vec::new(), None);
        for _ in 0..PAGES_MAX {
            let page = self.queue.tasks(&filter, after.as_ref(), PAGE_ROWS).await?;
            runs.extend(page.tasks.into_iter().filter(|run| {
                run.id != task.id
                    && run.dry_run == task.dry_run
                    && run.finished_at.is_some_and(|ended| ended <= began)
            }));
            after = page.next;
            if runs.len() >= RUNS_MAX || after.is_none() {
                break;
            }
        }
        runs.sort_by_key(|run| std::cmp::Reverse(run.finished_at));
        runs.truncate(RUNS_MAX);
        Ok(runs)
    }
}

/// Four of five runs lay between; scaled by the amount of work when that is known of this task and of enough runs.
fn usual(task: &Task, runs: &[Task]) -> Option<UsualDuration> {
    let lasted = |run: &Task| {
        let (started, finished) = (run.started_at?, run.finished_at?);
        u64::try_from(finished.since(started).as_millis()).ok()
    };
    let amount = task
        .progress
        .as_ref()
        .and_then(|progress| Some((progress.total.filter(|total| *total > 0)?, &progress.unit)));
    if let Some((total, unit)) = amount {
        let scaled = runs.iter().filter_map(|run| {
            let progress = run.progress.as_ref()?;
            let same = progress.unit == *unit && progress.done > 0;
            let lasted = u128::from(same.then(|| lasted(run)).flatten()?);
            u64::try_from(lasted * u128::from(total) / u128::from(progress.done)).ok()
        });
        if let Some(range) = range(scaled.collect(), true) {
            return Some(range);
        }
    }
    range(runs.iter().filter_map(lasted).collect(), false)
}

fn range(mut times: Vec<u64>, scaled: bool) -> Option<UsualDuration> {
    if times.len() < RUNS_MIN {
        return None;
    }
    times.sort_unstable();
    // nearest rank
    let last = times.len() - 1;
    let below = times.len() / 10;
    Some(UsualDuration {
        low_ms: times[below],
        high_ms: times[last - below],
        runs: u32::try_from(times.len()).unwrap_or(u32::MAX),
        scaled,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_run_in_ten_lies_outside_on_either_side() {
        let check = |times: &[u64], expect: Option<(u64, u64)>| {
            let range = range(times.to_vec(), false);
            assert_eq!(range.map(|range| (range.low_ms, range.high_ms)), expect);
        };
        check(&[], None);
        check(&[5, 1], None);
        check(&[5, 1, 3], Some((1, 5)));
        check(&[9, 1, 2, 3, 4, 5, 6, 7, 8], Some((1, 9)));
        check(&[10, 9, 1, 2, 3, 4, 5, 6, 7, 8], Some((2, 9)));
    }
}

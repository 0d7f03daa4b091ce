//! A long history in no time: rows written past the queue, as years of use would have left them.
//!
//! Nothing is random, so that two engines and two runs hold the same rows.

use std::str::FromStr;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor, PgConnection, SqliteConnection};
use upkeep_contract::{Clock, SystemClock, TaskId};

/// The columns that are written; the others keep their defaults.
const COLUMNS: &str = "id, operation, params, dry_run, target_host, group_id, state, priority, requested_by, enqueued_at, \
     run_after, attempt, max_attempts, timeout_ms, lease_token, lease_until, lease_ms, worker_id, worker_host, \
     started_at, finished_at, progress, error, report";

/// How many columns these are.
const WIDTH: usize = 24;

/// Rows of one SQLite statement, which takes 32,766 parameters at most.
const ROWS: usize = 500;

/// Time between two requests: a million of them take a year.
const STEP_MS: i64 = 31_536;

/// What the generated tasks are about.
pub const OPERATIONS: [&str; 4] = [
    "cleanup-temp-files",
    "health-check",
    "log-statistics",
    "cleanup-runs",
];

/// A text that one task in a hundred thousand has in its error.
pub const RARE_TEXT: &str = "quota of volume scratch-17";

/// A text that one task in four has in its parameters.
pub const COMMON_TEXT: &str = "max_age_hours";

/// The host that a task of the history ran on, or must run on.
pub fn host_of(index: usize) -> String {
    format!("web-{:02}", index * 7 % 20)
}

/// The fan-out of some of the tasks.
pub fn group_of(index: usize) -> Option<String> {
    (index % 400 < 20).then(|| format!("01900000-0000-7000-8000-{:012x}", index / 400))
}

/// Writes this many tasks into a fresh database, the oldest first, and lets the database look at them.
/// Nine of ten succeeded, three of a hundred failed; the last two thousand are queued.
pub async fn fill_history(url: &str, count: usize) {
    if url.starts_with("sqlite") {
        let options = SqliteConnectOptions::from_str(url).unwrap();
        fill_sqlite(options.connect().await.unwrap(), count).await;
    } else {
        fill_postgres(PgConnection::connect(url).await.unwrap(), count).await;
    }
}

/// Writes a log of so many lines for a task that has none. Every seventh line says `multiple of 7.`,
/// every 9,973rd says `needle`, and one in a thousand is a warning.
pub async fn fill_log(url: &str, task: &TaskId, lines: i64) {
    let text = "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < $1) \
         INSERT INTO task_log (task_id, sequence, attempt, at, level, message) \
         SELECT $2, n, 1, $3 + n, CASE WHEN n % 1000 = 0 THEN 'warning' ELSE 'info' END, \
         'removed /srv/scratch/run-' || n || CASE WHEN n % 7 = 0 THEN ' multiple of 7.' ELSE '' END \
         || CASE WHEN n % 9973 = 0 THEN ' needle' ELSE '' END FROM numbers";
    let begin = SystemClock.now().as_millis();
    if url.starts_with("sqlite") {
        let options = SqliteConnectOptions::from_str(url).unwrap();
        let mut connection = options.connect().await.unwrap();
        let insert = sqlx::query(text).bind(lines).bind(task.as_str());
        insert.bind(begin).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    } else {
        let mut connection = PgConnection::connect(url).await.unwrap();
        let insert = sqlx::query(text).bind(lines).bind(task.as_str());
        insert.bind(begin).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    }
}

async fn fill_sqlite(mut connection: SqliteConnection, count: usize) {
    let begin = SystemClock.now().as_millis() - STEP_MS * i64::try_from(count).unwrap();
    connection
        .execute("PRAGMA synchronous = OFF")
        .await
        .unwrap();
    connection.execute("BEGIN").await.unwrap();
    for first in (0..count).step_by(ROWS) {
        let rows = ROWS.min(count - first);
        // without numbers: SQLite finds a numbered one by walking a list
        let places = vec![format!("({})", vec!["?"; WIDTH].join(",")); rows];
        let text = format!("INSERT INTO tasks ({COLUMNS}) VALUES {}", places.join(","));
        let mut insert = sqlx::query(AssertSqlSafe(text));
        for index in first..first + rows {
            for value in row(index, count, begin) {
                insert = match value {
                    Value::Text(text) => insert.bind(text),
                    Value::Number(number) => insert.bind(number),
                };
            }
        }
        insert.execute(&mut connection).await.unwrap();
    }
    connection.execute("COMMIT").await.unwrap();
    connection.execute("ANALYZE").await.unwrap();
    connection
        .execute("PRAGMA wal_checkpoint(TRUNCATE)")
        .await
        .unwrap();
    connection.close().await.unwrap();
}

async fn fill_postgres(mut connection: PgConnection, count: usize) {
    let begin = SystemClock.now().as_millis() - STEP_MS * i64::try_from(count).unwrap();
    let copy = format!("COPY tasks ({COLUMNS}) FROM STDIN");
    let mut copy = connection.copy_in_raw(&copy).await.unwrap();
    for first in (0..count).step_by(ROWS) {
        let mut lines = String::new();
        for index in first..count.min(first + ROWS) {
            let values = row(index, count, begin).map(Value::copied);
            lines.push_str(&values.join("\t"));
            lines.push('\n');
        }
        copy.send(lines.into_bytes()).await.unwrap();
    }
    copy.finish().await.unwrap();
    connection.execute("VACUUM ANALYZE tasks").await.unwrap();
    connection.close().await.unwrap();
}

enum Value {
    Text(Option<String>),
    Number(Option<i64>),
}

impl Value {
    /// As a line of COPY has it.
    fn copied(self) -> String {
        match self {
            Self::Text(Some(text)) => text.replace('\\', "\\\\"),
            Self::Number(Some(number)) => number.to_string(),
            Self::Text(None) | Self::Number(None) => "\\N".to_owned(),
        }
    }
}

/// A time for this task in milliseconds: doubled again and again, each time more seldom.
fn spread(index: usize, least: i64) -> i64 {
    let mixed = index.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let doubled = (mixed >> 40).trailing_zeros().min(10);
    let more = i64::try_from(mixed >> 50).unwrap_or(0) % least;
    (least + more) << doubled
}

fn row(index: usize, count: usize, begin: i64) -> [Value; WIDTH] {
    let number = i64::try_from(index).unwrap();
    let enqueued_at = begin + number * STEP_MS;
    // spread over the whole history, and not in step with what else is counted off
    let mixed = index.wrapping_mul(2_654_435_761) % 1000;
    let state = match mixed {
        _ if index + 20 >= count => "running",
        _ if index + 2_000 >= count => "queued",
        0..30 => "failed",
        30..50 => "partial",
        50..60 => "cancelled",
        _ => "succeeded",
    };
    let operation = match index.wrapping_mul(40_503) / 16 % 100 {
        0..45 => OPERATIONS[1],
        45..70 => OPERATIONS[0],
        70..90 => OPERATIONS[2],
        _ => OPERATIONS[3],
    };
    let params = match operation {
        "cleanup-temp-files" => {
            format!(
                r#"{{"max_age_hours":{}.0,"dry_run":false,"locations":["scratch","spool"]}}"#,
                index % 400
            )
        }
        "cleanup-runs" => format!(r#"{{"keep_newest":{},"dry_run":true}}"#, index % 50),
        _ => "{}".to_owned(),
    };
    let error = (state == "failed").then(|| {
        let what = if index / 34 % 3_000 == 7 {
            format!("the {RARE_TEXT} is used up")
        } else {
            format!("cannot read /srv/spool/{}: permission denied", index % 977)
        };
        format!(r#"{{"kind":"permanent","message":"{what}","hint":"look at the folder"}}"#)
    });
    let (ended, running) = (!matches!(state, "queued" | "running"), state == "running");
    let begun = ended || running;
    // most wait and work for moments, some for minutes
    let waited = spread(index, 15);
    let worked = spread(index.wrapping_add(977), 300);
    let id = format!(
        "{:08x}-{:04x}-7{:03x}-8{:03x}-{:012x}",
        enqueued_at >> 16,
        enqueued_at & 0xffff,
        index % 4096,
        mixed,
        index
    );
    let text = |text: &str| Value::Text(Some(text.to_owned()));
    let when = |so: bool, number: i64| Value::Number(so.then_some(number));
    [
        text(&id),
        text(operation),
        Value::Text(Some(params)),
        Value::Number(Some(i64::from(operation == "cleanup-runs"))),
        Value::Text((!begun && index.is_multiple_of(3)).then(|| host_of(index))),
        Value::Text(group_of(index)),
        text(state),
        Value::Number(Some(100)),
        Value::Text(Some(format!("operator-{:02}", index % 31))),
        Value::Number(Some(enqueued_at)),
        Value::Number(Some(enqueued_at)),
        Value::Number(Some(i64::from(begun))),
        Value::Number(Some(3)),
        Value::Number(Some(21_600_000)),
        Value::Text(running.then(|| format!("token.{id}"))),
        when(running, enqueued_at + 10_000),
        when(running, 10_000),
        Value::Text(begun.then(|| format!("01800000-0000-7000-8000-{:012x}", index % 20))),
        Value::Text(begun.then(|| host_of(index))),
        when(begun, enqueued_at + waited),
        when(ended, enqueued_at + waited + worked),
        Value::Text(
            ended.then(|| r#"{"done":12,"total":12,"unit":"files","message":"done"}"#.to_owned()),
        ),
        Value::Text(error),
        Value::Text(
            (state == "succeeded")
                .then(|| r#"{"removed_files":12,"removed_bytes":48213}"#.to_owned()),
        ),
    ]
}

#[cfg(test)]
mod tests {
    use upkeep_contract::task::{TaskFilter, TaskState};

    use super::*;
    use crate::TestQueue;

    crate::on_both_engines!(a_generated_history_is_one_that_the_queue_can_read);

    async fn a_generated_history_is_one_that_the_queue_can_read(test: TestQueue) {
        fill_history(&test.url(), 4_000).await;
        let count = async |state| test.queue.count(state).await.unwrap();
        assert_eq!(count(TaskState::Running).await, 20);
        assert_eq!(count(TaskState::Queued).await, 1_980);
        assert!(count(TaskState::Succeeded).await > 1_800);
        assert!(count(TaskState::Failed).await > 40);
        let page = test.queue.tasks(&TaskFilter::default(), None, 500).await;
        assert_eq!(page.unwrap().tasks.len(), 500);
    }
}

//! An independent observer: it reads the tables themselves, again and again, remembers every end it has
//! ever seen, and says where a later look differs. It believes neither the queue nor the workers.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use upkeep_queue::Queue;
use upkeep_testkit::RawDatabase;

/// The longest pause between two looks.
const PAUSE: Duration = Duration::from_millis(150);

const TASKS: &str =
    "SELECT id, state, CAST(finished_at AS TEXT), report, error, CAST(attempt AS TEXT) FROM tasks";
const ATTEMPTS: &str = "SELECT task_id, CAST(number AS TEXT), outcome, ended_by, CAST(ended_at AS TEXT), error, late_outcome \
     FROM attempts ORDER BY task_id, number";

type Row = Vec<Option<String>>;

/// What was seen over time.
#[derive(Debug, Default)]
pub(crate) struct Record {
    /// How often it was looked.
    pub(crate) looks: usize,
    /// Everything that must not happen and did, as a person would tell it.
    pub(crate) violations: BTreeSet<String>,
    /// Tasks whose end was seen twice, or was seen and then changed.
    pub(crate) ended_twice: BTreeSet<String>,
    /// Tasks that were seen and are gone.
    pub(crate) vanished: BTreeSet<String>,
    states: BTreeMap<String, String>,
    ends: HashMap<String, Row>,
    attempts: HashMap<(String, String), Row>,
}

/// How often each way to end an attempt was seen.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) attempts: usize,
    pub(crate) lost: usize,
    pub(crate) released: usize,
    pub(crate) late: usize,
}

impl Record {
    /// Takes in one look at the tables.
    pub(crate) fn take_in(&mut self, tasks: &[Row], attempts: &[Row]) {
        self.looks += 1;
        let mut present = BTreeSet::new();
        for row in tasks {
            let (id, state) = (text(row, 0), text(row, 1));
            present.insert(id.clone());
            let end = row[1..].to_vec();
            if let Some(before) = self.ends.get(&id) {
                if *before != end {
                    let told = format!("{id} had ended as {before:?} and is now {end:?}");
                    self.violations.insert(told);
                    self.ended_twice.insert(id.clone());
                }
            } else if !matches!(state.as_str(), "queued" | "running") {
                self.ends.insert(id.clone(), end);
            }
            self.states.insert(id, state);
        }
        for id in self.states.keys().filter(|id| !present.contains(*id)) {
            self.violations.insert(format!("{id} vanished"));
            self.vanished.insert(id.clone());
        }
        let mut accepted: HashMap<String, usize> = HashMap::new();
        for row in attempts {
            let key = (text(row, 0), text(row, 1));
            if ends_a_task(row) {
                *accepted.entry(key.0.clone()).or_default() += 1;
            }
            if row[4].is_none() {
                if let Some(before) = self.attempts.get(&key) {
                    let told = format!("the attempt {before:?} runs again: {row:?}");
                    self.violations.insert(told);
                    self.ended_twice.insert(key.0);
                }
                continue;
            }
            // what a late worker says may be added
            let end = row[2..6].to_vec();
            let before = self.attempts.entry(key).or_insert_with(|| row.clone());
            if before[2..6] != end {
                let told = format!("the attempt {before:?} is now {row:?}");
                self.violations.insert(told);
                self.ended_twice.insert(text(row, 0));
            }
            before[6].clone_from(&row[6]);
        }
        for (id, endings) in accepted {
            if endings > 1 {
                let told = format!("{endings} attempts of {id} ended it");
                self.violations.insert(told);
                self.ended_twice.insert(id);
            }
        }
    }

    /// How many tasks are in which state, as of the last look.
    pub(crate) fn states(&self) -> BTreeMap<&str, usize> {
        let mut counts = BTreeMap::new();
        for state in self.states.values() {
            *counts.entry(state.as_str()).or_default() += 1;
        }
        counts
    }

    /// Whether the task was there at the last look and has ended.
    pub(crate) fn has_ended(&self, id: &str) -> bool {
        self.ends.contains_key(id) && !self.vanished.contains(id)
    }

    /// Whether the task was ever seen.
    pub(crate) fn knows(&self, id: &str) -> bool {
        self.states.contains_key(id)
    }

    /// How the attempts ended.
    pub(crate) fn counts(&self) -> Counts {
        let how = |outcome: &str| {
            let rows = self.attempts.values();
            rows.filter(|row| text(row, 2) == outcome).count()
        };
        Counts {
            attempts: self.attempts.len(),
            lost: how("lost"),
            released: how("released"),
            late: self
                .attempts
                .values()
                .filter(|row| row[6].is_some())
                .count(),
        }
    }

    /// Checks that the last attempt of each task explains its end, and that none before it was an end.
    pub(crate) fn check_ends(&mut self) {
        let mut last: HashMap<&str, (u32, &Row)> = HashMap::new();
        for ((id, number), row) in &self.attempts {
            let number: u32 = number.parse().unwrap();
            let entry = last.entry(id.as_str()).or_insert((number, row));
            if number > entry.0 {
                *entry = (number, row);
            }
        }
        let mut wrong = Vec::new();
        for (id, end) in &self.ends {
            let attempt = last.get(id.as_str()).map(|(_, row)| text(row, 2));
            let explained = match (text(end, 0).as_str(), attempt.as_deref()) {
                ("succeeded", outcome) => outcome == Some("succeeded"),
                ("partial", outcome) => outcome == Some("partial"),
                ("failed", outcome) => {
                    matches!(outcome, Some("failed" | "timed_out" | "lost"))
                }
                // it may have waited for another attempt when it was cancelled
                ("cancelled", outcome) => !matches!(outcome, Some("succeeded" | "partial")),
                _ => false,
            };
            if !explained {
                wrong.push(format!("{id} ended as {end:?} after {attempt:?}"));
            }
        }
        self.violations.extend(wrong);
    }
}

fn text(row: &Row, index: usize) -> String {
    row[index].clone().unwrap_or_default()
}

/// Whether an attempt that ended so ended its task, whatever the task's row says.
fn ends_a_task(row: &Row) -> bool {
    match row[2].as_deref() {
        Some("succeeded" | "partial" | "cancelled") => true,
        Some("failed") => text(row, 5).contains(r#""kind":"permanent""#),
        _ => false,
    }
}

/// An observer at work.
pub(crate) struct Observer {
    stop: CancellationToken,
    looking: JoinHandle<Record>,
}

impl Observer {
    /// Begins to look: whenever the change feed says something, and several times a second anyway. A
    /// database that is away is looked at again when it is back.
    pub(crate) async fn start(url: &str) -> Self {
        let stop = CancellationToken::new();
        // a queue of its own, whose change feed is another program's as far as all others know
        let queue = Queue::open(url).await.unwrap();
        let looking = tokio::spawn(keep_looking(queue, url.to_owned(), stop.clone()));
        Self { stop, looking }
    }

    /// Looks a last time; everything that was seen.
    pub(crate) async fn end(self) -> Record {
        self.stop.cancel();
        self.looking.await.unwrap()
    }
}

async fn keep_looking(queue: Queue, url: String, stop: CancellationToken) -> Record {
    let mut changes = queue.changes();
    let mut record = Record::default();
    let mut database = None;
    loop {
        // seen before the look, so that the last look sees the end
        let last = stop.is_cancelled();
        let looked = look(&mut database, &url, &mut record).await;
        if last && looked {
            break;
        }
        tokio::select! {
            () = stop.cancelled(), if !last => {}
            _ = tokio::time::timeout(PAUSE, changes.next()) => changes.skip_pending(),
        }
    }
    record.check_ends();
    record
}

/// False when the database is away.
async fn look(database: &mut Option<RawDatabase>, url: &str, record: &mut Record) -> bool {
    if database.is_none() {
        *database = RawDatabase::connect(url).await.ok();
    }
    let Some(connection) = database else {
        return false;
    };
    // tasks first: an attempt that ends in between is only seen the sooner
    let seen = async {
        let tasks = connection.texts(TASKS).await?;
        Ok((tasks, connection.texts(ATTEMPTS).await?))
    };
    let seen: Result<_, Box<dyn std::error::Error>> = seen.await;
    if let Ok((tasks, attempts)) = seen {
        record.take_in(&tasks, &attempts);
        return true;
    }
    *database = None;
    false
}

/// What workers said in their logs (`--log-format json`): how often each task's end was accepted from
/// one of them.
pub(crate) fn accepted_ends(logs: &[String]) -> HashMap<String, usize> {
    let mut ends = HashMap::new();
    for line in logs.iter().flat_map(|log| log.lines()) {
        // a worker that was killed may have left half a line
        let Ok(line) = serde_json::from_str::<serde_json::Value>(line) else {
            continue;
        };
        let fields = &line["fields"];
        let state = fields["state"].as_str().unwrap_or_default();
        if line["message"] == "ended" && state != "queued" {
            let id = fields["task_id"].as_str().unwrap().to_owned();
            *ends.entry(id).or_default() += 1;
        }
    }
    ends
}

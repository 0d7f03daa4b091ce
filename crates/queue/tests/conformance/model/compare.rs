//! What stands in the database against the model, and against what must hold of any queue.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::run::{Case, expect};
use super::world::{Attempt, Task};

impl Case<'_> {
    /// A write without the lease changes nothing but the late note.
    pub(super) async fn unchanged_unless(&self, holds: bool) -> Result<(), String> {
        if holds {
            return Ok(());
        }
        let without_note = |tables: &[Vec<Value>; 3]| {
            let mut tables = tables.clone();
            for attempt in &mut tables[1] {
                attempt
                    .as_object_mut()
                    .unwrap()
                    .retain(|name, _| !name.starts_with("late_"));
            }
            tables
        };
        let after = self.runner.test.bare().await.tasks().await;
        expect(
            "a write without the lease",
            without_note(&after),
            without_note(&self.before),
        )
    }

    /// Compares what stands in the database with the model, and with what must hold of any queue.
    pub(super) async fn compare(&mut self) -> Result<(), String> {
        let tables = self.runner.test.bare().await.tasks().await;
        let [tasks, attempts, log] = &tables;
        expect("tasks", tasks.len(), self.world.tasks.len())?;
        for row in tasks {
            let task = self.world.task(row["id"].as_str().unwrap());
            let (earliest, latest) = task.run_after;
            let run_after = row["run_after"].as_i64().unwrap();
            expect(
                "within the wait",
                (earliest..=latest).contains(&run_after),
                true,
            )?;
            task.run_after = (run_after, run_after);
            expect("task", real_task(row), model_task(task))?;
            let of = |rows: &[Value]| -> Vec<Value> {
                rows.iter()
                    .filter(|one| one["task_id"] == row["id"])
                    .cloned()
                    .collect()
            };
            let real: Vec<Value> = of(attempts).iter().map(real_attempt).collect();
            expect("attempts", real, model_attempts(task))?;
            expect("log lines", of(log).len(), task.lines)?;
        }
        invariants(&self.before, &tables)?;
        self.before = tables;
        Ok(())
    }
}

/// What must hold whatever the model says.
fn invariants(before: &[Vec<Value>; 3], after: &[Vec<Value>; 3]) -> Result<(), String> {
    let mut tokens = BTreeSet::new();
    for attempt in &after[1] {
        expect(
            "a token is given once",
            tokens.insert(attempt["lease_token"].as_str()),
            true,
        )?;
    }
    for task in &after[0] {
        let live: Vec<&Value> = after[1]
            .iter()
            .filter(|one| one["task_id"] == task["id"] && one["ended_at"].is_null())
            .map(|one| &one["lease_token"])
            .collect();
        let lease = &task["lease_token"];
        let expected: Vec<&Value> = if lease.is_null() { vec![] } else { vec![lease] };
        expect("live leases", live, expected)?;
        let within = task["attempt"].as_i64() <= task["max_attempts"].as_i64();
        expect("attempts within the maximum", within, true)?;
    }
    for task in &before[0] {
        let Some(now) = after[0].iter().find(|now| now["id"] == task["id"]) else {
            return Err(format!("{} vanished", task["id"]));
        };
        if !task["finished_at"].is_null() {
            expect("a final state", now, task)?;
        }
    }
    Ok(())
}

fn inside(row: &Value, column: &str, name: &str) -> Value {
    let text = row[column].as_str();
    text.map_or(Value::Null, |text| {
        serde_json::from_str::<Value>(text).unwrap()[name].clone()
    })
}

fn real_task(row: &Value) -> Value {
    json!({
        "operation": row["operation"], "key": row["dedup_key"], "target": row["target_host"],
        "dry_run": row["dry_run"], "priority": row["priority"], "state": row["state"],
        "attempt": row["attempt"], "max_attempts": row["max_attempts"], "enqueued_at": row["enqueued_at"],
        "started_at": row["started_at"], "finished_at": row["finished_at"],
        "cancel": row["cancel_requested_at"], "canceller": row["cancel_requested_by"].is_string(),
        "token": row["lease_token"], "lease": [row["lease_until"].is_i64(), row["lease_ms"].is_i64()],
        "worker": row["worker_id"], "host": row["worker_host"], "progress": inside(row, "progress", "done"),
        "error": inside(row, "error", "kind"), "report": row["report"].is_string(),
    })
}

fn model_task(task: &Task) -> Value {
    let token = task.lease.as_ref().map(|lease| &lease.token);
    json!({
        "operation": task.operation, "key": task.key, "target": task.target,
        "dry_run": i32::from(task.dry_run), "priority": task.priority, "state": task.state,
        "attempt": task.attempts.len(), "max_attempts": task.max_attempts, "enqueued_at": task.enqueued_at,
        "started_at": task.started_at, "finished_at": task.finished_at,
        "cancel": task.cancel, "canceller": task.cancel.is_some(),
        "token": token, "lease": [token.is_some(), token.is_some()],
        "worker": task.worker.as_ref().map(|(worker, _)| worker), "host": task.worker.as_ref().map(|(_, host)| host),
        "progress": task.progress, "error": task.error, "report": task.report,
    })
}

fn real_attempt(row: &Value) -> Value {
    json!([
        row["number"],
        row["lease_token"],
        row["worker_id"],
        row["outcome"],
        row["ended_by"],
        row["ended_at"],
        inside(row, "error", "kind"),
        row["late_outcome"],
    ])
}

fn model_attempts(task: &Task) -> Vec<Value> {
    let one = |(index, attempt): (usize, &Attempt)| {
        json!([
            index + 1,
            attempt.token,
            attempt.worker,
            attempt.outcome,
            attempt.ended_by,
            attempt.ended_at,
            attempt.error,
            attempt.late,
        ])
    };
    task.attempts.iter().enumerate().map(one).collect()
}

//! Asking for work: trigger, execute a plan, run again, cancel. The only place that enqueues.

use std::fmt::Write;
use std::time::Duration;

use serde_json::Value;
use upkeep_contract::operation::{CLEANUP_TEMP_FILES, RESTORE_FROM_TRASH};
use upkeep_contract::task::{CancelOutcome, Task, TaskDetail, TaskState, TriggerOutcome};
use upkeep_contract::waiting::Waiting;
use upkeep_contract::{GroupId, OperationId, PlanId, TaskId};
use upkeep_queue::{Enqueued, NewTask, QueueError};

use crate::{Console, ConsoleError};

/// What is asked for, before it is accepted.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) operation: OperationId,
    pub(crate) params: Value,
    pub(crate) host: Option<String>,
    pub(crate) group_id: Option<GroupId>,
    pub(crate) rerun_of: Option<TaskId>,
}

impl Request {
    /// The same request again.
    pub(crate) fn again(old: &Task) -> Self {
        Self {
            operation: old.operation.clone(),
            params: old.params.clone(),
            host: old.target_host.clone(),
            group_id: None,
            rerun_of: Some(old.id.clone()),
        }
    }
}

impl Console {
    /// Asks for an operation, once, on a host or on any. The same request while the first still waits
    /// or runs makes no second task.
    ///
    /// # Errors
    /// [`ConsoleError`]: the operation, a parameter, a name or the plan cannot be accepted, or the
    /// database cannot be reached; nothing was enqueued.
    pub async fn trigger(
        &self,
        operation: &OperationId,
        params: Value,
        host: Option<String>,
    ) -> Result<TriggerOutcome, ConsoleError> {
        let request = Request {
            operation: operation.clone(),
            params,
            host: host
                .map(|host| host.trim().to_owned())
                .filter(|host| !host.is_empty()),
            group_id: None,
            rerun_of: None,
        };
        self.request(request).await
    }

    /// Asks for the same again, as a new task that points to the old one. A task that executed a
    /// plan executes that very plan again, which finds most of it gone: it never looks for more.
    ///
    /// # Errors
    /// [`ConsoleError::NotFinished`] while the task waits or runs, else as [`Console::trigger`].
    pub async fn run_again(&self, id: &TaskId) -> Result<TriggerOutcome, ConsoleError> {
        let old = self.queue.task(id).await?.task;
        if !old.state.is_final() {
            return Err(ConsoleError::NotFinished(id.clone()));
        }
        self.request(Request::again(&old)).await
    }

    /// Cancels a task that waits, or asks the worker of a running one to stop.
    ///
    /// # Errors
    /// [`ConsoleError::Queue`]: there is no such task, or the database cannot be reached.
    pub async fn cancel(&self, id: &TaskId) -> Result<CancelOutcome, ConsoleError> {
        Ok(self.queue.cancel(id, &self.requester).await?)
    }

    async fn request(&self, request: Request) -> Result<TriggerOutcome, ConsoleError> {
        let task = self.accept(request).await?;
        let enqueued = self.queue.enqueue(task).await?;
        Ok(self.answer(enqueued).await)
    }

    /// Enqueues what was accepted, all of it or none.
    pub(crate) async fn enqueue_accepted(
        &self,
        tasks: Vec<NewTask>,
    ) -> Result<Vec<Enqueued>, ConsoleError> {
        Ok(self.queue.enqueue_all(tasks).await?)
    }

    /// What the operator is told. The task is accepted by now, whatever else cannot be found out.
    pub(crate) async fn answer(&self, enqueued: Enqueued) -> TriggerOutcome {
        match enqueued {
            Enqueued::Existing(task_id) => TriggerOutcome::AlreadyQueued { task_id },
            Enqueued::New(task_id) => {
                let waiting = match self.queue.task(&task_id).await {
                    // it may run already
                    Ok(detail) => detail.task.waiting.unwrap_or(Waiting::Turn),
                    Err(error) => {
                        tracing::warn!(%task_id, %error, "cannot find out why the task waits");
                        Waiting::Turn
                    }
                };
                TriggerOutcome::Queued { task_id, waiting }
            }
        }
    }

    /// Checks a request and makes it complete.
    pub(crate) async fn accept(&self, request: Request) -> Result<NewTask, ConsoleError> {
        let Request {
            operation,
            params,
            host,
            group_id,
            rerun_of,
        } = request;
        self.check_operation(&operation)?;
        let params = self.registry.accept(&operation, params)?;
        let text = |key: &str| params.get(key).and_then(Value::as_str);
        let target_host = if let Some(plan) = text("plan") {
            // what the plan names lies on the host that made it
            let plan = PlanId::from(plan);
            let made_on = self.plan_host(&operation, &plan).await?;
            if host.as_ref().is_some_and(|host| *host != made_on) {
                return Err(ConsoleError::UnusablePlan {
                    plan,
                    reason: format!("it was made on {made_on} and lists what lies there"),
                });
            }
            Some(made_on)
        } else if operation.as_str() == RESTORE_FROM_TRASH
            && let Some(cleanup) = text("cleanup")
        {
            // and so do the trash and the manifest of a cleanup
            let task = TaskId::from(cleanup);
            let done_on = self.restorable_host(&task).await?;
            if host.as_ref().is_some_and(|host| *host != done_on) {
                return Err(ConsoleError::NotRestorable {
                    task,
                    reason: format!("its files lie in the trash of {done_on}"),
                });
            }
            Some(done_on)
        } else {
            host
        };
        // another host has locations of its own, which only its worker knows
        if target_host.as_ref().is_none_or(|host| *host == self.host) {
            self.check_names(&params)?;
        }
        Ok(NewTask {
            dry_run: params.get("dry_run").and_then(Value::as_bool) == Some(true),
            dedup_key: Some(dedup_key(&operation, &params, target_host.as_deref())),
            target_host,
            group_id,
            rerun_of,
            ..NewTask::new(operation, params, self.requester.clone())
        })
    }

    pub(crate) fn check_operation(&self, operation: &OperationId) -> Result<(), ConsoleError> {
        if self.registry.ids().contains(operation) {
            return Ok(());
        }
        Err(ConsoleError::UnknownOperation {
            operation: operation.clone(),
            known: self.registry.ids().to_vec(),
        })
    }

    /// The host whose disk a plan speaks of, if the plan can be executed.
    async fn plan_host(
        &self,
        operation: &OperationId,
        plan: &PlanId,
    ) -> Result<String, ConsoleError> {
        let preview = match self.queue.task(&TaskId::from(plan.as_str())).await {
            Ok(detail) => detail.task,
            Err(QueueError::NoSuchTask(_)) => return Err(ConsoleError::NoSuchPlan(plan.clone())),
            Err(error) => return Err(error.into()),
        };
        let unusable = |reason: String| ConsoleError::UnusablePlan {
            plan: plan.clone(),
            reason,
        };
        if preview.operation != *operation {
            return Err(unusable(format!("it is one of `{}`", preview.operation)));
        }
        if !preview.dry_run {
            return Err(unusable("its task is no preview".to_owned()));
        }
        match preview.state {
            TaskState::Succeeded | TaskState::Partial => {}
            state if state.is_final() => {
                return Err(unusable(format!("its preview {}", ended(state))));
            }
            _ => return Err(unusable("its preview has not ended yet".to_owned())),
        }
        let most = self.configuration()?.cleaning.plan_max_age_hours;
        let most = Duration::from_hours(most.into());
        let made_at = preview.finished_at.unwrap_or(preview.enqueued_at);
        let age = self.queue.now().since(made_at);
        if age > most {
            return Err(ConsoleError::PlanTooOld {
                plan: plan.clone(),
                age,
                most,
            });
        }
        preview
            .worker_host
            .ok_or_else(|| unusable("nobody knows which host made it".to_owned()))
    }

    /// The host in whose trash the files of a cleanup lie, if there are any.
    async fn restorable_host(&self, id: &TaskId) -> Result<String, ConsoleError> {
        let TaskDetail { task, report, .. } = self.queue.task(id).await?;
        if !task.state.is_final() {
            return Err(ConsoleError::NotFinished(id.clone()));
        }
        let nothing = |reason: &str| ConsoleError::NotRestorable {
            task: id.clone(),
            reason: reason.to_owned(),
        };
        if task.operation.as_str() != CLEANUP_TEMP_FILES || task.dry_run {
            return Err(nothing("it moved nothing to the trash"));
        }
        // without a report nobody knows: the manifest does
        let trashed = report.map(|report| report.get("files_trashed").and_then(Value::as_u64));
        if trashed.is_some_and(|files| files.unwrap_or(0) == 0) {
            return Err(nothing("it moved nothing to the trash"));
        }
        task.worker_host
            .ok_or_else(|| nothing("it never began on any host"))
    }

    /// Checks the names that the parameters have, as far as they name anything of the configuration.
    fn check_names(&self, params: &Value) -> Result<(), ConsoleError> {
        let named = |key: &str| -> Vec<&str> {
            let list = params.get(key).and_then(Value::as_array);
            list.map(|list| list.iter().filter_map(Value::as_str).collect())
                .unwrap_or_default()
        };
        let (locations, run_stores) = (named("locations"), named("run_stores"));
        if locations.is_empty() && run_stores.is_empty() {
            return Ok(());
        }
        let configuration = self.configuration()?;
        let known = configuration.locations.iter();
        let known = known.map(|location| (location.name.as_str(), location.enabled));
        check_known("location", &locations, &known.collect::<Vec<_>>())?;
        let known = configuration.run_stores.iter();
        let known = known.map(|store| (store.name.as_str(), store.enabled));
        check_known("run store", &run_stores, &known.collect::<Vec<_>>())
    }
}

fn check_known(
    kind: &'static str,
    names: &[&str],
    known: &[(&str, bool)],
) -> Result<(), ConsoleError> {
    for &name in names {
        match known.iter().find(|(known, _)| *known == name) {
            Some((_, true)) => {}
            Some((_, false)) => {
                return Err(ConsoleError::TurnedOff {
                    kind,
                    name: name.to_owned(),
                });
            }
            None => {
                return Err(ConsoleError::UnknownName {
                    kind,
                    name: name.to_owned(),
                    known: known.iter().map(|(name, _)| (*name).to_owned()).collect(),
                });
            }
        }
    }
    Ok(())
}

fn ended(state: TaskState) -> &'static str {
    match state {
        TaskState::Cancelled => "was cancelled",
        _ => "failed",
    }
}

/// Two requests with the same key ask for the very same work.
fn dedup_key(operation: &OperationId, params: &Value, target_host: Option<&str>) -> String {
    let mut key = format!("{operation} ");
    canonical(params, &mut key);
    if let Some(host) = target_host {
        key.push_str(" @");
        key.push_str(host);
    }
    key
}

/// JSON with its keys sorted: programs built with other features of `serde_json` must agree.
fn canonical(value: &Value, text: &mut String) {
    match value {
        Value::Object(object) => {
            let mut entries: Vec<_> = object.iter().collect();
            entries.sort_by_key(|(key, _)| *key);
            text.push('{');
            for (index, (key, value)) in entries.into_iter().enumerate() {
                separate(index, text);
                scalar(&Value::from(key.as_str()), text);
                text.push(':');
                canonical(value, text);
            }
            text.push('}');
        }
        Value::Array(list) => {
            text.push('[');
            for (index, value) in list.iter().enumerate() {
                separate(index, text);
                canonical(value, text);
            }
            text.push(']');
        }
        other => scalar(other, text),
    }
}

fn separate(index: usize, text: &mut String) {
    if index > 0 {
        text.push(',');
    }
}

fn scalar(value: &Value, text: &mut String) {
    // writing to a String cannot fail
    if write!(text, "{value}").is_err() {
        text.push_str("null");
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_same_work_has_the_same_key() {
        let key = |params: &Value, host| dedup_key(&"cleanup-runs".into(), params, host);
        let params = json!({"b": [1, {"d": null, "c": "x\"y"}], "a": true});
        assert_eq!(
            key(&params, None),
            r#"cleanup-runs {"a":true,"b":[1,{"c":"x\"y","d":null}]}"#
        );
        assert_ne!(key(&params, None), key(&params, Some("desk-7")));
        assert_ne!(key(&params, None), key(&json!({"a": true}), None));
    }
}

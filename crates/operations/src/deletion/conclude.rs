//! Beginning and ending a cleanup, the same for both: which plan, which report, which outcome.

use std::time::Duration;

use upkeep_contract::PlanId;
use upkeep_contract::cleanup::{CleanupOutcome, CleanupReport};

use super::check::open_location;
use super::choose::Chooser;
use super::execute::Held;
use super::manifest::MANIFEST_FILE;
use super::plan::{Plan, refuse};
use super::work::{Stop, Work};
use crate::host::host_name;
use crate::settings::Settings;
use crate::{Context, Finished, OperationError};

/// The plan that a task makes carries the task's own id.
pub(crate) fn own_plan_id(context: &Context) -> PlanId {
    PlanId(context.task_id.0.clone())
}

/// The plan that a task executes without looking first: the one it names, or the whole one of its
/// earlier attempt. None for a preview, and for a task that still has to make its plan.
///
/// A plan that is too old is refused, one of the task's own is made anew. What an earlier attempt began to
/// remove is gone on with at any age: it was young enough then, and its manifest must add up.
pub(crate) fn plan_to_execute(
    context: &Context,
    settings: &Settings,
    named: Option<&PlanId>,
    dry_run: bool,
    operation: &str,
) -> Result<Option<Plan>, OperationError> {
    let age = |plan: &Plan| context.clock.now().since(plan.header.made_at);
    let has_begun = context.artifact_folder().join(MANIFEST_FILE).exists();
    let is_too_old = |plan: &Plan| !has_begun && age(plan) > settings.plan_max_age;
    if let Some(id) = named {
        let plan = named_plan(context, id, operation)?;
        if is_too_old(&plan) {
            return Err(refuse(id, &too_old(age(&plan), settings.plan_max_age)));
        }
        return Ok(Some(plan));
    }
    if dry_run {
        return Ok(None);
    }
    let earlier = earlier_plan(context, operation)?.filter(|plan| !is_too_old(plan));
    if earlier.is_some() {
        context.info("going on with the plan of the attempt before");
    }
    Ok(earlier)
}

/// How old a plan is, beside how old it may be; each door says it in these words.
pub fn too_old(age: Duration, most: Duration) -> String {
    let hours = |span: Duration| match span.as_secs() / 3600 {
        1 => "1 hour".to_owned(),
        hours if hours >= 48 => format!("{} days", hours / 24),
        hours => format!("{hours} hours"),
    };
    format!(
        "is {} old, and a plan may be executed for {} (`plan_max_age_hours` in the configuration)",
        hours(age),
        hours(most)
    )
}

/// The whole plan that an earlier attempt of this task left, if any.
fn earlier_plan(context: &Context, operation: &str) -> Result<Option<Plan>, OperationError> {
    if context.attempt <= 1 {
        return Ok(None);
    }
    // a plan that was cut off is made anew: nothing is removed before a plan is whole
    let plan = Plan::open_earlier(&context.artifacts, &own_plan_id(context))?;
    Ok(plan.filter(|plan| {
        plan.header.operation.as_str() == operation && plan.header.host == host_name()
    }))
}

/// The plan that a task names; it must be of this host and operation.
fn named_plan(context: &Context, id: &PlanId, operation: &str) -> Result<Plan, OperationError> {
    let plan = Plan::open(&context.artifacts, id)?;
    if plan.header.operation.as_str() != operation {
        let what = format!("belongs to `{}`", plan.header.operation);
        return Err(refuse(id, &what));
    }
    if plan.header.host != host_name() {
        let what = format!("was made on the host `{}`", plan.header.host);
        return Err(refuse(id, &what));
    }
    if !plan.footer.report.dry_run {
        return Err(refuse(id, "is not that of a preview"));
    }
    Ok(plan)
}

/// Opens a location; an error names it and says what to do.
pub(crate) fn hold(
    what: &str,
    location: upkeep_contract::settings::LocationSettings,
    settings: &Settings,
) -> Result<Held, OperationError> {
    let chooser = Chooser::of(&location).map_err(|problem| {
        OperationError::permanent(
            format!(
                "the rules of the {what} `{}` cannot be used: one of its lists {problem}; nothing was removed",
                location.name
            ),
            problem.cure(),
        )
    })?;
    let path = std::path::Path::new(&location.path);
    match open_location(path, location.allow_mount_root, settings) {
        Ok((path, root)) => Ok(Held {
            settings: location,
            chooser,
            path,
            root: std::sync::Arc::new(root),
        }),
        Err(refusal) => Err(OperationError::permanent(
            format!(
                "the {what} `{}` cannot be cleaned: {refusal}; nothing was removed",
                location.name
            ),
            refusal.hint(),
        )),
    }
}

/// Turns what happened into the operation's answer.
pub(crate) fn conclude(
    ended: Result<(), Stop>,
    mut report: CleanupReport,
    work: &Work,
) -> Result<Finished<CleanupReport>, OperationError> {
    report.duration_ms = work.elapsed_ms();
    if let Some(limit) = work.in_use.picture().limit() {
        work.context.info(limit);
    }
    match ended {
        Ok(()) => {
            let partial = report.problems_total > 0;
            if !report.dry_run && partial {
                report.outcome = CleanupOutcome::Partial;
            }
            if partial {
                return Ok(Finished::Partial(report));
            }
            Ok(Finished::Succeeded(report))
        }
        Err(Stop::Cancelled) => {
            report.outcome = CleanupOutcome::Cancelled;
            Err(OperationError::Cancelled {
                report: serde_json::to_value(&report).ok(),
            })
        }
        Err(Stop::Failed(error)) => {
            if report.files_removed > 0 || report.runs_removed > 0 {
                work.context.warn(format!(
                    "until then {} files and {} runs were removed",
                    report.files_removed, report.runs_removed
                ));
            }
            Err(error)
        }
    }
}

/// Runs blocking work where it may block.
pub(crate) async fn off_the_runtime<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, OperationError> + Send + 'static,
) -> Result<T, OperationError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(OperationError::permanent(
            format!("the cleanup broke off: {error}"),
            "report this as a defect; the manifest in the task's artifact folder says what was removed",
        )),
    }
}

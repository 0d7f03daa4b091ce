//! The operator's levers.

use tauri::{AppHandle, State};
use upkeep_contract::bulk::{BulkCancelOutcome, BulkCount, BulkRunAgainOutcome};
use upkeep_contract::task::{ForceCloseOutcome, PriorityOutcome, TaskFilter};
use upkeep_contract::{OperationId, TaskId, Timestamp};

use crate::error::Reply;
use crate::state::AppState;

#[tauri::command]
pub(crate) async fn pause_operation(
    app: AppHandle,
    state: State<'_, AppState>,
    operation: OperationId,
) -> Reply<()> {
    let console = state.console(&app).await?;
    Ok(console.pause_operation(&operation).await?)
}

#[tauri::command]
pub(crate) async fn resume_operation(
    app: AppHandle,
    state: State<'_, AppState>,
    operation: OperationId,
) -> Reply<()> {
    let console = state.console(&app).await?;
    Ok(console.resume_operation(&operation).await?)
}

#[tauri::command]
pub(crate) async fn set_priority(
    app: AppHandle,
    state: State<'_, AppState>,
    task_id: TaskId,
    priority: i32,
) -> Reply<PriorityOutcome> {
    let console = state.console(&app).await?;
    Ok(console.set_priority(&task_id, priority).await?)
}

#[tauri::command]
pub(crate) async fn force_close_task(
    app: AppHandle,
    state: State<'_, AppState>,
    task_id: TaskId,
) -> Reply<ForceCloseOutcome> {
    Ok(state.console(&app).await?.force_close(&task_id).await?)
}

#[tauri::command]
pub(crate) async fn count_tasks(
    app: AppHandle,
    state: State<'_, AppState>,
    filter: TaskFilter,
) -> Reply<BulkCount> {
    Ok(state.console(&app).await?.count_tasks(&filter).await?)
}

#[tauri::command]
pub(crate) async fn cancel_matching(
    app: AppHandle,
    state: State<'_, AppState>,
    filter: TaskFilter,
    enqueued_by: Timestamp,
) -> Reply<BulkCancelOutcome> {
    let console = state.console(&app).await?;
    Ok(console.cancel_matching(&filter, enqueued_by).await?)
}

#[tauri::command]
pub(crate) async fn run_again_matching(
    app: AppHandle,
    state: State<'_, AppState>,
    filter: TaskFilter,
    enqueued_by: Timestamp,
) -> Reply<BulkRunAgainOutcome> {
    let console = state.console(&app).await?;
    Ok(console.run_again_matching(&filter, enqueued_by).await?)
}

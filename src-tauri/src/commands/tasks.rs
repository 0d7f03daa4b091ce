//! Asking for tasks, and looking at them.

use serde_json::Value;
use tauri::ipc::Channel;
use tauri::{AppHandle, State, WebviewWindow};
use upkeep_contract::earlier::EarlierRuns;
use upkeep_contract::task::{
    CancelOutcome, LogHits, LogLine, TaskCursor, TaskDetail, TaskFilter, TaskPage, TaskUpdate,
    TriggerOutcome,
};
use upkeep_contract::{OperationId, TaskId};

use crate::dialogs;
use crate::error::Reply;
use crate::state::AppState;

#[tauri::command]
pub(crate) async fn trigger(
    app: AppHandle,
    state: State<'_, AppState>,
    operation: OperationId,
    params: Value,
    host: Option<String>,
) -> Reply<TriggerOutcome> {
    let console = state.console(&app).await?;
    Ok(console.trigger(&operation, params, host).await?)
}

#[tauri::command]
pub(crate) async fn cancel_task(
    app: AppHandle,
    state: State<'_, AppState>,
    task_id: TaskId,
) -> Reply<CancelOutcome> {
    Ok(state.console(&app).await?.cancel(&task_id).await?)
}

#[tauri::command]
pub(crate) async fn run_task_again(
    app: AppHandle,
    state: State<'_, AppState>,
    task_id: TaskId,
) -> Reply<TriggerOutcome> {
    Ok(state.console(&app).await?.run_again(&task_id).await?)
}

#[tauri::command]
pub(crate) async fn list_tasks(
    app: AppHandle,
    state: State<'_, AppState>,
    filter: TaskFilter,
    after: Option<TaskCursor>,
    limit: u32,
) -> Reply<TaskPage> {
    let console = state.console(&app).await?;
    Ok(console.tasks(&filter, after.as_ref(), limit).await?)
}

#[tauri::command]
pub(crate) async fn task_detail(
    app: AppHandle,
    state: State<'_, AppState>,
    task_id: TaskId,
) -> Reply<TaskDetail> {
    Ok(state.console(&app).await?.task(&task_id).await?)
}

#[tauri::command]
pub(crate) async fn earlier_runs(
    app: AppHandle,
    state: State<'_, AppState>,
    task_id: TaskId,
) -> Reply<EarlierRuns> {
    Ok(state.console(&app).await?.earlier_runs(&task_id).await?)
}

#[tauri::command]
pub(crate) async fn task_log(
    app: AppHandle,
    state: State<'_, AppState>,
    task_id: TaskId,
    after: Option<i64>,
    limit: u32,
) -> Reply<Vec<LogLine>> {
    let console = state.console(&app).await?;
    Ok(console.task_log(&task_id, after, limit).await?)
}

#[tauri::command]
pub(crate) async fn search_task_log(
    app: AppHandle,
    state: State<'_, AppState>,
    task_id: TaskId,
    text: String,
    after: i64,
) -> Reply<LogHits> {
    let console = state.console(&app).await?;
    Ok(console.search_task_log(&task_id, &text, after).await?)
}

/// Asks where, and writes the report there; answers with the path, or nothing when the dialog was closed.
#[tauri::command]
pub(crate) async fn save_report(
    app: AppHandle,
    window: WebviewWindow,
    state: State<'_, AppState>,
    task_id: TaskId,
) -> Reply<Option<String>> {
    let console = state.console(&app).await?;
    let (name, _) = console.report_file(&task_id).await?;
    let Some(file) = dialogs::save_file(&window, "Save report", &name, ("JSON", "json")).await?
    else {
        return Ok(None);
    };
    console.save_report(&task_id, &file).await?;
    Ok(Some(file.display().to_string()))
}

#[tauri::command]
pub(crate) async fn watch_task(
    app: AppHandle,
    window: WebviewWindow,
    state: State<'_, AppState>,
    task_id: TaskId,
    updates: Channel<TaskUpdate>,
) -> Reply<u32> {
    let mut watch = state.console(&app).await?.watch_task(&task_id).await?;
    let stream = async move {
        while let Some(update) = watch.next().await {
            if updates.send(update).is_err() {
                return;
            }
        }
    };
    Ok(state.watches.run(window.label(), stream))
}

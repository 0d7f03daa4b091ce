//! Many hosts: fan-outs and workers.

use serde_json::Value;
use tauri::{AppHandle, State};
use upkeep_contract::group::{FanOutOutcome, TaskGroup};
use upkeep_contract::worker::{EmbeddedWorker, Worker};
use upkeep_contract::{GroupId, OperationId, WorkerId};

use crate::error::Reply;
use crate::state::AppState;

#[tauri::command]
pub(crate) async fn trigger_every_host(
    app: AppHandle,
    state: State<'_, AppState>,
    operation: OperationId,
    params: Value,
) -> Reply<FanOutOutcome> {
    let console = state.console(&app).await?;
    Ok(console.trigger_every_host(&operation, params).await?)
}

#[tauri::command]
pub(crate) async fn task_group(
    app: AppHandle,
    state: State<'_, AppState>,
    group_id: GroupId,
) -> Reply<TaskGroup> {
    Ok(state.console(&app).await?.task_group(&group_id).await?)
}

#[tauri::command]
pub(crate) async fn repeat_group(
    app: AppHandle,
    state: State<'_, AppState>,
    group_id: GroupId,
) -> Reply<FanOutOutcome> {
    Ok(state.console(&app).await?.repeat_group(&group_id).await?)
}

#[tauri::command]
pub(crate) async fn execute_group(
    app: AppHandle,
    state: State<'_, AppState>,
    group_id: GroupId,
) -> Reply<FanOutOutcome> {
    Ok(state.console(&app).await?.execute_group(&group_id).await?)
}

#[tauri::command]
pub(crate) async fn list_workers(app: AppHandle, state: State<'_, AppState>) -> Reply<Vec<Worker>> {
    Ok(state.console(&app).await?.workers().await?)
}

#[tauri::command]
pub(crate) async fn drain_worker(
    app: AppHandle,
    state: State<'_, AppState>,
    worker_id: WorkerId,
) -> Reply<()> {
    Ok(state.console(&app).await?.drain_worker(&worker_id).await?)
}

#[tauri::command]
pub(crate) async fn resume_worker(
    app: AppHandle,
    state: State<'_, AppState>,
    worker_id: WorkerId,
) -> Reply<()> {
    Ok(state.console(&app).await?.resume_worker(&worker_id).await?)
}

#[tauri::command]
pub(crate) async fn forget_workers(
    app: AppHandle,
    state: State<'_, AppState>,
    worker_ids: Vec<WorkerId>,
) -> Reply<u32> {
    let console = state.console(&app).await?;
    Ok(console.forget_workers(&worker_ids).await?)
}

#[tauri::command]
pub(crate) async fn embedded_worker(
    app: AppHandle,
    state: State<'_, AppState>,
) -> Reply<EmbeddedWorker> {
    Ok(state.console(&app).await?.embedded_worker().await)
}

#[tauri::command]
pub(crate) async fn begin_embedded_worker(
    app: AppHandle,
    state: State<'_, AppState>,
) -> Reply<EmbeddedWorker> {
    Ok(state.console(&app).await?.begin_embedded_worker().await?)
}

#[tauri::command]
pub(crate) async fn end_embedded_worker(
    app: AppHandle,
    state: State<'_, AppState>,
) -> Reply<EmbeddedWorker> {
    Ok(state.console(&app).await?.end_embedded_worker().await?)
}

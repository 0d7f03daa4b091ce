//! The Health page.

use tauri::{AppHandle, State};
use upkeep_contract::health::HealthHistory;

use crate::error::Reply;
use crate::state::AppState;

#[tauri::command]
pub(crate) async fn health_history(
    app: AppHandle,
    state: State<'_, AppState>,
    host: Option<String>,
    limit: u32,
) -> Reply<HealthHistory> {
    Ok(state
        .console(&app)
        .await?
        .health_history(host, limit)
        .await?)
}

//! The Overview page.

use tauri::{AppHandle, State};
use upkeep_contract::overview::Overview;

use crate::error::Reply;
use crate::state::AppState;

#[tauri::command]
pub(crate) async fn overview(app: AppHandle, state: State<'_, AppState>) -> Reply<Overview> {
    Ok(state.console(&app).await?.overview().await?)
}

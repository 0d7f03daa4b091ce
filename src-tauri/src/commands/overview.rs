//! The Overview page, and what concerns every page.

use tauri::{AppHandle, State};
use upkeep_contract::condition::Condition;
use upkeep_contract::overview::Overview;

use crate::error::Reply;
use crate::state::AppState;

#[tauri::command]
pub(crate) async fn overview(app: AppHandle, state: State<'_, AppState>) -> Reply<Overview> {
    Ok(state.console(&app).await?.overview().await?)
}

/// How the installation is: this answers even while the database is away.
#[tauri::command]
pub(crate) async fn condition(app: AppHandle, state: State<'_, AppState>) -> Reply<Condition> {
    state.condition(&app).await
}

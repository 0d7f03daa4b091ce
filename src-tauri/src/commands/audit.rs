//! Looking at the audit trail.

use tauri::{AppHandle, State};
use upkeep_contract::audit::{AuditFilter, AuditPage};

use crate::error::Reply;
use crate::state::AppState;

#[tauri::command]
pub(crate) async fn list_audit(
    app: AppHandle,
    state: State<'_, AppState>,
    filter: AuditFilter,
    after: Option<String>,
    limit: u32,
) -> Reply<AuditPage> {
    let console = state.console(&app).await?;
    Ok(console.audit(&filter, after.as_deref(), limit).await?)
}

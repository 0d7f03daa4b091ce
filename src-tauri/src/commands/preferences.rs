//! What this user prefers.

use tauri::State;
use upkeep_contract::preferences::Preferences;

use crate::error::Reply;
use crate::state::AppState;

#[tauri::command]
#[expect(
    clippy::needless_pass_by_value,
    reason = "a command is handed its state so"
)]
pub(crate) fn preferences(state: State<'_, AppState>) -> Preferences {
    state.preferences.get()
}

#[tauri::command]
pub(crate) async fn save_preferences(
    state: State<'_, AppState>,
    preferences: Preferences,
) -> Reply<Preferences> {
    state.preferences.set(preferences)
}

//! The Settings page.

use tauri::ipc::Channel;
use tauri::{AppHandle, State, WebviewWindow};
use upkeep_contract::history_room::HistoryRoom;
use upkeep_contract::settings::{FolderAmount, SettingsView};
use upkeep_contract::settings_draft::{SaveSettingsOutcome, SettingChange, SettingsReview};

use crate::dialogs;
use crate::error::{Reply, unusable_choice};
use crate::state::AppState;

#[tauri::command]
pub(crate) async fn settings(app: AppHandle, state: State<'_, AppState>) -> Reply<SettingsView> {
    Ok(state.console(&app).await?.settings().await?)
}

#[tauri::command]
pub(crate) async fn review_settings(
    app: AppHandle,
    state: State<'_, AppState>,
    changes: Vec<SettingChange>,
) -> Reply<SettingsReview> {
    Ok(state.console(&app).await?.review_settings(changes).await?)
}

#[tauri::command]
pub(crate) async fn save_settings(
    app: AppHandle,
    state: State<'_, AppState>,
    base: Option<String>,
    changes: Vec<SettingChange>,
) -> Reply<SaveSettingsOutcome> {
    let console = state.console(&app).await?;
    Ok(console.save_settings(base, changes).await?)
}

#[tauri::command]
pub(crate) async fn history_room(app: AppHandle, state: State<'_, AppState>) -> Reply<HistoryRoom> {
    Ok(state.console(&app).await?.history_room().await?)
}

/// The system's folder dialog; nothing when it was closed.
#[tauri::command]
pub(crate) async fn choose_folder(window: WebviewWindow) -> Reply<Option<String>> {
    let Some(folder) = dialogs::choose_folder(&window, "Choose a folder").await? else {
        return Ok(None);
    };
    let text = folder.into_os_string().into_string();
    text.map(Some)
        .map_err(|_| unusable_choice("its name is not UTF-8"))
}

/// Counts what lies in a suggested folder, until it is counted or the page ends the watch.
#[tauri::command]
pub(crate) async fn watch_suggestion_amount(
    app: AppHandle,
    window: WebviewWindow,
    state: State<'_, AppState>,
    name: String,
    updates: Channel<FolderAmount>,
) -> Reply<u32> {
    let mut watch = state.console(&app).await?.suggestion_amount(&name)?;
    let stream = async move {
        while let Some(amount) = watch.next().await {
            if updates.send(amount).is_err() {
                return;
            }
        }
    };
    Ok(state.watches.run(window.label(), stream))
}

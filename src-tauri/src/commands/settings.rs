//! The Settings page.

use tauri::ipc::Channel;
use tauri::{AppHandle, State, WebviewWindow};
use upkeep_contract::settings::{FolderAmount, LocationSettings, RunStoreSettings, SettingsView};
use upkeep_contract::thresholds::Threshold;

use crate::dialogs;
use crate::error::{Reply, unusable_choice};
use crate::state::AppState;

#[tauri::command]
pub(crate) async fn settings(app: AppHandle, state: State<'_, AppState>) -> Reply<SettingsView> {
    Ok(state.console(&app).await?.settings().await?)
}

#[tauri::command]
pub(crate) async fn save_location(
    app: AppHandle,
    state: State<'_, AppState>,
    previous_name: Option<String>,
    location: LocationSettings,
) -> Reply<SettingsView> {
    let console = state.console(&app).await?;
    Ok(console.save_location(previous_name, location).await?)
}

#[tauri::command]
pub(crate) async fn remove_location(
    app: AppHandle,
    state: State<'_, AppState>,
    name: String,
) -> Reply<SettingsView> {
    Ok(state.console(&app).await?.remove_location(name).await?)
}

#[tauri::command]
pub(crate) async fn save_run_store(
    app: AppHandle,
    state: State<'_, AppState>,
    previous_name: Option<String>,
    run_store: RunStoreSettings,
) -> Reply<SettingsView> {
    let console = state.console(&app).await?;
    Ok(console.save_run_store(previous_name, run_store).await?)
}

#[tauri::command]
pub(crate) async fn remove_run_store(
    app: AppHandle,
    state: State<'_, AppState>,
    name: String,
) -> Reply<SettingsView> {
    Ok(state.console(&app).await?.remove_run_store(name).await?)
}

#[tauri::command]
pub(crate) async fn set_embedded_worker(
    app: AppHandle,
    state: State<'_, AppState>,
    enabled: bool,
) -> Reply<SettingsView> {
    let console = state.console(&app).await?;
    Ok(console.set_embedded_worker(enabled).await?)
}

#[tauri::command]
pub(crate) async fn save_threshold(
    app: AppHandle,
    state: State<'_, AppState>,
    key: String,
    threshold: Option<Threshold>,
) -> Reply<SettingsView> {
    Ok(state
        .console(&app)
        .await?
        .save_threshold(key, threshold)
        .await?)
}

#[tauri::command]
pub(crate) async fn save_health_number(
    app: AppHandle,
    state: State<'_, AppState>,
    key: String,
    value: Option<u64>,
) -> Reply<SettingsView> {
    let console = state.console(&app).await?;
    Ok(console.save_health_number(key, value).await?)
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

//! This host from second to second, and ending streams.

use tauri::ipc::Channel;
use tauri::{AppHandle, State, WebviewWindow};
use upkeep_contract::live::LiveSample;
use upkeep_contract::worker::HostVitals;

use crate::error::Reply;
use crate::state::AppState;

#[tauri::command]
pub(crate) async fn watch_vitals(
    window: WebviewWindow,
    state: State<'_, AppState>,
    updates: Channel<HostVitals>,
) -> Reply<u32> {
    let mut watch = upkeep_console::watch_vitals();
    let stream = async move {
        while let Some(vitals) = watch.next().await {
            if updates.send(vitals).is_err() {
                return;
            }
        }
    };
    Ok(state.watches.run(window.label(), stream))
}

/// The live dashboard. A database that cannot be opened leaves the queue unknown, and the rest is shown.
#[tauri::command]
pub(crate) async fn watch_live(
    app: AppHandle,
    window: WebviewWindow,
    state: State<'_, AppState>,
    updates: Channel<LiveSample>,
) -> Reply<u32> {
    let console = state.console(&app).await.ok();
    let mut watch = upkeep_console::watch_live(console.as_deref());
    let stream = async move {
        while let Some(sample) = watch.next().await {
            if updates.send(sample).is_err() {
                return;
            }
        }
    };
    Ok(state.watches.run(window.label(), stream))
}

/// Ends a stream of tasks or vitals; one that has ended already is fine.
#[tauri::command]
pub(crate) async fn unwatch(state: State<'_, AppState>, watch_id: u32) -> Reply<()> {
    state.watches.end(watch_id);
    Ok(())
}

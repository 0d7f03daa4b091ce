//! This host's vital signs, and ending streams.

use tauri::ipc::Channel;
use tauri::{State, WebviewWindow};
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

/// Ends a stream of tasks or vitals; one that has ended already is fine.
#[tauri::command]
pub(crate) async fn unwatch(state: State<'_, AppState>, watch_id: u32) -> Reply<()> {
    state.watches.end(watch_id);
    Ok(())
}

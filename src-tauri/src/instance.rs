//! One window for each installation, where it was the last time.

use std::hash::{DefaultHasher, Hash, Hasher};

use tauri::plugin::TauriPlugin;
use tauri::{AppHandle, Manager, Wry};
use tauri_plugin_window_state::StateFlags;
use upkeep_config::{Folders, HOME_VARIABLE};

/// As in tauri.conf.json.
const IDENTIFIER: &str = "io.upkeep.console";

/// A second start shows the first one's window and ends. Without a session bus there is nobody to
/// ask, and every start opens a window of its own; the queue can take that.
pub(crate) fn single_instance() -> TauriPlugin<Wry> {
    tauri_plugin_single_instance::Builder::new()
        .callback(|app, _, _| show(app))
        .dbus_id(installation_id())
        .build()
}

/// Another installation on the same desktop is another app.
fn installation_id() -> String {
    match (std::env::var_os(HOME_VARIABLE), Folders::from_environment()) {
        (Some(_), Ok(folders)) => {
            let mut hasher = DefaultHasher::new();
            folders.data().hash(&mut hasher);
            format!("{IDENTIFIER}.home{:x}", hasher.finish())
        }
        _ => IDENTIFIER.to_owned(),
    }
}

fn show(app: &AppHandle) {
    for window in app.webview_windows().values() {
        let shown = window
            .unminimize()
            .and_then(|()| window.show())
            .and_then(|()| window.set_focus());
        if let Err(error) = shown {
            tracing::warn!(%error, "cannot bring the window to the front");
        }
    }
}

/// Size and place come back; being hidden does not, for nobody would find the window again.
pub(crate) fn remembered_window() -> TauriPlugin<Wry> {
    let flags = StateFlags::SIZE | StateFlags::POSITION | StateFlags::MAXIMIZED;
    let plugin = tauri_plugin_window_state::Builder::default().with_state_flags(flags);
    match Folders::from_environment() {
        // a whole path takes the place of the plugin's own folder
        Ok(folders) => plugin.with_filename(folders.data().join("window.json").to_string_lossy()),
        Err(_) => plugin,
    }
    .build()
}

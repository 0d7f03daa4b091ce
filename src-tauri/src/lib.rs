//! The desktop shell: a window, thin commands over the console, and nothing else.
//!
//! Rule: a command parses, calls one use case, and hands back its answer or its error.
//! Deliberately absent: SQL, rules of cleaning, paths that the page made up.

mod commands;
mod dialogs;
mod drawing;
mod error;
mod events;
mod instance;
mod logging;
mod notifications;
#[cfg(target_os = "linux")]
mod page_process;
mod preferences;
mod state;
mod watches;

use tauri::{AppHandle, Builder, Wry};

use crate::state::AppState;

/// Opens the window and serves it until it is closed.
///
/// # Errors
/// [`tauri::Error`] when there is no display or no webview to open a window with.
pub fn run() -> tauri::Result<()> {
    // before anything else: the program may begin anew here
    drawing::choose();
    logging::start();
    tracing::info!("{}", upkeep_console::ON_DEMAND_NOTICE);
    let builder = commands::register(Builder::<Wry>::default());
    #[cfg(target_os = "linux")]
    let builder = builder.plugin(page_process::looked_after());
    let app = builder
        .plugin(instance::single_instance())
        .plugin(instance::remembered_window())
        .plugin(tauri_plugin_dialog::init())
        .manage(AppState::default())
        .on_page_load(events::page_loads)
        .on_window_event(events::window_changes)
        .setup(|app| {
            start(app.handle());
            Ok(())
        })
        .build(tauri::generate_context!())?;
    app.run(|app, event| events::app_runs(app, &event));
    Ok(())
}

/// Opens the installation while the window loads, and listens for the system's wish to stop.
fn start(app: &AppHandle) {
    tauri::async_runtime::spawn(state::open_early(app.clone()));
    tauri::async_runtime::spawn(events::stop_when_told(app.clone()));
}

//! What happens to the app, and what it tells its windows.

use tauri::webview::{PageLoadEvent, PageLoadPayload};
use tauri::{AppHandle, Emitter, Manager, RunEvent, Webview, Window, WindowEvent};
use upkeep_console::ChangeBatches;
use upkeep_contract::event::Change;

use crate::state::AppState;

/// The event that tells every window what changed; its payload is a list of [`Change`].
const CHANGED: &str = "changed";

/// Tells every window what changes, for as long as the queue lives.
pub(crate) async fn forward_changes(app: AppHandle, mut changes: ChangeBatches) {
    // a page that asked before the database could be opened shows an error until now
    emit(&app, &[Change::All]);
    while let Some(batch) = changes.next().await {
        emit(&app, &batch);
    }
}

/// Every page reads anew what it shows.
pub(crate) fn everything_changed(app: &AppHandle) {
    emit(app, &[Change::All]);
}

fn emit(app: &AppHandle, changes: &[Change]) {
    if let Err(error) = app.emit(CHANGED, changes) {
        tracing::warn!(%error, "cannot tell the windows what changed");
    }
}

/// A page that loads anew has forgotten what it watched.
pub(crate) fn page_loads(webview: &Webview, payload: &PageLoadPayload<'_>) {
    if payload.event() == PageLoadEvent::Started {
        let state = webview.state::<AppState>();
        state.watches.end_all_of(webview.label());
    }
}

/// A window that is gone watches nothing.
pub(crate) fn window_changes(window: &Window, event: &WindowEvent) {
    if matches!(event, WindowEvent::Destroyed) {
        let state = window.state::<AppState>();
        for webview in window.webviews() {
            state.watches.end_all_of(webview.label());
        }
        state.watches.end_all_of(window.label());
    }
}

/// The last thing before the process ends: tasks go back to the queue.
pub(crate) fn app_runs(app: &AppHandle, event: &RunEvent) {
    if matches!(event, RunEvent::Exit) {
        let state = app.state::<AppState>();
        tauri::async_runtime::block_on(state.shutdown());
    }
}

/// Ends the app in good order when the session or the terminal says so.
pub(crate) async fn stop_when_told(app: AppHandle) {
    match told_to_stop().await {
        Ok(()) => {
            tracing::info!("told to stop");
            app.exit(0);
        }
        Err(error) => tracing::warn!(%error, "cannot listen for the system's wish to stop"),
    }
}

#[cfg(unix)]
async fn told_to_stop() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    tokio::select! {
        _ = terminate.recv() => Ok(()),
        _ = hang_up.recv() => Ok(()),
        pressed = tokio::signal::ctrl_c() => pressed,
    }
}

#[cfg(not(unix))]
async fn told_to_stop() -> std::io::Result<()> {
    tokio::signal::ctrl_c().await
}

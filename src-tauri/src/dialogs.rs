//! The system's own dialogs. The page never sees or makes up a path that it may write to.

use std::path::PathBuf;

use tauri::{Manager, WebviewWindow};
use tauri_plugin_dialog::{DialogExt, FileDialogBuilder, FilePath};
use tokio::sync::oneshot;

use crate::error::{Reply, unusable_choice};

/// Asks where to save a file; `None` when the operator thought better of it.
pub(crate) async fn save_file(
    window: &WebviewWindow,
    title: &str,
    proposed: &str,
    (kind, extension): (&str, &str),
) -> Reply<Option<PathBuf>> {
    let (answer, chosen) = oneshot::channel();
    builder(window, title)
        .set_file_name(proposed)
        .add_filter(kind, &[extension])
        .save_file(|path| tell(answer, path));
    path(chosen.await.ok().flatten())
}

/// Asks for a folder; `None` when the dialog was closed.
pub(crate) async fn choose_folder(window: &WebviewWindow, title: &str) -> Reply<Option<PathBuf>> {
    let (answer, chosen) = oneshot::channel();
    builder(window, title).pick_folder(|path| tell(answer, path));
    path(chosen.await.ok().flatten())
}

fn builder(window: &WebviewWindow, title: &str) -> FileDialogBuilder<tauri::Wry> {
    let app = window.app_handle();
    app.dialog().file().set_parent(window).set_title(title)
}

fn tell(answer: oneshot::Sender<Option<FilePath>>, path: Option<FilePath>) {
    if answer.send(path).is_err() {
        tracing::debug!("nobody waits for the dialog any more");
    }
}

fn path(chosen: Option<FilePath>) -> Reply<Option<PathBuf>> {
    let path = chosen.map(FilePath::into_path).transpose();
    path.map_err(|error| unusable_choice(&error.to_string()))
}

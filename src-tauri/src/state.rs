//! What the app holds: the console, once it could be opened, and what its windows watch.

use std::sync::Arc;
use std::time::Duration;

use tauri::{AppHandle, Manager};
use tokio::sync::OnceCell;
use upkeep_config::Folders;
use upkeep_console::{Console, ConsoleError};

use crate::error::Reply;
use crate::events;
use crate::notifications;
use crate::preferences::PreferencesFile;
use crate::watches::Watches;

/// How long closing may take: what is not handed back by then goes to another worker when its lease ends.
const SHUTDOWN_LIMIT: Duration = Duration::from_secs(8);

/// What the app holds.
#[derive(Default)]
pub(crate) struct AppState {
    console: OnceCell<Arc<Console>>,
    pub(crate) watches: Watches,
    pub(crate) preferences: PreferencesFile,
}

impl AppState {
    /// The console. While it cannot be opened, each call tries again and says why it failed, so
    /// that an operator can mend the cause without starting anew.
    pub(crate) async fn console(&self, app: &AppHandle) -> Reply<Arc<Console>> {
        let console = self.console.get_or_try_init(|| open(app)).await?;
        Ok(Arc::clone(console))
    }

    /// Stops the worker inside, which hands back what it holds, and closes the database.
    pub(crate) async fn shutdown(&self) {
        let Some(console) = self.console.get() else {
            return;
        };
        match tokio::time::timeout(SHUTDOWN_LIMIT, console.shutdown()).await {
            Ok(Ok(())) => tracing::info!("closed in good order"),
            Ok(Err(error)) => tracing::error!(%error, "could not close in good order"),
            Err(_) => {
                tracing::error!("closing took too long; tasks come back when their leases end");
            }
        }
    }
}

async fn open(app: &AppHandle) -> Result<Arc<Console>, ConsoleError> {
    let folders = Folders::from_environment()?;
    let url = folders.database_url_from_environment()?;
    let console = Arc::new(Console::open(folders, &url, "desktop").await?);
    console.start_embedded_worker().await?;
    tauri::async_runtime::spawn(events::forward_changes(app.clone(), console.changes()));
    tauri::async_runtime::spawn(notifications::tell(
        app.clone(),
        Arc::clone(&console),
        console.changes(),
    ));
    Ok(console)
}

/// Opens the console before the page asks for anything.
pub(crate) async fn open_early(app: AppHandle) {
    if let Err(error) = app.state::<AppState>().console(&app).await {
        tracing::error!(hint = error.hint, "{error}");
    }
}

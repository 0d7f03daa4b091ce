//! What the app holds: the console, once it could be opened, and what its windows watch.

use std::sync::Arc;

use tauri::{AppHandle, Manager};
use tokio::task::AbortHandle;
use upkeep_console::{Console, Keeper};
use upkeep_contract::condition::Condition;

use crate::error::Reply;
use crate::events;
use crate::notifications;
use crate::preferences::PreferencesFile;
use crate::watches::Watches;

/// How tasks and the audit trail name this front door.
const FRONT_DOOR: &str = "desktop";

/// What the app holds.
#[derive(Debug)]
pub(crate) struct AppState {
    keeper: Keeper,
    pub(crate) watches: Watches,
    pub(crate) preferences: PreferencesFile,
}

impl Default for AppState {
    fn default() -> Self {
        Self {
            keeper: Keeper::of_the_environment(FRONT_DOOR),
            watches: Watches::default(),
            preferences: PreferencesFile::default(),
        }
    }
}

impl AppState {
    /// The console, opened now when it is not yet.
    pub(crate) async fn console(&self, app: &AppHandle) -> Reply<Arc<Console>> {
        self.keeper.console(|console| tell(app, console)).await
    }

    /// How the installation is; when all is well again after trouble, every page reads anew.
    pub(crate) async fn condition(&self, app: &AppHandle) -> Reply<Condition> {
        let look = self.keeper.look(|console| tell(app, console)).await?;
        if look.recovered {
            events::everything_changed(app);
        }
        Ok(look.condition)
    }

    /// Stops the worker inside, which hands back what it holds, and closes the database.
    pub(crate) async fn shutdown(&self) {
        self.keeper.shutdown().await;
    }
}

/// Tells the windows of changes, and the desktop of ends, for as long as the console is open.
fn tell(app: &AppHandle, console: &Arc<Console>) -> Vec<AbortHandle> {
    let windows = events::forward_changes(app.clone(), console.changes());
    let desktop = notifications::tell(app.clone(), Arc::clone(console), console.changes());
    vec![
        tokio::spawn(windows).abort_handle(),
        tokio::spawn(desktop).abort_handle(),
    ]
}

/// Opens the console before the page asks for anything.
pub(crate) async fn open_early(app: AppHandle) {
    if let Err(error) = app.state::<AppState>().console(&app).await {
        tracing::error!(hint = error.hint, "{error}");
    }
}

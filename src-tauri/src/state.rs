//! What the app holds: the console, once it could be opened, and what its windows watch.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tauri::async_runtime::JoinHandle;
use tauri::{AppHandle, Manager};
use tokio::sync::RwLock;
use upkeep_config::Folders;
use upkeep_console::{Console, ConsoleError};
use upkeep_contract::condition::Condition;
use upkeep_contract::{ErrorCode, ErrorReply};

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
    slot: RwLock<Slot>,
    /// True while the last look at the installation found its database away.
    troubled: AtomicBool,
    pub(crate) watches: Watches,
    pub(crate) preferences: PreferencesFile,
}

/// The console, or how the last try to open it failed.
#[derive(Default)]
enum Slot {
    #[default]
    Untried,
    Open(Opened),
    Failed(Instant, ErrorReply),
}

struct Opened {
    console: Arc<Console>,
    /// What tells the windows of changes, and the desktop of ends.
    telling: [JoinHandle<()>; 2],
}

impl AppState {
    /// The console. While it cannot be opened, each call tries again and says why it failed, so
    /// that an operator can mend the cause without starting anew.
    pub(crate) async fn console(&self, app: &AppHandle) -> Reply<Arc<Console>> {
        if let Slot::Open(opened) = &*self.slot.read().await {
            return Ok(Arc::clone(&opened.console));
        }
        let asked = Instant::now();
        let mut slot = self.slot.write().await;
        match &*slot {
            Slot::Open(opened) => return Ok(Arc::clone(&opened.console)),
            // a page asks for several things at once: one try answers them all
            Slot::Failed(at, error) if *at >= asked => return Err(error.clone()),
            Slot::Failed(..) | Slot::Untried => {}
        }
        match open(app).await {
            Ok(opened) => {
                let console = Arc::clone(&opened.console);
                *slot = Slot::Open(opened);
                Ok(console)
            }
            Err(error) => {
                let reply = ErrorReply::from(error);
                *slot = Slot::Failed(Instant::now(), reply.clone());
                Err(reply)
            }
        }
    }

    /// How the installation is. A database that was replaced or is damaged is let go, so that what
    /// is put in its place is opened by the next call; when all is well again, every page reads anew.
    pub(crate) async fn condition(&self, app: &AppHandle) -> Reply<Condition> {
        let folders = Folders::from_environment().map_err(|error| ErrorReply::from(&error))?;
        let url = folders
            .database_url_from_environment()
            .map_err(|error| ErrorReply::from(&error))?;
        let mut condition = self.look(app, &folders, &url).await;
        if let Some(error) = condition.database_error.clone()
            && self.let_go(&error).await
        {
            condition = self.look(app, &folders, &url).await;
        }
        let troubled = condition.database_error.is_some();
        if self.troubled.swap(troubled, Ordering::SeqCst) && !troubled {
            events::everything_changed(app);
        }
        Ok(condition)
    }

    async fn look(&self, app: &AppHandle, folders: &Folders, url: &str) -> Condition {
        let opened = self.console(app).await;
        let console = opened.as_ref().map(AsRef::as_ref).map_err(Clone::clone);
        upkeep_console::condition(folders, url, console).await
    }

    /// Closes a console whose database file is no longer what it was; true when it did.
    async fn let_go(&self, error: &ErrorReply) -> bool {
        let file_is_lost = matches!(
            error.code,
            ErrorCode::DatabaseDamaged | ErrorCode::DatabaseReplaced
        );
        if !file_is_lost {
            return false;
        }
        let mut slot = self.slot.write().await;
        let Slot::Open(opened) = std::mem::take(&mut *slot) else {
            return false;
        };
        tracing::warn!("{}; opening the database again", error.message);
        // before the next is opened: SQLite's files of two databases at one path must not mix
        close(opened).await;
        true
    }

    /// Stops the worker inside, which hands back what it holds, and closes the database.
    pub(crate) async fn shutdown(&self) {
        if let Slot::Open(opened) = std::mem::take(&mut *self.slot.write().await) {
            close(opened).await;
        }
    }
}

async fn close(opened: Opened) {
    for telling in &opened.telling {
        telling.abort();
    }
    match tokio::time::timeout(SHUTDOWN_LIMIT, opened.console.shutdown()).await {
        Ok(Ok(())) => tracing::info!("closed in good order"),
        Ok(Err(error)) => tracing::error!(%error, "could not close in good order"),
        Err(_) => {
            tracing::error!("closing took too long; tasks come back when their leases end");
        }
    }
}

async fn open(app: &AppHandle) -> Result<Opened, ConsoleError> {
    let folders = Folders::from_environment()?;
    let url = folders.database_url_from_environment()?;
    let console = Arc::new(Console::open(folders, &url, "desktop").await?);
    console.start_embedded_worker().await?;
    let telling = [
        tauri::async_runtime::spawn(events::forward_changes(app.clone(), console.changes())),
        tauri::async_runtime::spawn(notifications::tell(
            app.clone(),
            Arc::clone(&console),
            console.changes(),
        )),
    ];
    Ok(Opened { console, telling })
}

/// Opens the console before the page asks for anything.
pub(crate) async fn open_early(app: AppHandle) {
    if let Err(error) = app.state::<AppState>().console(&app).await {
        tracing::error!(hint = error.hint, "{error}");
    }
}

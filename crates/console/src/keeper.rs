//! Keeps one console open for a program that runs for long, and opens it anew when its database was away.
//!
//! Rule: a database that was replaced or is damaged is let go before anything else is opened at its place.
//! Deliberately absent: timers. It tries when somebody asks.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::RwLock;
use tokio::task::AbortHandle;
use upkeep_config::Folders;
use upkeep_contract::condition::Condition;
use upkeep_contract::{ErrorCode, ErrorReply};

use crate::{Console, ConsoleError};

/// How long closing may take: what is not handed back by then goes to another worker when its lease ends.
const SHUTDOWN_LIMIT: Duration = Duration::from_secs(8);

/// An installation: its folders and its database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installation {
    /// Its folders.
    pub folders: Folders,
    /// The URL of its database.
    pub database_url: String,
}

impl Installation {
    /// The one that the environment names.
    ///
    /// # Errors
    /// [`ConsoleError::Config`] when a variable cannot be used.
    pub fn from_environment() -> Result<Self, ConsoleError> {
        let folders = Folders::from_environment()?;
        let database_url = folders.database_url_from_environment()?;
        Ok(Self {
            folders,
            database_url,
        })
    }
}

/// Whether a worker inside starts with the console, when the configuration asks for one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum WorkerInside {
    AsConfigured,
    Never,
}

/// One console, once it could be opened.
#[derive(Debug)]
pub struct Keeper {
    front_door: &'static str,
    /// None: what the environment names, looked up at each try.
    installation: Option<Installation>,
    worker: WorkerInside,
    slot: RwLock<Slot>,
    /// True while the last look at the installation found its database away.
    troubled: AtomicBool,
}

/// The console, or how the last try to open it failed.
#[derive(Debug, Default)]
enum Slot {
    #[default]
    Untried,
    Open(Opened),
    Failed(Instant, ErrorReply),
}

#[derive(Debug)]
struct Opened {
    console: Arc<Console>,
    /// What runs for as long as the console is open.
    beside: Vec<AbortHandle>,
}

/// What is found when the installation is looked at.
#[derive(Clone, Debug, PartialEq)]
pub struct Look {
    /// How it is.
    pub condition: Condition,
    /// True when it was in trouble at the last look and is well now: whoever shows anything reads again.
    pub recovered: bool,
}

impl Keeper {
    /// Keeps the installation that the environment names; nothing is opened yet.
    pub fn of_the_environment(front_door: &'static str) -> Self {
        Self {
            front_door,
            installation: None,
            worker: WorkerInside::AsConfigured,
            slot: RwLock::default(),
            troubled: AtomicBool::new(false),
        }
    }

    /// Keeps this installation; nothing is opened yet.
    pub fn of(installation: Installation, front_door: &'static str) -> Self {
        Self {
            installation: Some(installation),
            ..Self::of_the_environment(front_door)
        }
    }

    /// No worker starts with the console, whatever the configuration says.
    #[must_use]
    pub fn without_worker(mut self) -> Self {
        self.worker = WorkerInside::Never;
        self
    }

    /// The console. While it cannot be opened, each call tries again and says why it failed, so that an
    /// operator can mend the cause without starting anew. What `beside` starts is ended with the console.
    ///
    /// # Errors
    /// Why it cannot be opened.
    pub async fn console(
        &self,
        beside: impl FnOnce(&Arc<Console>) -> Vec<AbortHandle>,
    ) -> Result<Arc<Console>, ErrorReply> {
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
        match self.open().await {
            Ok(console) => {
                let beside = beside(&console);
                *slot = Slot::Open(Opened {
                    console: Arc::clone(&console),
                    beside,
                });
                Ok(console)
            }
            Err(error) => {
                let reply = ErrorReply::from(error);
                *slot = Slot::Failed(Instant::now(), reply.clone());
                Err(reply)
            }
        }
    }

    async fn open(&self) -> Result<Arc<Console>, ConsoleError> {
        let Installation {
            folders,
            database_url,
        } = self.installation()?;
        let console = Console::open(folders, &database_url, self.front_door).await?;
        if self.worker == WorkerInside::AsConfigured {
            console.start_embedded_worker().await?;
        }
        Ok(Arc::new(console))
    }

    /// How the installation is. A database that was replaced or is damaged is let go, so that what
    /// is put in its place is opened by the next call.
    ///
    /// # Errors
    /// The environment names no installation.
    pub async fn look(
        &self,
        beside: impl Fn(&Arc<Console>) -> Vec<AbortHandle>,
    ) -> Result<Look, ErrorReply> {
        let at = self.installation()?;
        let mut condition = self.look_once(&at, &beside).await;
        if let Some(error) = condition.database_error.clone()
            && self.let_go(&error).await
        {
            condition = self.look_once(&at, &beside).await;
        }
        let troubled = condition.database_error.is_some();
        let recovered = self.troubled.swap(troubled, Ordering::SeqCst) && !troubled;
        Ok(Look {
            condition,
            recovered,
        })
    }

    async fn look_once(
        &self,
        at: &Installation,
        beside: impl Fn(&Arc<Console>) -> Vec<AbortHandle>,
    ) -> Condition {
        let opened = self.console(beside).await;
        let console = opened.as_ref().map(AsRef::as_ref).map_err(Clone::clone);
        crate::condition(&at.folders, &at.database_url, console).await
    }

    fn installation(&self) -> Result<Installation, ConsoleError> {
        match &self.installation {
            Some(installation) => Ok(installation.clone()),
            None => Installation::from_environment(),
        }
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
    pub async fn shutdown(&self) {
        if let Slot::Open(opened) = std::mem::take(&mut *self.slot.write().await) {
            close(opened).await;
        }
    }
}

async fn close(opened: Opened) {
    for beside in &opened.beside {
        beside.abort();
    }
    match tokio::time::timeout(SHUTDOWN_LIMIT, opened.console.shutdown()).await {
        Ok(Ok(())) => tracing::info!("closed in good order"),
        Ok(Err(error)) => tracing::error!(%error, "could not close in good order"),
        Err(_) => {
            tracing::error!("closing took too long; tasks come back when their leases end");
        }
    }
}

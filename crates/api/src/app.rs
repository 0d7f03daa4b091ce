//! What every request may use.

use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::task::AbortHandle;
use tokio_util::sync::CancellationToken;
use upkeep_config::Folders;
use upkeep_console::{Console, Keeper};
use upkeep_contract::condition::Condition;

use crate::guard::denials::Denials;
use crate::guard::hosts::Hosts;
use crate::hub::Hub;
use crate::problem::Reply;
use crate::secrets::{Links, Sessions, Tokens};

/// Requests that are worked on at once; more wait, and are turned away when that takes too long.
const REQUESTS_MAX: usize = 128;
/// Streams that are open at once.
const STREAMS_MAX: usize = 64;
/// Reports that are written at once: each takes room on the disk.
const EXPORTS_MAX: usize = 2;

/// How tasks and the audit trail name who comes with a token.
pub(crate) const TOKEN_DOOR: &str = "api";
/// How they name who comes with a browser.
pub(crate) const BROWSER_DOOR: &str = "browser";

/// The server's state.
#[derive(Clone, Debug)]
pub(crate) struct App(Arc<Parts>);

#[derive(Debug)]
pub(crate) struct Parts {
    keeper: Keeper,
    pub(crate) folders: Folders,
    pub(crate) hosts: Hosts,
    /// Whether browsers are to send the cookie over TLS alone.
    pub(crate) encrypted: bool,
    pub(crate) tokens: Tokens,
    pub(crate) links: Links,
    pub(crate) sessions: Sessions,
    pub(crate) denials: Denials,
    pub(crate) hub: Arc<Hub>,
    pub(crate) requests: Semaphore,
    pub(crate) streams: Arc<Semaphore>,
    pub(crate) exports: Arc<Semaphore>,
    /// Told when the server stops: streams end.
    pub(crate) stopping: CancellationToken,
}

impl std::ops::Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl App {
    pub(crate) fn new(
        keeper: Keeper,
        folders: Folders,
        hosts: Hosts,
        encrypted: bool,
        tokens: Tokens,
    ) -> Self {
        Self(Arc::new(Parts {
            keeper,
            links: Links::of(&folders),
            folders,
            hosts,
            encrypted,
            tokens,
            sessions: Sessions::default(),
            denials: Denials::default(),
            hub: Arc::default(),
            requests: Semaphore::new(REQUESTS_MAX),
            streams: Arc::new(Semaphore::new(STREAMS_MAX)),
            exports: Arc::new(Semaphore::new(EXPORTS_MAX)),
            stopping: CancellationToken::new(),
        }))
    }

    /// The console, opened now when it is not yet.
    pub(crate) async fn console(&self) -> Reply<Arc<Console>> {
        Ok(self.keeper.console(|console| self.beside(console)).await?)
    }

    /// How the installation is; when all is well again after trouble, every screen reads anew.
    pub(crate) async fn condition(&self) -> Reply<Condition> {
        let look = self.keeper.look(|console| self.beside(console)).await?;
        if look.recovered {
            self.hub.everything_changed();
        }
        Ok(look.condition)
    }

    /// What a new console means to the streams of changes: they hear of it, and listen to it.
    fn beside(&self, console: &Arc<Console>) -> Vec<AbortHandle> {
        self.hub.listen_to(console);
        Vec::new()
    }

    pub(crate) async fn shutdown(&self) {
        self.keeper.shutdown().await;
    }
}

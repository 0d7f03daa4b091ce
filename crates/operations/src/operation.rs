//! What makes an operation.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use upkeep_contract::params::Validate;

use crate::{Context, OperationError};

/// How the work ended, when it ended by itself.
#[derive(Clone, Debug, PartialEq)]
pub enum Finished<R> {
    /// Everything was done.
    Succeeded(R),
    /// The work ended, but some items could not be done.
    Partial(R),
}

impl<R> Finished<R> {
    /// The report.
    pub fn report(&self) -> &R {
        match self {
            Self::Succeeded(report) | Self::Partial(report) => report,
        }
    }

    /// The same ending with another form of the report.
    pub fn map<S>(self, change: impl FnOnce(R) -> S) -> Finished<S> {
        match self {
            Self::Succeeded(report) => Finished::Succeeded(change(report)),
            Self::Partial(report) => Finished::Partial(change(report)),
        }
    }
}

/// A kind of maintenance work.
///
/// Operations are idempotent: what is already gone counts as done, so an attempt may
/// repeat what a killed one began. Blocking work belongs on `tokio::task::spawn_blocking`.
#[async_trait]
pub trait Operation: Send + Sync + 'static {
    /// What it is told.
    type Params: DeserializeOwned + Serialize + JsonSchema + Validate + Send;
    /// What it returns.
    type Report: Serialize;

    /// Its id, such as `cleanup-runs`.
    fn id(&self) -> &'static str;

    /// One sentence on what it does.
    fn summary(&self) -> &'static str;

    /// True when it removes something: its parameters then have `dry_run` and `plan`.
    fn deletes(&self) -> bool;

    /// True when it goes on from what another task did and is asked for there: it has no card of its own.
    fn follows_a_task(&self) -> bool {
        false
    }

    /// How many tasks of it may run at once on one host, previews left out; none means no limit.
    /// What deletes runs alone: two cleanups of one location would count each other's work as their own.
    fn host_limit(&self) -> Option<u32> {
        self.deletes().then_some(1)
    }

    /// Performs the work once.
    ///
    /// # Errors
    /// [`OperationError`] says whether trying again can help.
    async fn run(
        &self,
        params: Self::Params,
        context: &Context,
    ) -> Result<Finished<Self::Report>, OperationError>;
}

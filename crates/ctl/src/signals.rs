//! The signals that ask the program to stop.

use crate::failure::Failure;

/// SIGINT and SIGTERM, from the moment this was made: they no longer end the program by themselves.
#[derive(Debug)]
pub(crate) struct Signals {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
}

impl Signals {
    #[cfg(unix)]
    pub(crate) fn listen() -> Result<Self, Failure> {
        use tokio::signal::unix::{SignalKind, signal};
        let failed = |error| Failure::failed(format!("cannot listen for signals: {error}"), "");
        Ok(Self {
            interrupt: signal(SignalKind::interrupt()).map_err(failed)?,
            terminate: signal(SignalKind::terminate()).map_err(failed)?,
        })
    }

    #[cfg(not(unix))]
    pub(crate) fn listen() -> Result<Self, Failure> {
        Ok(Self {})
    }

    /// Ends when the program is told to stop.
    #[cfg(unix)]
    pub(crate) async fn told_to_stop(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }

    /// Ends when the program is told to stop.
    #[cfg(not(unix))]
    pub(crate) async fn told_to_stop(&mut self) {
        tokio::signal::ctrl_c().await.ok();
    }
}

//! Streams that pages have opened. Each ends with its page, whatever the page forgot to say.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::task::AbortHandle;

/// The streams that are open.
#[derive(Clone, Debug, Default)]
pub(crate) struct Watches(Arc<Mutex<Open>>);

#[derive(Debug, Default)]
struct Open {
    last_id: u32,
    watches: HashMap<u32, Watch>,
}

#[derive(Debug)]
struct Watch {
    webview: String,
    task: AbortHandle,
}

impl Watches {
    /// Runs a stream for a webview until it ends by itself or is ended here; returns its id.
    pub(crate) fn run(
        &self,
        webview: &str,
        stream: impl Future<Output = ()> + Send + 'static,
    ) -> u32 {
        // held until the watch is entered, so that a stream that ends at once still finds itself
        let mut open = self.open();
        open.last_id = open.last_id.wrapping_add(1);
        let id = open.last_id;
        let watches = self.clone();
        let task = tokio::spawn(async move {
            stream.await;
            watches.open().watches.remove(&id);
        });
        let watch = Watch {
            webview: webview.to_owned(),
            task: task.abort_handle(),
        };
        open.watches.insert(id, watch);
        id
    }

    /// Ends a stream; one that has ended already is fine.
    pub(crate) fn end(&self, id: u32) {
        if let Some(watch) = self.open().watches.remove(&id) {
            watch.task.abort();
        }
    }

    /// Ends every stream of a webview: its page is gone.
    pub(crate) fn end_all_of(&self, webview: &str) {
        let mut open = self.open();
        let before = open.watches.len();
        open.watches.retain(|_, watch| {
            let stays = watch.webview != webview;
            if !stays {
                watch.task.abort();
            }
            stays
        });
        let ended = before - open.watches.len();
        if ended > 0 {
            tracing::debug!(webview, ended, "streams ended with their page");
        }
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use tokio::sync::oneshot;

    use super::*;

    /// A stream that never ends by itself, and the news of its end.
    fn endless() -> (impl Future<Output = ()> + Send, oneshot::Receiver<()>) {
        let (alive, ended) = oneshot::channel::<()>();
        let stream = async move {
            pending::<()>().await;
            drop(alive);
        };
        (stream, ended)
    }

    #[tokio::test]
    async fn a_watch_ends_when_it_is_ended_or_its_page_goes() {
        let watches = Watches::default();
        let (first, first_ended) = endless();
        let (second, second_ended) = endless();
        let (other, mut other_ended) = endless();
        let first = watches.run("main", first);
        watches.run("main", second);
        let other = watches.run("other", other);
        watches.end(first);
        first_ended.await.unwrap_err();
        watches.end(first);
        watches.end_all_of("main");
        second_ended.await.unwrap_err();
        assert_eq!(
            other_ended.try_recv(),
            Err(oneshot::error::TryRecvError::Empty)
        );
        watches.end(other);
        other_ended.await.unwrap_err();
    }

    #[tokio::test]
    async fn a_stream_that_ends_by_itself_leaves_nothing_behind() {
        let watches = Watches::default();
        let (told, ended) = oneshot::channel();
        watches.run("main", async { told.send(()).unwrap() });
        ended.await.unwrap();
        while !watches.open().watches.is_empty() {
            tokio::task::yield_now().await;
        }
    }
}

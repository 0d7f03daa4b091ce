//! Group commit: requests that arrive while a transaction is being made durable wait together and
//! share the next one. One request alone never waits for company.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Mutex as AsyncMutex, oneshot};

use crate::QueueError;

/// The most requests that share a transaction.
const TOGETHER: usize = 256;

/// A request, and who waits for its answer.
type Waiting<I, O> = (I, oneshot::Sender<Result<O, QueueError>>);

/// Requests of one kind that wait for their turn.
#[derive(Debug)]
pub(crate) struct Gather<I, O> {
    waiting: Mutex<Vec<Waiting<I, O>>>,
    turn: Arc<AsyncMutex<()>>,
}

impl<I, O> Default for Gather<I, O> {
    fn default() -> Self {
        Self {
            waiting: Mutex::default(),
            turn: Arc::default(),
        }
    }
}

impl<I, O> Gather<I, O>
where
    I: Send + 'static,
    O: Send + 'static,
{
    /// Has the request performed, perhaps together with others, and gives its own answer.
    ///
    /// `perform` answers each request in order. Once begun it goes on even if who asked stops waiting:
    /// others wait for the same transaction. Who stops waiting before has asked for nothing.
    pub(crate) async fn submit<F, W>(&self, request: I, perform: F) -> Result<O, QueueError>
    where
        F: Fn(Vec<I>) -> W,
        W: Future<Output = Vec<Result<O, QueueError>>> + Send + 'static,
    {
        let (sender, mut answer) = oneshot::channel();
        self.waiting().push((request, sender));
        loop {
            let turn = tokio::select! {
                biased;
                answered = &mut answer => return answered.unwrap_or_else(|_| Err(broke_down())),
                turn = Arc::clone(&self.turn).lock_owned() => turn,
            };
            // those whose requests are ready at this very moment come along, as long as there are more
            let mut ready = 0;
            while self.waiting().len() > ready {
                ready = self.waiting().len();
                tokio::task::yield_now().await;
            }
            let (requests, senders): (Vec<I>, Vec<_>) = {
                let mut waiting = self.waiting();
                // else a request that was given up would be performed whenever the next one comes
                waiting.retain(|(_, sender)| !sender.is_closed());
                let count = waiting.len().min(TOGETHER);
                waiting.drain(..count).unzip()
            };
            let performing = perform(requests);
            let answers = tokio::spawn(async move {
                for (sender, answer) in senders.into_iter().zip(performing.await) {
                    // who asked may have gone; what was done stays done
                    drop(sender.send(answer));
                }
                drop(turn);
            });
            if answers.await.is_err() {
                tracing::error!("a shared transaction broke down");
            }
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Vec<Waiting<I, O>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn broke_down() -> QueueError {
    sqlx::Error::WorkerCrashed.into()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test]
    async fn requests_that_arrive_together_share_a_turn_and_each_gets_its_own_answer() {
        let gather = Arc::new(Gather::<usize, usize>::default());
        let turns = Arc::new(AtomicUsize::new(0));
        let asking: Vec<_> = (0..100)
            .map(|number| {
                let (gather, turns) = (Arc::clone(&gather), Arc::clone(&turns));
                tokio::spawn(async move {
                    gather
                        .submit(number, |numbers| {
                            turns.fetch_add(1, Ordering::SeqCst);
                            async move {
                                tokio::task::yield_now().await;
                                numbers.into_iter().map(|number| Ok(number * 2)).collect()
                            }
                        })
                        .await
                })
            })
            .collect();
        for (number, asked) in asking.into_iter().enumerate() {
            assert_eq!(asked.await.unwrap().unwrap(), number * 2);
        }
        assert!(turns.load(Ordering::SeqCst) < 100);
    }

    #[tokio::test]
    async fn a_request_that_was_given_up_before_its_turn_is_never_performed() {
        let gather = Arc::new(Gather::<usize, usize>::default());
        let performed = Arc::new(Mutex::new(Vec::new()));
        let ask = |number| {
            let (gather, performed) = (Arc::clone(&gather), Arc::clone(&performed));
            async move {
                gather
                    .submit(number, |numbers| {
                        performed.lock().unwrap().extend(numbers.iter().copied());
                        async move { numbers.into_iter().map(Ok).collect() }
                    })
                    .await
            }
        };
        let turn = Arc::clone(&gather.turn).lock_owned().await;
        let given_up = tokio::spawn(ask(1));
        tokio::task::yield_now().await;
        assert_eq!(gather.waiting().len(), 1);
        given_up.abort();
        assert!(given_up.await.unwrap_err().is_cancelled());
        drop(turn);
        assert_eq!(ask(2).await.unwrap(), 2);
        assert_eq!(*performed.lock().unwrap(), [2]);
    }
}

//! A time limit around what may hang, such as asking a file server that is away.
//!
//! Rule: whatever hangs costs one thread, however often it is asked: while an answer is owed, nobody asks again.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoAnswer {
    /// It takes too long: so much already.
    #[error("gave no answer within {:.1} s", .0.as_secs_f64())]
    TimedOut(Duration),
    /// It could not begin, or it broke.
    #[error("could not be asked: {0}")]
    Broken(String),
}

/// An answer that is owed.
struct Owed<T> {
    since: Instant,
    /// None until it has come; closed without one when the work broke.
    answer: watch::Receiver<Option<T>>,
}

type Debts<T> = Arc<Mutex<HashMap<PathBuf, Owed<T>>>>;

/// Asks what may hang, and remembers which still owe an answer.
pub(crate) struct Asker<T> {
    owed: Debts<T>,
}

impl<T> Default for Asker<T> {
    fn default() -> Self {
        Self {
            owed: Arc::default(),
        }
    }
}

/// The debt ends when the work does, also when it breaks.
struct Debt<T> {
    owed: Debts<T>,
    whom: PathBuf,
}

impl<T> Drop for Debt<T> {
    fn drop(&mut self) {
        lock(&self.owed).remove(&self.whom);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<T: Clone + Send + Sync + 'static> Asker<T> {
    /// Performs blocking work on a thread of its own and waits at most `limit` for it. While `whom` owes an
    /// answer, that one is waited for: no second thread is made.
    pub(crate) async fn ask(
        &self,
        whom: &Path,
        limit: Duration,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, NoAnswer> {
        let (since, mut answer) = self
            .begin(whom, work)
            .map_err(|error| NoAnswer::Broken(error.to_string()))?;
        let left = limit.saturating_sub(since.elapsed());
        match tokio::time::timeout(left, answer.wait_for(Option::is_some)).await {
            Ok(Ok(answer)) => answer
                .clone()
                .ok_or_else(|| NoAnswer::Broken("the probe broke off".to_owned())),
            Ok(Err(_)) => Err(NoAnswer::Broken("the probe broke off".to_owned())),
            Err(_) => Err(NoAnswer::TimedOut(limit.max(since.elapsed()))),
        }
    }

    /// Not on the runtime's blocking threads: the runtime waits for those when it ends, and a thread stuck on
    /// a dead mount would keep the whole program from ending.
    fn begin(
        &self,
        whom: &Path,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> std::io::Result<(Instant, watch::Receiver<Option<T>>)> {
        let mut owed = lock(&self.owed);
        if let Some(present) = owed.get(whom) {
            return Ok((present.since, present.answer.clone()));
        }
        let (sender, answer) = watch::channel(None);
        let debt = Debt {
            owed: self.owed.clone(),
            whom: whom.to_owned(),
        };
        let since = Instant::now();
        owed.insert(
            whom.to_owned(),
            Owed {
                since,
                answer: answer.clone(),
            },
        );
        // a thread that cannot be made takes the debt with it, which needs the lock
        drop(owed);
        std::thread::Builder::new()
            .name("upkeep-probe".to_owned())
            .spawn(move || {
                let done = work();
                // whoever asks from now on gets a fresh look
                drop(debt);
                sender.send_replace(Some(done));
            })?;
        Ok((since, answer))
    }

    /// How many answers are owed.
    #[cfg(test)]
    pub(crate) fn owed(&self) -> usize {
        lock(&self.owed).len()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    const LONG: Duration = Duration::from_secs(20);

    #[tokio::test]
    async fn an_answer_in_time_is_returned() {
        let asker = Asker::default();
        for _ in 0..3 {
            assert_eq!(asker.ask(Path::new("/"), LONG, || 7).await, Ok(7));
        }
        assert_eq!(asker.owed(), 0);
    }

    #[tokio::test]
    async fn work_that_hangs_is_given_up_and_begun_only_once_until_it_answers() {
        let begun = Arc::new(AtomicUsize::new(0));
        let (release, held) = std::sync::mpsc::channel::<()>();
        let held = Arc::new(Mutex::new(held));
        let work = || {
            let (begun, held) = (begun.clone(), held.clone());
            move || {
                begun.fetch_add(1, Ordering::SeqCst);
                lock(&held).recv().is_ok()
            }
        };
        let asker = Asker::default();
        let limit = Duration::from_millis(30);
        for _ in 0..4 {
            let asked = Instant::now();
            // two at once share the one thread, too
            let (first, second) = tokio::join!(
                asker.ask(Path::new("/gone"), limit, work()),
                asker.ask(Path::new("/gone"), limit, work())
            );
            for answer in [first, second] {
                assert!(matches!(answer, Err(NoAnswer::TimedOut(_))), "{answer:?}");
            }
            assert!(asked.elapsed() < LONG);
            // another one is not held up
            let other = asker.ask(Path::new("/well"), LONG, || true).await;
            assert_eq!(other, Ok(true));
        }
        assert_eq!((begun.load(Ordering::SeqCst), asker.owed()), (1, 1));
        release.send(()).unwrap();
        while asker.owed() > 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(asker.ask(Path::new("/gone"), LONG, || true).await, Ok(true));
    }

    #[tokio::test]
    async fn who_asks_while_an_answer_is_on_its_way_gets_that_one() {
        let (release, held) = std::sync::mpsc::channel::<u8>();
        let asker = Asker::default();
        let (first, second, ()) = tokio::join!(
            asker.ask(Path::new("/slow"), LONG, move || held.recv().unwrap()),
            asker.ask(Path::new("/slow"), LONG, || 9),
            async { release.send(7).unwrap() }
        );
        assert_eq!((first, second), (Ok(7), Ok(7)));
    }

    #[tokio::test]
    async fn work_that_breaks_is_told_from_work_that_hangs_and_owes_nothing() {
        let asker: Asker<u8> = Asker::default();
        let answer = asker
            .ask(Path::new("/"), LONG, || panic!("on purpose"))
            .await;
        assert!(matches!(answer, Err(NoAnswer::Broken(_))), "{answer:?}");
        assert_eq!(asker.ask(Path::new("/"), LONG, || 1).await, Ok(1));
    }
}

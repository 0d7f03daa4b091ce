//! A time limit around what may hang, such as asking a file server that is away.

use std::time::Duration;

use tokio::sync::oneshot;

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoAnswer {
    /// It took too long.
    #[error("gave no answer within {} s", .0.as_secs_f64())]
    TimedOut(Duration),
    /// It could not begin, or it broke.
    #[error("could not be asked: {0}")]
    Broken(String),
}

/// Performs blocking work on a thread of its own and waits at most `limit` for it.
///
/// Not on the runtime's blocking threads: the runtime waits for those when it ends,
/// and a thread stuck on a dead mount would keep the whole program from ending.
pub(crate) async fn with_limit<T: Send + 'static>(
    limit: Duration,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, NoAnswer> {
    let (sender, receiver) = oneshot::channel();
    std::thread::Builder::new()
        .name("upkeep-probe".to_owned())
        .spawn(move || {
            // nobody listens any more once the limit has passed
            drop(sender.send(work()));
        })
        .map_err(|error| NoAnswer::Broken(error.to_string()))?;
    match tokio::time::timeout(limit, receiver).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(_)) => Err(NoAnswer::Broken("the probe broke off".to_owned())),
        Err(_) => Err(NoAnswer::TimedOut(limit)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_answer_in_time_is_returned() {
        assert_eq!(with_limit(Duration::from_secs(5), || 7).await, Ok(7));
    }

    #[tokio::test]
    async fn work_that_hangs_is_given_up() {
        let (release, held) = std::sync::mpsc::channel::<()>();
        let limit = Duration::from_millis(20);
        let answer = with_limit(limit, move || held.recv().is_ok()).await;
        assert_eq!(answer, Err(NoAnswer::TimedOut(limit)));
        drop(release);
    }

    #[tokio::test]
    async fn work_that_breaks_is_told_from_work_that_hangs() {
        let answer = with_limit(Duration::from_secs(5), || -> u8 { panic!("on purpose") }).await;
        assert!(matches!(answer, Err(NoAnswer::Broken(_))), "{answer:?}");
    }
}

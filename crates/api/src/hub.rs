//! Changes for every stream of the server: heard once, numbered, and kept for a while so that a stream that
//! broke off goes on where it was.
//!
//! Rules: the queue is listened to only while somebody hears; whatever cannot be told exactly is told as
//! "re-read all".

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::watch;
use upkeep_console::{ChangeBatches, Console};
use upkeep_contract::event::Change;

/// So many batches are kept: at ten a second, more than a minute and a half.
const BATCHES_KEPT: usize = 1000;

/// How long the queue is still listened to after the last stream ended: it may come back.
const LINGER: Duration = Duration::from_secs(30);

/// The numbered changes.
#[derive(Debug)]
pub(crate) struct Hub {
    inner: Mutex<Inner>,
    newest: watch::Sender<u64>,
    listeners: watch::Sender<usize>,
}

#[derive(Debug)]
struct Inner {
    /// Differs from one start of the server to the next, and after each time without a listener.
    era: u64,
    newest: u64,
    batches: VecDeque<(u64, Vec<Change>)>,
    console: Option<Weak<Console>>,
    listening: bool,
}

impl Default for Hub {
    fn default() -> Self {
        Self {
            inner: Mutex::new(Inner {
                era: rand::random::<u32>().into(),
                newest: 0,
                batches: VecDeque::new(),
                console: None,
                listening: false,
            }),
            newest: watch::Sender::new(0),
            listeners: watch::Sender::new(0),
        }
    }
}

/// Where a stream stands: era and number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    era: u64,
    number: u64,
}

impl Place {
    /// As a stream's `id:` says it.
    pub(crate) fn to_text(self) -> String {
        format!("{:x}-{}", self.era, self.number)
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (era, number) = text.split_once('-')?;
        Some(Self {
            era: u64::from_str_radix(era, 16).ok()?,
            number: number.parse().ok()?,
        })
    }
}

impl Hub {
    /// The console that is open from now on.
    pub(crate) fn listen_to(self: &Arc<Self>, console: &Arc<Console>) {
        let mut inner = self.inner();
        inner.console = Some(Arc::downgrade(console));
        inner.listening = false;
        drop(inner);
        self.everything_changed();
        self.begin_listening();
    }

    /// Every stream is told to read all again.
    pub(crate) fn everything_changed(&self) {
        self.push(vec![Change::All]);
    }

    /// A stream that begins, after the place it had reached.
    pub(crate) fn subscribe(self: &Arc<Self>, reached: Option<Place>) -> Subscription {
        self.listeners.send_modify(|listeners| *listeners += 1);
        self.begin_listening();
        let inner = self.inner();
        let known = reached.filter(|place| place.era == inner.era && place.number <= inner.newest);
        drop(inner);
        Subscription {
            newest: self.newest.subscribe(),
            hub: Arc::clone(self),
            reached: known,
        }
    }

    /// Listens to the queue when somebody hears and nobody listens yet.
    fn begin_listening(self: &Arc<Self>) {
        let mut inner = self.inner();
        let wanted = *self.listeners.borrow() > 0 && !inner.listening;
        let console = inner.console.as_ref().and_then(Weak::upgrade);
        if let (true, Some(console)) = (wanted, console) {
            inner.listening = true;
            // what changed while nobody listened is not known
            inner.begin_era();
            let listening = listen(Arc::downgrade(self), inner.era, console.changes());
            tokio::spawn(listening);
        }
    }

    fn push(&self, changes: Vec<Change>) {
        let mut inner = self.inner();
        inner.newest += 1;
        let number = inner.newest;
        if inner.batches.len() >= BATCHES_KEPT {
            inner.batches.pop_front();
        }
        inner.batches.push_back((number, changes));
        drop(inner);
        self.newest.send_replace(number);
    }

    /// What came after a place, and the place it leads to; nothing when nothing came.
    fn after(&self, reached: Option<Place>) -> Option<(Place, Vec<Change>)> {
        let inner = self.inner();
        let here = Place {
            era: inner.era,
            number: inner.newest,
        };
        let Some(reached) = reached else {
            return Some((here, vec![Change::All]));
        };
        if reached == here {
            return None;
        }
        let oldest = inner
            .batches
            .front()
            .map_or(u64::MAX, |(number, _)| *number);
        if reached.era != here.era || reached.number + 1 < oldest {
            return Some((here, vec![Change::All]));
        }
        let missed = inner
            .batches
            .iter()
            .filter(|(number, _)| *number > reached.number);
        Some((here, joined(missed.flat_map(|(_, changes)| changes))))
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn begin_era(&mut self) {
        self.era = self.era.wrapping_add(1);
        self.batches.clear();
    }
}

/// Changes without doubles; "re-read all" says everything that the others say.
fn joined<'a>(changes: impl Iterator<Item = &'a Change>) -> Vec<Change> {
    let mut joined: Vec<Change> = Vec::new();
    for change in changes {
        if *change == Change::All {
            return vec![Change::All];
        }
        if !joined.contains(change) {
            joined.push(change.clone());
        }
    }
    joined
}

/// Passes on what the queue tells, until nobody hears any more or another console is listened to.
async fn listen(hub: Weak<Hub>, era: u64, mut changes: ChangeBatches) {
    loop {
        let Some(listeners) = hub.upgrade().map(|hub| hub.listeners.subscribe()) else {
            return;
        };
        let batch = tokio::select! {
            batch = changes.next() => batch,
            () = forsaken(listeners) => None,
        };
        let Some(hub) = hub.upgrade() else { return };
        let mut inner = hub.inner();
        if inner.era != era {
            return;
        }
        let Some(batch) = batch else {
            inner.listening = false;
            inner.begin_era();
            return;
        };
        drop(inner);
        hub.push(batch);
    }
}

/// Ends when nobody has heard for a while.
async fn forsaken(mut listeners: watch::Receiver<usize>) {
    loop {
        if listeners
            .wait_for(|listeners| *listeners == 0)
            .await
            .is_err()
        {
            return;
        }
        let back = listeners.wait_for(|listeners| *listeners > 0);
        if tokio::time::timeout(LINGER, back).await.is_err() {
            return;
        }
    }
}

/// One stream's view of the changes.
#[derive(Debug)]
pub(crate) struct Subscription {
    hub: Arc<Hub>,
    newest: watch::Receiver<u64>,
    reached: Option<Place>,
}

impl Subscription {
    /// The next changes and the place they lead to; none once the server is gone.
    pub(crate) async fn next(&mut self) -> Option<(Place, Vec<Change>)> {
        loop {
            self.newest.mark_unchanged();
            if let Some((place, changes)) = self.hub.after(self.reached) {
                self.reached = Some(place);
                return Some((place, changes));
            }
            self.newest.changed().await.ok()?;
        }
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.hub.listeners.send_modify(|listeners| *listeners -= 1);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]
mod tests {
    use super::*;

    fn task(name: &str) -> Change {
        Change::Task {
            task_id: name.into(),
        }
    }

    #[tokio::test]
    async fn a_stream_goes_on_where_it_broke_off_or_reads_all_again() {
        let hub = Arc::new(Hub::default());
        let mut first = hub.subscribe(None);
        let (begin, changes) = first.next().await.unwrap();
        assert_eq!(changes, [Change::All], "who comes anew reads all");
        hub.push(vec![task("a")]);
        let (after_a, changes) = first.next().await.unwrap();
        assert_eq!(changes, [task("a")]);
        drop(first);
        hub.push(vec![task("b"), task("c")]);
        hub.push(vec![task("b")]);
        let (_, changes) = hub.subscribe(Some(after_a)).next().await.unwrap();
        assert_eq!(changes, [task("b"), task("c")]);
        let (_, changes) = hub.subscribe(Some(begin)).next().await.unwrap();
        assert_eq!(changes, [task("a"), task("b"), task("c")]);
        for number in 0..BATCHES_KEPT {
            hub.push(vec![task(&number.to_string())]);
        }
        let (_, changes) = hub.subscribe(Some(after_a)).next().await.unwrap();
        assert_eq!(changes, [Change::All], "too much was missed");
        let unknown = Place::parse("0-3");
        let (_, changes) = hub.subscribe(unknown).next().await.unwrap();
        assert_eq!(changes, [Change::All], "another server's place");
    }

    #[test]
    fn a_place_is_read_as_it_was_written_and_nothing_else_is() {
        let place = Place {
            era: 0xab,
            number: 12,
        };
        assert_eq!(place.to_text(), "ab-12");
        assert_eq!(Place::parse("ab-12"), Some(place));
        for odd in ["", "-", "ab", "ab-", "-1", "xyz-1", "ab--1", "ab-1-2"] {
            assert_eq!(Place::parse(odd), None, "{odd}");
        }
    }
}

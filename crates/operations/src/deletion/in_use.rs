//! Which files some process has open, has mapped or has locked, as far as this user may see.
//!
//! A picture is taken at most once a second while files are being removed. It is a picture: a file
//! opened between it and the removal is not seen. Where the system shows no such thing it is empty, and says so.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

pub(crate) use super::platform::Picture;

/// How old a picture may become.
const FRESH: Duration = Duration::from_secs(1);

/// Takes pictures as they are needed.
pub(crate) struct InUse {
    cancellation: CancellationToken,
    latest: Mutex<Option<(Instant, Arc<Picture>)>>,
}

impl InUse {
    pub(crate) fn new(cancellation: CancellationToken) -> Self {
        Self {
            cancellation,
            latest: Mutex::new(None),
        }
    }

    /// A picture at most a second old.
    pub(crate) fn picture(&self) -> Arc<Picture> {
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((taken, picture)) = latest.as_ref()
            && taken.elapsed() < FRESH
        {
            return Arc::clone(picture);
        }
        let picture = Arc::new(Picture::take(&self.cancellation));
        *latest = Some((Instant::now(), Arc::clone(&picture)));
        picture
    }
}

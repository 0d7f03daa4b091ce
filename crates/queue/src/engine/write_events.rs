//! Waking up when a file is written to, instead of looking at it again and again.

#[cfg(target_os = "linux")]
pub(super) use inotify::WriteEvents;
#[cfg(not(target_os = "linux"))]
pub(super) use none::WriteEvents;

/// The kernel tells (`inotify(7)`).
#[cfg(target_os = "linux")]
mod inotify {
    use std::os::fd::OwnedFd;
    use std::path::Path;
    use std::time::Duration;

    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    use rustix::fs::inotify::{CreateFlags, WatchFlags, add_watch, init};

    /// Holds some hundred events; what does not fit is read in the next round.
    const BUFFER_BYTES: usize = 4096;

    /// What the system tells of one file.
    #[derive(Debug)]
    pub(in crate::engine) struct WriteEvents(Option<OwnedFd>);

    impl WriteEvents {
        /// Nothing is told yet, nor ever when the user has too many such watches.
        pub(in crate::engine) fn new() -> Self {
            let events = init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK);
            if let Err(error) = &events {
                tracing::debug!(%error, "files are looked at often: the system cannot tell of writes");
            }
            Self(events.ok())
        }

        /// From now on tells of writes to the file that has this name now. False when it cannot. To ask
        /// again costs little and does nothing for the same file.
        pub(in crate::engine) fn follow(&self, file: &Path) -> bool {
            self.0
                .as_ref()
                .is_some_and(|events| add_watch(events, file, WatchFlags::MODIFY).is_ok())
        }

        /// Waits until the file is written to, or for this long. Whether it may have been written to since
        /// this was asked before; always false where the system cannot tell.
        pub(in crate::engine) fn wait(&self, at_most: Duration) -> bool {
            let Some(events) = &self.0 else {
                std::thread::sleep(at_most);
                return false;
            };
            let limit = Timespec::try_from(at_most).ok();
            let waited = poll(&mut [PollFd::new(events, PollFlags::IN)], limit.as_ref());
            if waited.is_err() {
                // a signal, or something that must not become a busy loop
                std::thread::sleep(at_most.min(super::SHORT));
                return true;
            }
            let mut buffer = [0; BUFFER_BYTES];
            let mut any = false;
            // that there were any is all that counts
            while rustix::io::read(events, &mut buffer).is_ok_and(|bytes| bytes > 0) {
                any = true;
            }
            any
        }
    }
}

/// The system is not asked.
#[cfg(not(target_os = "linux"))]
mod none {
    use std::path::Path;
    use std::time::Duration;

    #[derive(Debug)]
    pub(in crate::engine) struct WriteEvents;

    impl WriteEvents {
        pub(in crate::engine) fn new() -> Self {
            Self
        }

        pub(in crate::engine) fn follow(&self, _file: &Path) -> bool {
            false
        }

        pub(in crate::engine) fn wait(&self, at_most: Duration) -> bool {
            std::thread::sleep(at_most);
            false
        }
    }
}

/// A pause that is no busy loop.
#[cfg(target_os = "linux")]
const SHORT: std::time::Duration = std::time::Duration::from_millis(10);

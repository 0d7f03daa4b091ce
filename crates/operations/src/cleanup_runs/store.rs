//! A run store with its rules: which of its folders are runs, and which of these have ended.
//!
//! Preview and execution ask the same rules, so that what is forbidden since the preview stays, too.

use std::ffi::{CStr, CString};

use upkeep_contract::choice::Patterns;
use upkeep_contract::settings::{LocationSettings, RunStoreSettings};

use crate::OperationError;
use crate::deletion::conclude::hold;
use crate::deletion::cursor::Cursor;
use crate::deletion::execute::Held;
use crate::deletion::stat::{Kind, Stat};
use crate::settings::Settings;

/// A run store, held open.
pub(super) struct Store {
    pub(super) held: Held,
    /// So many of the newest runs that have ended stay.
    pub(super) keep_newest: u32,
    include: Patterns,
    markers: Vec<CString>,
}

impl Store {
    /// Opens it, when it may be cleaned.
    pub(super) fn hold(
        store: &RunStoreSettings,
        settings: &Settings,
    ) -> Result<Self, OperationError> {
        let include = Patterns::new(&store.include).map_err(|(_, problem)| {
            // the configuration has checked it, so this is a surprise
            OperationError::permanent(
                format!(
                    "the rules of the run store `{}` cannot be used: `include` {problem}; nothing was removed",
                    store.name
                ),
                problem.cure(),
            )
        })?;
        let as_location = LocationSettings {
            enabled: store.enabled,
            allow_mount_root: store.allow_mount_root,
            ..LocationSettings::new(&store.name, &store.path)
        };
        let names = store.finished_when.iter();
        Ok(Self {
            held: hold("run store", as_location, settings)?,
            keep_newest: store.keep_newest,
            include,
            markers: names
                .filter_map(|name| CString::new(name.as_bytes()).ok())
                .collect(),
        })
    }

    /// A cursor at its root.
    pub(super) fn cursor(&self) -> Cursor {
        self.held.cursor()
    }

    /// Whether a folder of this name is a run.
    pub(super) fn takes(&self, name: &[u8]) -> bool {
        self.include.is_empty() || self.include.matches(name)
    }

    /// Whether the run that the cursor is at has ended. Without markers its age alone decides.
    /// What cannot be looked at does not say that it has.
    pub(super) fn has_ended(&self, at: &mut Cursor) -> bool {
        let Ok(run) = at.current() else { return false };
        self.markers.is_empty()
            || self
                .markers
                .iter()
                .any(|marker| Stat::of_entry(run, marker).is_ok_and(|stat| stat.kind == Kind::File))
    }

    /// The same for a folder of the cursor's.
    pub(super) fn holds_ended(&self, at: &mut Cursor, name: &CStr) -> bool {
        if at.enter(name).is_err() {
            return false;
        }
        let ended = self.has_ended(at);
        at.leave();
        ended
    }

    /// Files that say that a run has ended. They go last, so that a run which is only partly removed
    /// is not taken for one that has not ended.
    pub(super) fn markers(&self) -> &[CString] {
        &self.markers
    }
}

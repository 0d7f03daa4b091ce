//! What this user of this installation prefers; kept beside the window's place.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use upkeep_config::Folders;
use upkeep_contract::preferences::{NotifyOf, Preferences};

use crate::error::Reply;

/// The file; what it lacks, and all of it when it cannot be read, is the default.
#[derive(Debug, Default)]
pub(crate) struct PreferencesFile(Mutex<Option<Preferences>>);

/// As it stands in the file: unknown keys of a newer version are kept apart from an error.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Stored {
    notify_of: NotifyOf,
}

impl PreferencesFile {
    /// What is preferred now.
    pub(crate) fn get(&self) -> Preferences {
        *self
            .held()
            .get_or_insert_with(|| file().map_or_else(Preferences::default, |file| read(&file)))
    }

    /// Keeps a choice for this and every later start.
    pub(crate) fn set(&self, preferences: Preferences) -> Reply<Preferences> {
        let file = Folders::from_environment()
            .map(|folders| place(&folders))
            .map_err(upkeep_console::ConsoleError::from)?;
        write(&file, preferences)
            .map_err(|source| upkeep_console::ConsoleError::Write { file, source })?;
        *self.held() = Some(preferences);
        Ok(preferences)
    }

    fn held(&self) -> MutexGuard<'_, Option<Preferences>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn file() -> Option<PathBuf> {
    Folders::from_environment()
        .ok()
        .map(|folders| place(&folders))
}

fn place(folders: &Folders) -> PathBuf {
    folders.data().join("preferences.json")
}

fn read(file: &Path) -> Preferences {
    let text = match std::fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Preferences::default();
        }
        Err(error) => {
            tracing::warn!(%error, file = %file.display(), "the preferences cannot be read");
            return Preferences::default();
        }
    };
    match serde_json::from_str::<Stored>(&text) {
        Ok(stored) => Preferences {
            notify_of: stored.notify_of,
        },
        Err(error) => {
            tracing::warn!(%error, file = %file.display(), "the preferences cannot be read");
            Preferences::default()
        }
    }
}

/// Whole or not at all.
fn write(file: &Path, preferences: Preferences) -> std::io::Result<()> {
    let text = serde_json::to_vec_pretty(&Stored {
        notify_of: preferences.notify_of,
    })?;
    let beside = file.with_extension("json.new");
    std::fs::write(&beside, text)?;
    std::fs::rename(&beside, file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_is_read_back_and_a_broken_file_is_the_default() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("preferences.json");
        let notify_of = |file: &Path| read(file).notify_of;
        assert_eq!(notify_of(&file), NotifyOf::Problems);
        for choice in [NotifyOf::Off, NotifyOf::All, NotifyOf::Problems] {
            write(&file, Preferences { notify_of: choice }).unwrap();
            assert_eq!(notify_of(&file), choice);
        }
        std::fs::write(&file, r#"{"notify_of":"off","later":1}"#).unwrap();
        assert_eq!(notify_of(&file), NotifyOf::Off);
        for broken in ["", "{", r#"{"notify_of":"now and then"}"#] {
            std::fs::write(&file, broken).unwrap();
            assert_eq!(notify_of(&file), NotifyOf::Problems);
        }
    }
}

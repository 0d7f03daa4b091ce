//! Changing the configuration: a draft is looked at, and saved only as it was shown.
//!
//! Rules: a folder that may not be cleaned cannot be turned on here, a change made elsewhere is never
//! written over, and what is saved is audited.

use serde_json::{Value, json};
use upkeep_config::{ConfigError, Folders, Review, Saved, changed_lines, suggestions};
use upkeep_contract::event::Change;
use upkeep_contract::settings::SettingsView;
use upkeep_contract::settings_draft::{
    SaveSettingsOutcome, SettingChange, SettingDifference, SettingProblem, SettingsReview,
};
use upkeep_operations::settings::Settings;
use upkeep_worker::operation_settings;

use crate::settings::{Folder, blocking, filled};
use crate::{Console, ConsoleError};

/// What an audit line names; the rest is in its parameters.
const SUBJECTS_MAX: usize = 4;

/// What was written, for the audit trail.
struct Written {
    subject: String,
    parameters: Value,
}

/// What came of a draft on the disk.
enum Outcome {
    Written(Option<Written>),
    ChangedElsewhere(Box<SettingsReview>),
}

impl Console {
    /// Holds a draft against the configuration as it is now; nothing is written.
    ///
    /// # Errors
    /// [`ConsoleError::Config`] when the present file is wrong or cannot be read.
    pub async fn review_settings(
        &self,
        changes: Vec<SettingChange>,
    ) -> Result<SettingsReview, ConsoleError> {
        let (view, folders) = (self.bare_view(), self.folders.clone());
        blocking(move || reviewed(&folders, view, &changes)).await
    }

    /// Writes a draft, all of it or nothing, when the file is still the text it was shown beside; without
    /// a base onto whatever is there, key by key.
    ///
    /// # Errors
    /// [`ConsoleError::Refused`] when a folder is turned on that may not be cleaned; [`ConsoleError::Config`]
    /// when a change cannot be made or the present file is wrong. The file is as it was then.
    pub async fn save_settings(
        &self,
        base: Option<String>,
        changes: Vec<SettingChange>,
    ) -> Result<SaveSettingsOutcome, ConsoleError> {
        let (view, folders) = (self.bare_view(), self.folders.clone());
        match blocking(move || save(&folders, view, base.as_deref(), &changes)).await? {
            Outcome::ChangedElsewhere(review) => {
                Ok(SaveSettingsOutcome::ChangedElsewhere { review: *review })
            }
            Outcome::Written(written) => {
                if let Some(Written {
                    subject,
                    parameters,
                }) = written
                {
                    self.queue.announce(Change::Settings);
                    self.queue
                        .record(&self.requester, "change_settings", &subject, &parameters)
                        .await
                        .map_err(ConsoleError::NotRecorded)?;
                }
                let view = self.settings().await?;
                Ok(SaveSettingsOutcome::Saved { view })
            }
        }
    }
}

fn save(
    folders: &Folders,
    view: SettingsView,
    base: Option<&str>,
    changes: &[SettingChange],
) -> Result<Outcome, ConsoleError> {
    let file = folders.config_file();
    let review = upkeep_config::review(&file, changes)?;
    let elsewhere = base.is_some_and(|base| base != review.base);
    if elsewhere {
        return Ok(Outcome::ChangedElsewhere(Box::new(reviewed(
            folders, view, changes,
        )?)));
    }
    let settings = operation_settings(folders)?;
    for change in changes {
        folder_of(change).map_or(Ok(()), |folder| folder.check(&settings))?;
    }
    // from here on the file must be the very text whose differences are recorded
    match upkeep_config::save(&file, Some(&review.base), changes)? {
        Saved::Written => {
            let differences = review.differences()?;
            Ok(Outcome::Written((!differences.is_empty()).then(|| {
                Written {
                    subject: subject(&differences),
                    parameters: json!({ "changes": changes, "differences": differences }),
                }
            })))
        }
        Saved::ChangedElsewhere if base.is_none() => save(folders, view, None, changes),
        Saved::ChangedElsewhere => Ok(Outcome::ChangedElsewhere(Box::new(reviewed(
            folders, view, changes,
        )?))),
    }
}

fn reviewed(
    folders: &Folders,
    view: SettingsView,
    changes: &[SettingChange],
) -> Result<SettingsReview, ConsoleError> {
    let review = upkeep_config::review(&folders.config_file(), changes)?;
    let settings = operation_settings(folders)?;
    let differences = review.differences()?;
    let lines = changed_lines(&review.text_before, &review.text_after);
    let problems = problems(&review, changes, &settings);
    let Review { base, after, .. } = review;
    let view = SettingsView {
        suggestions: suggestions(folders, &after),
        base: base.clone(),
        ..view
    };
    Ok(SettingsReview {
        view: filled(view, after, &settings),
        base,
        differences,
        lines,
        problems,
    })
}

/// What the configuration says against the changes, and what this host says against their folders.
fn problems(
    review: &Review,
    changes: &[SettingChange],
    settings: &Settings,
) -> Vec<SettingProblem> {
    let told = |index: usize, error: upkeep_contract::ErrorReply| SettingProblem {
        index: u32::try_from(index).unwrap_or(u32::MAX),
        error,
    };
    let of_file = review.problems.iter();
    let mut all: Vec<SettingProblem> = of_file
        .map(|(index, error): &(usize, ConfigError)| told(*index, error.into()))
        .collect();
    for (index, change) in changes.iter().enumerate() {
        if review.problems.iter().any(|(at, _)| *at == index) {
            continue;
        }
        if let Some(Err(error)) = folder_of(change).map(|folder| folder.check(settings)) {
            all.push(told(index, error.into()));
        }
    }
    all
}

/// The folder that a change turns on or leaves on.
fn folder_of(change: &SettingChange) -> Option<Folder> {
    match change {
        SettingChange::SaveLocation { location, .. } => Some(Folder::from(location)),
        SettingChange::SaveRunStore { run_store, .. } => Some(Folder::from(run_store)),
        SettingChange::RemoveLocation { .. }
        | SettingChange::RemoveRunStore { .. }
        | SettingChange::Threshold { .. }
        | SettingChange::Value { .. } => None,
    }
}

/// What was changed, in the words of the file: `worker.concurrency`, or the name of a location.
fn subject(differences: &[SettingDifference]) -> String {
    let mut subjects: Vec<&str> = Vec::new();
    for difference in differences {
        let entry = ["locations.", "run_stores."]
            .iter()
            .find_map(|list| difference.key.strip_prefix(list))
            .and_then(|rest| rest.split('.').next());
        let subject = entry.unwrap_or(&difference.key);
        if !subjects.contains(&subject) {
            subjects.push(subject);
        }
    }
    let more = subjects.len().saturating_sub(SUBJECTS_MAX);
    subjects.truncate(SUBJECTS_MAX);
    let named = subjects.join(", ");
    if more == 0 {
        named
    } else {
        format!("{named} and {more} more")
    }
}

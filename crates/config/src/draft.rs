//! Changes that are looked at first and saved then.
//!
//! Rules: a file that is wrong is not touched, what would become wrong is not written, and a draft is
//! written only onto the very text it was shown beside. One editor at a time, across processes, by a
//! lock file beside the configuration.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;

use upkeep_contract::settings_draft::{SettingChange, SettingDifference};

use crate::compare::differences;
use crate::edit::{apply_all, lock};
use crate::read::read_text;
use crate::write::replace;
use crate::{ConfigError, Configuration};

/// A draft beside the file as it is now. Changes with a problem are left out of all but the problems.
#[derive(Debug)]
pub struct Review {
    /// Which text of the file the draft was held against.
    pub base: String,
    /// The text of the file.
    pub text_before: String,
    /// The text as it would be.
    pub text_after: String,
    /// What the file says.
    pub before: Configuration,
    /// What it would say.
    pub after: Configuration,
    /// What is wrong with a change, by its place in the draft.
    pub problems: Vec<(usize, ConfigError)>,
}

impl Review {
    fn of(file: &Path, text: String, changes: &[SettingChange]) -> Result<Self, ConfigError> {
        let before = Configuration::parse(file, &text)?;
        let (text_after, problems) = apply_all(&text, changes)?;
        Ok(Self {
            base: base_of(&text),
            after: Configuration::parse(file, &text_after)?,
            text_before: text,
            text_after,
            before,
            problems,
        })
    }

    /// What would be different, key by key.
    ///
    /// # Errors
    /// [`ConfigError::Refused`] only by a defect.
    pub fn differences(&self) -> Result<Vec<SettingDifference>, ConfigError> {
        differences(&self.before, &self.after)
    }
}

/// What came of saving.
#[derive(Debug)]
pub enum Saved {
    /// It is in the file, or was there already.
    Written,
    /// The file is no longer the text that the draft was shown beside. Nothing was written.
    ChangedElsewhere,
}

/// Which text of the file this is: another text has another base.
pub fn base_of(text: &str) -> String {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    format!("{:016x}-{}", hasher.finish(), text.len())
}

/// The configuration, and which text of the file says so.
///
/// # Errors
/// As [`Configuration::read`].
pub fn read_with_base(file: &Path) -> Result<(Configuration, String), ConfigError> {
    let text = read_text(file)?;
    Ok((Configuration::parse(file, &text)?, base_of(&text)))
}

/// Holds a draft against the file as it is now; nothing is written.
///
/// # Errors
/// [`ConfigError::Invalid`] when the present file is wrong, [`ConfigError::Read`] or
/// [`ConfigError::Missing`] when it cannot be read.
pub fn review(file: &Path, changes: &[SettingChange]) -> Result<Review, ConfigError> {
    Review::of(file, read_text(file)?, changes)
}

/// Writes a draft, all of it or nothing. `base` is the text it was shown beside; without one it is
/// written onto whatever is there, key by key.
///
/// # Errors
/// The first problem of the draft; [`ConfigError::Invalid`] when the present file is wrong;
/// [`ConfigError::Write`] when it cannot be written. The file is as it was then.
pub fn save(
    file: &Path,
    base: Option<&str>,
    changes: &[SettingChange],
) -> Result<Saved, ConfigError> {
    let _lock = lock(file)?;
    let text = read_text(file)?;
    if base.is_some_and(|base| base != base_of(&text)) {
        return Ok(Saved::ChangedElsewhere);
    }
    let review = Review::of(file, text, changes)?;
    if let Some((_, error)) = review.problems.into_iter().next() {
        return Err(error);
    }
    if review.text_after != review.text_before {
        replace(file, &review.text_after).map_err(|source| ConfigError::Write {
            file: file.to_owned(),
            source,
        })?;
    }
    Ok(Saved::Written)
}

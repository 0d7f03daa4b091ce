//! Which files of a location a cleanup takes: patterns, protected names, limits.
//!
//! The one door to the glob library, so that the configuration, a task's parameters and the
//! scan read a pattern alike. Patterns are matched against bytes: a name need not be UTF-8.

use globset::{Candidate, GlobBuilder, GlobSet, GlobSetBuilder};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::params::LARGEST_MAX_AGE_HOURS_WHOLE;
use crate::settings::{LocationSettings, RunStoreSettings};

/// Entries in one list of patterns or names; each costs memory and time for every file.
pub const PATTERNS_MAX: usize = 256;
/// Bytes of one pattern: as long as the longest path that the system takes at once.
pub const PATTERN_LENGTH_MAX: usize = 4096;
/// Files of a location, or runs of a store, that may always stay; their times are held in memory.
pub const KEEP_NEWEST_MAX: u32 = 1_000_000;
/// The largest number that the UI can hold exactly.
pub const MIN_SIZE_BYTES_MAX: u64 = 1 << 53;

/// By which of its times a file is as old as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AgeBy {
    /// When its content was last written.
    #[default]
    Modified,
    /// When it was last read, as far as the file system writes that down.
    Accessed,
    /// When it, its name, owner or permissions were last changed.
    Changed,
    /// When it was made here; where the file system does not say, it stays.
    Created,
    /// The newest of modified, changed and, where known, created.
    Newest,
}

/// What is wrong with a rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RuleProblem {
    /// An entry without a character.
    #[error("has an empty entry")]
    Empty,
    /// A character that no path can have.
    #[error("has an entry with a zero character, which no path can have")]
    Zero,
    /// Too long to match any path.
    #[error("has an entry of {0} bytes, more than {PATTERN_LENGTH_MAX}")]
    TooLong(usize),
    /// Too many entries.
    #[error("has {0} entries, more than {PATTERNS_MAX}")]
    TooMany(usize),
    /// A pattern that is not relative to the location.
    #[error("has `{0}`, which begins with `/`")]
    Absolute(String),
    /// A pattern that ends as a folder does; only files are taken.
    #[error("has `{0}`, which ends with `/`")]
    Folder(String),
    /// A pattern with a step that no path below a location has.
    #[error("has `{0}`, which has an empty part, `.` or `..` between its slashes")]
    Step(String),
    /// A pattern that wants to turn another one round.
    #[error("has `{0}`, which begins with `!`")]
    Negated(String),
    /// A pattern that cannot be read.
    #[error("has `{pattern}`, which cannot be read as a pattern: {problem}")]
    Syntax {
        /// The pattern.
        pattern: String,
        /// What the glob library says.
        problem: String,
    },
    /// A protected name that is a path or a pattern.
    #[error("has `{0}`, which is not a plain name")]
    NotAName(String),
    /// A pattern of runs with a slash in it, which no name of a folder has.
    #[error("has `{0}`, which has a slash; runs are the folders directly in the store")]
    NotAFolderName(String),
    /// A marker that is a path or a pattern.
    #[error("has `{0}`, which is not a plain file name")]
    NotAMarker(String),
    /// A pattern that is to be taken and kept at once.
    #[error("has `{pattern}`, which stands under `{other}`, too")]
    Contradiction {
        /// The pattern.
        pattern: String,
        /// The key that has it, too.
        other: &'static str,
    },
    /// A number above its range.
    #[error("is {value}, outside 0 to {most}")]
    TooLarge {
        /// What was given.
        value: u64,
        /// The most allowed.
        most: u64,
    },
}

impl RuleProblem {
    /// What to do about it.
    pub fn cure(&self) -> String {
        match self {
            Self::Empty => "remove the entry, or write a pattern such as `*.tmp`".to_owned(),
            Self::Zero => "remove the character".to_owned(),
            Self::TooLong(_) => "write a shorter one with `*` in it".to_owned(),
            Self::TooMany(_) => {
                "join several, as in `*.{tmp,bak}`, or make it a location of its own".to_owned()
            }
            Self::Absolute(pattern) => format!(
                "patterns are relative to the location; write `{}`",
                pattern.trim_start_matches('/')
            ),
            Self::Folder(pattern) => {
                format!("write `{pattern}**` for everything in that folder")
            }
            Self::Step(_) => "write the path below the location as it is".to_owned(),
            Self::Negated(_) => {
                "write what is to stay under `exclude`; a name that begins with `!` is written `\\!`"
                    .to_owned()
            }
            Self::Syntax { .. } => {
                "write `*`, `?`, `[a-z]`, `{a,b}` and `**` between slashes; a `\\` before one of these means the character itself".to_owned()
            }
            Self::NotAName(_) => {
                "write one name such as `.git`; patterns and paths belong under `exclude`".to_owned()
            }
            Self::NotAFolderName(pattern) => {
                let name = pattern.rsplit('/').find(|part| !part.is_empty());
                format!("write a pattern of names, such as `{}`", name.unwrap_or("run-*"))
            }
            Self::NotAMarker(_) => {
                "write the name of a file that lies directly in a finished run, such as `DONE`"
                    .to_owned()
            }
            Self::Contradiction { .. } => "keep it under one of the two".to_owned(),
            Self::TooLarge { most, .. } => format!("give a number from 0 to {most}"),
        }
    }
}

/// A rule of a location that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleFault {
    /// The key, such as `include`.
    pub key: &'static str,
    /// Which entry of its list, when it is one of them.
    pub index: Option<usize>,
    /// What is wrong.
    pub problem: RuleProblem,
}

/// Patterns ready to be matched.
///
/// One without a slash is matched against the name at any depth, one with a slash against the
/// whole path below the location. `*` and `?` never match a slash, `**` stands for any folders.
#[derive(Clone, Debug, Default)]
pub struct Patterns {
    names: GlobSet,
    paths: GlobSet,
}

impl Patterns {
    /// Reads patterns.
    ///
    /// # Errors
    /// The index of the first that is wrong, and what is wrong with it.
    pub fn new(patterns: &[String]) -> Result<Self, (usize, RuleProblem)> {
        let (mut names, mut paths) = (GlobSetBuilder::new(), GlobSetBuilder::new());
        for (index, pattern) in patterns.iter().enumerate() {
            check_pattern(pattern).map_err(|problem| (index, problem))?;
            let glob = GlobBuilder::new(pattern)
                .literal_separator(true)
                .backslash_escape(true)
                .build()
                .map_err(|error| (index, syntax(pattern, &error)))?;
            if pattern.contains('/') {
                paths.add(glob);
            } else {
                names.add(glob);
            }
        }
        let last = patterns.len().saturating_sub(1);
        let together = |error| (last, syntax(&patterns.join(", "), &error));
        Ok(Self {
            names: names.build().map_err(together)?,
            paths: paths.build().map_err(together)?,
        })
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty() && self.paths.is_empty()
    }

    /// Whether one of them matches this path below the location.
    pub fn matches(&self, path: &[u8]) -> bool {
        let cut = path.iter().rposition(|byte| *byte == b'/');
        let (folder, name) = match cut {
            Some(cut) => (&path[..cut], &path[cut + 1..]),
            None => (&path[..0], path),
        };
        self.matches_entry(folder, name, &mut Vec::new())
    }

    /// The same for an entry of a folder; the buffer is used again and again.
    pub fn matches_entry(&self, folder: &[u8], name: &[u8], buffer: &mut Vec<u8>) -> bool {
        if !self.names.is_empty() && self.names.is_match_candidate(&Candidate::from_bytes(name)) {
            return true;
        }
        if self.paths.is_empty() {
            return false;
        }
        buffer.clear();
        if !folder.is_empty() {
            buffer.extend_from_slice(folder);
            buffer.push(b'/');
        }
        buffer.extend_from_slice(name);
        self.paths
            .is_match_candidate(&Candidate::from_bytes(buffer))
    }
}

fn syntax(pattern: &str, error: &globset::Error) -> RuleProblem {
    RuleProblem::Syntax {
        pattern: pattern.to_owned(),
        problem: error.kind().to_string(),
    }
}

fn check_entry(entry: &str) -> Result<(), RuleProblem> {
    if entry.is_empty() {
        return Err(RuleProblem::Empty);
    }
    if entry.contains('\0') {
        return Err(RuleProblem::Zero);
    }
    if entry.len() > PATTERN_LENGTH_MAX {
        return Err(RuleProblem::TooLong(entry.len()));
    }
    Ok(())
}

fn check_pattern(pattern: &str) -> Result<(), RuleProblem> {
    check_entry(pattern)?;
    let own = || pattern.to_owned();
    if pattern.starts_with('/') {
        return Err(RuleProblem::Absolute(own()));
    }
    if pattern.starts_with('!') {
        return Err(RuleProblem::Negated(own()));
    }
    if pattern.ends_with('/') {
        return Err(RuleProblem::Folder(own()));
    }
    if pattern
        .split('/')
        .any(|part| matches!(part, "" | "." | ".."))
    {
        return Err(RuleProblem::Step(own()));
    }
    Ok(())
}

fn is_plain(name: &str) -> bool {
    !matches!(name, "." | "..") && !name.contains(['/', '*', '?', '[', ']', '{', '}', '\\'])
}

fn check_name(name: &str) -> Result<(), RuleProblem> {
    check_entry(name)?;
    // a pattern here would protect nothing without a word
    if is_plain(name) {
        return Ok(());
    }
    Err(RuleProblem::NotAName(name.to_owned()))
}

fn check_marker(name: &str) -> Result<(), RuleProblem> {
    check_entry(name)?;
    // a pattern here would match no file, and every run would stay for ever
    if is_plain(name) {
        return Ok(());
    }
    Err(RuleProblem::NotAMarker(name.to_owned()))
}

/// Checks the rules of a run store; its name and path are somebody else's matter.
///
/// # Errors
/// [`RuleFault`] names the first that cannot be used.
pub fn check_run_store_rules(store: &RunStoreSettings) -> Result<(), RuleFault> {
    for (key, entries) in [
        ("include", &store.include),
        ("finished_when", &store.finished_when),
    ] {
        let fault = |index, problem| RuleFault {
            key,
            index,
            problem,
        };
        if entries.len() > PATTERNS_MAX {
            return Err(fault(None, RuleProblem::TooMany(entries.len())));
        }
        for (index, entry) in entries.iter().enumerate() {
            let checked = if key == "finished_when" {
                check_marker(entry)
            } else if entry.contains('/') {
                Err(RuleProblem::NotAFolderName(entry.clone()))
            } else {
                check_pattern(entry)
            };
            checked.map_err(|problem| fault(Some(index), problem))?;
        }
    }
    Patterns::new(&store.include).map_err(|(index, problem)| RuleFault {
        key: "include",
        index: Some(index),
        problem,
    })?;
    if store.keep_newest > KEEP_NEWEST_MAX {
        return Err(RuleFault {
            key: "keep_newest",
            index: None,
            problem: RuleProblem::TooLarge {
                value: u64::from(store.keep_newest),
                most: u64::from(KEEP_NEWEST_MAX),
            },
        });
    }
    Ok(())
}

/// Checks what may be left out by a task's own parameters.
///
/// # Errors
/// [`RuleProblem`] says what is wrong with the first bad entry.
pub fn check_patterns(patterns: &[String]) -> Result<(), RuleProblem> {
    if patterns.len() > PATTERNS_MAX {
        return Err(RuleProblem::TooMany(patterns.len()));
    }
    Patterns::new(patterns)
        .map(drop)
        .map_err(|(_, problem)| problem)
}

/// Checks the rules of a location; its name and path are somebody else's matter.
///
/// # Errors
/// [`RuleFault`] names the first that cannot be used.
pub fn check_rules(location: &LocationSettings) -> Result<(), RuleFault> {
    let lists = [
        ("include", &location.include),
        ("exclude", &location.exclude),
        ("protect", &location.protect),
    ];
    for (key, entries) in lists {
        let fault = |index, problem| RuleFault {
            key,
            index,
            problem,
        };
        if entries.len() > PATTERNS_MAX {
            return Err(fault(None, RuleProblem::TooMany(entries.len())));
        }
        if key == "protect" {
            for (index, name) in entries.iter().enumerate() {
                check_name(name).map_err(|problem| fault(Some(index), problem))?;
            }
        } else {
            Patterns::new(entries).map_err(|(index, problem)| fault(Some(index), problem))?;
        }
        if key == "include" {
            continue;
        }
        let both = |entry: &String| location.include.contains(entry);
        if let Some(index) = entries.iter().position(both) {
            let problem = RuleProblem::Contradiction {
                pattern: entries[index].clone(),
                other: "include",
            };
            return Err(fault(Some(index), problem));
        }
    }
    let numbers = [
        (
            "keep_newest",
            u64::from(location.keep_newest),
            u64::from(KEEP_NEWEST_MAX),
        ),
        (
            "min_age_hours",
            u64::from(location.min_age_hours),
            u64::from(LARGEST_MAX_AGE_HOURS_WHOLE),
        ),
        (
            "min_size_bytes",
            location.min_size_bytes,
            MIN_SIZE_BYTES_MAX,
        ),
    ];
    for (key, value, most) in numbers {
        if value > most {
            return Err(RuleFault {
                key,
                index: None,
                problem: RuleProblem::TooLarge { value, most },
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;

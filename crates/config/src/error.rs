//! What can be wrong with a configuration, where, and the cure.

use std::path::PathBuf;

use upkeep_contract::choice::RuleProblem;
use upkeep_contract::{ErrorCode, ErrorReply};

/// What is wrong with one place of the file, or with a value somebody wants to save.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It is not TOML.
    #[error("is not valid TOML: {0}")]
    Syntax(String),
    /// It is not even text.
    #[error("is not UTF-8 text")]
    NotUtf8,
    /// No such key here.
    #[error("is not a key that Upkeep knows here")]
    UnknownKey {
        /// The known key that looks most like it.
        nearest: Option<String>,
        /// Every key known here.
        known: Vec<String>,
    },
    /// A key that must be there is not.
    #[error("is missing")]
    MissingKey,
    /// A value of the wrong type, or one that is none of the allowed words.
    #[error("has a value that cannot be used: {problem}")]
    WrongValue {
        /// What was found and what was expected.
        problem: String,
        /// What to write instead.
        cure: String,
    },
    /// A name used twice.
    #[error("names `{0}` a second time")]
    DuplicateName(String),
    /// A name of the wrong form.
    #[error("is `{0}`, which cannot be a name")]
    BadName(String),
    /// A name that means something else already.
    #[error("is `{0}`, which is reserved for the task history")]
    ReservedName(String),
    /// A path that is empty.
    #[error("is empty")]
    EmptyPath,
    /// A path that depends on the current folder.
    #[error("is `{0}`, which is not an absolute path")]
    RelativePath(String),
    /// A path with `..` in it.
    #[error("is `{0}`, which contains `..`")]
    ClimbingPath(String),
    /// A path with a character that no path can have.
    #[error("contains a zero character, which no path can have")]
    ZeroInPath,
    /// Thresholds the wrong way round.
    #[error("has its warning at {warning}, above its critical threshold {critical} ({unit})")]
    WarningAboveCritical {
        /// The warning threshold in force.
        warning: String,
        /// The critical threshold in force.
        critical: String,
        /// The unit of both.
        unit: &'static str,
    },
    /// A number outside its range.
    #[error("is {value}, outside {least} to {most}{}", .unit.map(|unit| format!(" ({unit})")).unwrap_or_default())]
    OutOfRange {
        /// What was found.
        value: String,
        /// The least allowed.
        least: String,
        /// The most allowed.
        most: String,
        /// The unit of all three; none where the key says it.
        unit: Option<&'static str>,
    },
    /// A rule of what a cleanup takes that cannot be used.
    #[error("{0}")]
    Rule(RuleProblem),
    /// There is no such setting.
    #[error("is no setting of the health check")]
    NoSuchSetting,
    /// The name that is to be changed or removed does not exist.
    #[error("`{0}` is not in the configuration")]
    NoSuchName(String),
}

impl Fault {
    /// What to do about it.
    pub fn cure(&self) -> String {
        match self {
            Self::Syntax(_) => {
                "correct the line; text stands in double quotes, and each table begins with its name in brackets".to_owned()
            }
            Self::NotUtf8 => "save the file as UTF-8".to_owned(),
            Self::UnknownKey { nearest: Some(nearest), .. } => format!("write `{nearest}`, or remove the key"),
            Self::UnknownKey { nearest: None, known } => {
                format!("remove the key; known here: {}", known.join(", "))
            }
            Self::MissingKey => "add the key".to_owned(),
            Self::WrongValue { cure, .. } => cure.clone(),
            Self::DuplicateName(_) => "give each entry a name of its own".to_owned(),
            Self::BadName(_) => {
                "use lower-case letters, digits, `-` and `_`, at most 64 characters".to_owned()
            }
            Self::ReservedName(_) => "choose another name".to_owned(),
            Self::EmptyPath => "write the whole path of a folder, such as /srv/scratch".to_owned(),
            Self::RelativePath(path) if path.starts_with('~') => {
                "write the whole path; `~` is not expanded".to_owned()
            }
            Self::RelativePath(_) => "write the whole path, beginning with `/`".to_owned(),
            Self::ClimbingPath(_) => "write the path of the folder itself, without `..`".to_owned(),
            Self::ZeroInPath => "remove the character".to_owned(),
            Self::WarningAboveCritical { .. } => {
                "lower the warning, or raise the critical threshold".to_owned()
            }
            Self::OutOfRange { least, most, .. } => format!("give a number from {least} to {most}"),
            Self::NoSuchSetting => "use a key of [health] that docs/health.md names".to_owned(),
            Self::Rule(problem) => problem.cure(),
            Self::NoSuchName(_) => {
                "read the settings again; somebody may have removed or renamed it".to_owned()
            }
        }
    }
}

/// A fault with its place in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalid {
    /// The file.
    pub file: PathBuf,
    /// Its line, counted from 1.
    pub line: usize,
    /// Its column, counted from 1 in characters.
    pub column: usize,
    /// The key, such as `locations.path`; empty when no key can be told.
    pub key: String,
    /// What is wrong.
    pub fault: Fault,
}

impl std::fmt::Display for Invalid {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            formatter,
            "{}, line {}, column {}: ",
            self.file.display(),
            self.line,
            self.column
        )?;
        if self.key.is_empty() {
            write!(formatter, "the file {}", self.fault)
        } else {
            write!(formatter, "`{}` {}", self.key, self.fault)
        }
    }
}

/// Why the configuration or the folders cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file is wrong. Nothing of it is used.
    #[error("{0}")]
    Invalid(Box<Invalid>),
    /// There is no file.
    #[error("there is no configuration file {}", .file.display())]
    Missing {
        /// Where it should be.
        file: PathBuf,
    },
    /// A value that somebody wants to save is wrong. The file is as it was.
    #[error("`{key}` {fault}")]
    Refused {
        /// The key, such as `path`.
        key: String,
        /// What is wrong.
        fault: Fault,
    },
    /// A folder or file could not be read.
    #[error("cannot read {}: {source}", .file.display())]
    Read {
        /// Which.
        file: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A folder or file could not be written. The file is as it was.
    #[error("cannot write {}: {source}", .file.display())]
    Write {
        /// Which.
        file: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The environment does not say where the folders are.
    #[error("{problem}")]
    Environment {
        /// What is wrong.
        problem: String,
        /// What to do.
        cure: String,
    },
}

impl ConfigError {
    /// What to do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::Invalid(invalid) => invalid.fault.cure(),
            Self::Refused { fault, .. } => fault.cure(),
            Self::Missing { .. } => {
                "start Upkeep once, which writes a first configuration, or put the file back"
                    .to_owned()
            }
            Self::Read { .. } => "check that the file exists and that you may read it".to_owned(),
            Self::Write { .. } => {
                "check that you may write there and that the disk is not full; nothing was changed"
                    .to_owned()
            }
            Self::Environment { cure, .. } => cure.clone(),
        }
    }

    fn code(&self) -> ErrorCode {
        match self {
            Self::Invalid(_) | Self::Missing { .. } | Self::Environment { .. } => {
                ErrorCode::InvalidConfiguration
            }
            Self::Refused {
                fault: Fault::NoSuchName(_) | Fault::NoSuchSetting,
                ..
            } => ErrorCode::NotFound,
            Self::Refused { .. } => ErrorCode::InvalidParameters,
            Self::Write { source, .. } if source.kind() == std::io::ErrorKind::StorageFull => {
                ErrorCode::DiskFull
            }
            Self::Read { .. } | Self::Write { .. } => ErrorCode::Io,
        }
    }
}

impl From<&ConfigError> for ErrorReply {
    fn from(error: &ConfigError) -> Self {
        Self::new(error.code(), error.to_string(), error.hint())
    }
}

//! How an operation fails.

use upkeep_contract::params::InvalidParameter;

/// Why an operation did not return a report.
#[derive(Debug, thiserror::Error)]
pub enum OperationError {
    /// The parameters are wrong; trying again cannot help.
    #[error(transparent)]
    InvalidParameter(#[from] InvalidParameter),
    /// It failed in a way that trying again cannot help: a refused location, a missing folder.
    #[error("{message}")]
    Permanent {
        /// What failed.
        message: String,
        /// What to do about it.
        hint: String,
    },
    /// It failed in a way that may pass: a database that is away, a disk that is full.
    #[error("{message}")]
    Transient {
        /// What failed.
        message: String,
        /// What to do if it does not pass.
        hint: String,
    },
    /// The cancellation token was seen; the report carries honest counts of what was done until then.
    #[error("cancelled")]
    Cancelled {
        /// The report so far, if the operation has one.
        report: Option<serde_json::Value>,
    },
}

impl OperationError {
    /// A permanent error with its cure.
    pub fn permanent(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Permanent {
            message: message.into(),
            hint: hint.into(),
        }
    }

    /// A transient error with its cure.
    pub fn transient(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Transient {
            message: message.into(),
            hint: hint.into(),
        }
    }

    /// A parameter names something that the configuration does not.
    pub(crate) fn unknown_name(key: &str, name: &str, known: &[&str]) -> Self {
        let known = if known.is_empty() {
            "none is configured".to_owned()
        } else {
            format!("configured are: {}", known.join(", "))
        };
        Self::InvalidParameter(InvalidParameter {
            key: key.to_owned(),
            problem: format!("names `{name}`, which the configuration does not; {known}"),
        })
    }

    /// What to do about it.
    pub fn hint(&self) -> &str {
        match self {
            Self::InvalidParameter(_) => "correct the parameter and ask again",
            Self::Permanent { hint, .. } | Self::Transient { hint, .. } => hint,
            Self::Cancelled { .. } => "",
        }
    }
}

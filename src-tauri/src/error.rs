//! What every command may answer instead.

use upkeep_contract::{ErrorCode, ErrorReply};

/// The answer of a command.
pub(crate) type Reply<T> = Result<T, ErrorReply>;

/// A file or folder that a dialog gave and that cannot be used.
pub(crate) fn unusable_choice(problem: &str) -> ErrorReply {
    ErrorReply::new(
        ErrorCode::Io,
        format!("what was chosen cannot be used: {problem}"),
        "choose a folder on this machine whose name is plain text",
    )
}

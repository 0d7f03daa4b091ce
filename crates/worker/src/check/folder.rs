//! What a folder or file allows this user to do, found out without doing it.

use std::io::ErrorKind;
use std::path::Path;

use rustix::fs::{Access, access};
use rustix::io::Errno;
use serde::Serialize;

/// What is to be said of one thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "lowercase")]
pub(super) enum Verdict {
    /// It is as it should be.
    Ok { message: String },
    /// The worker cannot do its work with it.
    Problem { message: String, hint: String },
}

impl Verdict {
    pub(super) fn ok(message: impl Into<String>) -> Self {
        Self::Ok {
            message: message.into(),
        }
    }

    pub(super) fn problem(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Problem {
            message: message.into(),
            hint: hint.into(),
        }
    }

    pub(super) fn is_problem(&self) -> bool {
        matches!(self, Self::Problem { .. })
    }
}

/// A folder that the first start makes when it is missing.
pub(super) fn look_at_folder(path: &Path) -> Verdict {
    match path.metadata() {
        Ok(found) if found.is_dir() => look_at_writable(path),
        Ok(_) => Verdict::problem(
            format!("{} is not a folder", path.display()),
            "move it away, or choose another UPKEEP_HOME",
        ),
        Err(error) if error.kind() == ErrorKind::NotFound => look_at_missing(path),
        Err(error) => Verdict::problem(
            format!("{} cannot be looked at: {error}", path.display()),
            "check as the user who runs the worker, and that this user may enter the folders above",
        ),
    }
}

fn look_at_missing(path: &Path) -> Verdict {
    if path.symlink_metadata().is_ok() {
        return Verdict::problem(
            format!("{} is a link that leads nowhere", path.display()),
            "make the folder that it leads to, or remove the link",
        );
    }
    let above = path.ancestors().skip(1).find(|above| above.exists());
    match above.map(look_at_folder) {
        Some(Verdict::Problem { message, hint }) => Verdict::problem(
            format!(
                "{} is missing and cannot be made: {message}",
                path.display()
            ),
            hint,
        ),
        _ => Verdict::ok(format!(
            "{} will be made at the first start",
            path.display()
        )),
    }
}

/// A folder whose entries are to be listed, made and removed.
pub(super) fn look_at_writable(path: &Path) -> Verdict {
    allowed(path, Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK)
}

/// A file that is to be read and written.
pub(super) fn look_at_file(path: &Path) -> Verdict {
    allowed(path, Access::READ_OK | Access::WRITE_OK)
}

fn allowed(path: &Path, how: Access) -> Verdict {
    let shown = path.display();
    match access(path, how) {
        Ok(()) => Verdict::ok(format!("{shown} can be written")),
        Err(Errno::ROFS) => Verdict::problem(
            format!("{shown} lies on a file system that is read-only here"),
            "mount it writable; under systemd, see ProtectSystem=, ProtectHome= and ReadOnlyPaths= of the unit",
        ),
        Err(error) => Verdict::problem(
            format!("{shown} cannot be written: {error}"),
            "check as the user who runs the worker, and give this user the permission",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_folder_is_judged_by_the_one_that_will_hold_it() {
        let folder = tempfile::tempdir().unwrap();
        let is_problem = |path: &Path| look_at_folder(path).is_problem();
        assert!(!is_problem(folder.path()));
        assert!(!is_problem(&folder.path().join("a/b/c")));
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        assert!(is_problem(&file));
        assert!(is_problem(&file.join("below")));
        let link = folder.path().join("link");
        std::os::unix::fs::symlink("/nowhere/at/all", &link).unwrap();
        assert!(is_problem(&link));
        assert_eq!(folder.path().read_dir().unwrap().count(), 2);
    }
}

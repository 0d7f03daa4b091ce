//! Writing the file: whole or not at all.

use std::fs::{File, Permissions};
use std::io::{self, Write};
use std::path::Path;

use tempfile::NamedTempFile;

use crate::{ConfigError, Configuration, Folders, OWN_TEMPORARY_NAME};

/// What [`ensure_exists`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FirstStart {
    /// There was no file; one was written.
    Written,
    /// There was something already; it was not touched.
    Existed,
}

/// Writes a first configuration when, and only when, there is none. Its one location is Upkeep's own temporary folder.
///
/// # Errors
/// [`ConfigError::Write`] when it cannot be written; [`ConfigError::Environment`] when the folder's name is not UTF-8.
pub fn ensure_exists(folders: &Folders) -> Result<FirstStart, ConfigError> {
    let file = folders.config_file();
    // a dangling link counts as existing: somebody put it there
    if file.symlink_metadata().is_ok() {
        return Ok(FirstStart::Existed);
    }
    let path = folders
        .own_temporary()
        .to_str()
        .ok_or_else(|| ConfigError::Environment {
            problem: format!(
                "the folder {} has a name that is not UTF-8",
                folders.own_temporary().display()
            ),
            cure: "set UPKEEP_HOME to a folder whose name is UTF-8".to_owned(),
        })?;
    let text = first_text(path);
    Configuration::parse(&file, &text)?;
    folders.create()?;
    let failed = |source| ConfigError::Write {
        file: file.clone(),
        source,
    };
    let written = beside(&file, &text).map_err(failed)?;
    match written.persist_noclobber(&file) {
        Ok(_) => sync_folder(&file)
            .map_err(failed)
            .map(|()| FirstStart::Written),
        // another process was quicker; its file counts
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Ok(FirstStart::Existed),
        Err(error) => Err(failed(error.error)),
    }
}

fn first_text(own_temporary: &str) -> String {
    let path = toml_edit::Value::from(own_temporary).to_string();
    format!(
        r#"# Upkeep's configuration. Nothing is cleaned but what stands here, and only when somebody asks.
# Settings in the app edits this file and keeps your comments.

# A location is a folder that "clean temporary files" may clean:
#   [[locations]]
#   name = "scratch"
#   path = "/srv/scratch"
#   remove_empty_directories = true   # folders that became empty and are old enough go, too
#   only_own_files = true             # files of other users stay
#   trash = true                      # files go to the trash
#   include = ["*.tmp", "build/**"]   # only these; docs/configuration.md has all rules
#   exclude = ["*.keep"]              # never these
#   protect = [".git"]                # never what has this name, nor what lies below it
#
# A run store is a folder whose direct children are runs that "clean up old runs" may remove:
#   [[run_stores]]
#   name = "experiments"
#   path = "/srv/experiments/runs"
#   keep_newest = 5
#   include = ["run-*"]               # only folders with such a name are runs
#   finished_when = ["DONE"]          # a run without such a file in it has not ended, and stays
#
# Cleaning, the worker and the thresholds of the health check, with their defaults:
#   [cleaning]
#   plan_max_age_hours = 24   # an older preview is no longer executed
#   [worker]
#   embedded = true         # the app runs a worker inside itself
#   concurrency = 2
#   strategy = "priority"   # or "fifo", "lifo", "weighted-random"
#   lease_seconds = 10
#   [health]
#   disk = {{ warning = 90, critical = 95 }}   # docs/health.md names every check

# Upkeep's own temporary folder.
[[locations]]
name = "{OWN_TEMPORARY_NAME}"
path = {path}
"#
    )
}

/// Puts `text` in the place of the file; whoever reads meanwhile sees the old or the new one, whole.
pub(crate) fn replace(file: &Path, text: &str) -> io::Result<()> {
    // the target of a link is replaced, not the link: dotfiles are often kept so
    let target = file.canonicalize()?;
    let present = target.metadata()?;
    let written = beside(&target, text)?;
    written
        .as_file()
        .set_permissions(Permissions::clone(&present.permissions()))?;
    keep_owner(written.as_file(), &present)?;
    written.persist(&target).map_err(|error| error.error)?;
    sync_folder(&target)
}

/// An editor run as root must not take the file away from its owner.
#[cfg(unix)]
fn keep_owner(written: &File, present: &std::fs::Metadata) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt, fchown};
    let new = written.metadata()?;
    if (new.uid(), new.gid()) == (present.uid(), present.gid()) {
        return Ok(());
    }
    fchown(written, Some(present.uid()), Some(present.gid()))
}

#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "on Unix it may fail")]
fn keep_owner(_: &File, _: &std::fs::Metadata) -> io::Result<()> {
    Ok(())
}

fn beside(file: &Path, text: &str) -> io::Result<NamedTempFile> {
    let mut written = tempfile::Builder::new()
        .prefix(".config-")
        .suffix(".toml")
        .tempfile_in(folder_of(file))?;
    written.write_all(text.as_bytes())?;
    written.as_file().sync_all()?;
    Ok(written)
}

/// Makes the new name last through a power cut.
fn sync_folder(file: &Path) -> io::Result<()> {
    if cfg!(unix) {
        File::open(folder_of(file))?.sync_all()
    } else {
        Ok(())
    }
}

pub(crate) fn folder_of(file: &Path) -> &Path {
    file.parent().unwrap_or(Path::new("/"))
}

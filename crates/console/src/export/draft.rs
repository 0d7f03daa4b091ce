//! A file that is being written: beside its place, under a name of its own, until it is whole.

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::{Form, Out};
use crate::ConsoleError;

/// So many names are tried beside the one that is taken.
const NAMES_TRIED: u32 = 1000;

/// Dropping it removes what was written.
pub(super) struct Draft {
    target: PathBuf,
    out: BufWriter<NamedTempFile>,
    form: Box<dyn Form>,
}

impl Draft {
    /// Begins a file for this place, which must be an absolute path in a folder that is there.
    pub(super) async fn create(target: PathBuf, form: Box<dyn Form>) -> Result<Self, ConsoleError> {
        blocking(target.clone(), move || {
            let folder = match target.parent() {
                Some(folder) if target.is_absolute() && target.file_name().is_some() => folder,
                _ => return Err(io::Error::other("the path is not absolute")),
            };
            let mut builder = tempfile::Builder::new();
            builder.prefix(".upkeep-").suffix(".part");
            // a report is for others, too: with the rights that any new file of this user has
            #[cfg(unix)]
            builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
            Ok(Self {
                out: BufWriter::with_capacity(1 << 18, builder.tempfile_in(folder)?),
                target,
                form,
            })
        })
        .await
    }

    /// Lets the form write something, away from whatever else waits in this program.
    pub(super) async fn write(
        mut self,
        what: impl FnOnce(&mut dyn Form, &mut Out) -> io::Result<()> + Send + 'static,
    ) -> Result<Self, ConsoleError> {
        blocking(self.target.clone(), move || {
            what(self.form.as_mut(), &mut self.out)?;
            Ok(self)
        })
        .await
    }

    /// Puts the whole file where it shall lie, or beside that when something lies there: its path,
    /// whether that is another than was asked for, and its size.
    pub(super) async fn put_in_place(self) -> Result<(PathBuf, bool, u64), ConsoleError> {
        blocking(self.target.clone(), move || {
            let mut draft = self
                .out
                .into_inner()
                .map_err(io::IntoInnerError::into_error)?;
            draft.flush()?;
            draft.as_file().sync_all()?;
            let bytes = draft.as_file().metadata()?.len();
            for number in 1..=NAMES_TRIED {
                let path = numbered(&self.target, number);
                // one step that fails when there is something of that name
                match draft.persist_noclobber(&path) {
                    Ok(_) => {
                        settle(&path);
                        return Ok((path, number > 1, bytes));
                    }
                    Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => {
                        draft = error.file;
                    }
                    Err(error) => return Err(error.error),
                }
            }
            Err(io::ErrorKind::AlreadyExists.into())
        })
        .await
    }
}

/// The name, too, must survive a power cut; not every file system can promise that.
fn settle(path: &Path) {
    #[cfg(unix)]
    if let Some(folder) = path.parent()
        && let Err(error) = std::fs::File::open(folder).and_then(|folder| folder.sync_all())
    {
        tracing::debug!(%error, folder = %folder.display(), "the folder cannot be synchronised");
    }
    #[cfg(not(unix))]
    let _ = path;
}

/// `report.csv`, `report-2.csv`, `report-3.csv`, …
pub(super) fn numbered(path: &Path, number: u32) -> PathBuf {
    if number <= 1 {
        return path.to_owned();
    }
    let mut name = path.file_stem().unwrap_or_default().to_owned();
    name.push(format!("-{number}"));
    if let Some(extension) = path.extension() {
        name.push(".");
        name.push(extension);
    }
    path.with_file_name(name)
}

async fn blocking<R: Send + 'static>(
    file: PathBuf,
    work: impl FnOnce() -> io::Result<R> + Send + 'static,
) -> Result<R, ConsoleError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| ConsoleError::Defect(format!("writing the report broke down: {error}")))?
        .map_err(|source| ConsoleError::Write { file, source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_name_gets_a_number_before_its_ending() {
        let check = |name: &str, number, expect: &str| {
            assert_eq!(numbered(Path::new(name), number), Path::new(expect));
        };
        check("/a/report.csv", 1, "/a/report.csv");
        check("/a/report.csv", 2, "/a/report-2.csv");
        check("/a/report", 3, "/a/report-3");
        check("/a/.hidden", 2, "/a/.hidden-2");
    }
}

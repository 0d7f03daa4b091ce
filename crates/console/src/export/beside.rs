//! A file that is being written: beside its place, under a name of its own, until it is whole.

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

/// So many names are tried beside the one that is taken.
const NAMES_TRIED: u32 = 1000;

/// What is written grows here. Dropping it removes what was written; nothing is ever overwritten.
///
/// Every step may wait for a disk.
#[derive(Debug)]
pub struct Beside {
    target: PathBuf,
    out: BufWriter<NamedTempFile>,
}

impl Beside {
    /// Begins a file for this place, which must be an absolute path in a folder that is there.
    ///
    /// # Errors
    /// When there is no such folder, or nothing can be written to it.
    pub fn create(target: PathBuf) -> io::Result<Self> {
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
        })
    }

    /// Puts the whole file where it shall lie, or beside that when something lies there: its path,
    /// whether that is another than was asked for, and its size.
    ///
    /// # Errors
    /// When the file cannot be written to its end; nothing is left behind.
    pub fn put_in_place(self) -> io::Result<(PathBuf, bool, u64)> {
        let mut file = self
            .out
            .into_inner()
            .map_err(io::IntoInnerError::into_error)?;
        file.flush()?;
        file.as_file().sync_all()?;
        let bytes = file.as_file().metadata()?.len();
        for number in 1..=NAMES_TRIED {
            let path = numbered(&self.target, number);
            // one step that fails when there is something of that name
            match file.persist_noclobber(&path) {
                Ok(_) => {
                    settle(&path);
                    return Ok((path, number > 1, bytes));
                }
                Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => {
                    file = error.file;
                }
                Err(error) => return Err(error.error),
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }
}

impl Write for Beside {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.out.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
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
fn numbered(path: &Path, number: u32) -> PathBuf {
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

//! A report that is being written, in one of the forms.

use std::io;
use std::path::PathBuf;

use super::{Beside, Form, Out};
use crate::ConsoleError;

/// Dropping it removes what was written.
pub(super) struct Draft {
    target: PathBuf,
    out: Beside,
    form: Box<dyn Form>,
}

impl Draft {
    /// Begins a file for this place, which must be an absolute path in a folder that is there.
    pub(super) async fn create(target: PathBuf, form: Box<dyn Form>) -> Result<Self, ConsoleError> {
        blocking(target.clone(), move || {
            Ok(Self {
                out: Beside::create(target.clone())?,
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
        blocking(self.target.clone(), move || self.out.put_in_place()).await
    }
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

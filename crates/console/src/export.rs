//! Reports as files: statistics, the history of health checks, lists of tasks; as CSV, JSON, HTML or
//! OpenMetrics text.
//!
//! Rules: a report is written beside its place and put there whole or not at all; nothing is ever
//! overwritten; rows go from the database to the file page by page, so that memory does not grow with
//! their number. Each says its range, zone and method. `docs/reports.md` describes the forms.

mod about;
mod beside;
mod cell;
mod chart;
mod csv;
mod draft;
mod figures;
mod health;
mod html;
mod json;
mod markup;
mod openmetrics;
mod summary;
mod tasks;

use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;
use upkeep_contract::export::{ExportFormat, ExportRequest, ExportSubject};

use crate::{Console, ConsoleError};
use about::About;
use cell::{Cell, Column};
use draft::Draft;
use summary::Summary;

pub use about::file_name;
pub use beside::Beside;
pub use cell::{defused, read_back};

/// A report that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exported {
    /// Where it lies.
    pub path: PathBuf,
    /// True when the name that was asked for was taken.
    pub renamed: bool,
    /// Rows of its table.
    pub rows: u64,
    /// Its size.
    pub bytes: u64,
}

/// What turns rows into one of the forms.
trait Form: Send {
    fn begin(
        &mut self,
        out: &mut Out,
        about: &About,
        columns: &'static [Column],
    ) -> std::io::Result<()>;
    fn row(&mut self, out: &mut Out, row: &[Cell]) -> std::io::Result<()>;
    fn end(&mut self, out: &mut Out, about: &About, summary: &Summary) -> std::io::Result<()>;
}

/// Where the bytes go.
type Out = dyn std::io::Write + Send;

fn form(format: ExportFormat) -> Box<dyn Form> {
    match format {
        ExportFormat::Csv => Box::new(csv::Csv::default()),
        ExportFormat::Json => Box::new(json::Json::default()),
        ExportFormat::Html => Box::new(html::Html::default()),
        ExportFormat::Openmetrics => Box::new(openmetrics::OpenMetrics),
    }
}

impl Console {
    /// The name to propose for a report that is asked for now, such as
    /// `upkeep-statistics-day-20261123T105635Z.csv`.
    pub fn export_name(&self, request: &ExportRequest) -> String {
        about::file_name(request, self.queue.now())
    }

    /// Writes a report. `told` hears how many rows are written, and of how many when that is known.
    /// Dropping the future gives it up and leaves nothing behind.
    ///
    /// A page of rows is one look at the database: a task that changes meanwhile stands as it was when its
    /// page was read, one that is asked for after the beginning is left out.
    ///
    /// # Errors
    /// [`ConsoleError::Write`] when the file cannot be written; [`ConsoleError::Queue`] when the database
    /// cannot be reached. Nothing is left behind.
    pub async fn export(
        &self,
        request: &ExportRequest,
        target: &Path,
        told: impl FnMut(u64, Option<u64>) + Send,
    ) -> Result<Exported, ConsoleError> {
        let writer = Writer {
            draft: Draft::create(target.to_owned(), form(request.format)).await?,
            told,
            rows: 0,
        };
        let zone = TimeZone::system();
        match &request.subject {
            ExportSubject::Statistics { query } => {
                let view = self.statistics(query).await?;
                let about = About::of_statistics(&view, self, zone);
                figures::write(&view, about, writer).await
            }
            ExportSubject::Health { range, host } => {
                let range = self.resolve(*range).await?;
                let host = host.as_deref().filter(|host| !host.is_empty());
                let about = About::of_health(range, host, self, zone);
                health::write(self, range, host, about, writer).await
            }
            ExportSubject::Tasks { filter } => {
                let about = About::of_tasks(filter, self, zone);
                tasks::write(self, filter, about, writer).await
            }
        }
    }
}

/// A draft, and whoever wants to know how it grows.
struct Writer<T> {
    draft: Draft,
    told: T,
    rows: u64,
}

impl<T: FnMut(u64, Option<u64>) + Send> Writer<T> {
    async fn begin(
        mut self,
        about: &About,
        columns: &'static [Column],
        total: Option<u64>,
    ) -> Result<Self, ConsoleError> {
        let about = about.clone();
        self.draft = self
            .draft
            .write(move |form, out| form.begin(out, &about, columns))
            .await?;
        (self.told)(0, total);
        Ok(self)
    }

    async fn page(
        mut self,
        rows: Vec<Vec<Cell>>,
        total: Option<u64>,
    ) -> Result<Self, ConsoleError> {
        self.rows += rows.len() as u64;
        self.draft = self
            .draft
            .write(move |form, out| rows.iter().try_for_each(|row| form.row(out, row)))
            .await?;
        (self.told)(self.rows, total);
        Ok(self)
    }

    async fn end(self, about: About, summary: Summary) -> Result<Exported, ConsoleError> {
        let rows = self.rows;
        let draft = self
            .draft
            .write(move |form, out| form.end(out, &about, &summary))
            .await?;
        let (path, renamed, bytes) = draft.put_in_place().await?;
        Ok(Exported {
            path,
            renamed,
            rows,
            bytes,
        })
    }
}

//! Reports as files. A report is written whole into the installation's temporary folder first: so an error is
//! still an error of the answer, memory does not grow with the rows, and nothing stays behind.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use bytes::{Bytes, BytesMut};
use futures::stream::unfold;
use tempfile::TempDir;
use tokio::io::AsyncReadExt;
use tokio::sync::OwnedSemaphorePermit;
use upkeep_contract::export::{ExportFormat, ExportRequest, ExportSubject};

use crate::answer::{FILE_TYPES, File};
use crate::call::Call;
use crate::problem::{Problem, Reply};
use crate::query::{FiguresExportQuery, HealthExportQuery, TaskExportQuery};
use crate::table::Table;

/// So much of a file is read at once.
const PIECE: usize = 1 << 16;
/// The header that says how many rows a report has.
const ROWS: &str = "upkeep-rows";

pub(super) fn routes(table: &mut Table) {
    table
        .get(
            "/api/export/statistics",
            "Figures of the queue over a range, as a file",
            statistics,
        )
        .get(
            "/api/export/health",
            "What health checks found over a range, as a file",
            health,
        )
        .get("/api/export/tasks", "A list of tasks, as a file", tasks);
}

async fn statistics(mut call: Call<FiguresExportQuery>) -> Reply<File> {
    let format = call.query.format.take();
    let console = call.console().await?;
    let query = call.query.query()?;
    write(
        &call.app,
        &console,
        ExportSubject::Statistics { query },
        format,
    )
    .await
}

async fn health(mut call: Call<HealthExportQuery>) -> Reply<File> {
    let range = call.query.range()?;
    let host = call.query.host.take();
    let console = call.console().await?;
    let subject = ExportSubject::Health { range, host };
    write(&call.app, &console, subject, call.query.format).await
}

async fn tasks(call: Call<TaskExportQuery>) -> Reply<File> {
    let filter = call.query.filter();
    let console = call.console().await?;
    let subject = ExportSubject::Tasks { filter };
    write(&call.app, &console, subject, call.query.format).await
}

async fn write(
    app: &crate::app::App,
    console: &upkeep_console::Console,
    subject: ExportSubject,
    format: Option<ExportFormat>,
) -> Reply<File> {
    let place = Arc::clone(&app.exports)
        .try_acquire_owned()
        .map_err(|_| Problem::too_many("other reports are being written", 5))?;
    let request = ExportRequest {
        subject,
        format: format.unwrap_or(ExportFormat::Csv),
    };
    let name = console.export_name(&request);
    let own = app.folders.own_temporary().to_owned();
    let failed = |error: std::io::Error| {
        Problem::from(upkeep_console::ConsoleError::Write {
            file: app.folders.own_temporary().to_owned(),
            source: error,
        })
    };
    let folder = tempfile::Builder::new()
        .prefix("upkeep-export-")
        .tempdir_in(own)
        .map_err(failed)?;
    // a name of our own: that of the answer may come from what is asked for
    let target = folder.path().join("report");
    let written = console.export(&request, &target, |_, _| {}).await?;
    let file = tokio::fs::File::open(&written.path).await.map_err(failed)?;
    let body = Reading {
        file,
        _folder: folder,
        _place: place,
    };
    let mut answer = attachment(
        &name,
        media_type(request.format),
        body.into_body(),
        Some(written.bytes),
    );
    answer
        .0
        .headers_mut()
        .insert(ROWS, HeaderValue::from(written.rows));
    Ok(answer)
}

fn media_type(format: ExportFormat) -> &'static str {
    let [csv, json, html, openmetrics] = FILE_TYPES;
    match format {
        ExportFormat::Csv => csv,
        ExportFormat::Json => json,
        ExportFormat::Html => html,
        ExportFormat::Openmetrics => openmetrics,
    }
}

/// A file that is being sent; dropping it removes it.
struct Reading {
    file: tokio::fs::File,
    _folder: TempDir,
    _place: OwnedSemaphorePermit,
}

impl Reading {
    fn into_body(self) -> Body {
        Body::from_stream(unfold(Some(self), |reading| async move {
            let mut reading = reading?;
            let mut piece = BytesMut::with_capacity(PIECE);
            match reading.file.read_buf(&mut piece).await {
                Ok(0) => None,
                Ok(_) => Some((Ok::<Bytes, std::io::Error>(piece.freeze()), Some(reading))),
                // the connection breaks off: a report is whole or none
                Err(error) => Some((Err(error), None)),
            }
        }))
    }
}

/// A file to be kept under this name, of which only plain signs are left.
pub(super) fn attachment(
    name: &str,
    media_type: &'static str,
    body: Body,
    bytes: Option<u64>,
) -> File {
    let mut response: Response = body.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    if let Ok(disposition) =
        HeaderValue::from_str(&format!("attachment; filename=\"{}\"", plain(name)))
    {
        headers.insert(header::CONTENT_DISPOSITION, disposition);
    }
    if let Some(bytes) = bytes {
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(bytes));
    }
    File(response)
}

fn plain(name: &str) -> String {
    let safe = |sign: char| sign.is_ascii_alphanumeric() || "-_.".contains(sign);
    name.chars()
        .map(|sign| if safe(sign) { sign } else { '_' })
        .take(200)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_can_carry_no_header() {
        let check = |name: &str, expect: &str| assert_eq!(plain(name), expect);
        check(
            "upkeep-tasks-20261123T105635Z.csv",
            "upkeep-tasks-20261123T105635Z.csv",
        );
        check("a\r\nSet-Cookie: b=c", "a__Set-Cookie__b_c");
        check("a\"; filename=\"b", "a___filename__b");
        check("../../etc/passwd", ".._.._etc_passwd");
        check("bühne", "b_hne");
    }
}

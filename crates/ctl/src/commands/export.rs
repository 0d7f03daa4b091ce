//! Reports as files.

use std::path::PathBuf;

use upkeep_console::export::file_name;
use upkeep_contract::export::{ExportFormat, ExportRequest, ExportSubject};
use upkeep_contract::statistics::{StatisticsQuery, StatisticsRange};
use upkeep_contract::task::TaskFilter;

use crate::cli::{ExportArguments, ExportSubjectArguments, TargetArguments};
use crate::connection::Connection;
use crate::failure::{Failure, INTERRUPTED};
use crate::output::Output;
use crate::progress::Rows;
use crate::signals::Signals;
use crate::words::{counted, size};

/// `upkeepctl export`.
pub(super) async fn export(
    connection: &dyn Connection,
    arguments: ExportArguments,
    output: &mut Output,
) -> Result<u8, Failure> {
    let (subject, target) = match arguments.subject {
        ExportSubjectArguments::Statistics { query, target } => {
            let query = StatisticsQuery::from(&query);
            (ExportSubject::Statistics { query }, target)
        }
        ExportSubjectArguments::Health {
            range,
            host,
            target,
        } => {
            let range = StatisticsRange::from(&range);
            (ExportSubject::Health { range, host }, target)
        }
        ExportSubjectArguments::Tasks { filter, target } => {
            let filter = TaskFilter::from(filter);
            (ExportSubject::Tasks { filter }, target)
        }
    };
    let format = target
        .format
        .or_else(|| by_name(&target))
        .unwrap_or(ExportFormat::Csv);
    let request = ExportRequest { subject, format };
    let path = place(connection, &request, target)?;
    let mut signals = Signals::listen()?;
    let mut rows = Rows::new(output);
    let written = {
        let mut told = |done, total| rows.told(done, total);
        tokio::select! {
            written = connection.export(&request, &path, &mut told) => written,
            () = signals.told_to_stop() => Err(Failure::new(
                INTERRUPTED,
                "interrupted",
                "interrupted; nothing was written",
                "",
            )),
        }
    };
    rows.end();
    let written = written?;
    let shown = written.path.display().to_string();
    if output.json() {
        output.value(&serde_json::json!({
            "path": shown, "renamed": written.renamed, "rows": written.rows, "bytes": written.bytes,
        }));
        return Ok(0);
    }
    output.line(shown);
    let rows = written
        .rows
        .map(|rows| format!("{}, ", counted(rows, "row")));
    output.remark(format!(
        "{}{}",
        rows.unwrap_or_default(),
        size(written.bytes)
    ));
    if written.renamed {
        output.remark("note: the name was taken, and nothing is overwritten");
    }
    Ok(0)
}

fn by_name(target: &TargetArguments) -> Option<ExportFormat> {
    let path = target.output.as_ref()?;
    let ending = path.extension()?.to_str()?.to_lowercase();
    ExportFormat::ALL
        .into_iter()
        .find(|format| format.extension() == ending)
}

/// The whole path of the file to write.
fn place(
    connection: &dyn Connection,
    request: &ExportRequest,
    target: TargetArguments,
) -> Result<PathBuf, Failure> {
    let given = target.output.unwrap_or_else(|| PathBuf::from("."));
    let path = std::path::absolute(&given).map_err(|error| {
        Failure::usage(
            format!("the path `{}` cannot be used: {error}", given.display()),
            "give a file or a folder",
        )
    })?;
    // a name that ends in a slash is meant as a folder
    if path.is_dir() || given.as_os_str().as_encoded_bytes().ends_with(b"/") {
        return Ok(path.join(file_name(request, connection.now())));
    }
    Ok(path)
}

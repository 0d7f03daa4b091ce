//! The health of hosts: what their last checks found, or a check now.

use upkeep_contract::OperationId;
use upkeep_contract::health::{HealthRecord, HealthReport};
use upkeep_contract::health_json::HealthDocument;
use upkeep_contract::operation::HEALTH_CHECK;

use super::trigger::perform_and_wait;
use crate::cli::{HealthArguments, HealthFormat};
use crate::connection::Connection;
use crate::failure::Failure;
use crate::output::{DIM, Output, clean};
use crate::report::health::print;
use crate::wait;
use crate::words::{ago, local};

/// `upkeepctl health`.
pub(super) async fn health(
    connection: &dyn Connection,
    arguments: &HealthArguments,
    output: &mut Output,
) -> Result<u8, Failure> {
    // machines that asked for --json get the report, unless they asked for the other document
    let format = match arguments.format {
        HealthFormat::Text if output.json() => HealthFormat::Json,
        format => format,
    };
    if arguments.run {
        return run(connection, arguments, format, output).await;
    }
    let hosts = match &arguments.host {
        Some(host) => vec![host.clone()],
        None => connection.health(None).await?.hosts,
    };
    for host in hosts {
        let known = connection.health(Some(host.clone())).await?;
        match known.latest {
            Some(record) => told(connection, &record, format, arguments.verbose, output),
            None if format == HealthFormat::Text => {
                output.line(format!(
                    "{DIM}unknown{DIM:#} {}: never checked",
                    clean(&host)
                ));
                output.hint(format!("`upkeepctl health --run --host {host}` checks it"));
            }
            // of what was never looked at there is no report
            None => {}
        }
        // a newer check without a report must not look like the old one
        if let Some(last) = known.last.filter(|last| last.report.is_none()) {
            let why = last
                .error
                .map(|error| format!(": {}", clean(&error.message)));
            output.remark(format!(
                "note: the check of {} at {} {}{}",
                clean(&host),
                local(last.finished_at),
                last.state.as_str(),
                why.unwrap_or_default()
            ));
        }
    }
    Ok(0)
}

fn told(
    connection: &dyn Connection,
    record: &HealthRecord,
    format: HealthFormat,
    all: bool,
    output: &mut Output,
) {
    let Some(report) = &record.report else {
        return;
    };
    one(report, format, all, output);
    if format == HealthFormat::Text {
        output.line(format!(
            "  {DIM}checked {}, asked for by {}{DIM:#}",
            ago(report.checked_at, connection.now()),
            clean(&record.requested_by)
        ));
    }
}

fn one(report: &HealthReport, format: HealthFormat, all: bool, output: &mut Output) {
    match format {
        HealthFormat::Text => print(report, all, output),
        HealthFormat::Json => output.value(report),
        HealthFormat::HealthJson => output.value(&HealthDocument::from(report)),
    }
}

async fn run(
    connection: &dyn Connection,
    arguments: &HealthArguments,
    format: HealthFormat,
    output: &mut Output,
) -> Result<u8, Failure> {
    let ended = perform_and_wait(
        connection,
        &OperationId::from(HEALTH_CHECK),
        arguments.host.clone(),
        arguments.all_hosts,
        arguments.timeout,
        output,
    )
    .await?;
    for detail in &ended {
        let report = detail.report.clone();
        if let Some(report) = report.and_then(|report| serde_json::from_value(report).ok()) {
            one(&report, format, arguments.verbose, output);
        }
    }
    wait::judged(&ended)
}

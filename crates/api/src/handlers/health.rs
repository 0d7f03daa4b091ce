//! The health of hosts.

use upkeep_contract::health::HealthHistory;
use upkeep_contract::health_json::HealthDocument;

use crate::answer::{Data, HealthJson};
use crate::call::Call;
use crate::problem::{Problem, Reply};
use crate::query::{HealthHistoryQuery, HostQuery};
use crate::table::Table;

/// Of a host's health only the newest report is asked for.
const NEWEST: u32 = 1;
/// As many checks as a curve needs.
const POINTS: u32 = 100;

pub(super) fn routes(table: &mut Table) {
    table
        .get(
            "/api/health",
            "The latest health report of a host, as application/health+json",
            latest,
        )
        .get(
            "/api/health/history",
            "The last health checks of a host",
            history,
        );
}

async fn latest(call: Call<HostQuery>) -> Reply<HealthJson> {
    let console = call.console().await?;
    let history = console.health_history(call.query.host, NEWEST).await?;
    let report = history.latest.and_then(|record| record.report);
    let report = report.ok_or_else(|| {
        Problem::not_found(format!("the host {} was never checked", history.host))
    })?;
    Ok(HealthJson(HealthDocument::from(&report)))
}

async fn history(call: Call<HealthHistoryQuery>) -> Reply<Data<HealthHistory>> {
    let console = call.console().await?;
    let limit = call.query.limit.unwrap_or(POINTS);
    Ok(Data(console.health_history(call.query.host, limit).await?))
}

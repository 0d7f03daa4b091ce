//! What concerns every screen.

use upkeep_contract::audit::AuditPage;
use upkeep_contract::condition::Condition;
use upkeep_contract::operation::OperationDescription;
use upkeep_contract::overview::Overview;

use crate::answer::Data;
use crate::call::Call;
use crate::problem::Reply;
use crate::query::AuditQuery;
use crate::table::Table;

pub(super) fn routes(table: &mut Table) {
    table
        .get(
            "/api/condition",
            "How the installation is; this answers even while the database is away",
            condition,
        )
        .get(
            "/api/overview",
            "Each operation with what goes on and what happened last, and the workers",
            overview,
        )
        .get(
            "/api/operations",
            "The operations there are, with the JSON Schemas of their parameters",
            operations,
        )
        .get(
            "/api/audit",
            "A page of the audit trail, the newest first",
            audit,
        );
}

async fn condition(call: Call) -> Reply<Data<Condition>> {
    Ok(Data(call.app.condition().await?))
}

async fn overview(call: Call) -> Reply<Data<Overview>> {
    Ok(Data(call.console().await?.overview().await?))
}

async fn operations(call: Call) -> Reply<Data<Vec<OperationDescription>>> {
    Ok(Data(call.console().await?.operations()))
}

async fn audit(call: Call<AuditQuery>) -> Reply<Data<AuditPage>> {
    let query = &call.query;
    let page = call
        .console()
        .await?
        .audit(&query.filter(), query.after.as_deref(), query.limit())
        .await?;
    Ok(Data(page))
}

//! Figures, and the room that the history takes.

use upkeep_contract::history_room::HistoryRoom;
use upkeep_contract::statistics::StatisticsView;

use crate::answer::Data;
use crate::call::Call;
use crate::problem::Reply;
use crate::query::FiguresQuery;
use crate::table::Table;

pub(super) fn routes(table: &mut Table) {
    table
        .get(
            "/api/statistics",
            "Figures of the queue over a range",
            statistics,
        )
        .get(
            "/api/history-room",
            "The room that the history takes",
            history_room,
        );
}

async fn statistics(call: Call<FiguresQuery>) -> Reply<Data<StatisticsView>> {
    let console = call.console().await?;
    Ok(Data(console.statistics(&call.query.query()?).await?))
}

async fn history_room(call: Call) -> Reply<Data<HistoryRoom>> {
    Ok(Data(call.console().await?.history_room().await?))
}

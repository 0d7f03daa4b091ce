//! Statistics, and reports as files.

use tauri::ipc::Channel;
use tauri::{AppHandle, Manager, State, WebviewWindow};
use upkeep_contract::export::{ExportFormat, ExportRequest, ExportUpdate};
use upkeep_contract::statistics::{StatisticsQuery, StatisticsView};

use crate::dialogs;
use crate::error::Reply;
use crate::state::AppState;

#[tauri::command]
pub(crate) async fn statistics(
    app: AppHandle,
    state: State<'_, AppState>,
    query: StatisticsQuery,
) -> Reply<StatisticsView> {
    Ok(state.console(&app).await?.statistics(&query).await?)
}

/// Asks where, and writes the report there. Ending the stream gives it up and leaves nothing behind.
#[tauri::command]
pub(crate) async fn export_report(
    app: AppHandle,
    window: WebviewWindow,
    state: State<'_, AppState>,
    request: ExportRequest,
    updates: Channel<ExportUpdate>,
) -> Reply<u32> {
    let label = window.label().to_owned();
    let stream = async move {
        let last = write(&app, &window, &request, &updates).await;
        tell(
            &updates,
            last.unwrap_or_else(|error| ExportUpdate::Failed { error }),
        );
    };
    Ok(state.watches.run(&label, stream))
}

async fn write(
    app: &AppHandle,
    window: &WebviewWindow,
    request: &ExportRequest,
    updates: &Channel<ExportUpdate>,
) -> Reply<ExportUpdate> {
    let console = app.state::<AppState>().console(app).await?;
    tell(updates, ExportUpdate::Choosing);
    let proposed = console.export_name(request);
    let filter = match request.format {
        ExportFormat::Csv => "CSV",
        ExportFormat::Json => "JSON",
        ExportFormat::Html => "HTML",
        ExportFormat::Openmetrics => "OpenMetrics",
    };
    let filter = (filter, request.format.extension());
    let chosen = dialogs::save_file(window, "Save report", &proposed, filter).await?;
    let Some(file) = chosen else {
        return Ok(ExportUpdate::Dismissed);
    };
    let channel = updates.clone();
    let told = move |done, total| tell(&channel, ExportUpdate::Writing { done, total });
    let saved = console.export(request, &file, told).await?;
    Ok(ExportUpdate::Saved {
        path: saved.path.display().to_string(),
        renamed: saved.renamed,
        rows: saved.rows,
        bytes: saved.bytes,
    })
}

fn tell(updates: &Channel<ExportUpdate>, update: ExportUpdate) {
    if let Err(error) = updates.send(update) {
        tracing::debug!(%error, "nobody hears how the report comes along");
    }
}

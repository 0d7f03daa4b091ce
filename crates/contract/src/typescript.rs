//! The UI's TypeScript, generated from the types that cross to it.

use std::path::Path;

use ts_rs::{Config, ExportError, TS};

use crate::{
    audit, bulk, cleanup, condition, earlier, error, event, export, group, health, history_room,
    live, overview, params, preferences, settings, settings_draft, statistics, task, worker,
};

/// Writes one `.ts` file for each type that crosses to the UI, and for each type those are made of.
///
/// # Errors
/// [`ExportError`] when `directory` cannot be written.
pub fn export_types(directory: &Path) -> Result<(), ExportError> {
    let config = Config::new().with_out_dir(directory);
    audit::AuditFilter::export_all(&config)?;
    audit::AuditPage::export_all(&config)?;
    bulk::BulkCancelOutcome::export_all(&config)?;
    bulk::BulkCount::export_all(&config)?;
    bulk::BulkRunAgainOutcome::export_all(&config)?;
    cleanup::CleanupReport::export_all(&config)?;
    cleanup::RestoreReport::export_all(&config)?;
    condition::Condition::export_all(&config)?;
    earlier::EarlierRuns::export_all(&config)?;
    error::ErrorReply::export_all(&config)?;
    event::Change::export_all(&config)?;
    export::ExportRequest::export_all(&config)?;
    export::ExportUpdate::export_all(&config)?;
    group::FanOutOutcome::export_all(&config)?;
    group::TaskGroup::export_all(&config)?;
    health::HealthHistory::export_all(&config)?;
    health::HealthReport::export_all(&config)?;
    history_room::HistoryRoom::export_all(&config)?;
    live::LiveSample::export_all(&config)?;
    overview::Overview::export_all(&config)?;
    params::CleanupRunsParams::export_all(&config)?;
    params::CleanupTempFilesParams::export_all(&config)?;
    params::HealthCheckParams::export_all(&config)?;
    params::LogStatisticsParams::export_all(&config)?;
    params::RestoreFromTrashParams::export_all(&config)?;
    preferences::Preferences::export_all(&config)?;
    settings::FolderAmount::export_all(&config)?;
    settings::SettingsView::export_all(&config)?;
    settings_draft::SaveSettingsOutcome::export_all(&config)?;
    settings_draft::SettingChange::export_all(&config)?;
    settings_draft::SettingsReview::export_all(&config)?;
    statistics::StatisticsReport::export_all(&config)?;
    statistics::StatisticsQuery::export_all(&config)?;
    statistics::StatisticsView::export_all(&config)?;
    task::CancelOutcome::export_all(&config)?;
    task::ForceCloseOutcome::export_all(&config)?;
    task::LogHits::export_all(&config)?;
    task::PriorityOutcome::export_all(&config)?;
    task::TaskFilter::export_all(&config)?;
    task::TaskPage::export_all(&config)?;
    task::TaskUpdate::export_all(&config)?;
    task::TriggerOutcome::export_all(&config)?;
    worker::EmbeddedWorker::export_all(&config)?;
    Ok(())
}

//! The settings.

use schemars::JsonSchema;
use serde::Deserialize;
use upkeep_contract::settings::SettingsView;
use upkeep_contract::settings_draft::{SaveSettingsOutcome, SettingChange, SettingsReview};

use crate::answer::Data;
use crate::call::{Call, NoQuery, Sends};
use crate::problem::Reply;
use crate::table::Table;

pub(super) fn routes(table: &mut Table) {
    table
        .get("/api/settings", "The configuration as it is", settings)
        .post(
            "/api/settings/review",
            "What changes would make of the configuration; nothing is written",
            review,
        )
        .put("/api/settings", "Write changes, all of them or none", save);
}

/// Changes to look at.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Draft {
    /// In the order they were made.
    changes: Vec<SettingChange>,
}

/// Changes to write.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Save {
    /// The text of the file that they were shown beside; none writes onto whatever is there.
    #[serde(default)]
    base: Option<String>,
    /// In the order they were made.
    changes: Vec<SettingChange>,
}

async fn settings(call: Call) -> Reply<Data<SettingsView>> {
    Ok(Data(call.console().await?.settings().await?))
}

async fn review(call: Call<NoQuery, Sends<Draft>>) -> Reply<Data<SettingsReview>> {
    let console = call.console().await?;
    Ok(Data(console.review_settings(call.body.0.changes).await?))
}

async fn save(call: Call<NoQuery, Sends<Save>>) -> Reply<Data<SaveSettingsOutcome>> {
    let console = call.console().await?;
    let Sends(Save { base, changes }) = call.body;
    Ok(Data(console.save_settings(base, changes).await?))
}

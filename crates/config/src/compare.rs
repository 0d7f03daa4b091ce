//! What differs between two configurations, key by key, for a person who decides.

use serde::Serialize;
use toml_edit::{Item, Table};
use upkeep_contract::settings::{LocationSettings, RunStoreSettings};
use upkeep_contract::settings_draft::{SettingDifference, TakesEffect};
use upkeep_contract::thresholds::{Measure, Threshold};

use crate::values::SingleValue;
use crate::{ConfigError, Configuration, Fault};

pub(crate) fn differences(
    before: &Configuration,
    after: &Configuration,
) -> Result<Vec<SettingDifference>, ConfigError> {
    let mut found = Vec::new();
    let locations = |configuration: &Configuration| -> Result<Vec<Entry>, ConfigError> {
        let all = configuration.locations.iter();
        all.map(|one| Entry::of(&one.name, one, &LocationSettings::new("", "")))
            .collect()
    };
    let run_stores = |configuration: &Configuration| -> Result<Vec<Entry>, ConfigError> {
        let all = configuration.run_stores.iter();
        all.map(|one| Entry::of(&one.name, one, &RunStoreSettings::new("", "")))
            .collect()
    };
    entries(
        "locations",
        &locations(before)?,
        &locations(after)?,
        &mut found,
    );
    entries(
        "run_stores",
        &run_stores(before)?,
        &run_stores(after)?,
        &mut found,
    );
    for single in SingleValue::ALL {
        let (old, new) = (single.of(before), single.of(after));
        if old != new {
            found.push(SettingDifference {
                key: single.key(),
                before: Some(old),
                after: Some(new),
                takes_effect: single.takes_effect(),
            });
        }
    }
    for measure in Measure::ALL {
        let (old, new) = (before.health.of(measure), after.health.of(measure));
        if old != new {
            let said = |threshold: Threshold| {
                let Threshold { warning, critical } = threshold;
                format!("{warning} / {critical} {}", measure.unit())
            };
            found.push(SettingDifference {
                key: format!("health.{}", measure.key()),
                before: Some(said(old)),
                after: Some(said(new)),
                takes_effect: TakesEffect::NextTask,
            });
        }
    }
    Ok(found)
}

/// An entry of a list with its keys, and what these are when nobody writes them.
struct Entry {
    name: String,
    keys: Table,
    defaults: Table,
}

impl Entry {
    fn of<S: Serialize>(name: &str, settings: &S, defaults: &S) -> Result<Self, ConfigError> {
        let table = |settings: &S| {
            toml_edit::ser::to_document(settings)
                .map(|document| document.as_table().clone())
                .map_err(|error| ConfigError::Refused {
                    key: name.to_owned(),
                    fault: Fault::WrongValue {
                        problem: error.to_string(),
                        cure: "report this as a defect".to_owned(),
                    },
                })
        };
        let mut defaults = table(defaults)?;
        defaults.remove("path");
        Ok(Self {
            name: name.to_owned(),
            keys: table(settings)?,
            defaults,
        })
    }

    /// A key of this entry as text; of one that is not there nothing, nor what it has by default.
    fn said(entry: Option<&Self>, key: &str, other: Option<&Self>) -> Option<String> {
        let entry = entry?;
        let value = text_of(entry.keys.get(key)?);
        let is_default = entry.defaults.get(key).map(text_of).as_ref() == Some(&value);
        (other.is_some() || !is_default).then_some(value)
    }
}

fn entries(list: &str, before: &[Entry], after: &[Entry], found: &mut Vec<SettingDifference>) {
    let find = |entries: &'_ [Entry], name: &str| entries.iter().position(|one| one.name == name);
    let gone = before.iter().filter(|one| find(after, &one.name).is_none());
    for entry in after.iter().chain(gone) {
        let old = find(before, &entry.name).map(|place| &before[place]);
        let new = find(after, &entry.name).map(|place| &after[place]);
        for (key, _) in entry.keys.iter().filter(|(key, _)| *key != "name") {
            let (before, after) = (Entry::said(old, key, new), Entry::said(new, key, old));
            if before != after {
                found.push(SettingDifference {
                    key: format!("{list}.{}.{key}", entry.name),
                    before,
                    after,
                    takes_effect: TakesEffect::NextTask,
                });
            }
        }
    }
}

/// A value for a person: texts without quotes, lists with commas.
fn text_of(item: &Item) -> String {
    if let Some(text) = item.as_str() {
        return text.to_owned();
    }
    if let Some(list) = item.as_array() {
        let all: Vec<&str> = list.iter().filter_map(toml_edit::Value::as_str).collect();
        return if all.is_empty() {
            "none".to_owned()
        } else {
            all.join(", ")
        };
    }
    item.to_string().trim().to_owned()
}

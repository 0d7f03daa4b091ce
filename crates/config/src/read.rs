//! Reading the file: syntax, then keys, then types, then what the values mean; the first fault ends it.

use std::path::Path;

use upkeep_contract::choice::{RuleFault, check_rules, check_run_store_rules};
use upkeep_contract::settings::{LocationSettings, RunStoreSettings};
use upkeep_contract::thresholds::{HealthNumber, Measure, ThresholdFault};

use crate::document::{Document, Node, Step, dotted, line_and_column, one_line};
use crate::fields::fields_of;
use crate::health::{HealthTable, LevelsTable};
use crate::settings::{CleaningSettings, ConfigurationTable};
use crate::{ConfigError, Configuration, Fault, Invalid, WorkerSettings, rules};

/// Below this likeness a suggestion would only confuse.
const LIKENESS_MIN: f64 = 0.8;

impl Configuration {
    /// Reads the configuration file.
    ///
    /// # Errors
    /// [`ConfigError::Missing`] when there is none, [`ConfigError::Invalid`] when it is wrong;
    /// nothing of a wrong file is used.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        Self::parse(path, &read_text(path)?)
    }

    /// Reads the text of a configuration file; `file` is only what errors call it.
    ///
    /// # Errors
    /// [`ConfigError::Invalid`] names the first fault.
    pub fn parse(file: &Path, text: &str) -> Result<Self, ConfigError> {
        let document = Document::parse(file, text)?;
        check_keys(&document)?;
        let table: ConfigurationTable =
            toml::from_str(text).map_err(|error| wrong_value(&document, &error))?;
        let configuration = Self::from(table);
        check_entries(&document, &configuration)?;
        check_cleaning(&document, &configuration.cleaning)?;
        check_worker(&document, &configuration.worker)?;
        check_health(&document, &configuration)?;
        Ok(configuration)
    }
}

/// The text of the file.
pub(crate) fn read_text(path: &Path) -> Result<String, ConfigError> {
    let bytes = std::fs::read(path).map_err(|source| match source.kind() {
        std::io::ErrorKind::NotFound => ConfigError::Missing {
            file: path.to_owned(),
        },
        _ => ConfigError::Read {
            file: path.to_owned(),
            source,
        },
    })?;
    String::from_utf8(bytes).map_err(|error| {
        let good = error.utf8_error().valid_up_to();
        let (line, column) =
            line_and_column(&String::from_utf8_lossy(&error.as_bytes()[..good]), good);
        ConfigError::Invalid(Box::new(Invalid {
            file: path.to_owned(),
            line,
            column,
            key: String::new(),
            fault: Fault::NotUtf8,
        }))
    })
}

/// The keys known in the table at this dotted key; none where no table belongs.
fn known_keys(table: &str) -> Option<&'static [&'static str]> {
    match table {
        "" => Some(fields_of::<ConfigurationTable>()),
        "locations" => Some(fields_of::<LocationSettings>()),
        "run_stores" => Some(fields_of::<RunStoreSettings>()),
        "cleaning" => Some(fields_of::<CleaningSettings>()),
        "worker" => Some(fields_of::<WorkerSettings>()),
        "health" => Some(fields_of::<HealthTable>()),
        other if other.starts_with("health.") => Some(fields_of::<LevelsTable>()),
        _ => None,
    }
}

fn check_keys(document: &Document<'_>) -> Result<(), ConfigError> {
    for node in document.nodes() {
        if let Some((Step::Key(key), above)) = node.steps.split_last()
            && let Some(known) = known_keys(&dotted(above))
            && !known.contains(&key.as_str())
        {
            let fault = Fault::UnknownKey {
                nearest: nearest(key, known),
                known: known.iter().map(|&key| key.to_owned()).collect(),
            };
            return Err(document.invalid(node.key.start, node.name(), fault));
        }
    }
    // only now: a misspelt key is a missing one, too, and the misspelling says more
    for node in document.nodes() {
        // an entry of locations or run_stores; both need a name and a path
        if let [Step::Key(list), Step::Index(_)] = node.steps.as_slice()
            && node.is_table
            && (list == "locations" || list == "run_stores")
        {
            for key in ["name", "path"] {
                let mut steps = node.steps.clone();
                steps.push(Step::Key(key.to_owned()));
                if document.find(&steps).is_none() {
                    return Err(document.wrong(&steps, Fault::MissingKey));
                }
            }
        }
    }
    Ok(())
}

fn nearest(key: &str, known: &[&str]) -> Option<String> {
    let likeness = |candidate: &str| strsim::jaro_winkler(&key.to_lowercase(), candidate);
    known
        .iter()
        .map(|&candidate| (likeness(candidate), candidate))
        .filter(|(likeness, _)| *likeness >= LIKENESS_MIN)
        .max_by(|left, right| left.0.total_cmp(&right.0))
        .map(|(_, candidate)| candidate.to_owned())
}

fn wrong_value(document: &Document<'_>, error: &toml::de::Error) -> ConfigError {
    let span = error.span().unwrap_or(0..0);
    let key = document.covering(&span).map(Node::name).unwrap_or_default();
    let fault = Fault::WrongValue {
        problem: one_line(error.message()),
        cure: expected(&key).to_owned(),
    };
    document.invalid(span.start, key, fault)
}

/// What belongs at this key.
fn expected(key: &str) -> &'static str {
    match key {
        "locations" => "begin each location with [[locations]], in double brackets",
        "run_stores" => "begin each run store with [[run_stores]], in double brackets",
        "cleaning" => "write [cleaning], and its keys below it",
        "worker" => "write [worker], and its keys below it",
        "health" => "write [health], and its keys below it",
        "worker.strategy" => "write \"priority\", \"fifo\", \"lifo\" or \"weighted-random\"",
        "cleaning.plan_max_age_hours"
        | "worker.concurrency"
        | "worker.lease_seconds"
        | "run_stores.keep_newest"
        | "locations.keep_newest"
        | "locations.min_age_hours"
        | "locations.min_size_bytes"
        | "health.disk_floor_bytes"
        | "health.probe_limit_ms" => "write a whole number, without quotes",
        "locations.include" | "locations.exclude" => {
            "write a list of patterns, such as [\"*.tmp\", \"build/**\"]"
        }
        "run_stores.include" => "write a list of patterns of names, such as [\"run-*\"]",
        "run_stores.finished_when" => {
            "write a list of file names, such as [\"DONE\", \"result.json\"]"
        }
        "locations.protect" => "write a list of names, such as [\"KEEP\", \".git\"]",
        "locations.age_by" => {
            "write \"modified\", \"accessed\", \"changed\", \"created\" or \"newest\""
        }
        "locations.name" | "run_stores.name" | "locations.path" | "run_stores.path" => {
            "write text in double quotes"
        }
        other if other.starts_with("health.") => {
            "write { warning = 90, critical = 95 }, or one of the two"
        }
        _ => "write true or false, without quotes",
    }
}

fn check_entries(
    document: &Document<'_>,
    configuration: &Configuration,
) -> Result<(), ConfigError> {
    let locations = configuration
        .locations
        .iter()
        .map(|entry| (entry.name.as_str(), entry.path.as_str()));
    let run_stores = configuration
        .run_stores
        .iter()
        .map(|entry| (entry.name.as_str(), entry.path.as_str()));
    check_list(document, "locations", &locations.collect::<Vec<_>>())?;
    check_list(document, "run_stores", &run_stores.collect::<Vec<_>>())?;
    let wrong = |list: &str, index: usize, fault: RuleFault| {
        let mut steps = vec![
            Step::Key(list.to_owned()),
            Step::Index(index),
            Step::Key(fault.key.to_owned()),
        ];
        steps.extend(fault.index.map(Step::Index));
        document.wrong(&steps, Fault::Rule(fault.problem))
    };
    for (index, location) in configuration.locations.iter().enumerate() {
        check_rules(location).map_err(|fault| wrong("locations", index, fault))?;
    }
    for (index, store) in configuration.run_stores.iter().enumerate() {
        check_run_store_rules(store).map_err(|fault| wrong("run_stores", index, fault))?;
    }
    Ok(())
}

fn check_list(
    document: &Document<'_>,
    list: &str,
    entries: &[(&str, &str)],
) -> Result<(), ConfigError> {
    for (index, (name, path)) in entries.iter().enumerate() {
        let wrong = |key: &str, fault| {
            let steps = [
                Step::Key(list.to_owned()),
                Step::Index(index),
                Step::Key(key.to_owned()),
            ];
            document.wrong(&steps, fault)
        };
        rules::check_name(name).map_err(|fault| wrong("name", fault))?;
        rules::check_path(path).map_err(|fault| wrong("path", fault))?;
        if entries[..index].iter().any(|(earlier, _)| earlier == name) {
            return Err(wrong("name", Fault::DuplicateName((*name).to_owned())));
        }
    }
    Ok(())
}

fn check_cleaning(document: &Document<'_>, cleaning: &CleaningSettings) -> Result<(), ConfigError> {
    let (hours, range) = (
        cleaning.plan_max_age_hours,
        CleaningSettings::PLAN_MAX_AGE_HOURS,
    );
    if range.contains(&hours) {
        return Ok(());
    }
    let steps = ["cleaning", "plan_max_age_hours"].map(|key| Step::Key(key.to_owned()));
    Err(document.wrong(&steps, out_of_range(&hours, range.start(), range.end())))
}

fn check_worker(document: &Document<'_>, worker: &WorkerSettings) -> Result<(), ConfigError> {
    let numbers = [
        (
            "concurrency",
            u64::from(worker.concurrency),
            WorkerSettings::CONCURRENCY,
        ),
        (
            "lease_seconds",
            worker.lease_seconds,
            WorkerSettings::LEASE_SECONDS,
        ),
    ];
    for (key, value, range) in numbers {
        if !range.contains(&value) {
            let steps = [Step::Key("worker".to_owned()), Step::Key(key.to_owned())];
            return Err(document.wrong(&steps, out_of_range(&value, range.start(), range.end())));
        }
    }
    Ok(())
}

fn check_health(document: &Document<'_>, configuration: &Configuration) -> Result<(), ConfigError> {
    let steps_of = |keys: &[&str]| -> Vec<Step> {
        let all = ["health"].iter().chain(keys);
        all.map(|key| Step::Key((*key).to_owned())).collect()
    };
    for measure in Measure::ALL {
        measure
            .check(configuration.health.of(measure))
            .map_err(|fault| match fault {
                ThresholdFault::OutOfRange { key, .. } => document.wrong(
                    &steps_of(&[measure.key(), key]),
                    threshold_fault(measure, fault),
                ),
                ThresholdFault::WarningAboveCritical(_) => {
                    document.wrong(&steps_of(&[measure.key()]), threshold_fault(measure, fault))
                }
            })?;
    }
    for number in HealthNumber::ALL {
        check_number(number, configuration.health.number(number))
            .map_err(|fault| document.wrong(&steps_of(&[number.key()]), fault))?;
    }
    Ok(())
}

/// What is wrong with thresholds, in the words of this file.
pub(crate) fn threshold_fault(measure: Measure, fault: ThresholdFault) -> Fault {
    match fault {
        ThresholdFault::OutOfRange { value, most, .. } => Fault::OutOfRange {
            value: value.to_string(),
            least: "above 0".to_owned(),
            most: most.to_string(),
            unit: Some(measure.unit()),
        },
        ThresholdFault::WarningAboveCritical(threshold) => Fault::WarningAboveCritical {
            warning: threshold.warning.to_string(),
            critical: threshold.critical.to_string(),
            unit: measure.unit(),
        },
    }
}

/// Whether a number of the health check is in its range.
pub(crate) fn check_number(number: HealthNumber, value: u64) -> Result<(), Fault> {
    let range = number.range();
    if range.contains(&value) {
        return Ok(());
    }
    Err(Fault::OutOfRange {
        value: value.to_string(),
        least: range.start().to_string(),
        most: range.end().to_string(),
        unit: Some(number.unit()),
    })
}

pub(crate) fn out_of_range(
    value: &dyn ToString,
    least: &dyn ToString,
    most: &dyn ToString,
) -> Fault {
    Fault::OutOfRange {
        value: value.to_string(),
        least: least.to_string(),
        most: most.to_string(),
        unit: None,
    }
}

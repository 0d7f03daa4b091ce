//! Looking at the configuration. Nothing is made or changed, and no database is opened.

use serde_json::{Value, json};
use upkeep_config::{ConfigError, Configuration, Folders, without_password};
use upkeep_console::installation_settings;
use upkeep_contract::ErrorReply;
use upkeep_contract::thresholds::HealthSettingsView;

use crate::cli::ConfigCommand;
use crate::failure::{FAILED, Failure};
use crate::output::{DIM, GREEN, Output, RED, clean};

pub(super) async fn perform(command: &ConfigCommand, output: &mut Output) -> Result<u8, Failure> {
    let folders = Folders::from_environment()?;
    match command {
        ConfigCommand::Path => {
            path(&folders, output);
            Ok(0)
        }
        ConfigCommand::Show => show(&folders, output),
        ConfigCommand::Check => check(&folders, output).await,
    }
}

fn path(folders: &Folders, output: &mut Output) {
    let file = folders.config_file().display().to_string();
    if output.json() {
        output.value(
            &json!({ "config_file": file, "data_folder": folders.data().display().to_string() }),
        );
    } else {
        output.line(file);
    }
}

fn show(folders: &Folders, output: &mut Output) -> Result<u8, Failure> {
    let file = folders.config_file();
    let database = without_password(&folders.database_url_from_environment()?);
    let configuration = Configuration::read(&file)?;
    if output.json() {
        output.value(&json!({
            "config_file": file.display().to_string(),
            "data_folder": folders.data().display().to_string(),
            "database": database,
            "configuration": effective(&configuration),
        }));
        return Ok(0);
    }
    let text = std::fs::read_to_string(&file).map_err(|source| ConfigError::Read {
        file: file.clone(),
        source,
    })?;
    output.line(format!("{DIM}# configuration: {}{DIM:#}", file.display()));
    output.line(format!(
        "{DIM}# data folder: {}{DIM:#}",
        folders.data().display()
    ));
    output.line(format!("{DIM}# database: {}{DIM:#}", clean(&database)));
    for line in text.lines() {
        // a tab is the only control character that the file may have
        output.line(line.split('\t').map(clean).collect::<Vec<_>>().join("\t"));
    }
    Ok(0)
}

/// What holds, what the file leaves out included.
fn effective(configuration: &Configuration) -> Value {
    let health = HealthSettingsView::from(&configuration.health);
    let mut thresholds = serde_json::Map::new();
    for setting in health.thresholds {
        thresholds.insert(setting.key, json!(setting.threshold));
    }
    for number in health.numbers {
        thresholds.insert(number.key, json!(number.value));
    }
    let worker = &configuration.worker;
    json!({
        "locations": configuration.locations,
        "run_stores": configuration.run_stores,
        "cleaning": { "plan_max_age_hours": configuration.cleaning.plan_max_age_hours },
        "worker": {
            "embedded": worker.embedded,
            "concurrency": worker.concurrency,
            "strategy": worker.strategy,
            "lease_seconds": worker.lease_seconds,
        },
        "health": thresholds,
    })
}

/// One thing that was looked at.
struct Finding {
    subject: &'static str,
    name: String,
    problem: Option<ErrorReply>,
    note: String,
}

async fn check(folders: &Folders, output: &mut Output) -> Result<u8, Failure> {
    let findings = findings(folders).await?;
    let problems = findings
        .iter()
        .filter(|finding| finding.problem.is_some())
        .count();
    if output.json() {
        let list: Vec<Value> = findings
            .iter()
            .map(|finding| {
                json!({ "subject": finding.subject, "name": finding.name, "problem": finding.problem })
            })
            .collect();
        output.value(&json!({ "ok": problems == 0, "problems": problems, "findings": list }));
        return Ok(if problems == 0 { 0 } else { FAILED });
    }
    for finding in &findings {
        let what = format!("{} {}", finding.subject, clean(&finding.name));
        match &finding.problem {
            None => output.line(format!("{GREEN}ok{GREEN:#}       {what}{}", finding.note)),
            Some(problem) => {
                output.line(format!(
                    "{RED}problem{RED:#}  {what}: {}",
                    clean(&problem.message)
                ));
                if !problem.hint.is_empty() {
                    output.line(format!("         hint: {}", clean(&problem.hint)));
                }
            }
        }
    }
    if problems > 0 {
        return Err(Failure::new(
            FAILED,
            "invalid_configuration",
            crate::words::counted(problems as u64, "problem"),
            "`upkeep-worker check` looks at the folders and the database, too",
        ));
    }
    Ok(0)
}

async fn findings(folders: &Folders) -> Result<Vec<Finding>, Failure> {
    let file = folders.config_file();
    let of_file = |problem, note: &str| Finding {
        subject: "configuration",
        name: file.display().to_string(),
        problem,
        note: note.to_owned(),
    };
    match Configuration::read(&file) {
        Ok(_) => {}
        Err(ConfigError::Missing { .. }) => {
            return Ok(vec![of_file(
                None,
                " is not there yet; the first start writes it",
            )]);
        }
        Err(error) => return Ok(vec![of_file(Some(ErrorReply::from(&error)), "")]),
    }
    let url = folders.database_url_from_environment()?;
    let view = installation_settings(folders, &url)
        .await
        .map_err(ErrorReply::from)?;
    let mut findings = vec![of_file(view.error, "")];
    let off = |enabled: bool| if enabled { "" } else { " is turned off" };
    findings.extend(view.locations.into_iter().map(|location| Finding {
        subject: "location",
        note: off(location.settings.enabled).to_owned(),
        name: location.settings.name,
        problem: location.problem,
    }));
    findings.extend(view.run_stores.into_iter().map(|store| Finding {
        subject: "run store",
        note: off(store.settings.enabled).to_owned(),
        name: store.settings.name,
        problem: store.problem,
    }));
    Ok(findings)
}

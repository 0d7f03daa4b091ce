//! `upkeep-worker check`: says whether this host is set up well.
//!
//! Rule: nothing is made, written or brought up to date here. What the first start will make is no problem.

mod folder;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use serde::Serialize;
use upkeep_config::{ConfigError, Configuration, DATABASE_VARIABLE, Folders, without_password};
use upkeep_contract::operation::{CLEANUP_RUNS, CLEANUP_TEMP_FILES};
use upkeep_operations::deletion::check_location;
use upkeep_operations::settings::Settings;
use upkeep_queue::Inspection;
use upkeep_worker::{operation_settings, registry};

use crate::cli::{CheckArguments, Failure, print_json};
use folder::{Verdict, look_at_file, look_at_folder, look_at_writable};

/// How long a folder may take to answer; one on a dead server never does.
const LONGEST_LOOK: Duration = Duration::from_secs(5);

/// What was looked at, and what is to be said of it.
#[derive(Debug, Serialize)]
struct Finding {
    subject: &'static str,
    name: String,
    #[serde(flatten)]
    verdict: Verdict,
}

pub(crate) async fn check(
    folders: Result<Folders, ConfigError>,
    arguments: &CheckArguments,
) -> Result<ExitCode, Failure> {
    let findings = match folders {
        Ok(folders) => {
            arguments.operations.choose_from(registry(&folders, None))?;
            look_at_all(&folders, arguments).await
        }
        Err(error) => vec![Finding {
            subject: "environment",
            name: String::new(),
            verdict: Verdict::problem(error.to_string(), error.hint()),
        }],
    };
    let problems = findings.iter().filter(|it| it.verdict.is_problem()).count();
    if arguments.json {
        print_json(&serde_json::json!({
            "ok": problems == 0, "problems": problems, "findings": findings,
        }))?;
    } else {
        print_list(&findings, problems)
            .map_err(|error| Failure::failed(format!("cannot write to stdout: {error}"), ""))?;
    }
    Ok(ExitCode::from(u8::from(problems > 0)))
}

fn print_list(findings: &[Finding], problems: usize) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    for Finding {
        subject,
        name,
        verdict,
    } in findings
    {
        let title = format!("{subject} {name}");
        let (word, message, hint) = match verdict {
            Verdict::Ok { message } => ("ok", message, None),
            Verdict::Problem { message, hint } => ("problem", message, Some(hint)),
        };
        writeln!(out, "{word:<8} {}: {message}", title.trim_end())?;
        if let Some(hint) = hint.filter(|hint| !hint.is_empty()) {
            writeln!(out, "         hint: {hint}")?;
        }
    }
    match problems {
        0 => writeln!(out, "all is well"),
        1 => writeln!(out, "1 problem"),
        many => writeln!(out, "{many} problems"),
    }
}

async fn look_at_all(folders: &Folders, arguments: &CheckArguments) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut found = |subject, name: &str, verdict| {
        findings.push(Finding {
            subject,
            name: name.to_owned(),
            verdict,
        });
    };
    let file = folders.config_file();
    found("configuration", "", look_at_configuration(&file));
    for (name, path) in own_folders(folders) {
        let look = within_limit(move || look_at_folder(&path)).await;
        found("folder", name, look);
    }
    found("database", "", look_at_database(folders).await);
    // a configuration that cannot be used was told above; one that is still to be made cleans its own folder alone
    let Ok(settings) = operation_settings(folders) else {
        return findings;
    };
    if arguments.operations.includes(CLEANUP_TEMP_FILES) {
        for it in &settings.locations {
            let place = Place {
                path: PathBuf::from(&it.path),
                enabled: it.enabled,
                allow_mount_root: it.allow_mount_root,
            };
            found("location", &it.name, place.look(&settings).await);
        }
    }
    if arguments.operations.includes(CLEANUP_RUNS) {
        for it in &settings.run_stores {
            let place = Place {
                path: PathBuf::from(&it.path),
                enabled: it.enabled,
                allow_mount_root: it.allow_mount_root,
            };
            found("run store", &it.name, place.look(&settings).await);
        }
    }
    findings
}

fn look_at_configuration(file: &Path) -> Verdict {
    match Configuration::read(file) {
        Ok(_) => Verdict::ok(format!("{}", file.display())),
        Err(ConfigError::Missing { .. }) if file.symlink_metadata().is_err() => Verdict::ok(
            format!("{} will be made at the first start", file.display()),
        ),
        Err(error) => Verdict::problem(error.to_string(), error.hint()),
    }
}

fn own_folders(folders: &Folders) -> Vec<(&'static str, PathBuf)> {
    let mut own = vec![
        ("configuration", folders.config().to_owned()),
        ("data", folders.data().to_owned()),
        ("artifacts", folders.artifacts()),
        ("logs", folders.logs()),
        ("tmp", folders.own_temporary().to_owned()),
    ];
    if folders.config() == folders.data() {
        own.remove(0);
    }
    own
}

async fn look_at_database(folders: &Folders) -> Verdict {
    let url = match folders.database_url_from_environment() {
        Ok(url) => url,
        Err(error) => return Verdict::problem(error.to_string(), error.hint()),
    };
    let shown = without_password(&url);
    let (file, state) = match upkeep_queue::inspect(&url).await {
        Err(error) => {
            return Verdict::problem(format!("{shown}: {error}"), error.hint());
        }
        Ok(Inspection::Missing { file }) => {
            return match look_where_it_will_be(&file, folders) {
                Verdict::Ok { .. } => {
                    Verdict::ok(format!("{shown} will be made at the first start"))
                }
                Verdict::Problem { message, .. } => Verdict::problem(
                    format!("{shown} does not exist, and cannot be made: {message}"),
                    format!("mend that, or set {DATABASE_VARIABLE} to another database"),
                ),
            };
        }
        Ok(Inspection::Outdated { file }) => (
            file,
            "can be opened; the next start brings its tables up to date",
        ),
        Ok(Inspection::Ready { file }) => (file, "can be opened"),
    };
    match file.map(|file| look_at_file(&file)) {
        Some(problem @ Verdict::Problem { .. }) => problem,
        _ => Verdict::ok(format!("{shown} {state}")),
    }
}

/// A start makes the installation's own folders, and no other one for a database.
fn look_where_it_will_be(file: &Path, folders: &Folders) -> Verdict {
    match file.parent() {
        Some(folder) if folder == folders.data() => look_at_folder(folder),
        Some(folder) if folder != Path::new("") => look_at_writable(folder),
        _ => look_at_writable(Path::new(".")),
    }
}

/// A location or a run store.
struct Place {
    path: PathBuf,
    enabled: bool,
    allow_mount_root: bool,
}

impl Place {
    async fn look(self, settings: &Settings) -> Verdict {
        if !self.enabled {
            return Verdict::ok(format!("{} is turned off", self.path.display()));
        }
        let settings = settings.clone();
        within_limit(move || {
            let own = settings.own_temporary.as_deref() == Some(&*self.path);
            if own && self.path.symlink_metadata().is_err() {
                return look_at_folder(&self.path);
            }
            match check_location(&self.path, self.allow_mount_root, &settings) {
                Ok(()) => look_at_writable(&self.path),
                Err(refusal) => Verdict::problem(refusal.to_string(), refusal.hint()),
            }
        })
        .await
    }
}

/// Looks on a thread of its own, and not for ever.
async fn within_limit(look: impl FnOnce() -> Verdict + Send + 'static) -> Verdict {
    match tokio::time::timeout(LONGEST_LOOK, tokio::task::spawn_blocking(look)).await {
        Ok(Ok(verdict)) => verdict,
        Ok(Err(error)) => Verdict::problem(
            format!("looking at it broke down: {error}"),
            "report this as a defect",
        ),
        Err(_) => Verdict::problem(
            format!("it did not answer within {} s", LONGEST_LOOK.as_secs()),
            "the disk or server that holds it may be gone; turn the location off until it is back",
        ),
    }
}

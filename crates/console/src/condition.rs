//! How the installation is as a whole, told even while the console cannot be opened.

use std::path::Path;

use upkeep_config::{Configuration, DATABASE_VARIABLE, Folders, HOME_VARIABLE, without_password};
use upkeep_contract::condition::Condition;
use upkeep_contract::worker::WorkerState;
use upkeep_contract::{ErrorCode, ErrorReply};
use upkeep_operations::host::free_bytes;
use upkeep_queue::STALE_AFTER;

use crate::{Console, ConsoleError};

/// With less than this free, SQLite's next transactions fail one by one: that is full.
const FULL_BELOW_BYTES: u64 = 1 << 20;

/// How the installation is. `opened` is its console, or why there is none.
pub async fn condition(
    folders: &Folders,
    url: &str,
    opened: Result<&Console, ErrorReply>,
) -> Condition {
    let asked = match opened {
        Ok(console) => console.workers_alive().await.map_err(ErrorReply::from),
        Err(error) => Err(error),
    };
    let (workers_alive, database_error) = match asked {
        Ok(alive) => (Some(alive), None),
        Err(error) => (None, Some(error)),
    };
    let configuration = Configuration::read(&folders.config_file());
    let free_bytes = free_bytes(nearest_folder(folders.data()));
    let database_file = url
        .strip_prefix("sqlite://")
        .map(|_| folders.database_file())
        .filter(|_| url == folders.database_url(None))
        .or_else(|| url.strip_prefix("sqlite://").map(Into::into));
    Condition {
        config_file: folders.config_file().display().to_string(),
        data_folder: folders.data().display().to_string(),
        database: without_password(url),
        database_file: database_file.map(|file| file.display().to_string()),
        disk_full: free_bytes.is_some_and(|free| free < FULL_BELOW_BYTES)
            || database_error
                .as_ref()
                .is_some_and(|error| error.code == ErrorCode::DiskFull),
        free_bytes,
        database_error,
        configuration_error: configuration.err().as_ref().map(ErrorReply::from),
        workers_alive,
        worker_command: worker_command(folders, url),
        worker_command_lacks_password: without_password(url) != url,
    }
}

impl Console {
    /// How many workers are alive; asking shows that the database is there.
    ///
    /// # Errors
    /// [`ConsoleError::Queue`] when the database cannot be reached, is damaged, or was replaced.
    async fn workers_alive(&self) -> Result<u32, ConsoleError> {
        self.queue.check().await?;
        let since = self.queue.now().minus(STALE_AFTER);
        let workers = self.queue.workers(since).await?;
        let alive = workers
            .iter()
            .filter(|worker| !matches!(worker.state, WorkerState::Stopped | WorkerState::Stale));
        Ok(u32::try_from(alive.count()).unwrap_or(u32::MAX))
    }
}

/// The folder, or the nearest above it that is there: it may not have been made yet.
fn nearest_folder(folder: &Path) -> &Path {
    folder
        .ancestors()
        .find(|above| above.is_dir())
        .unwrap_or(folder)
}

/// What starts a worker for this very installation, as a shell reads it.
fn worker_command(folders: &Folders, url: &str) -> String {
    let home = std::env::var(HOME_VARIABLE).ok();
    let chosen = (url != folders.database_url(None)).then(|| without_password(url));
    command_for(home.as_deref(), chosen.as_deref(), &worker_program())
}

/// The program's name where the shell finds it, else its path beside this program.
fn worker_program() -> String {
    const NAME: &str = "upkeep-worker";
    let beside = std::env::current_exe()
        .ok()
        .map(|exe| exe.with_file_name(format!("{NAME}{}", std::env::consts::EXE_SUFFIX)))
        .filter(|program| program.is_file());
    let Some(program) = beside else {
        return NAME.to_owned();
    };
    let searched = std::env::var_os("PATH").unwrap_or_default();
    if std::env::split_paths(&searched).any(|folder| Some(folder.as_path()) == program.parent()) {
        return NAME.to_owned();
    }
    program.display().to_string()
}

fn command_for(home: Option<&str>, database: Option<&str>, program: &str) -> String {
    let variables = [(HOME_VARIABLE, home), (DATABASE_VARIABLE, database)];
    let plain = |sign: char| sign.is_ascii_alphanumeric() || "/-_.+".contains(sign);
    let program = if program.chars().all(plain) {
        program.to_owned()
    } else {
        quoted(program)
    };
    let mut words: Vec<String> = variables
        .into_iter()
        .filter_map(|(name, value)| Some(format!("{name}={}", quoted(value?))))
        .collect();
    words.extend([program, "run".to_owned()]);
    words.join(" ")
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_names_the_installation_as_a_shell_reads_it() {
        let check = |home: Option<&str>, database: Option<&str>, program: &str, expect: &str| {
            assert_eq!(command_for(home, database, program), expect);
        };
        check(None, None, "upkeep-worker", "upkeep-worker run");
        check(
            Some("/srv/anna's"),
            None,
            "upkeep-worker",
            "UPKEEP_HOME='/srv/anna'\\''s' upkeep-worker run",
        );
        check(
            None,
            Some("postgres://anna@db/upkeep"),
            "/opt/up keep/upkeep-worker",
            "UPKEEP_DATABASE_URL='postgres://anna@db/upkeep' '/opt/up keep/upkeep-worker' run",
        );
    }
}

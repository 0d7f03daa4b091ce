//! Finds PostgreSQL's programs and runs them as a user that the server accepts, which is not root.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// PostgreSQL's programs on this machine and the user who runs them.
#[derive(Debug)]
pub(super) struct Programs {
    folder: PathBuf,
    as_postgres: bool,
}

impl Programs {
    /// The newest PostgreSQL of this machine.
    pub(super) fn find() -> Self {
        // Debian keeps each version apart and none in the path
        let debian = std::fs::read_dir("/usr/lib/postgresql")
            .into_iter()
            .flatten()
            .filter_map(Result::ok)
            .filter_map(|entry| {
                let version: u32 = entry.file_name().to_str()?.parse().ok()?;
                Some((version, entry.path().join("bin")))
            })
            .filter(|(_, folder)| is_server(folder))
            .max();
        let path = std::env::var_os("PATH").unwrap_or_default();
        let folder = debian
            .map(|(_, folder)| folder)
            .or_else(|| std::env::split_paths(&path).find(|folder| is_server(folder)))
            .expect("PostgreSQL's server was not found: install the package postgresql (postgresql-server on Fedora)");
        Self {
            folder,
            as_postgres: rustix::process::geteuid().is_root(),
        }
    }

    /// One of PostgreSQL's programs, to be run in that folder and untouched by this process's settings.
    pub(super) fn command(&self, program: &str, folder: &Path) -> Command {
        let mut command = self.as_server_user(self.folder.join(program).into());
        command.current_dir(folder).env("LC_ALL", "C");
        for (name, _) in std::env::vars_os() {
            if name.to_str().is_some_and(|name| name.starts_with("PG")) {
                command.env_remove(name);
            }
        }
        command
    }

    /// Makes an empty cluster in `data` of that folder.
    pub(super) fn init(&self, folder: &Path) {
        let data = folder.join("data");
        let mut command = self.command("initdb", folder);
        command.arg("-D").arg(&data).args([
            "--username=postgres",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            "--auth=trust",
            "--no-sync",
            "--no-instructions",
        ]);
        succeed(command);
        // initdb lets in only this machine; a test may listen on more
        let allowed = "local all all trust\nhost all all all trust\n";
        std::fs::write(data.join("pg_hba.conf"), allowed).unwrap();
    }

    /// A folder of a fresh name in that one, owned by the user who runs the server.
    pub(super) fn make_folder(&self, parent: &Path) -> PathBuf {
        let mut command = self.as_server_user("mktemp".into());
        command.arg("-d").arg(parent.join("upkeep-pg-XXXXXX"));
        PathBuf::from(succeed(command).trim_end())
    }

    fn as_server_user(&self, program: OsString) -> Command {
        if !self.as_postgres {
            return Command::new(program);
        }
        // it becomes the program, so that the process we know is the program's
        let mut command = Command::new("setpriv");
        command.args(["--reuid=postgres", "--regid=postgres", "--init-groups"]);
        command.arg("--inh-caps=-all").arg(program);
        command
    }
}

fn is_server(folder: &Path) -> bool {
    folder.join("postgres").exists() && folder.join("initdb").exists()
}

/// What the program wrote; the test stops where it fails.
fn succeed(mut command: Command) -> String {
    let output = command
        .stdin(Stdio::null())
        .output()
        .unwrap_or_else(|error| panic!("{command:?} does not start: {error}"));
    assert!(
        output.status.success(),
        "{command:?} failed: {}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

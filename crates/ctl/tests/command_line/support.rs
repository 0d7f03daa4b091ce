//! An installation of its own, the programs, and what they said.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use serde_json::Value;
use tempfile::TempDir;
use upkeep_queue::Queue;
use upkeep_testkit::{PostgresCluster, folder_in_memory};

/// What anything here may take before the test gives up: the machine may be busy.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);

pub(crate) fn upkeepctl() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_upkeepctl"))
}

/// The worker, which `cargo build --workspace` puts beside it.
pub(crate) fn worker_program() -> PathBuf {
    let program = upkeepctl().with_file_name("upkeep-worker");
    assert!(
        program.exists(),
        "{} is missing: build it with `cargo build -p upkeep-worker`",
        program.display()
    );
    program
}

/// An installation with one location, and its database of either engine.
pub(crate) struct Site {
    // the first field, so that it ends before its folder goes
    server: Option<Server>,
    folder: TempDir,
    url: Option<String>,
}

/// A server of that installation, through which it is asked.
struct Server {
    address: String,
    _program: Running,
}

/// What a program said and how it ended.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Site {
    pub(crate) fn sqlite() -> Self {
        Self::with(None)
    }

    pub(crate) async fn postgres() -> Self {
        Self::with(Some(PostgresCluster::shared().database().await))
    }

    /// On a database that is there already.
    pub(crate) fn on(url: &str) -> Self {
        Self::with(Some(url.to_owned()))
    }

    fn with(url: Option<String>) -> Self {
        let site = Self {
            server: None,
            folder: folder_in_memory(),
            url,
        };
        std::fs::create_dir_all(site.home()).unwrap();
        std::fs::create_dir_all(site.scratch()).unwrap();
        site.configure(&format!(
            "[[locations]]\nname = \"scratch\"\npath = \"{}\"\n\n[worker]\nlease_seconds = 2\n",
            site.scratch().display()
        ));
        site
    }

    /// One that is asked through its server alone: the command line does not even know where it lies.
    pub(crate) fn served() -> Self {
        Self::sqlite().behind_a_server()
    }

    fn behind_a_server(mut self) -> Self {
        std::fs::create_dir_all(self.elsewhere()).unwrap();
        // `config` looks at the machine it runs on
        let (own, other) = (self.home(), self.elsewhere());
        std::fs::copy(own.join("config.toml"), other.join("config.toml")).unwrap();
        let program = self.serve(&[]);
        self.server = Some(Server {
            address: self.address(),
            _program: program,
        });
        self
    }

    /// Starts a server of this installation, at any port that is free, and waits until it can be asked.
    pub(crate) fn serve(&self, arguments: &[&str]) -> Running {
        self.serve_at("0", arguments)
    }

    /// The same at this port.
    pub(crate) fn serve_at(&self, port: &str, arguments: &[&str]) -> Running {
        let mut command = self.installed(upkeepctl());
        command
            .args(["serve", "--port", port, "--no-worker"])
            .args(arguments);
        let server = Running::start(command, self.path());
        let begun = Instant::now();
        while !self.home().join("api-address").exists() {
            assert!(begun.elapsed() < PATIENCE, "{}", server.said());
            std::thread::sleep(Duration::from_millis(10));
        }
        server
    }

    /// Where the server of this installation says it is.
    pub(crate) fn address(&self) -> String {
        std::fs::read_to_string(self.home().join("api-address")).unwrap()
    }

    /// How tasks and the audit trail name the way in which this installation is asked.
    pub(crate) fn door(&self) -> &'static str {
        if self.server.is_some() {
            "(api)"
        } else {
            "(upkeepctl)"
        }
    }

    fn elsewhere(&self) -> PathBuf {
        self.path().join("elsewhere")
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn home(&self) -> PathBuf {
        self.path().join("home")
    }

    pub(crate) fn scratch(&self) -> PathBuf {
        self.path().join("scratch")
    }

    pub(crate) fn configure(&self, text: &str) {
        std::fs::write(self.home().join("config.toml"), text).unwrap();
    }

    /// A file that nobody has touched for ninety days.
    pub(crate) fn old_file(&self, name: &str) -> PathBuf {
        let path = self.scratch().join(name);
        std::fs::write(&path, "something that is long gone").unwrap();
        let old = SystemTime::now() - Duration::from_hours(24 * 90);
        let file = std::fs::File::options().write(true).open(&path).unwrap();
        file.set_modified(old).unwrap();
        path
    }

    /// A program that asks this installation, in one way or the other.
    pub(crate) fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = self.installed(program);
        if let Some(server) = &self.server {
            command
                .env("UPKEEP_HOME", self.elsewhere())
                .env_remove("UPKEEP_DATABASE_URL")
                .env("UPKEEP_SERVER", &server.address)
                .env("UPKEEP_TOKEN_FILE", self.home().join("api-token"));
        }
        command
    }

    /// A program in this installation's environment, away from the tester's own.
    pub(crate) fn installed(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command
            .env("UPKEEP_HOME", self.home())
            .env_remove("UPKEEP_DATABASE_URL")
            .env_remove("UPKEEP_SERVER")
            .env_remove("UPKEEP_TOKEN")
            .env_remove("UPKEEP_TOKEN_FILE")
            .env_remove("UPKEEP_TLS_CA")
            .env_remove("NO_COLOR")
            .env_remove("RUST_LOG")
            .current_dir(self.path())
            .stdin(Stdio::null());
        if let Some(url) = &self.url {
            command.env("UPKEEP_DATABASE_URL", url);
        }
        command
    }

    /// Runs `upkeepctl` to its end.
    pub(crate) fn ctl(&self, arguments: &[&str]) -> Done {
        let mut command = self.command(upkeepctl());
        command.args(arguments);
        done(command)
    }

    /// Runs it, which must succeed; what it printed.
    pub(crate) fn ok(&self, arguments: &[&str]) -> String {
        let done = self.ctl(arguments);
        assert_eq!(done.code, Some(0), "{arguments:?}: {done:?}");
        done.out
    }

    /// Runs it with `--json`, which must succeed; the lines it printed.
    pub(crate) fn json(&self, arguments: &[&str]) -> Vec<Value> {
        let out = self.ok(&[arguments, &["--json"]].concat());
        out.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// Starts `upkeepctl` and leaves it running.
    pub(crate) fn start(&self, arguments: &[&str]) -> Running {
        let mut command = self.command(upkeepctl());
        command.args(arguments);
        Running::start(command, self.path())
    }

    /// Starts a worker and waits until it claims.
    pub(crate) fn worker(&self, arguments: &[&str]) -> Running {
        let mut command = self.installed(worker_program());
        command.arg("run").args(arguments).env("RUST_LOG", "info");
        let worker = Running::start(command, self.path());
        worker.until("the worker is ready");
        worker
    }

    pub(crate) fn database_url(&self) -> String {
        let own = || format!("sqlite://{}", self.home().join("upkeep.db").display());
        self.url.clone().unwrap_or_else(own)
    }

    pub(crate) async fn queue(&self) -> Queue {
        Queue::open(&self.database_url()).await.unwrap()
    }
}

/// Runs a command to its end.
pub(crate) fn done(mut command: Command) -> Done {
    let output = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let done = Done {
        code: output.status.code(),
        out: text(output.stdout),
        err: text(output.stderr),
    };
    assert!(!done.err.contains("panicked"), "{done:?}");
    done
}

/// A process that is killed when the test ends, however it ends.
pub(crate) struct Running {
    child: Child,
    out: PathBuf,
    err: PathBuf,
}

impl Running {
    pub(crate) fn start(mut command: Command, folder: &Path) -> Self {
        let name = upkeep_contract::TaskId::generate();
        let out = folder.join(format!("{name}.out"));
        let err = folder.join(format!("{name}.err"));
        let child = command
            .stdout(std::fs::File::create(&out).unwrap())
            .stderr(std::fs::File::create(&err).unwrap())
            .spawn()
            .unwrap();
        Self { child, out, err }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn said(&self) -> String {
        let mut text = String::new();
        for file in [&self.out, &self.err] {
            let mut bytes = Vec::new();
            let mut file = std::fs::File::open(file).unwrap();
            file.read_to_end(&mut bytes).unwrap();
            text.push_str(&String::from_utf8_lossy(&bytes));
        }
        text
    }

    /// Waits until it has said this.
    pub(crate) fn until(&self, text: &str) {
        let begun = Instant::now();
        while !self.said().contains(text) {
            assert!(
                begun.elapsed() < PATIENCE,
                "it never said `{text}`:\n{}",
                self.said()
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, signal).unwrap();
    }

    /// Waits for its end.
    pub(crate) fn end(mut self) -> Done {
        let begun = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(
                begun.elapsed() < PATIENCE,
                "it never ended:\n{}",
                self.said()
            );
            std::thread::sleep(Duration::from_millis(10));
        };
        let done = Done {
            code: status.code(),
            out: std::fs::read_to_string(&self.out).unwrap(),
            err: std::fs::read_to_string(&self.err).unwrap(),
        };
        assert!(!done.err.contains("panicked"), "{done:?}");
        done
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // it may have ended by itself
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// The id that `upkeepctl --quiet` printed.
pub(crate) fn id(out: &str) -> String {
    let id = out.trim();
    assert_eq!(id.len(), 36, "an id and nothing else: {out}");
    id.to_owned()
}

/// The text with what differs from run to run replaced: ids, times, durations, folders, this host.
pub(crate) fn settled(text: &str, site: &Site) -> String {
    let text = text.replace(&site.path().display().to_string(), "SITE");
    let mut settled = Vec::new();
    for word in text.split_inclusive([' ', '\n', ',', ')', '`']) {
        let bare = word.trim_end_matches([' ', '\n', ',', ')', '`', ':']);
        let open = bare.trim_start_matches('(');
        let mark = if open.len() == 36 && open.matches('-').count() == 4 {
            "ID"
        } else if open.len() == 10 && open.matches('-').count() == 2 && open.starts_with("20") {
            "DAY"
        } else if open.len() == 8 && open.matches(':').count() == 2 {
            "TIME"
        } else {
            settled.push(word.to_owned());
            continue;
        };
        settled.push(word.replacen(open, mark, 1));
    }
    settled.concat()
}

/// Makes each of these `async fn(Site)` three tests: `<name>::sqlite` and `<name>::postgres`, which go to the
/// database, and `<name>::server`, which asks a server.
macro_rules! in_every_way {
    ($($name:ident),* $(,)?) => {$(
        mod $name {
            #[tokio::test(flavor = "multi_thread")]
            async fn sqlite() {
                super::$name($crate::support::Site::sqlite()).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn postgres() {
                super::$name($crate::support::Site::postgres().await).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn server() {
                super::$name($crate::support::Site::served()).await;
            }
        }
    )*};
}
pub(crate) use in_every_way;

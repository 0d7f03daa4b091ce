//! A throw-away PostgreSQL server, made from the machine's own PostgreSQL for the tests and benchmarks.
//!
//! A cluster lies in a folder of its own and is gone when its value is dropped, and also some moments
//! after the test process was killed, since statics are not dropped and a killed process drops nothing.
//! Anybody on the machine may connect as superuser to the addresses it listens on: it is for tests alone.

mod folder;
mod programs;

use std::fs::File;
use std::net::{IpAddr, Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use url::Url;

use folder::VanishingFolder;
use programs::Programs;

/// What the server does to keep what it has committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// Nothing, in memory where there is room: a crash of the machine loses all, and a killed server its
    /// last commits, unless the setting `synchronous_commit` is `on`. For tests.
    #[default]
    Fast,
    /// PostgreSQL's own settings, on a disk: `$TMPDIR`, else `/var/tmp`. For benchmarks.
    Full,
}

/// How a server is stopped in good order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// Connections are closed, everything is written, nothing is to be recovered.
    Fast,
    /// Everything is dropped at once; the next start recovers from the log.
    Immediate,
}

/// How a cluster of one's own is made.
#[derive(Debug, Clone, Default)]
pub struct PostgresOptions {
    durability: Durability,
    addresses: Vec<IpAddr>,
    settings: Vec<String>,
}

impl PostgresOptions {
    /// A server that listens on 127.0.0.1 and on its socket.
    pub fn new(durability: Durability) -> Self {
        Self {
            durability,
            ..Self::default()
        }
    }

    /// Listens on this address, which must exist, too: say, one that another network namespace reaches.
    #[must_use]
    pub fn listen_on(mut self, address: IpAddr) -> Self {
        self.addresses.push(address);
        self
    }

    /// A setting of the server's, as in `postgresql.conf`.
    #[must_use]
    pub fn setting(mut self, name: &str, value: &str) -> Self {
        self.settings.push(format!("{name}={value}"));
        self
    }
}

/// A PostgreSQL server with its data in a folder of its own; drop it and both are gone.
#[derive(Debug)]
pub struct PostgresCluster {
    server: Option<Child>,
    port: u16,
    options: PostgresOptions,
    databases: AtomicU32,
    programs: Programs,
    // the last field, so that the folder goes after the server
    folder: VanishingFolder,
}

// the server is given this long to start, which includes a recovery, before the test gives up
const PATIENCE: Duration = Duration::from_secs(60);

impl PostgresCluster {
    /// The server that the tests of this process share; each makes its own [`database`](Self::database).
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<PostgresCluster> = OnceLock::new();
        SHARED.get_or_init(|| Self::start(PostgresOptions::default()))
    }

    /// A server of one's own, for tests that stop or kill it.
    pub fn start(options: PostgresOptions) -> Self {
        let programs = Programs::find();
        let folder = VanishingFolder::make(&programs, options.durability);
        programs.init(folder.path());
        let mut cluster = Self {
            server: None,
            port: 0,
            options,
            databases: AtomicU32::new(0),
            programs,
            folder,
        };
        // another program can take a free port before the server does
        for _ in 0..5 {
            cluster.port = free_port(&cluster.addresses());
            match cluster.launch() {
                Ok(()) => return cluster,
                Err(log) if log.contains(PORT_TAKEN) => cluster.end(Signal::QUIT),
                Err(log) => panic!("the PostgreSQL server does not start; its log:\n{log}"),
            }
        }
        panic!("five free ports in a row were taken before the PostgreSQL server had them");
    }

    /// The URL, over the socket, of a fresh database.
    pub async fn database(&self) -> String {
        self.create("").await
    }

    /// The URL of a fresh database whose text is ordered by the rules of this ICU locale, such as `en-US`.
    pub async fn database_with_collation(&self, icu_locale: &str) -> String {
        self.create(&format!(
            "template template0 locale_provider icu icu_locale '{icu_locale}'"
        ))
        .await
    }

    /// Removes a database that [`database`](Self::database) made; its connections are closed.
    pub async fn remove_database(&self, url: &str) {
        let name = Url::parse(url).unwrap().path().replace('/', "");
        self.execute(&format!("drop database {name} with (force)"))
            .await;
    }

    /// The same database over TCP, by way of this address.
    pub fn over_tcp(&self, url: &str, address: IpAddr) -> String {
        let mut url = Url::parse(url).unwrap();
        url.set_ip_host(address).unwrap();
        url.set_query(None);
        url.into()
    }

    /// The port, which is the same after a restart.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The folder with the socket, the data and the log.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// What the server has logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.log_path()).unwrap()
    }

    /// The process id of the running server's first process.
    pub fn pid(&self) -> Option<u32> {
        self.server.as_ref().map(Child::id)
    }

    /// Stops the server in good order and waits until it is gone; does nothing when it is stopped.
    pub fn stop(&mut self, how: Stop) {
        self.end(match how {
            Stop::Fast => Signal::INT,
            Stop::Immediate => Signal::QUIT,
        });
    }

    /// Kills every process of the server at once, as the system does when it is out of memory.
    pub fn kill(&mut self) {
        // those that the first process makes meanwhile are seen in the next round
        loop {
            let processes = self.processes();
            if processes.is_empty() {
                break;
            }
            for process in processes {
                // one that has ended by itself is as good
                kill_process(process, Signal::KILL).ok();
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        self.end(Signal::KILL);
    }

    /// Starts the server again after [`stop`](Self::stop) or [`kill`](Self::kill), or stops it first;
    /// its port, its socket and its databases are the same.
    pub fn restart(&mut self) {
        self.stop(Stop::Fast);
        if let Err(log) = self.launch() {
            panic!("the PostgreSQL server does not start again; its log:\n{log}");
        }
    }

    async fn create(&self, how: &str) -> String {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        self.execute(&format!("create database {name} {how}")).await;
        self.url(&name)
    }

    // a connection for each: a pool would belong to the runtime of the test that happened to be first
    async fn execute(&self, sql: &str) {
        let mut connection = PgConnection::connect(&self.url("postgres")).await.unwrap();
        connection
            .execute(AssertSqlSafe(sql.to_owned()))
            .await
            .unwrap();
        connection.close().await.unwrap();
    }

    // in this form both sqlx and libpq find the socket
    fn url(&self, database: &str) -> String {
        let mut url = Url::parse("postgres://postgres@localhost").unwrap();
        url.set_port(Some(self.port)).unwrap();
        url.set_path(database);
        url.query_pairs_mut()
            .append_pair("host", self.folder().to_str().unwrap());
        url.into()
    }

    fn addresses(&self) -> Vec<IpAddr> {
        let mut all = vec![IpAddr::V4(Ipv4Addr::LOCALHOST)];
        all.extend(&self.options.addresses);
        all
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn log_path(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    /// Every living process of the server: all of them, and they alone, have the data as their directory.
    fn processes(&self) -> Vec<Pid> {
        let data = self.data();
        procfs::process::all_processes()
            .unwrap()
            .filter_map(Result::ok)
            .filter(|process| process.cwd().is_ok_and(|cwd| cwd == data))
            .filter_map(|process| Pid::from_raw(process.pid))
            .collect()
    }

    fn end(&mut self, signal: Signal) {
        let Some(mut server) = self.server.take() else {
            return;
        };
        kill_process(Pid::from_child(&server), signal).ok();
        server.wait().unwrap();
    }

    /// Starts the server and waits until it accepts connections, or says with its log that it does not.
    fn launch(&mut self) -> Result<(), String> {
        let path = self.log_path();
        let log = File::options()
            .append(true)
            .create(true)
            .open(path)
            .unwrap();
        let logged = self.log().len();

        let mut command = self.programs.command("postgres", self.folder());
        command.arg("-D").arg(self.data());
        for setting in self.settings() {
            command.arg("-c").arg(setting);
        }
        let server = command
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let pid = server.id().to_string();
        let server = self.server.insert(server);

        let ready = Instant::now() + PATIENCE;
        let status = self.folder.path().join("data/postmaster.pid");
        loop {
            let ended = server.try_wait().unwrap().is_some();
            let status = std::fs::read_to_string(&status).unwrap_or_default();
            let mut lines = status.lines().map(str::trim);
            if lines.next() == Some(&pid) && lines.nth(6) == Some("ready") {
                break;
            }
            if ended || Instant::now() > ready {
                return Err(self.log().split_off(logged));
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        // it is content with one address of several, but the test is not
        let log = self.log().split_off(logged);
        if log.contains(PORT_TAKEN) {
            return Err(log);
        }
        Ok(())
    }

    fn settings(&self) -> Vec<String> {
        let addresses: Vec<String> = self.addresses().iter().map(ToString::to_string).collect();
        let mut settings = vec![
            format!("port={}", self.port),
            format!("listen_addresses={}", addresses.join(",")),
            format!("unix_socket_directories={}", self.folder().display()),
            "max_connections=200".to_owned(),
            // a killed server leaves its memory in the folder, which goes, and not in /dev/shm
            "dynamic_shared_memory_type=mmap".to_owned(),
        ];
        if self.options.durability == Durability::Fast {
            let fast = ["fsync=off", "synchronous_commit=off"];
            settings.extend(fast.map(str::to_owned));
            // the write-ahead log of many fresh databases would otherwise fill a gigabyte of memory
            settings.extend(["full_page_writes=off", "max_wal_size=128MB"].map(str::to_owned));
        }
        settings.extend_from_slice(&self.options.settings);
        settings
    }
}

impl Drop for PostgresCluster {
    fn drop(&mut self) {
        self.end(Signal::QUIT);
    }
}

// how the server's log says that it does not have an address
const PORT_TAKEN: &str = "could not create listen socket";

/// A port that is free on all these addresses and which no outgoing connection is given, so that it is
/// still free when the server starts again.
fn free_port(addresses: &[IpAddr]) -> u16 {
    for _ in 0..100 {
        let port = rand::random_range(20_000..32_000);
        let free = |address: &IpAddr| TcpListener::bind((*address, port));
        match addresses.iter().try_for_each(|ip| free(ip).map(drop)) {
            Ok(()) => return port,
            Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => {}
            Err(error) => panic!("cannot listen on {addresses:?}: {error}"),
        }
    }
    panic!("no port between 20000 and 32000 is free on {addresses:?}");
}

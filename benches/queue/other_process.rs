//! A worker in a process of its own: this program, started again.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use upkeep_queue::Queue;

use crate::noop::{Begun, options, registry};

/// The first argument of such a process.
pub(crate) const FLAG: &str = "--as-worker";

/// The whole of such a process: says that it is ready, waits for a line, and performs tasks until it is killed.
pub(crate) async fn run(url: &str, concurrency: u32) {
    let queue = Queue::open(url).await.unwrap();
    let (registry, mut begun) = registry();
    println!("ready");
    let line = tokio::task::spawn_blocking(|| std::io::stdin().lock().lines().next());
    line.await.unwrap().unwrap().unwrap();
    let artifacts = std::env::temp_dir();
    let _worker = upkeep_worker::start(queue, registry, artifacts, options(concurrency))
        .await
        .unwrap();
    println!("started");
    let mut out = std::io::BufWriter::new(std::io::stdout());
    while let Some(Begun { number, at }) = begun.recv().await {
        writeln!(out, "{number} {}", at.as_nanos()).unwrap();
        if begun.is_empty() {
            out.flush().unwrap();
        }
    }
}

/// A worker in another process; dropped, it is killed.
#[derive(Debug)]
pub(crate) struct OtherProcess {
    child: Child,
    input: ChildStdin,
    begun: UnboundedReceiver<Option<Begun>>,
}

impl OtherProcess {
    /// Starts it and waits until its queue is open.
    pub(crate) async fn ready(url: &str, concurrency: u32) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([FLAG, url, &concurrency.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let input = child.stdin.take().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let (sender, begun) = unbounded_channel();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let said = line.split_once(' ').map(|(number, at)| Begun {
                    number: number.parse().unwrap(),
                    at: Duration::from_nanos(at.parse().unwrap()),
                });
                if sender.send(said).is_err() {
                    return;
                }
            }
        });
        let mut process = Self {
            child,
            input,
            begun,
        };
        process.word().await;
        process
    }

    /// Lets it begin to work.
    pub(crate) fn go(&mut self) {
        writeln!(self.input, "go").unwrap();
    }

    /// Starts it and lets it begin to work.
    pub(crate) async fn started(url: &str, concurrency: u32) -> Self {
        let mut process = Self::ready(url, concurrency).await;
        process.go();
        process.word().await;
        process
    }

    /// The next attempt that began there.
    pub(crate) async fn begun(&mut self) -> Begun {
        loop {
            if let Some(begun) = self
                .begun
                .recv()
                .await
                .expect("the other process has ended")
            {
                return begun;
            }
        }
    }

    /// SIGKILL: no farewell.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    async fn word(&mut self) {
        let word = self
            .begun
            .recv()
            .await
            .expect("the other process has ended");
        assert!(word.is_none(), "it said something else: {word:?}");
    }
}

impl Drop for OtherProcess {
    fn drop(&mut self) {
        // it may have been killed before
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

//! Reports of a million tasks: how long they take and how much memory, `make bench-export`.
//!
//! Each report is written by a process of its own, whose peak memory the system tells; the files are
//! read back by Python's csv module and by Prometheus' parser.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark prints, and stops at the first surprise"
)]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use upkeep_config::Folders;
use upkeep_console::Console;
use upkeep_contract::export::{ExportFormat, ExportRequest, ExportSubject};
use upkeep_contract::statistics::{StatisticsQuery, StatisticsRange};
use upkeep_contract::task::TaskFilter;
use upkeep_queue::Queue;
use upkeep_testkit::{Durability, PostgresCluster, PostgresOptions, fill_history};
use wait4::Wait4;

const FLAG: &str = "--export";

/// What a report may take, whatever its length.
const BAR_MB: f64 = 100.0;

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| argument != "--bench")
        .collect();
    if let [first, subject, format, url, home, file] = arguments.as_slice()
        && first == FLAG
    {
        return one(subject, format, url, Path::new(home), Path::new(file)).await;
    }
    let count = std::env::var("UPKEEP_BENCH_SIZE").unwrap_or_default();
    let count: usize = count.parse().unwrap_or(1_000_000);
    let parent = std::env::var_os("TMPDIR").map_or_else(|| "/var/tmp".into(), PathBuf::from);
    let folder = tempfile::Builder::new()
        .prefix("upkeep-bench-export-")
        .tempdir_in(parent)
        .unwrap();
    let cluster = PostgresCluster::start(PostgresOptions::new(Durability::Full));
    println!("# Reports of {count} tasks, release build\n");
    println!("| database | report | rows | seconds | file, MB | peak memory, MB | read back |");
    println!("| --- | --- | --- | --- | --- | --- | --- |");
    for engine in ["SQLite", "PostgreSQL"] {
        let home = folder.path().join(engine);
        std::fs::create_dir(&home).unwrap();
        let url = if engine == "SQLite" {
            format!("sqlite://{}/upkeep.db", home.display())
        } else {
            cluster.database().await
        };
        Queue::open(&url).await.unwrap().close().await;
        fill_history(&url, count).await;
        for subject in ["tasks", "statistics"] {
            for format in ExportFormat::ALL {
                let file = home.join(format!("{subject}.{}", format.extension()));
                let begun = Instant::now();
                let own = std::env::current_exe().unwrap();
                let child = Command::new(own)
                    .args([FLAG, subject, format.extension(), &url])
                    .args([&home, &file])
                    .spawn()
                    .unwrap();
                let ended = child.wait4().unwrap();
                assert!(ended.status.success());
                let seconds = begun.elapsed().as_secs_f64();
                let peak = megabytes(ended.rusage.maxrss);
                let size = megabytes(std::fs::metadata(&file).unwrap().len());
                let rows = if subject == "tasks" { count } else { 0 };
                println!(
                    "| {engine} | {subject}, {} | {} | {seconds:.1} | {size:.1} | **{peak:.0}** (under {BAR_MB}: {}) | {} |",
                    format.extension(),
                    if rows > 0 {
                        rows.to_string()
                    } else {
                        "–".to_owned()
                    },
                    if peak < BAR_MB { "met" } else { "missed" },
                    read_back(format, &file, rows)
                );
            }
        }
        if let Some(keep) = std::env::var_os("UPKEEP_BENCH_KEEP") {
            for subject in ["tasks", "statistics"] {
                let name = format!("{engine}-{subject}.html");
                let from = home.join(format!("{subject}.html"));
                std::fs::copy(from, Path::new(&keep).join(name)).unwrap();
            }
        }
        std::fs::remove_dir_all(&home).unwrap();
    }
}

/// In a process of its own: one report.
async fn one(subject: &str, extension: &str, url: &str, home: &Path, file: &Path) {
    let format = ExportFormat::ALL
        .into_iter()
        .find(|format| format.extension() == extension)
        .unwrap();
    let subject = match subject {
        "tasks" => ExportSubject::Tasks {
            filter: TaskFilter::default(),
        },
        _ => ExportSubject::Statistics {
            query: StatisticsQuery {
                range: StatisticsRange::All,
                ..StatisticsQuery::default()
            },
        },
    };
    let folders = Folders::at(&home.join("home"));
    let console = Console::open(folders, url, "bench").await.unwrap();
    let request = ExportRequest { subject, format };
    let saved = console.export(&request, file, |_, _| {}).await.unwrap();
    assert_eq!(saved.path, file);
    console.shutdown().await.unwrap();
}

const CSV: &str = "import csv, sys
print(sum(1 for _ in csv.reader(open(sys.argv[1], newline='', encoding='utf-8'), strict=True)) - 1)";

const OPENMETRICS: &str = "import sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse
families = list(parse(open(sys.argv[1], encoding='utf-8').read()))
print(int(sum(s.value for f in families for s in f.samples if s.name == 'upkeep_tasks')))";

/// What another program's parser makes of it.
fn read_back(format: ExportFormat, file: &Path, rows: usize) -> String {
    let program = match format {
        ExportFormat::Csv => CSV,
        ExportFormat::Openmetrics => OPENMETRICS,
        ExportFormat::Json | ExportFormat::Html => return "–".to_owned(),
    };
    let output = Command::new("/usr/bin/python3")
        .args(["-I", "-c", program])
        .arg(file)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(rows == 0 || said == rows.to_string(), "{said} of {rows}");
    let parser = if format == ExportFormat::Csv {
        "Python's csv"
    } else {
        "prometheus_client"
    };
    format!("{said} by {parser}")
}

#[expect(clippy::cast_precision_loss, reason = "sizes far below 2^52")]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

//! The systemd unit says only what the program understands.

use std::path::Path;

use crate::home::{Home, Running, stderr};
use crate::manager::Manager;

/// A line of a section, in the order of the file.
struct Setting {
    section: String,
    key: String,
    value: String,
}

fn unit() -> Vec<Setting> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../packaging/systemd/upkeep-worker@.service");
    let mut section = String::new();
    let mut settings = Vec::new();
    for line in std::fs::read_to_string(file).unwrap().lines() {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(name) = line.strip_prefix('[') {
            name.strip_suffix(']').unwrap().clone_into(&mut section);
            continue;
        }
        assert!(!line.ends_with('\\'), "no line goes on in the next: {line}");
        let (key, value) = line.split_once('=').unwrap();
        assert!(!section.is_empty(), "{line}");
        settings.push(Setting {
            section: section.clone(),
            key: key.to_owned(),
            value: value.to_owned(),
        });
    }
    settings
}

/// The one value of a key.
fn value(section: &str, key: &str) -> String {
    let unit = unit();
    let mut found = unit
        .iter()
        .filter(|it| it.section == section && it.key == key);
    let value = found.next().unwrap_or_else(|| panic!("{key} is missing"));
    assert!(found.next().is_none(), "{key} stands there twice");
    value.value.clone()
}

/// The arguments of a command line, as systemd makes them for this instance and these options.
fn arguments(key: &str, instance: &str, options: &str) -> Vec<String> {
    let line = value("Service", key);
    let words = line.trim_start_matches('-').split_whitespace();
    let mut words = words.flat_map(|word| match word {
        "$UPKEEP_WORKER_OPTIONS" => options.split_whitespace().map(str::to_owned).collect(),
        word => {
            assert!(!word.contains('$'), "{word}");
            vec![word.replace("%i", instance)]
        }
    });
    assert_eq!(words.next().unwrap(), "upkeep-worker");
    words.collect()
}

fn as_str(arguments: &[String]) -> Vec<&str> {
    arguments.iter().map(String::as_str).collect()
}

#[test]
fn its_command_lines_are_understood() {
    let home = Home::new();
    for key in ["ExecStart", "ExecStartPre"] {
        // an operation that does not exist is complained about only after everything else was understood
        let arguments = arguments(key, "health-check:no-such-one", "--host web-02");
        let output = home.output(&as_str(&arguments));
        assert_eq!(output.status.code(), Some(2));
        let said = stderr(&output);
        assert!(
            said.starts_with("error: there is no operation `no-such-one`"),
            "{key}: {said}"
        );
    }
    assert_eq!(value("Service", "RestartPreventExitStatus"), "2");
}

#[test]
fn its_instances_start_and_become_ready() {
    for instance in ["all", "cleanup-temp-files", "health-check:log-statistics"] {
        let (home, manager) = (Home::new(), Manager::new());
        let check = arguments("ExecStartPre", instance, "");
        assert!(home.output(&as_str(&check)).status.success());
        let run = arguments("ExecStart", instance, "--grace-seconds 5 --concurrency 1");
        let mut command = home.command(&as_str(&run));
        manager.watch(&mut command);
        let worker = Running::start(command);
        let ready = manager.wait_for("READY=1").concat();
        let last = instance.rsplit(':').next().unwrap();
        let last = if last == "all" {
            "restore-from-trash"
        } else {
            last
        };
        assert!(ready.ends_with(last), "{ready}");
        assert_eq!(worker.terminate(), Some(0));
    }
}

#[test]
fn its_times_fit_together() {
    let seconds = |key| value("Service", key).parse::<u64>().unwrap();
    let arguments = arguments("ExecStart", "all", "");
    let grace = arguments
        .iter()
        .position(|it| it == "--grace-seconds")
        .unwrap();
    let grace: u64 = arguments[grace + 1].parse().unwrap();
    assert!(
        seconds("TimeoutStopSec") >= grace + 20,
        "handing back takes a while, too"
    );
    assert_eq!(value("Service", "Type"), "notify");
    assert_eq!(value("Service", "NotifyAccess"), "main");
    assert!(
        seconds("WatchdogSec") >= 10,
        "a busy host is not a dead worker"
    );
}

#[test]
fn it_can_write_nowhere_but_to_its_own_folder_and_hides_nothing_that_may_be_cleaned() {
    assert_eq!(value("Service", "ProtectSystem"), "strict");
    assert_eq!(value("Service", "ProtectHome"), "read-only");
    assert_eq!(value("Service", "User"), "upkeep");
    assert_eq!(value("Service", "CapabilityBoundingSet"), "");
    let unit = unit();
    for absent in [
        // locations are the operator's to name, in a drop-in
        "ReadWritePaths",
        "AmbientCapabilities",
        "PrivateTmp",
        "ProtectProc",
        "InaccessiblePaths",
    ] {
        assert!(!unit.iter().any(|it| it.key == absent), "{absent}");
    }
}

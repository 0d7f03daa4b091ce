//! What the program says on stderr, in both formats.

use std::fs::File;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Stdio;

use serde_json::Value;

use crate::home::{Home, Running, stderr, stdout};
use crate::manager::Manager;

/// Starts the worker with its stderr in a file, waits until it is ready, stops it; what it said.
fn log_of_a_run(home: &Home, arguments: &[&str], environment: &[(&str, &str)]) -> String {
    let file = home.folder().join("stderr");
    let manager = Manager::new();
    let mut command = home.command(arguments);
    command
        .arg("run")
        .envs(environment.iter().copied())
        .stderr(Stdio::from(File::create(&file).unwrap()));
    manager.watch(&mut command);
    let worker = Running::start(command);
    manager.wait_for("READY=1");
    assert_eq!(worker.terminate(), Some(0));
    std::fs::read_to_string(file).unwrap()
}

/// As systemd names the stream it gave.
fn journal_stream(file: &Path) -> String {
    let found = file.metadata().unwrap();
    format!("{}:{}", found.dev(), found.ino())
}

fn json_lines(text: &str) -> Vec<Value> {
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect();
    for line in &lines {
        let mut keys: Vec<&String> = line.as_object().unwrap().keys().collect();
        keys.sort();
        assert_eq!(keys, ["fields", "level", "message", "target", "timestamp"]);
        let time = line["timestamp"].as_str().unwrap();
        assert!(
            time.len() >= 20 && &time[10..11] == "T" && time.ends_with('Z'),
            "{time}"
        );
        assert!(["error", "warn", "info"].contains(&line["level"].as_str().unwrap()));
        assert!(!line["message"].as_str().unwrap().is_empty(), "{line}");
        assert!(line["fields"].is_object());
    }
    lines
}

fn with_message<'a>(lines: &'a [Value], message: &str) -> &'a Value {
    let found = lines.iter().find(|line| line["message"] == message);
    found.unwrap_or_else(|| panic!("nobody said `{message}`: {lines:#?}"))
}

#[test]
fn a_run_logs_one_json_object_a_line() {
    let home = Home::new();
    let check = |arguments: &[&str], environment: &[(&str, &str)]| {
        let lines = json_lines(&log_of_a_run(&home, arguments, environment));
        let ready = with_message(&lines, "the worker is ready");
        assert_eq!(ready["target"], "upkeep_worker::worker");
        assert_eq!(ready["fields"]["concurrency"], 2, "numbers stay numbers");
        with_message(&lines, "the worker has stopped");
    };
    check(&["--log-format", "json"], &[]);
    check(&[], &[("UPKEEP_LOG_FORMAT", "json")]);
}

#[test]
fn the_argument_comes_before_the_variable() {
    let home = Home::new();
    let text = log_of_a_run(
        &home,
        &["--log-format", "human"],
        &[("UPKEEP_LOG_FORMAT", "json")],
    );
    assert!(text.contains(" INFO upkeep_worker"), "{text}");
}

#[test]
fn a_person_reads_time_and_text_without_colours_in_a_file() {
    let home = Home::new();
    let text = log_of_a_run(&home, &[], &[]);
    let notice = text
        .lines()
        .find(|line| line.contains("on-demand execution only"))
        .unwrap();
    assert!(
        notice.starts_with("20") && notice.contains("Z  INFO "),
        "{notice}"
    );
    assert!(!text.contains('\u{1b}'), "{text:?}");
}

#[test]
fn the_journal_gets_a_priority_and_no_time() {
    let home = Home::new();
    // made beforehand and only emptied by the run, so that device and inode are known
    let file = home.folder().join("stderr");
    File::create(&file).unwrap();
    let stream = journal_stream(&file);
    let text = log_of_a_run(&home, &[], &[("JOURNAL_STREAM", &stream)]);
    for line in text.lines() {
        assert!(line.starts_with("<6> INFO upkeep_worker"), "{line}");
    }
    assert!(text.contains("the worker is ready"), "{text}");
    let elsewhere = log_of_a_run(&home, &[], &[("JOURNAL_STREAM", "1:2")]);
    assert!(
        elsewhere.starts_with("20"),
        "stderr does not go to the journal: {elsewhere}"
    );
    let json = log_of_a_run(
        &home,
        &["--log-format", "json"],
        &[("JOURNAL_STREAM", &stream)],
    );
    json_lines(&json);
}

#[test]
fn levels_are_honoured() {
    let home = Home::new();
    let check = |arguments: &[&str], rust_log: &str, silent: bool| {
        let text = log_of_a_run(&home, arguments, &[("RUST_LOG", rust_log)]);
        assert_eq!(text.is_empty(), silent, "{arguments:?} {rust_log}: {text}");
    };
    check(&[], "", false);
    check(&[], "warn", true);
    check(&["--log-level", "info"], "warn", false);
    check(&["--log-level", "warn"], "info", true);
    check(&["--log-level", "off"], "", true);
    let wrong = home
        .command(&["operations"])
        .env("RUST_LOG", "upkeep=loud")
        .output()
        .unwrap();
    assert_eq!(wrong.status.code(), Some(2));
    assert!(stderr(&wrong).contains("RUST_LOG"), "{}", stderr(&wrong));
}

#[test]
fn a_direct_call_keeps_stdout_for_its_report() {
    let home = Home::new();
    let output = home.output(&["exec", "health-check", "--log-format", "json"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let report: Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert!(report["checks"].is_array());
    let lines = json_lines(&stderr(&output));
    assert!(
        lines.iter().any(|line| line["fields"]["unit"] == "checks"),
        "progress is logged: {lines:#?}"
    );
}

#[test]
fn a_failure_is_one_line_of_json_with_its_hint_at_any_level() {
    let home = Home::new();
    let output = home.output(&["exec", "nope", "--log-format", "json", "--log-level", "off"]);
    assert_eq!(output.status.code(), Some(2));
    let lines = json_lines(&stderr(&output));
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0]["level"], "error");
    assert_eq!(lines[0]["message"], "there is no operation `nope`");
    assert!(
        lines[0]["fields"]["hint"]
            .as_str()
            .unwrap()
            .contains("health-check")
    );
    let human = stderr(&home.output(&["exec", "nope"]));
    assert!(
        human.starts_with("error: there is no operation `nope`\nhint: "),
        "{human}"
    );
}

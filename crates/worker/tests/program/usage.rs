//! Names that do not exist, and the help.

use crate::home::{Home, stderr, stdout};

#[test]
fn an_unknown_operation_is_a_usage_error_that_lists_the_known_and_makes_nothing() {
    let home = Home::new();
    let before = home.tree();
    for command in ["run", "check"] {
        let output = home.output(&[command, "--operations", "health-check,clean-all"]);
        assert_eq!(output.status.code(), Some(2), "{command}");
        let said = stderr(&output);
        assert!(
            said.contains("there is no operation `clean-all`"),
            "{command}: {said}"
        );
        for known in [
            "cleanup-runs",
            "cleanup-temp-files",
            "health-check",
            "log-statistics",
            "restore-from-trash",
        ] {
            assert!(said.contains(known), "{command}: {said}");
        }
    }
    assert_eq!(home.tree(), before);
}

#[test]
fn wrong_words_and_values_are_usage_errors() {
    let home = Home::new();
    let check = |arguments: &[&str]| {
        let output = home.output(arguments);
        assert_eq!(
            output.status.code(),
            Some(2),
            "{arguments:?}: {}",
            stderr(&output)
        );
    };
    check(&[]);
    check(&["perform"]);
    check(&["run", "--operations", ""]);
    check(&["run", "--operations", "all,health-check"]);
    check(&["run", "--concurrency", "0"]);
    check(&["run", "--grace-seconds", "-1"]);
    check(&["run", "--grace-seconds", "100000"]);
    check(&["check", "--log-format", "xml"]);
    check(&["check", "--log-level", "loud"]);
    check(&["exec", "no-such-operation"]);
}

#[test]
fn every_command_has_a_help_worth_reading() {
    let home = Home::new();
    let check = |arguments: &[&str], words: &[&str]| {
        let output = home.output(arguments);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
        let help = stdout(&output);
        for word in words {
            assert!(help.contains(word), "{arguments:?} lacks `{word}`:\n{help}");
        }
        for line in help.lines().take_while(|line| !line.starts_with("Options")) {
            assert!(line.chars().count() <= 90, "{arguments:?}: {line}");
        }
    };
    let variables = [
        "UPKEEP_HOME",
        "UPKEEP_DATABASE_URL",
        "RUST_LOG",
        "UPKEEP_LOG_FORMAT",
    ];
    check(&["--help"], &variables);
    check(
        &["--help"],
        &[
            "Exit codes:",
            "130",
            "Examples:",
            "run",
            "exec",
            "check",
            "operations",
        ],
    );
    check(&["-h"], &["Usage:", "run", "check"]);
    check(
        &["run", "--help"],
        &[
            "Signals:",
            "SIGTERM",
            "Exit codes:",
            "Examples:",
            "--operations",
        ],
    );
    check(
        &["exec", "--help"],
        &["Exit codes:", "Examples:", "stdout", "--dry-run"],
    );
    check(
        &["check", "--help"],
        &["Exit codes:", "Examples:", "--json", "changes nothing"],
    );
    check(&["operations", "--help"], &["JSON Schema", "Example"]);
}

#[test]
fn the_last_of_an_option_given_twice_counts() {
    let home = Home::new();
    let output = home.output(&[
        "check",
        "--operations",
        "nope",
        "--operations",
        "health-check",
    ]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
}

#[test]
fn shells_and_the_manual_know_every_command() {
    let home = Home::new();
    let before = home.tree();
    for shell in ["bash", "zsh", "fish"] {
        let output = home.output(&["completions", shell]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        let script = stdout(&output);
        for word in ["run", "exec", "check", "grace-seconds"] {
            assert!(script.contains(word), "{shell} does not know {word}");
        }
    }
    let page = stdout(&home.output(&["man"]));
    assert!(page.contains(".TH upkeep-worker 1"), "{page}");
    assert!(page.contains("Exit codes"), "{page}");
    assert_eq!(home.tree(), before, "no installation is made");

    let folder = tempfile::tempdir().unwrap();
    let output = home.output(&["man", "--dir", &folder.path().display().to_string()]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    for name in [
        "upkeep-worker.1",
        "upkeep-worker-run.1",
        "upkeep-worker-exec.1",
    ] {
        assert!(folder.path().join(name).is_file(), "{name}");
    }
    let absent = home.output(&["man", "--dir", "/proc/none"]);
    assert_eq!(absent.status.code(), Some(1));
    assert!(stderr(&absent).contains("error: cannot write the manual"));
}

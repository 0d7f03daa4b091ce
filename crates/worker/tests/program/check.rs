//! `upkeep-worker check`: what it finds, and that it changes nothing.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Output;

use rustix::process::Signal;
use serde_json::Value;

use crate::home::{Home, Running, stderr, stdout};
use crate::manager::Manager;

/// Checks; the tree must be the same afterwards.
fn check(home: &Home, arguments: &[&str]) -> Output {
    let before = home.tree();
    let output = home.command(&["check"]).args(arguments).output().unwrap();
    assert_eq!(home.tree(), before, "the check changed something");
    output
}

/// Expects exactly one problem, with these words.
fn one_problem(home: &Home, words: &[&str]) {
    let output = check(home, &[]);
    let said = stdout(&output);
    assert_eq!(output.status.code(), Some(1), "{said}{}", stderr(&output));
    let problem: Vec<&str> = said
        .lines()
        .filter(|line| line.starts_with("problem ") || line.contains("hint: "))
        .collect();
    assert_eq!(problem.len(), 2, "one problem and its hint:\n{said}");
    for word in words {
        assert!(problem.concat().contains(word), "lacks `{word}`:\n{said}");
    }
    assert!(said.ends_with("\n1 problem\n"), "{said}");
}

/// Starts the worker once, so that the database and the folders are there.
fn start_once(home: &Home, end: Signal) {
    let manager = Manager::new();
    let mut command = home.command(&["run", "--log-level", "off"]);
    manager.watch(&mut command);
    let mut worker = Running::start(command);
    manager.wait_for("READY=1");
    worker.signal(end);
    worker.wait();
}

#[test]
fn before_the_first_start_it_says_what_will_be_made_and_makes_nothing() {
    let home = Home::new();
    std::fs::remove_dir_all(home.path()).unwrap();
    let output = check(&home, &[]);
    let said = stdout(&output);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(
        said.contains("config.toml will be made at the first start"),
        "{said}"
    );
    assert!(
        said.contains("upkeep.db will be made at the first start"),
        "{said}"
    );
    assert!(said.ends_with("all is well\n"), "{said}");
    assert!(!home.path().exists());
}

#[test]
fn after_a_start_everything_is_there() {
    let home = Home::new();
    start_once(&home, Signal::TERM);
    let output = check(&home, &[]);
    let said = stdout(&output);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.contains("upkeep.db can be opened\n"), "{said}");
    assert!(!said.contains("will be made"), "{said}");
    let scratch = home.scratch();
    let line = format!(
        "ok       location scratch: {} can be written\n",
        scratch.display()
    );
    assert!(said.contains(&line), "{said}");
}

#[test]
fn the_database_of_a_killed_worker_can_be_opened() {
    let home = Home::new();
    start_once(&home, Signal::KILL);
    let log = home.path().join("upkeep.db-wal");
    assert!(log.metadata().unwrap().len() > 0, "commits wait in the log");
    let contents = |name: &str| std::fs::read(home.path().join(name)).unwrap();
    let before = (contents("upkeep.db"), contents("upkeep.db-wal"));
    let output = home.output(&["check"]);
    assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
    assert_eq!((contents("upkeep.db"), contents("upkeep.db-wal")), before);
}

#[test]
fn a_wrong_configuration_is_named_by_line_and_key() {
    let home = Home::new();
    home.configure("[worker]\n\nconcurency = 2\n");
    one_problem(
        &home,
        &["config.toml, line 3", "concurency", "write `concurrency`"],
    );
}

#[test]
fn a_location_that_is_missing_or_may_not_be_cleaned_is_a_problem() {
    let home = Home::new();
    let folder = home.folder().to_owned();
    std::os::unix::fs::symlink(home.scratch(), folder.join("link")).unwrap();
    std::fs::write(folder.join("file"), "").unwrap();
    let refuse = |kind: &str, path: &Path, words: &[&str]| {
        home.configure(&format!(
            "[[{kind}]]\nname = \"odd\"\npath = \"{}\"\n",
            path.display()
        ));
        one_problem(&home, words);
    };
    refuse(
        "locations",
        &folder.join("gone"),
        &["location odd", "does not exist"],
    );
    refuse(
        "locations",
        &folder.join("link"),
        &["location odd", "symbolic link"],
    );
    refuse("locations", &folder.join("file"), &["is not a folder"]);
    refuse("locations", &home.path(), &["belongs to this installation"]);
    refuse("locations", Path::new("/etc"), &["system directory"]);
    refuse(
        "run_stores",
        &folder.join("gone"),
        &["run store odd", "does not exist"],
    );
}

#[test]
fn what_is_turned_off_or_not_needed_is_left_alone() {
    let home = Home::new();
    let gone = home.folder().join("gone");
    let location = format!(
        "[[locations]]\nname = \"odd\"\npath = \"{}\"\n",
        gone.display()
    );
    home.configure(&format!("{location}enabled = false\n"));
    let output = check(&home, &[]);
    assert_eq!(output.status.code(), Some(0));
    assert!(
        stdout(&output).contains("gone is turned off"),
        "{}",
        stdout(&output)
    );

    home.configure(&location);
    let code = |operations| check(&home, &["--operations", operations]).status.code();
    assert_eq!(code("cleanup-temp-files"), Some(1));
    assert_eq!(code("health-check:cleanup-runs"), Some(0));
}

#[test]
fn a_database_that_cannot_be_used_is_a_problem() {
    let home = Home::new();
    std::fs::write(
        home.path().join("upkeep.db"),
        "this is no database at all, but text",
    )
    .unwrap();
    one_problem(&home, &["database", "restore it from a copy"]);
    let output = home
        .command(&["check"])
        .env("UPKEEP_DATABASE_URL", "mysql://anna:secret@db/upkeep")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = stdout(&output);
    assert!(said.contains("problem  database"), "{said}");
    assert!(!said.contains("secret"), "{said}");
}

#[test]
fn a_start_makes_the_database_but_not_a_folder_for_it() {
    let home = Home::new();
    let check = |file: &str, code: i32, word: &str| {
        let file = home.folder().join(file);
        let output = home
            .command(&["check"])
            .env(
                "UPKEEP_DATABASE_URL",
                format!("sqlite://{}", file.display()),
            )
            .output()
            .unwrap();
        let said = stdout(&output);
        assert_eq!(output.status.code(), Some(code), "{said}");
        assert!(said.contains(word), "{said}");
    };
    check("other.db", 0, "other.db will be made at the first start");
    check("gone/other.db", 1, "does not exist, and cannot be made");
}

#[test]
fn folders_that_the_user_may_not_write_are_problems() {
    let home = Home::new();
    let program = home.folder().join("upkeep-worker");
    std::fs::copy(crate::home::PROGRAM, &program).unwrap();
    let set = |path: &Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    set(home.folder(), 0o755);
    set(&home.path(), 0o555);
    set(&home.scratch(), 0o555);
    let mut command = std::process::Command::new(&program);
    command
        .arg("check")
        .env_clear()
        .env("UPKEEP_HOME", home.path());
    // permissions mean nothing to root
    if rustix::process::geteuid().is_root() {
        command.uid(65_534).gid(65_534);
    }
    let output = command.output().unwrap();
    set(&home.path(), 0o755);
    let said = stdout(&output);
    assert_eq!(output.status.code(), Some(1), "{said}{}", stderr(&output));
    for problem in [
        "problem  folder data: ",
        "problem  folder artifacts: ",
        "problem  database: ",
        "problem  location scratch: ",
    ] {
        assert!(said.contains(problem), "lacks `{problem}`:\n{said}");
    }
    assert!(said.contains("Permission denied"), "{said}");
}

#[test]
fn a_wrong_home_is_a_finding() {
    let home = Home::new();
    let output = home
        .command(&["check"])
        .env("UPKEEP_HOME", "srv/upkeep")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = stdout(&output);
    assert!(said.contains("problem  environment: UPKEEP_HOME"), "{said}");
}

#[test]
fn machines_get_json() {
    let home = Home::new();
    let parse = |output: &Output| serde_json::from_str::<Value>(&stdout(output)).unwrap();
    let well = check(&home, &["--json"]);
    assert_eq!(well.status.code(), Some(0));
    let report = parse(&well);
    assert_eq!(
        (&report["ok"], &report["problems"]),
        (&true.into(), &0.into())
    );

    std::fs::remove_dir(home.scratch()).unwrap();
    let bad = check(&home, &["--json"]);
    assert_eq!(bad.status.code(), Some(1));
    let report = parse(&bad);
    assert_eq!(
        (&report["ok"], &report["problems"]),
        (&false.into(), &1.into())
    );
    let findings = report["findings"].as_array().unwrap();
    let problem = findings.iter().find(|it| it["state"] == "problem").unwrap();
    assert_eq!(problem["subject"], "location");
    assert_eq!(problem["name"], "scratch");
    assert!(
        problem["message"]
            .as_str()
            .unwrap()
            .contains("does not exist")
    );
    assert!(
        problem["hint"]
            .as_str()
            .unwrap()
            .contains("create the folder")
    );
    assert!(
        findings
            .iter()
            .any(|it| it["subject"] == "database" && it["state"] == "ok")
    );
}

//! What may never be cleaned is refused at every door: the settings page, `check`, a preview, a cleanup, and
//! the plan of a preview that was made while the location was still another folder.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test stops at the first surprise, and says what it could not show"
)]

mod support;

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use support::files;
use support::installation::Installation;
use support::process::worker_program;
use upkeep_config::Folders;
use upkeep_console::Console;
use upkeep_contract::settings::LocationSettings;
use upkeep_contract::settings_draft::SettingChange;

/// A path, and words of which one stands in every refusal of it.
struct Row {
    what: &'static str,
    path: PathBuf,
    words: &'static [&'static str],
}

fn row(what: &'static str, path: impl Into<PathBuf>, words: &'static [&'static str]) -> Row {
    let path = path.into();
    Row { what, path, words }
}

/// The paths of the table that need something to be there; old files lie in all of them.
fn table(installation: &Installation) -> Vec<Row> {
    let outside = installation.outside();
    let link = installation.path().join("link");
    std::os::unix::fs::symlink(&outside, &link).unwrap();
    std::fs::create_dir_all(outside.join("below")).unwrap();
    let artifacts = Folders::at(&installation.home()).artifacts();
    for old in [
        outside.join("old"),
        outside.join("below/old"),
        artifacts.join("old"),
        artifacts.join("below/old"),
    ] {
        files::file(&old, 48);
    }
    let empty = &["is empty"];
    let relative = &["not absolute", "not an absolute path"];
    let system = &["system directory"];
    let own = &["belongs to this installation"];
    let home = std::env::var_os("HOME").unwrap();
    vec![
        row("the whole system", "/", &["whole system"]),
        row("the whole system, written oddly", "//./", &["whole system"]),
        row(
            "this person's home",
            home,
            &["home directory", "system directory"],
        ),
        row("somebody's home", "/home/somebody", &["home directory"]),
        row("all homes", "/home", system),
        row("/etc", "/etc", system),
        row("/usr", "/usr", system),
        row("inside /usr", "/usr/share/doc", system),
        row("/var", "/var/", system),
        row("an empty path", "", empty),
        row("a relative path", "scratch", relative),
        row("a home that no shell opens", "~/scratch", relative),
        row(
            "up again",
            installation.scratch().join("../outside"),
            &["`..`"],
        ),
        row("a link", &link, &["symbolic link"]),
        row(
            "a path through a link",
            link.join("below"),
            &["symbolic link"],
        ),
        row("a file", outside.join("old"), &["not a folder"]),
        row(
            "nothing",
            installation.path().join("none"),
            &["does not exist"],
        ),
        row("our own folder", installation.home(), own),
        row("around our own folder", installation.path(), own),
        row("our artifacts", &artifacts, own),
        row("inside our artifacts", artifacts.join("below"), own),
    ]
}

fn config(path: &Path) -> String {
    format!(
        "[[locations]]\nname = \"bad\"\npath = \"{}\"\nremove_empty_directories = true\n",
        path.display()
    )
}

/// Runs the worker program, by itself or within something that starts it.
fn call(installation: &Installation, wrapper: &[String], arguments: &[&str]) -> Output {
    let mut words: Vec<String> = wrapper.to_vec();
    words.push(worker_program().to_str().unwrap().to_owned());
    Command::new(&words[0])
        .args(&words[1..])
        .args(arguments)
        .env("UPKEEP_HOME", installation.home())
        .env_remove("UPKEEP_DATABASE_URL")
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn refused(row: &Row, door: &str, code: Option<i32>, said: &str) {
    let Row { what, path, words } = row;
    let path = path.display();
    assert!(code != Some(0), "{door}: {what} `{path}` was taken: {said}");
    let named = words.iter().any(|word| said.contains(word));
    assert!(named, "{door}: {what} `{path}` lacks {words:?}: {said}");
    assert!(said.contains("hint"), "{door}: {what} has no cure: {said}");
}

/// The four doors of the worker; `wrapper` may mount something before it.
fn refused_by_the_worker(installation: &Installation, row: &Row, wrapper: &[String]) {
    let clean = ["exec", "cleanup-temp-files"];
    // a plan of the time when this location was a good one
    files::file(&installation.scratch().join("old"), 48);
    installation.configure(&config(&installation.scratch()));
    let preview = call(installation, &[], &[clean[0], clean[1], "--dry-run"]);
    let preview: serde_json::Value = serde_json::from_slice(&preview.stdout).unwrap();
    assert_eq!(preview["files_matched"], 1);
    let plan = serde_json::json!({ "plan": preview["plan"] }).to_string();

    installation.configure(&config(&row.path));
    for (door, arguments) in [
        ("check", vec!["check"]),
        ("preview", vec![clean[0], clean[1], "--dry-run"]),
        ("cleanup", clean.to_vec()),
        ("plan", vec![clean[0], clean[1], "--params", &plan]),
    ] {
        let output = call(installation, wrapper, &arguments);
        let mut said = String::from_utf8_lossy(&output.stdout).into_owned();
        if door != "check" {
            assert_eq!(said, "", "{door}: {} has a report", row.what);
        }
        said.push_str(&String::from_utf8_lossy(&output.stderr));
        refused(row, door, output.status.code(), &said);
    }
}

#[test]
fn what_may_never_be_cleaned_is_refused_by_check_preview_cleanup_and_plan() {
    let installation = Installation::in_memory();
    let table = table(&installation);
    let outside = files::tree(&installation.outside());
    let artifacts = Folders::at(&installation.home()).artifacts();
    for row in &table {
        refused_by_the_worker(&installation, row, &[]);
    }
    assert_eq!(files::tree(&installation.outside()), outside);
    assert!(artifacts.join("old").exists() && artifacts.join("below/old").exists());
    assert!(installation.scratch().join("old").exists());
}

#[test]
fn the_root_of_a_mount_is_refused_by_check_preview_cleanup_and_plan() {
    let installation = Installation::in_memory();
    let mounted = installation.path().join("mounted");
    std::fs::create_dir(&mounted).unwrap();
    let script = "mount -t tmpfs none \"$0\" && touch -d '3 days ago' \"$0/old\" && \
                  \"$@\"; code=$?; test -e \"$0/old\" || exit 0; exit $code";
    let wrapper = ["unshare", "--mount", "sh", "-c", script].map(str::to_owned);
    let mut wrapper = wrapper.to_vec();
    wrapper.push(mounted.to_str().unwrap().to_owned());
    let mut probe = Command::new("unshare");
    probe.args(["--mount", "true"]).stderr(Stdio::null());
    if !probe.status().is_ok_and(|status| status.success()) {
        println!("not shown: this user cannot mount");
        return;
    }
    let row = row("the root of a mount", mounted, &["root of a mount"]);
    refused_by_the_worker(&installation, &row, &wrapper);
}

#[tokio::test]
async fn what_may_never_be_cleaned_cannot_be_turned_on_in_settings() {
    let installation = Installation::in_memory();
    let table = table(&installation);
    let folders = Folders::at(&installation.home());
    let file = installation.home().join("config.toml");
    let before = std::fs::read_to_string(&file).unwrap();
    let url = installation.database_url();
    let console = Console::open(folders, &url, "test").await.unwrap();
    for row in &table {
        let location = LocationSettings {
            allow_mount_root: true,
            ..LocationSettings::new("bad", row.path.to_str().unwrap())
        };
        for previous in [None, Some("scratch".to_owned())] {
            let change = SettingChange::SaveLocation {
                previous_name: previous,
                location: location.clone(),
            };
            let review = console.review_settings(vec![change.clone()]).await.unwrap();
            assert_eq!(review.problems.len(), 1, "{}", row.what);
            let error = console
                .save_settings(None, vec![change])
                .await
                .expect_err(row.what);
            let said = format!("{error}; hint: {}", error.hint());
            refused(row, "settings", None, &said);
        }
        assert_eq!(std::fs::read_to_string(&file).unwrap(), before);
    }
}

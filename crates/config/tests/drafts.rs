//! A draft is looked at first, and is written only onto the text it was shown beside.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::PathBuf;

use upkeep_config::{ConfigError, Saved, changed_lines, read_with_base, review, save};
use upkeep_contract::settings::{LocationSettings, RunStoreSettings};
use upkeep_contract::settings_draft::{LineFate, SettingChange, TakesEffect, TypedThreshold};

const FILE: &str = r#"# ours
[[locations]]
name = "scratch"
path = "/srv/scratch"   # on the old disk

[worker]
concurrency = 2   # ask anna
"#;

fn file_with(text: &str) -> (tempfile::TempDir, PathBuf) {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("config.toml");
    std::fs::write(&file, text).unwrap();
    (home, file)
}

fn value(key: &str, typed: &str) -> SettingChange {
    SettingChange::Value {
        key: key.to_owned(),
        typed: Some(typed.to_owned()),
    }
}

fn threshold(key: &str, warning: &str, critical: &str) -> SettingChange {
    SettingChange::Threshold {
        key: key.to_owned(),
        typed: Some(TypedThreshold {
            warning: warning.to_owned(),
            critical: critical.to_owned(),
        }),
    }
}

fn location(previous_name: Option<&str>, location: LocationSettings) -> SettingChange {
    SettingChange::SaveLocation {
        previous_name: previous_name.map(str::to_owned),
        location,
    }
}

/// What would be different, one line each.
#[track_caller]
fn check(changes: &[SettingChange], expect: &[&str]) {
    let (_home, file) = file_with(FILE);
    let review = review(&file, changes).unwrap();
    let said: Vec<String> = review
        .differences()
        .unwrap()
        .iter()
        .map(|one| {
            let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".to_owned());
            let (before, after) = (text(&one.before), text(&one.after));
            format!("{}: {before} > {after}", one.key)
        })
        .collect();
    assert_eq!(said, expect, "{:?}", review.problems);
    assert_eq!(
        std::fs::read_to_string(&file).unwrap(),
        FILE,
        "a look writes nothing"
    );
}

#[test]
fn a_draft_says_what_was_and_what_would_be() {
    check(&[], &[]);
    check(
        &[
            value("worker.concurrency", "4"),
            value("worker.strategy", "fifo"),
        ],
        &[
            "worker.concurrency: 2 > 4",
            "worker.strategy: priority > fifo",
        ],
    );
    check(
        &[
            threshold("disk", "70", "80.5"),
            value("health.probe_limit_ms", "900"),
        ],
        &[
            "health.probe_limit_ms: 2000 > 900",
            "health.disk: 90 / 95 percent > 70 / 80.5 percent",
        ],
    );
    let changed = LocationSettings {
        exclude: vec!["*.keep".to_owned(), "data/**".to_owned()],
        ..LocationSettings::new("scratch", "/mnt/new")
    };
    check(
        &[location(Some("scratch"), changed)],
        &[
            "locations.scratch.path: /srv/scratch > /mnt/new",
            "locations.scratch.exclude: none > *.keep, data/**",
        ],
    );
    let store = SettingChange::SaveRunStore {
        previous_name: None,
        run_store: RunStoreSettings {
            keep_newest: 5,
            ..RunStoreSettings::new("nightly", "/srv/nightly")
        },
    };
    let gone = SettingChange::RemoveLocation {
        name: "scratch".to_owned(),
    };
    check(
        &[store, gone],
        &[
            "locations.scratch.path: /srv/scratch > -",
            "run_stores.nightly.path: - > /srv/nightly",
            "run_stores.nightly.keep_newest: - > 5",
        ],
    );
    // what is typed back to what was is no change
    check(
        &[
            value("worker.concurrency", "4"),
            value("worker.concurrency", "2"),
        ],
        &[],
    );
}

#[test]
fn a_change_that_cannot_be_made_is_told_and_the_others_stand() {
    let (_home, file) = file_with(FILE);
    let changes = [
        value("worker.concurrency", "0"),
        value("worker.lease_seconds", "30"),
        threshold("disk", "96", "95"),
        threshold("disks", "1", "2"),
        threshold("memory", "", "95"),
        location(None, LocationSettings::new("scratch", "/srv/other")),
        location(None, LocationSettings::new("Other", "/srv/other")),
    ];
    let review = review(&file, &changes).unwrap();
    assert_eq!(review.after.worker.lease_seconds, 30);
    assert_eq!(review.after.worker.concurrency, 2);
    let told: Vec<(usize, &str)> = review
        .problems
        .iter()
        .map(|(index, error)| match error {
            ConfigError::Refused { key, .. } => (*index, key.as_str()),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(
        told,
        [
            (0, "worker.concurrency"),
            (2, "health.disk"),
            (3, "health.disks"),
            (4, "health.memory.warning"),
            (5, "name"),
            (6, "name"),
        ]
    );
    let saved = save(&file, Some(&review.base), &changes);
    assert!(
        matches!(saved, Err(ConfigError::Refused { .. })),
        "{saved:?}"
    );
    assert_eq!(
        std::fs::read_to_string(&file).unwrap(),
        FILE,
        "all or nothing"
    );
}

#[test]
fn a_change_made_elsewhere_is_never_written_over() {
    let (_home, file) = file_with(FILE);
    let changes = [value("worker.concurrency", "4")];
    let base = review(&file, &changes).unwrap().base;
    assert_eq!(read_with_base(&file).unwrap().1, base);
    let theirs = FILE.replace("/srv/scratch", "/srv/theirs");
    std::fs::write(&file, &theirs).unwrap();

    let saved = save(&file, Some(&base), &changes).unwrap();
    assert!(matches!(saved, Saved::ChangedElsewhere));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), theirs);

    // looked at again beside the file as it is now, both changes stand
    let again = review(&file, &changes).unwrap();
    assert_ne!(again.base, base);
    assert_eq!(again.differences().unwrap().len(), 1);
    let saved = save(&file, Some(&again.base), &changes).unwrap();
    assert!(matches!(saved, Saved::Written));
    assert_eq!(
        std::fs::read_to_string(&file).unwrap(),
        theirs.replace("concurrency = 2   #", "concurrency = 4   #")
    );
    assert_eq!(
        again.differences().unwrap()[0].takes_effect,
        TakesEffect::NextWorkerStart
    );
}

#[test]
fn the_changed_lines_are_shown_with_their_comments_and_some_around_them() {
    let (_home, file) = file_with(FILE);
    let review = review(&file, &[value("worker.concurrency", "4")]).unwrap();
    let lines = changed_lines(&review.text_before, &review.text_after);
    let shown: Vec<(LineFate, &str)> = lines
        .iter()
        .map(|line| (line.fate, line.text.as_str()))
        .collect();
    assert_eq!(
        shown,
        [
            (LineFate::LeftOut, ""),
            (LineFate::Kept, ""),
            (LineFate::Kept, "[worker]"),
            (LineFate::Removed, "concurrency = 2   # ask anna"),
            (LineFate::Added, "concurrency = 4   # ask anna"),
        ]
    );
    assert_eq!(changed_lines(FILE, FILE), []);
}

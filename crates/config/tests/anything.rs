//! Whatever a configuration file holds, it is read or refused: nothing panics, and nothing wrong is written over.
#![allow(
    clippy::unwrap_used,
    missing_docs,
    reason = "a test stops at the first surprise"
)]

use std::path::Path;

use proptest::prelude::*;
use upkeep_config::{ConfigError, Configuration, save};
use upkeep_contract::settings::LocationSettings;
use upkeep_contract::settings_draft::SettingChange;

/// A file with everything in it: what the others are made from.
const WHOLE: &str = r#"# comments stay
[[locations]]
name = "scratch"
path = "/srv/scratch"
enabled = true
age_by = "newest"
include = ["*.tmp", "build/**"]
exclude = ["keep/*"]
protect = [".git"]
keep_newest = 3
min_age_hours = 24
min_size_bytes = 0

[[run_stores]]
name = "experiments"
path = "/srv/experiments/runs"
include = ["run-*"]
finished_when = ["DONE"]
keep_newest = 5

[cleaning]
plan_max_age_hours = 24

[worker]
embedded = true
concurrency = 2
strategy = "priority"
lease_seconds = 10

[health]
disk = { warning = 90, critical = 95 }
disk_floor_bytes = 1073741824
queue = { warning = 300, critical = 3600 }
"#;

/// What a hand that slips may leave behind.
const SCRAPS: [&str; 24] = [
    "",
    "[",
    "]",
    "[[",
    "\"",
    "'''",
    "=",
    "{",
    "}",
    ",",
    "#",
    "\n",
    "\r",
    "\0",
    "\u{feff}",
    "é",
    "-1",
    "1e999",
    "99999999999999999999",
    "nan",
    "[worker]",
    "name = \"scratch\"",
    "\\",
    "..",
];

fn read(text: &str) -> Result<Configuration, ConfigError> {
    Configuration::parse(Path::new("config.toml"), text)
}

/// Every answer names a place in the file and a cure.
fn check_answer(text: &str) -> Result<(), TestCaseError> {
    if let Err(error) = read(text) {
        prop_assert!(!error.to_string().is_empty() && !error.hint().is_empty());
        if let ConfigError::Invalid(invalid) = &error {
            let lines = text.split('\n').count();
            prop_assert!(invalid.line <= lines, "line {} of {lines}", invalid.line);
            prop_assert!(!invalid.fault.to_string().contains('\n'));
        }
    }
    Ok(())
}

/// The whole file with scraps in place of some of its parts.
fn damaged() -> impl Strategy<Value = String> {
    let places = prop::collection::vec((0..WHOLE.len(), 0..12_usize, 0..SCRAPS.len()), 1..5);
    places.prop_map(|places| {
        let mut text = WHOLE.to_owned();
        for (at, gone, scrap) in places {
            let at = at.min(text.len());
            let end = (at + gone).min(text.len());
            // the file is ASCII but for scraps, which may be cut in the middle
            if text.is_char_boundary(at) && text.is_char_boundary(end) {
                text.replace_range(at..end, SCRAPS[scrap]);
            }
        }
        text
    })
}

#[test]
fn the_whole_file_is_good() {
    read(WHOLE).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_text_is_read_or_refused(text in "(?s).*") {
        check_answer(&text)?;
    }

    #[test]
    fn a_damaged_file_is_read_or_refused_with_its_place(text in damaged()) {
        check_answer(&text)?;
    }

    #[test]
    fn any_bytes_are_read_or_refused_and_what_is_wrong_is_left_alone(
        bytes in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..400),
            damaged().prop_map(String::into_bytes),
        ],
    ) {
        let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
        let file = folder.path().join("config.toml");
        std::fs::write(&file, &bytes).unwrap();
        let good = Configuration::read(&file).is_ok();
        let add = SettingChange::SaveLocation {
            previous_name: None,
            location: LocationSettings::new("added", "/srv/added"),
        };
        let turn_off = SettingChange::Value {
            key: "worker.embedded".to_owned(),
            typed: Some("false".to_owned()),
        };
        let changed = save(&file, None, &[add]).is_ok();
        let turned = save(&file, None, &[turn_off]).is_ok();
        if good {
            let after = Configuration::read(&file);
            prop_assert!(after.is_ok(), "an edit of a good file left a wrong one: {after:?}");
            prop_assert_eq!(turned, !after.unwrap().worker.embedded);
        } else {
            prop_assert!(!changed && !turned);
            prop_assert_eq!(std::fs::read(&file).unwrap(), bytes, "a wrong file is never written over");
        }
    }
}

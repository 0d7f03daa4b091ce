//! Settings edits the file and leaves what the operator wrote there.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};

use upkeep_config::{ConfigError, Configuration, Folders, Saved, ensure_exists, save};
use upkeep_contract::settings::{LocationSettings, RunStoreSettings};
use upkeep_contract::settings_draft::{SettingChange, TypedThreshold};
use upkeep_contract::thresholds::{HealthNumber, Measure, Threshold, Thresholds};
use upkeep_contract::{ErrorCode, ErrorReply};

const FILE: &str = r#"# our host, ask anna before changing

# scratch of the lab
[[locations]]
path = '/srv/scratch'   # on the old disk
name = "scratch"
trash = false # never

# builds
[[locations]]
name = "builds"
path = "/srv/builds"

[worker]
embedded = true   # for now
"#;

struct Installation {
    _home: tempfile::TempDir,
    file: PathBuf,
}

fn installation(text: &str) -> Installation {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("config.toml");
    std::fs::write(&file, text).unwrap();
    Installation { _home: home, file }
}

impl Installation {
    fn text(&self) -> String {
        std::fs::read_to_string(&self.file).unwrap()
    }

    fn read(&self) -> Configuration {
        Configuration::read(&self.file).unwrap()
    }
}

fn location(name: &str, path: &str) -> LocationSettings {
    let text = format!("[[locations]]\nname = \"{name}\"\npath = \"{path}\"");
    Configuration::parse(Path::new("config.toml"), &text)
        .unwrap()
        .locations
        .remove(0)
}

fn run_store(name: &str, path: &str, keep_newest: u32) -> RunStoreSettings {
    RunStoreSettings {
        keep_newest,
        ..RunStoreSettings::new(name, path)
    }
}

/// One change onto whatever is there.
fn change(file: &Path, change: SettingChange) -> Result<(), ConfigError> {
    save(file, None, &[change]).map(|saved| assert!(matches!(saved, Saved::Written)))
}

fn save_location(
    file: &Path,
    previous_name: Option<&str>,
    location: &LocationSettings,
) -> Result<(), ConfigError> {
    let previous_name = previous_name.map(str::to_owned);
    let location = location.clone();
    change(
        file,
        SettingChange::SaveLocation {
            previous_name,
            location,
        },
    )
}

fn save_run_store(
    file: &Path,
    previous_name: Option<&str>,
    run_store: &RunStoreSettings,
) -> Result<(), ConfigError> {
    let previous_name = previous_name.map(str::to_owned);
    let run_store = run_store.clone();
    change(
        file,
        SettingChange::SaveRunStore {
            previous_name,
            run_store,
        },
    )
}

fn remove_location(file: &Path, name: &str) -> Result<(), ConfigError> {
    let name = name.to_owned();
    change(file, SettingChange::RemoveLocation { name })
}

fn remove_run_store(file: &Path, name: &str) -> Result<(), ConfigError> {
    let name = name.to_owned();
    change(file, SettingChange::RemoveRunStore { name })
}

fn set_embedded_worker(file: &Path, embedded: bool) -> Result<(), ConfigError> {
    set_value(file, "worker.embedded", Some(&embedded.to_string()))
}

fn set_value(file: &Path, key: &str, typed: Option<&str>) -> Result<(), ConfigError> {
    let (key, typed) = (key.to_owned(), typed.map(str::to_owned));
    change(file, SettingChange::Value { key, typed })
}

fn set_health_number(
    file: &Path,
    number: HealthNumber,
    value: Option<u64>,
) -> Result<(), ConfigError> {
    let typed = value.map(|value| value.to_string());
    set_value(file, &format!("health.{}", number.key()), typed.as_deref())
}

fn set_threshold(
    file: &Path,
    measure: Measure,
    threshold: Option<Threshold>,
) -> Result<(), ConfigError> {
    let key = measure.key().to_owned();
    let typed = threshold.map(|threshold| TypedThreshold {
        warning: threshold.warning.to_string(),
        critical: threshold.critical.to_string(),
    });
    change(file, SettingChange::Threshold { key, typed })
}

/// Performs one edit on [`FILE`] and compares the whole text.
#[track_caller]
fn check(edit: impl FnOnce(&Path) -> Result<(), ConfigError>, expect: &str) {
    let installation = installation(FILE);
    edit(&installation.file).unwrap();
    assert_eq!(installation.text(), expect);
    installation.read();
}

#[test]
fn edits_change_their_own_line_and_nothing_else() {
    check(
        |file| save_location(file, Some("scratch"), &location("scratch", "/srv/scratch")),
        FILE,
    );
    check(
        |file| {
            save_location(
                file,
                Some("scratch"),
                &LocationSettings {
                    trash: true,
                    ..location("scratch", "/srv/scratch")
                },
            )
        },
        &FILE.replace("trash = false # never", "trash = true # never"),
    );
    check(
        |file| save_location(file, Some("scratch"), &location("scratch", "/mnt/new")),
        &FILE.replace("'/srv/scratch'   #", "\"/mnt/new\"   #"),
    );
    check(
        |file| {
            save_location(
                file,
                Some("builds"),
                &LocationSettings {
                    enabled: false,
                    ..location("old-builds", "/srv/builds")
                },
            )
        },
        &FILE
            .replace("\"builds\"", "\"old-builds\"")
            .replace("\"/srv/builds\"\n", "\"/srv/builds\"\nenabled = false\n"),
    );
    check(
        |file| set_embedded_worker(file, false),
        &FILE.replace("embedded = true   #", "embedded = false   #"),
    );
    check(|file| set_embedded_worker(file, true), FILE);
}

const RULES: &str = r#"[[locations]]
name = "scratch"
path = "/srv/scratch"
# asked by ben
exclude = [
  '*.keep',  # his results
  "data/**", # hers
]
include = ["*.tmp"] # for now
"#;

/// Saves the rules of [`RULES`] with a change and compares what stands between path and end.
#[track_caller]
fn check_rules(change: impl FnOnce(&mut LocationSettings), from: &str, to: &str) {
    let installation = installation(RULES);
    let mut wanted = installation.read().locations.remove(0);
    change(&mut wanted);
    save_location(&installation.file, Some("scratch"), &wanted).unwrap();
    assert!(RULES.contains(from), "{from}");
    assert_eq!(installation.text(), RULES.replace(from, to));
    assert_eq!(installation.read().locations, [wanted]);
}

#[test]
fn rules_keep_the_comments_around_them() {
    check_rules(|_| {}, "", "");
    check_rules(
        |it| it.exclude.push("*.log".into()),
        "# hers\n]",
        "# hers\n  \"*.log\",\n]",
    );
    check_rules(
        |it| it.exclude.truncate(1),
        "  \"data/**\", # hers\n]",
        "  # hers\n]",
    );
    check_rules(
        |it| it.include.push("build/**".into()),
        "[\"*.tmp\"] #",
        "[\"*.tmp\", \"build/**\"] #",
    );
    check_rules(|it| it.include.clear(), "[\"*.tmp\"] #", "[] #");
    check_rules(
        |it| it.keep_newest = 3,
        "for now\n",
        "for now\nkeep_newest = 3\n",
    );
    check_rules(
        |it| it.protect = vec![".git".into()],
        "for now\n",
        "for now\nprotect = [\".git\"]\n",
    );
}

#[test]
fn a_list_stays_readable_whatever_goes_from_it() {
    let check = |list: &str, keep: &[&str], expect: &str| {
        let text = |list: &str| {
            format!("[[locations]]\nname = \"a\"\npath = \"/srv/a\"\nexclude = {list}\n")
        };
        let installation = installation(&text(list));
        let mut wanted = installation.read().locations.remove(0);
        wanted.exclude = keep.iter().map(|&it| it.to_owned()).collect();
        save_location(&installation.file, Some("a"), &wanted).unwrap();
        assert_eq!(installation.text(), text(expect));
        assert_eq!(installation.read().locations, [wanted]);
    };
    check("[\"a\", \"b\"]", &["b"], "[\"b\"]");
    check("[\"a\", \"b\"]", &["a"], "[\"a\"]");
    check("[\"a\", \"b\"]", &[], "[]");
    check("[\"a\", \"b\"]", &["c"], "[\"c\"]");
    check("[\n  # why a\n  \"a\"]", &[], "[\n  # why a\n  ]");
    check("[\n  \"a\" # why\n]", &[], "[\n   # why\n]");
    check("[\n  \"a\" # why\n]", &["b"], "[\"b\"\n   # why\n]");
    check(
        "[\n  # one\n  \"a\", # two\n  \"b\",\n  # three\n]",
        &[],
        "[\n  # one\n  # two\n  # three\n]",
    );
    check(
        "[\n  \"a\",\n  # last\n]",
        &["a", "b"],
        "[\n  \"a\",\n  \"b\",\n  # last\n]",
    );
}

#[test]
fn a_rule_that_cannot_be_used_is_not_written() {
    let installation = installation(RULES);
    let mut wanted = installation.read().locations.remove(0);
    wanted.include = vec!["/srv/scratch/*".into()];
    let error = save_location(&installation.file, Some("scratch"), &wanted).unwrap_err();
    let reply = ErrorReply::from(&error);
    assert_eq!(reply.code, ErrorCode::InvalidParameters);
    assert!(
        reply.message.contains("`include` has `/srv/scratch/*`"),
        "{reply:?}"
    );
    assert!(reply.hint.contains("relative to the location"), "{reply:?}");
    assert_eq!(installation.text(), RULES);
}

#[test]
fn a_new_entry_stands_after_its_own_kind() {
    check(
        |file| {
            save_location(
                file,
                None,
                &LocationSettings {
                    only_own_files: true,
                    ..location("tmp", "/tmp")
                },
            )
        },
        &FILE.replace(
            "\n[worker]",
            "\n[[locations]]\nname = \"tmp\"\npath = \"/tmp\"\nonly_own_files = true\n\n[worker]",
        ),
    );
    check(
        |file| save_run_store(file, None, &run_store("runs", "/srv/runs", 5)),
        &format!(
            "{FILE}\n[[run_stores]]\nname = \"runs\"\npath = \"/srv/runs\"\nkeep_newest = 5\n"
        ),
    );
}

#[test]
fn rules_of_a_run_store_are_written_only_where_they_say_something() {
    let rules = RunStoreSettings {
        include: vec!["run-*".to_owned()],
        finished_when: vec!["DONE".to_owned(), "result.json".to_owned()],
        ..run_store("runs", "/srv/runs", 0)
    };
    check(
        |file| save_run_store(file, None, &rules),
        &format!(
            "{FILE}\n[[run_stores]]\nname = \"runs\"\npath = \"/srv/runs\"\ninclude = [\"run-*\"]\n\
             finished_when = [\"DONE\", \"result.json\"]\n"
        ),
    );
    let installation = installation(FILE);
    save_run_store(&installation.file, None, &rules).unwrap();
    assert_eq!(installation.read().run_stores, std::slice::from_ref(&rules));
    let wrong = RunStoreSettings {
        finished_when: vec!["done/*".to_owned()],
        ..rules
    };
    let error = save_run_store(&installation.file, Some("runs"), &wrong).unwrap_err();
    let reply = ErrorReply::from(&error);
    assert_eq!(reply.code, ErrorCode::InvalidParameters);
    assert!(
        reply.message.contains("`finished_when` has `done/*`"),
        "{reply:?}"
    );
    assert!(reply.hint.contains("`DONE`"), "{reply:?}");
}

#[test]
fn a_removed_entry_takes_its_own_comment_and_leaves_the_heading() {
    check(
        |file| remove_location(file, "scratch"),
        "# our host, ask anna before changing\n\n\n# builds\n[[locations]]\nname = \"builds\"\npath = \"/srv/builds\"\n\n[worker]\nembedded = true   # for now\n",
    );
    check(
        |file| remove_location(file, "builds"),
        &FILE.replace(
            "\n# builds\n[[locations]]\nname = \"builds\"\npath = \"/srv/builds\"\n",
            "",
        ),
    );
}

#[test]
fn a_list_written_in_one_line_stays_so() {
    let text = "locations = [{ name = \"a\", path = \"/a\" }] # short\n";
    let installation = installation(text);
    save_location(&installation.file, None, &location("b", "/b")).unwrap();
    assert!(
        installation.text().ends_with("] # short\n"),
        "{}",
        installation.text()
    );
    save_location(
        &installation.file,
        Some("a"),
        &LocationSettings {
            trash: true,
            ..location("a", "/a")
        },
    )
    .unwrap();
    assert_eq!(installation.read().locations.len(), 2);
    assert!(installation.read().locations[0].trash);
    remove_location(&installation.file, "b").unwrap();
    remove_location(&installation.file, "a").unwrap();
    assert_eq!(installation.read().locations, []);
    save_location(&installation.file, None, &location("c", "/c")).unwrap();
    assert_eq!(installation.read().locations, [location("c", "/c")]);
}

#[test]
fn everything_in_the_first_file_but_the_location_survives_its_removal() {
    let home = tempfile::tempdir().unwrap();
    let folders = Folders::at(home.path());
    ensure_exists(&folders).unwrap();
    let before = std::fs::read_to_string(folders.config_file()).unwrap();
    remove_location(&folders.config_file(), "upkeep-temporary").unwrap();
    let after = std::fs::read_to_string(folders.config_file()).unwrap();
    assert!(
        before.starts_with(after.trim_end()) && after.contains("#   keep_newest = 5"),
        "{after}"
    );
    save_run_store(
        &folders.config_file(),
        None,
        &run_store("runs", "/srv/runs", 0),
    )
    .unwrap();
    set_embedded_worker(&folders.config_file(), false).unwrap();
    let configuration = Configuration::read(&folders.config_file()).unwrap();
    assert_eq!(configuration.locations, []);
    assert_eq!(
        configuration.run_stores,
        [run_store("runs", "/srv/runs", 0)]
    );
    assert!(!configuration.worker.embedded);
    remove_run_store(&folders.config_file(), "runs").unwrap();
    assert_eq!(
        Configuration::read(&folders.config_file())
            .unwrap()
            .run_stores,
        []
    );
}

#[test]
fn a_broken_file_is_not_touched() {
    for broken in [
        "[[locations]\n",
        "unknown = 1\n",
        "[[locations]]\nname = \"a\"\npath = \"a\"\n",
    ] {
        let installation = installation(broken);
        let edits: [Result<(), ConfigError>; 4] = [
            save_location(&installation.file, None, &location("b", "/b")),
            remove_location(&installation.file, "a"),
            save_run_store(&installation.file, None, &run_store("b", "/b", 0)),
            set_embedded_worker(&installation.file, false),
        ];
        for edit in edits {
            assert!(
                matches!(edit, Err(ConfigError::Invalid(_))),
                "{broken}: {edit:?}"
            );
        }
        assert_eq!(installation.text(), broken);
    }
}

#[test]
fn what_cannot_be_used_is_refused_before_it_is_written() {
    let installation = installation(FILE);
    let check = |result: Result<(), ConfigError>, key: &str, code: ErrorCode| {
        let error = result.unwrap_err();
        assert!(
            matches!(&error, ConfigError::Refused { key: at, .. } if at == key),
            "{error:?}"
        );
        let reply = ErrorReply::from(&error);
        assert_eq!(reply.code, code, "{reply:?}");
        assert!(!reply.hint.is_empty());
        assert_eq!(installation.text(), FILE);
    };
    let file = &installation.file;
    let wrong = |name: &str, path: &str| LocationSettings {
        name: name.into(),
        path: path.into(),
        ..location("x", "/x")
    };
    check(
        save_location(file, None, &wrong("Bad name", "/x")),
        "name",
        ErrorCode::InvalidParameters,
    );
    check(
        save_location(file, None, &wrong("x", "relative")),
        "path",
        ErrorCode::InvalidParameters,
    );
    check(
        save_location(file, None, &wrong("x", "/a/../b")),
        "path",
        ErrorCode::InvalidParameters,
    );
    check(
        save_location(file, None, &wrong("builds", "/x")),
        "name",
        ErrorCode::InvalidParameters,
    );
    check(
        save_location(file, Some("scratch"), &wrong("builds", "/x")),
        "name",
        ErrorCode::InvalidParameters,
    );
    check(
        save_location(file, Some("gone"), &wrong("x", "/x")),
        "locations",
        ErrorCode::NotFound,
    );
    check(
        remove_location(file, "gone"),
        "locations",
        ErrorCode::NotFound,
    );
    check(
        remove_run_store(file, "scratch"),
        "run_stores",
        ErrorCode::NotFound,
    );
}

#[test]
fn two_editors_at_once_lose_nothing() {
    let installation = installation(FILE);
    std::thread::scope(|scope| {
        for editor in 0..8 {
            let file = &installation.file;
            scope.spawn(move || {
                for entry in 0..5 {
                    save_location(
                        file,
                        None,
                        &location(&format!("l{editor}-{entry}"), "/srv/x"),
                    )
                    .unwrap();
                }
            });
        }
    });
    assert_eq!(installation.read().locations.len(), 2 + 8 * 5);
}

#[cfg(unix)]
#[test]
fn mode_and_link_of_the_file_stay() {
    use std::os::unix::fs::PermissionsExt;
    let installation = installation(FILE);
    let kept_elsewhere = installation.file.with_file_name("dotfiles.toml");
    std::fs::rename(&installation.file, &kept_elsewhere).unwrap();
    std::os::unix::fs::symlink(&kept_elsewhere, &installation.file).unwrap();
    std::fs::set_permissions(&kept_elsewhere, PermissionsExt::from_mode(0o640)).unwrap();
    set_embedded_worker(&installation.file, false).unwrap();
    assert!(installation.file.symlink_metadata().unwrap().is_symlink());
    assert_eq!(
        kept_elsewhere.metadata().unwrap().permissions().mode() & 0o777,
        0o640
    );
    assert!(!installation.read().worker.embedded);
}

#[test]
fn a_folder_that_cannot_be_written_is_an_error_with_a_cure() {
    let missing = Path::new("/nonexistent/upkeep/config.toml");
    let error = set_embedded_worker(missing, false).unwrap_err();
    assert!(matches!(error, ConfigError::Write { .. }), "{error:?}");
    let reply = ErrorReply::from(&error);
    assert_eq!(reply.code, ErrorCode::Io);
    assert!(reply.hint.contains("nothing was changed"));
}

#[test]
fn a_missing_file_is_not_made_by_an_edit() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("config.toml");
    assert!(matches!(
        set_embedded_worker(&file, false),
        Err(ConfigError::Missing { .. })
    ));
    assert!(!file.exists());
}

/// Sets the thresholds of disks in a file with this table, and compares what it says then.
#[track_caller]
fn disk_set(before: &str, threshold: Option<Threshold>, after: &str) {
    let here = installation(before);
    set_threshold(&here.file, Measure::Disk, threshold).unwrap();
    assert_eq!(here.text(), after);
    let expect = threshold.unwrap_or_else(|| Measure::Disk.default_threshold());
    assert_eq!(here.read().health.of(Measure::Disk), expect);
}

#[test]
fn thresholds_are_set_whichever_way_they_were_written_and_comments_stay() {
    let wanted = Some(Threshold::new(70.0, 80.5));
    disk_set(
        "# mine\n",
        wanted,
        "# mine\n\n[health]\ndisk = { warning = 70, critical = 80.5 }\n",
    );
    disk_set(
        "[health] # of this host\ncpu = { warning = 50 } # busy\n",
        wanted,
        "[health] # of this host\ncpu = { warning = 50 } # busy\ndisk = { warning = 70, critical = 80.5 }\n",
    );
    disk_set(
        "[health]\n# ours are large\ndisk = { critical = 99, warning = 98 } # ask anna\n",
        wanted,
        "[health]\n# ours are large\ndisk = { critical = 80.5, warning = 70 } # ask anna\n",
    );
    disk_set(
        "[health.disk]\nwarning = 70.0 # as is\n[worker]\nembedded = true\n",
        wanted,
        "[health.disk]\nwarning = 70.0 # as is\ncritical = 80.5\n[worker]\nembedded = true\n",
    );
    disk_set(
        "health.disk.warning = 60 # dotted\n",
        wanted,
        "health.disk.warning = 70 # dotted\nhealth.disk.critical = 80.5\n",
    );
    disk_set(
        "health = { disk = { warning = 60 } }\n",
        wanted,
        "health = { disk = { warning = 70 , critical = 80.5 } }\n",
    );
}

#[test]
fn thresholds_go_back_to_the_default_and_no_comment_is_lost() {
    disk_set("# mine\n", None, "# mine\n");
    disk_set("[health]\n", None, "[health]\n");
    disk_set(
        "[health]\ndisk = { warning = 70, critical = 80 }\ncpu = { warning = 50 }\n",
        None,
        "[health]\ncpu = { warning = 50 }\n",
    );
    // what the operator wrote beside it stays, and so does the key, which says the default then
    disk_set(
        "[health]\n# ours are large\ndisk = { warning = 70, critical = 80 }\n",
        None,
        "[health]\n# ours are large\ndisk = { warning = 90, critical = 95 }\n",
    );
    disk_set(
        "[health]\ndisk = { warning = 70, critical = 80 } # ask anna\n",
        None,
        "[health]\ndisk = { warning = 90, critical = 95 } # ask anna\n",
    );
    disk_set(
        "# of disks\n[health.disk]\nwarning = 70 # low\n",
        None,
        "# of disks\n[health.disk]\nwarning = 90 # low\ncritical = 95\n",
    );
}

#[test]
fn every_threshold_and_number_is_set_alone_and_taken_back() {
    let here = installation(FILE);
    for measure in Measure::ALL {
        let threshold = Threshold::new(0.25, 0.75);
        set_threshold(&here.file, measure, Some(threshold)).unwrap();
        assert_eq!(
            here.read().health,
            Thresholds::default().with(measure, threshold)
        );
        set_threshold(&here.file, measure, None).unwrap();
        assert_eq!(here.read().health, Thresholds::default());
    }
    for number in HealthNumber::ALL {
        set_health_number(&here.file, number, Some(4321)).unwrap();
        assert_eq!(here.read().health.number(number), 4321);
        set_health_number(&here.file, number, None).unwrap();
        assert_eq!(here.read().health, Thresholds::default());
    }
    assert_eq!(here.text(), format!("{FILE}\n[health]\n"));
}

#[test]
fn thresholds_that_cannot_be_used_change_nothing() {
    let here = installation(FILE);
    let check = |result: Result<(), ConfigError>, expect: &str| {
        let error = result.unwrap_err();
        let reply = ErrorReply::from(&error);
        assert_eq!(reply.code, ErrorCode::InvalidParameters);
        assert_eq!(reply.message, expect);
        assert_eq!(here.text(), FILE);
    };
    let set = |warning, critical| {
        set_threshold(
            &here.file,
            Measure::Memory,
            Some(Threshold::new(warning, critical)),
        )
    };
    check(
        set(96.0, 95.0),
        "`health.memory` has its warning at 96, above its critical threshold 95 (percent)",
    );
    check(
        set(50.0, 101.0),
        "`health.memory` is 101, outside above 0 to 100 (percent)",
    );
    check(
        set(f64::NAN, 95.0),
        "`health.memory` is NaN, outside above 0 to 100 (percent)",
    );
    check(
        set_health_number(&here.file, HealthNumber::ProbeLimit, Some(1)),
        "`health.probe_limit_ms` is 1, outside 100 to 60000 (ms)",
    );
}

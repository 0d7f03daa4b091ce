//! What a configuration file may say, and what is said of a wrong one.

use std::path::Path;

use upkeep_config::{
    CleaningSettings, ConfigError, Configuration, FirstStart, Folders, OWN_TEMPORARY_NAME,
    WorkerSettings, ensure_exists,
};
use upkeep_contract::choice::AgeBy;
use upkeep_contract::settings::LocationSettings;
use upkeep_contract::thresholds::{HealthNumber, Measure, Thresholds};
use upkeep_contract::worker::ClaimStrategy;
use upkeep_contract::{ErrorCode, ErrorReply};

fn parse(text: &str) -> Result<Configuration, ConfigError> {
    Configuration::parse(Path::new("config.toml"), text)
}

/// `expect` is empty for a good file, else `line:column key | part of the message | part of the cure`.
#[track_caller]
fn check(text: &str, expect: &str) {
    match (parse(text), expect) {
        (Ok(_), "") => {}
        (Err(ConfigError::Invalid(invalid)), expect) if !expect.is_empty() => {
            let parts: Vec<&str> = expect.split(" | ").collect();
            let place = format!("{}:{} {}", invalid.line, invalid.column, invalid.key);
            let (message, cure) = (invalid.fault.to_string(), invalid.fault.cure());
            assert_eq!(place.trim(), parts[0], "{text}\n{invalid}");
            assert!(message.contains(parts[1]), "{text}\n{message}");
            assert!(cure.contains(parts[2]), "{text}\n{cure}");
        }
        (other, expect) => panic!("{text}\nexpected: {expect}\nbut: {other:?}"),
    }
}

fn location(keys: &str) -> String {
    format!("[[locations]]\nname = \"a\"\npath = \"/srv/a\"\n{keys}\n")
}

fn run_store(keys: &str) -> String {
    format!("[[run_stores]]\nname = \"a\"\npath = \"/srv/a\"\n{keys}\n")
}

#[test]
fn a_good_file_is_accepted() {
    check("", "");
    check("# nothing yet\n", "");
    check(&location(""), "");
    check(
        &location("trash = true\nenabled = false\nonly_own_files = true"),
        "",
    );
    check("locations = [{ name = \"a\", path = \"/srv/a\" }]", "");
    check("locations = []", "");
    check(
        "[[run_stores]]\nname = \"a\"\npath = \"/srv/a\"\nkeep_newest = 5",
        "",
    );
    check(
        &run_store(
            "include = [\"run-*\", \"20[0-9][0-9]-?\"]\nfinished_when = [\"DONE\", \"result.json\"]",
        ),
        "",
    );
    check(&run_store("include = []\nfinished_when = []"), "");
    check(
        "[worker]\nembedded = false\nstrategy = \"weighted-random\"",
        "",
    );
    check(
        "[health]\ndisk = { warning = 50 }\n[health.load]\ncritical = 8.5",
        "",
    );
    check("[health]\ncpu = { warning = 90, critical = 90 }", "");
    // a location and a run store live in lists of their own
    check(
        &format!(
            "{}[[run_stores]]\nname = \"a\"\npath = \"/srv/b\"",
            location("")
        ),
        "",
    );
}

#[test]
fn wrong_syntax_and_keys_are_named_with_line_and_column() {
    check(
        "[[locations]\nname = \"a\"",
        "1:13 | not valid TOML | correct the line",
    );
    check("# é\nname = ", "2:8 | not valid TOML | correct the line");
    check(
        "[worker]\n[worker]",
        "2:2 | not valid TOML | correct the line",
    );
    check(
        &location("name = \"b\""),
        "4:1 | not valid TOML | correct the line",
    );
    check(
        "locatons = []",
        "1:1 locatons | not a key | write `locations`",
    );
    check(
        &location("enbled = true"),
        "4:1 locations.enbled | not a key | write `enabled`",
    );
    check(
        &location("Trash = true"),
        "4:1 locations.Trash | not a key | write `trash`",
    );
    check(
        &location("max_depth = 3"),
        "4:1 locations.max_depth | not a key | known here: name, path, enabled",
    );
    check(
        "[worker]\nconcurency = 3",
        "2:1 worker.concurency | not a key | write `concurrency`",
    );
    check(
        "[health]\ndisks = { warning = 5 }",
        "2:1 health.disks | not a key | write `disk`",
    );
    check(
        "[health.disk]\nwarn = 5",
        "2:1 health.disk.warn | not a key | write `warning`",
    );
    check(
        "[[locations]]\nname = \"a\"\npaht = \"/a\"",
        "3:1 locations.paht | not a key | write `path`",
    );
    check(
        "[[locations]]\nname = \"a\"",
        "1:1 locations.path | is missing | add the key",
    );
    check(
        "[[locations]]\npath = \"/a\"",
        "1:1 locations.name | is missing | add the key",
    );
    check(
        "\n[[run_stores]]\n",
        "2:1 run_stores.name | is missing | add the key",
    );
}

#[test]
fn rules_of_a_run_store_that_cannot_hold_are_refused() {
    check(
        &run_store("finishd_when = [\"DONE\"]"),
        "4:1 run_stores.finishd_when | not a key | write `finished_when`",
    );
    check(
        &run_store("finished_when = \"DONE\""),
        "4:17 run_stores.finished_when | cannot be used | list of file names",
    );
    check(
        &run_store("include = \"run-*\""),
        "4:11 run_stores.include | cannot be used | list of patterns of names",
    );
    check(
        &run_store("finished_when = [\"DONE\", \"*.done\"]"),
        "4:26 run_stores.finished_when | `*.done`, which is not a plain file name | such as `DONE`",
    );
    check(
        &run_store("finished_when = [\"logs/DONE\"]"),
        "4:18 run_stores.finished_when | `logs/DONE`, which is not a plain file name | directly in a finished run",
    );
    check(
        &run_store("finished_when = [\"\"]"),
        "4:18 run_stores.finished_when | empty entry | remove",
    );
    check(
        &run_store("include = [\"2026/run-*\"]"),
        "4:12 run_stores.include | has a slash | such as `run-*`",
    );
    check(
        &run_store("include = [\"run-[\"]"),
        "4:12 run_stores.include | cannot be read as a pattern | between slashes",
    );
    check(
        &run_store("include = [\"!keep\"]"),
        "4:12 run_stores.include | begins with `!` | `\\!`",
    );
    check(
        &run_store("keep_newest = 4000000"),
        "4:15 run_stores.keep_newest | outside 0 to 1000000 | from 0 to 1000000",
    );
}

#[test]
fn a_value_of_the_wrong_type_says_what_belongs_there() {
    check(
        &location("enabled = \"yes\""),
        "4:11 locations.enabled | expected a boolean | true or false",
    );
    check(
        &location("enabled = 1"),
        "4:11 locations.enabled | expected a boolean | true or false",
    );
    check(
        "[[locations]]\nname = 1\npath = \"/a\"",
        "2:8 locations.name | expected a string | double quotes",
    );
    check(
        "locations = \"/srv\"",
        "1:13 locations | expected a sequence | [[locations]]",
    );
    check(
        "[locations]\nname = \"a\"\npath = \"/a\"",
        "1:1 locations | expected a sequence | [[locations]]",
    );
    check(
        "[worker]\nconcurrency = -1",
        "2:15 worker.concurrency | invalid value | whole number",
    );
    check(
        "[worker]\nlease_seconds = \"10\"",
        "2:17 worker.lease_seconds | expected u64 | whole number",
    );
    check(
        "[worker]\nstrategy = \"random\"",
        "2:12 worker.strategy | unknown variant | \"weighted-random\"",
    );
    check(
        "[health]\ndisk = 90",
        "2:8 health.disk | expected struct | { warning = 90, critical = 95 }",
    );
    check("worker = true", "1:10 worker | expected struct | [worker]");
}

#[test]
fn a_name_that_cannot_be_used_is_refused() {
    check(
        "[[locations]]\nname = \"A b\"\npath = \"/a\"",
        "2:8 locations.name | cannot be a name | lower-case",
    );
    check(
        "[[locations]]\nname = \"\"\npath = \"/a\"",
        "2:8 locations.name | cannot be a name | lower-case",
    );
    check(
        "[[run_stores]]\nname = \"history\"\npath = \"/a\"",
        "2:8 run_stores.name | reserved | another name",
    );
    check(
        &format!(
            "{}\n[[locations]]\nname = \"a\"\npath = \"/srv/b\"",
            location("")
        ),
        "7:8 locations.name | `a` a second time | name of its own",
    );
}

#[test]
fn a_path_that_is_not_whole_is_refused() {
    check(
        "[[locations]]\nname = \"a\"\npath = \"\"",
        "3:8 locations.path | is empty | the whole path",
    );
    check(
        "[[locations]]\nname = \"a\"\npath = \"srv\"",
        "3:8 locations.path | not an absolute path | beginning with `/`",
    );
    check(
        "[[locations]]\nname = \"a\"\npath = \"~/x\"",
        "3:8 locations.path | not an absolute path | `~` is not expanded",
    );
    check(
        "[[locations]]\nname = \"a\"\npath = \"/srv/../etc\"",
        "3:8 locations.path | contains `..` | without `..`",
    );
    check(
        "[[locations]]\nname = \"a\"\npath = \"/a\\u0000b\"",
        "3:8 locations.path | zero character | remove",
    );
    check(
        "[[run_stores]]\nname = \"a\"\npath = \"runs\"",
        "3:8 run_stores.path | not an absolute path | whole path",
    );
}

#[test]
fn rules_of_what_is_taken_are_read() {
    let text = location(
        "age_by = \"newest\"\ninclude = [\"*.tmp\", \"build/**\"]\nexclude = [\"*.keep\"]\nprotect = [\"KEEP\", \".git\"]\nkeep_newest = 3\nmin_age_hours = 48\nmin_size_bytes = 4096",
    );
    let found = parse(&text).unwrap().locations.remove(0);
    let expect = LocationSettings {
        age_by: AgeBy::Newest,
        include: vec!["*.tmp".into(), "build/**".into()],
        exclude: vec!["*.keep".into()],
        protect: vec!["KEEP".into(), ".git".into()],
        keep_newest: 3,
        min_age_hours: 48,
        min_size_bytes: 4096,
        ..LocationSettings::new("a", "/srv/a")
    };
    assert_eq!(found, expect);
    assert_eq!(
        parse(&location("")).unwrap().locations.remove(0),
        LocationSettings::new("a", "/srv/a")
    );
}

#[test]
fn a_rule_that_cannot_be_used_is_refused_with_its_place() {
    check(
        &location("include = [\"*.tmp\", \"[a\"]"),
        "4:21 locations.include | `[a`, which cannot be read | [a-z]",
    );
    check(
        &location("exclude = [\n  \"a\",\n  \"/b\",\n]"),
        "6:3 locations.exclude | `/b`, which begins with `/` | write `b`",
    );
    check(
        &location("exclude = [\"\"]"),
        "4:12 locations.exclude | empty entry | remove the entry",
    );
    check(
        &location("include = [\"x\"]\nexclude = [\"y\", \"x\"]"),
        "5:17 locations.exclude | `x`, which stands under `include`, too | one of the two",
    );
    check(
        &location("protect = [\"*.lock\"]"),
        "4:12 locations.protect | not a plain name | under `exclude`",
    );
    check(
        &location("min_age_hours = 1000000"),
        "4:17 locations.min_age_hours | is 1000000, outside 0 to 876600 | from 0",
    );
    check(
        &location("include = \"*.tmp\""),
        "4:11 locations.include | expected a sequence | [\"*.tmp\", \"build/**\"]",
    );
    check(
        &location("protect = \"KEEP\""),
        "4:11 locations.protect | expected a sequence | [\"KEEP\", \".git\"]",
    );
    check(
        &location("age_by = \"birth\""),
        "4:10 locations.age_by | unknown variant | \"created\"",
    );
    check(
        &location("min_size_bytes = \"4k\""),
        "4:18 locations.min_size_bytes | expected u64 | whole number",
    );
    check(
        &location("exlude = [\"a\"]"),
        "4:1 locations.exlude | not a key | write `exclude`",
    );
}

#[test]
fn a_number_out_of_range_is_refused() {
    check(
        "[worker]\nconcurrency = 0",
        "2:15 worker.concurrency | is 0, outside 1 to 256 | from 1 to 256",
    );
    check(
        "[cleaning]\nplan_max_age_hours = 0",
        "2:22 cleaning.plan_max_age_hours | is 0, outside 1 to 720 | from 1 to 720",
    );
    check(
        "[worker]\nlease_seconds = 1",
        "2:17 worker.lease_seconds | is 1, outside 2 to 3600 | 2 to 3600",
    );
    check(
        "[health.disk]\ncritical = 101",
        "2:12 health.disk.critical | is 101, outside | to 100",
    );
    check(
        "[health.cpu]\nwarning = nan",
        "2:11 health.cpu.warning | is NaN, outside | to 100",
    );
    check(
        "[health.load]\nwarning = 0",
        "2:11 health.load.warning | is 0, outside | above 0",
    );
    check(
        "[health]\ndisk = { warning = 96, critical = 95 }",
        "2:8 health.disk | warning at 96, above its critical threshold 95 | lower the warning",
    );
    check(
        "[health]\nprobe_limit_ms = 99",
        "2:18 health.probe_limit_ms | is 99, outside 100 to 60000 (ms) | from 100 to 60000",
    );
    check(
        "[health]\nprobe_limit_ms = \"2s\"",
        "2:18 health.probe_limit_ms | expected u64 | whole number",
    );
    check(
        "[health.queue]\ncritical = 200",
        "1:1 health.queue | warning at 300, above its critical threshold 200 (seconds) | lower",
    );
    // the default of the other threshold counts, too
    check(
        "[health.cpu]\nwarning = 99",
        "1:1 health.cpu | warning at 99, above its critical threshold 98 | lower",
    );
}

#[test]
fn thresholds_of_every_check_are_held_to_their_range_and_order_with_line_key_and_unit() {
    for measure in Measure::ALL {
        let (key, unit, most) = (measure.key(), measure.unit(), measure.most());
        check(
            &format!("[health]\n{key} = {{ warning = 0.5, critical = {most} }}"),
            "",
        );
        check(
            &format!("[health.{key}]\nwarning = 0.1\ncritical = {}", most * 2.0),
            &format!(
                "3:12 health.{key}.critical | is {}, outside above 0 to {most} ({unit}) | to {most}",
                most * 2.0
            ),
        );
        check(
            &format!("[health.{key}]\nwarning = -1"),
            &format!("2:11 health.{key}.warning | is -1, outside above 0 | to {most}"),
        );
        let column = key.len() + 4;
        check(
            &format!("[health]\n{key} = {{ warning = 0.9, critical = 0.8 }}"),
            &format!("2:{column} health.{key} | threshold 0.8 ({unit}) | raise the critical"),
        );
        check(
            &format!("[health]\n{key} = {{ warning = \"a lot\" }}"),
            &format!(
                "2:{} health.{key}.warning | expected f64 | {{ warning = ",
                column + 12
            ),
        );
    }
    for number in HealthNumber::ALL {
        let (key, most) = (number.key(), *number.range().end());
        check(
            &format!("[health]\n{key} = {}", most + 1),
            &format!(
                "2:{} health.{key} | outside {} to {most} ({}) | to {most}",
                key.len() + 4,
                number.range().start(),
                number.unit()
            ),
        );
        check(&format!("[health]\n{key} = {most}"), "");
    }
}

#[test]
fn what_is_not_written_is_as_designed() {
    let configuration = parse("").unwrap();
    assert_eq!(
        configuration.locations,
        [],
        "no location exists that no file names"
    );
    assert_eq!(configuration.run_stores, []);
    assert_eq!(configuration.worker, WorkerSettings::default());
    assert_eq!(configuration.health, Thresholds::default());
}

#[test]
fn what_is_written_is_read() {
    let configuration = parse(
        "[[locations]]\nname = \"scratch\"\npath = \"/srv/scratch\"\nremove_empty_directories = true\n\
         [[run_stores]]\nname = \"runs\"\npath = \"/srv/runs\"\nkeep_newest = 5\n\
         [worker]\nembedded = false\nconcurrency = 8\nstrategy = \"fifo\"\nlease_seconds = 30\n\
         [health]\ndisk_floor_bytes = 5\nmemory = { warning = 10, critical = 20.5 }\n",
    )
    .unwrap();
    let location = &configuration.locations[0];
    assert_eq!(
        (location.name.as_str(), location.path.as_str()),
        ("scratch", "/srv/scratch")
    );
    assert!(location.enabled && location.remove_empty_directories && !location.trash);
    assert_eq!(configuration.run_stores[0].keep_newest, 5);
    let worker = WorkerSettings {
        embedded: false,
        concurrency: 8,
        strategy: ClaimStrategy::Fifo,
        lease_seconds: 30,
    };
    assert_eq!(configuration.worker, worker);
    assert_eq!(configuration.health.disk_floor_bytes, 5);
    assert!((configuration.health.of(Measure::Memory).critical - 20.5).abs() < f64::EPSILON);
    assert_eq!(
        configuration.health.of(Measure::Cpu),
        Thresholds::default().of(Measure::Cpu)
    );
}

#[test]
fn a_new_installation_has_one_location_its_own_temporary_folder() {
    let home = tempfile::tempdir().unwrap();
    // a quote and a backslash in the path must survive the file
    let folders = Folders::at(&home.path().join("it's \"mine\" \\ here"));
    assert_eq!(ensure_exists(&folders).unwrap(), FirstStart::Written);
    let configuration = Configuration::read(&folders.config_file()).unwrap();
    assert_eq!(configuration.locations.len(), 1);
    assert_eq!(configuration.locations[0].name, OWN_TEMPORARY_NAME);
    assert_eq!(
        Path::new(&configuration.locations[0].path),
        folders.own_temporary()
    );
    assert!(configuration.locations[0].enabled && folders.own_temporary().is_dir());
    assert_eq!(configuration.run_stores, []);
    assert_eq!(configuration.worker, WorkerSettings::default());
    assert_eq!(configuration.health, Thresholds::default());
}

#[test]
fn every_example_of_the_first_file_is_right_when_turned_on() {
    let home = tempfile::tempdir().unwrap();
    let folders = Folders::at(home.path());
    ensure_exists(&folders).unwrap();
    let text = std::fs::read_to_string(folders.config_file()).unwrap();
    // examples are the comment lines that are indented
    let turned_on: Vec<&str> = text
        .lines()
        .map(|line| line.strip_prefix("#   ").unwrap_or(line))
        .collect();
    let heading = turned_on
        .iter()
        .position(|line| line.starts_with("# Upkeep's own"))
        .unwrap();
    let (examples, own) = (
        turned_on[..heading].join("\n"),
        turned_on[heading..].join("\n"),
    );
    let configuration = parse(&format!("{own}\n{examples}\n")).unwrap();
    assert_eq!(configuration.locations.len(), 2);
    assert_eq!(configuration.run_stores.len(), 1);
    assert_eq!(configuration.cleaning, CleaningSettings::default());
    assert_eq!(configuration.worker, WorkerSettings::default());
    assert_eq!(configuration.health, Thresholds::default());
}

#[test]
fn a_file_that_is_there_is_never_written_over() {
    let home = tempfile::tempdir().unwrap();
    let folders = Folders::at(home.path());
    for present in ["", "this is not TOML", "# mine\n"] {
        std::fs::write(folders.config_file(), present).unwrap();
        assert_eq!(ensure_exists(&folders).unwrap(), FirstStart::Existed);
        assert_eq!(
            std::fs::read_to_string(folders.config_file()).unwrap(),
            present
        );
    }
}

#[test]
fn a_missing_or_unreadable_file_is_an_error_not_a_default() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("config.toml");
    assert!(matches!(
        Configuration::read(&file),
        Err(ConfigError::Missing { .. })
    ));
    std::fs::write(&file, b"# fine\nname = \"\xff\"").unwrap();
    let error = Configuration::read(&file).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("line 2, column 9: the file is not UTF-8"),
        "{error}"
    );
    std::fs::remove_file(&file).unwrap();
    std::fs::create_dir(&file).unwrap();
    assert!(matches!(
        Configuration::read(&file),
        Err(ConfigError::Read { .. })
    ));
}

#[test]
fn an_error_reaches_a_front_door_with_code_place_and_cure() {
    let error = parse("\n[[locations]]\nname = \"a\"\npath = \"srv\"").unwrap_err();
    let reply = ErrorReply::from(&error);
    assert_eq!(reply.code, ErrorCode::InvalidConfiguration);
    assert_eq!(
        reply.message,
        "config.toml, line 4, column 8: `locations.path` is `srv`, which is not an absolute path"
    );
    assert_eq!(reply.hint, "write the whole path, beginning with `/`");
}

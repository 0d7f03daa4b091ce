//! Settings: shown, checked, saved, audited.

use serde_json::json;
use upkeep_contract::event::Change;
use upkeep_contract::settings::{LocationSettings, RunStoreSettings, SettingsView};
use upkeep_contract::settings_draft::{SaveSettingsOutcome, SettingChange};
use upkeep_contract::{ErrorCode, ErrorReply};
use upkeep_testkit::newest_audit;

use crate::support::{Installation, check_reply, installation, reply, value};

fn location(name: &str, path: &str) -> LocationSettings {
    LocationSettings::new(name, path)
}

fn embedded(view: &SettingsView) -> &str {
    let found = view.values.iter().find(|one| one.key == "worker.embedded");
    &found.unwrap().value
}

fn inside(here: &Installation, folder: &str) -> String {
    here.scratch.join(folder).display().to_string()
}

#[tokio::test]
async fn settings_show_the_configuration_and_what_this_host_says_of_it() {
    let here = installation().await;
    let view = here.console.settings().await.unwrap();
    assert_eq!(view.error, None);
    let names: Vec<&str> = view
        .locations
        .iter()
        .map(|each| each.settings.name.as_str())
        .collect();
    assert_eq!(names, ["scratch", "off"]);
    assert_eq!(view.locations[0].problem, None);
    assert_eq!(view.run_stores[0].settings.name, "runs");
    assert_eq!(embedded(&view), "true");
    assert!(view.config_file.ends_with("config.toml"));

    std::fs::remove_dir_all(&here.scratch).unwrap();
    let view = here.console.settings().await.unwrap();
    let problem = view.locations[0].problem.as_ref().unwrap();
    check_reply(
        problem,
        ErrorCode::Refused,
        "does not exist",
        "create the folder",
    );
    assert_eq!(
        view.locations[1].problem, None,
        "what is turned off is not cleaned"
    );
    assert!(view.run_stores[0].problem.is_some());
}

#[tokio::test]
async fn a_saved_location_is_in_the_file_audited_and_announced() {
    let here = installation().await;
    let mut changes = here.console.changes();
    std::fs::create_dir(here.scratch.join("b")).unwrap();
    let new = location("second", &inside(&here, "b"));
    let view = here.save_location(None, new.clone()).await.unwrap();
    assert!(view.locations.iter().any(|each| each.settings == new));
    assert!(here.config_text().starts_with("# kept\n"));
    assert_eq!(changes.next().await.unwrap(), [Change::Settings]);
    let audit = newest_audit(&here.test.queue, 10).await;
    assert_eq!(audit.len(), 1);
    assert_eq!(
        (audit[0].what.as_str(), audit[0].subject.as_str()),
        ("change_settings", "second")
    );
    assert_eq!(audit[0].who, here.console.requester());
    assert_eq!(audit[0].parameters["changes"][0]["location"], json!(new));

    let renamed = location("third", &inside(&here, "b"));
    let previous = Some("second".to_owned());
    let view = here.save_location(previous, renamed).await.unwrap();
    let names: Vec<&str> = view
        .locations
        .iter()
        .map(|each| each.settings.name.as_str())
        .collect();
    assert_eq!(names, ["scratch", "off", "third"]);
    let view = here
        .change(SettingChange::RemoveLocation {
            name: "third".to_owned(),
        })
        .await
        .unwrap();
    assert_eq!(view.locations.len(), 2);
    assert_eq!(newest_audit(&here.test.queue, 10).await.len(), 3);
}

#[tokio::test]
async fn what_may_not_be_cleaned_is_not_saved() {
    let here = installation().await;
    let before = here.config_text();
    let home = here.console.folders().data().display().to_string();
    let file = here.scratch.join("file");
    std::fs::write(&file, "").unwrap();
    let save = async |location: LocationSettings| -> ErrorReply {
        reply(here.save_location(None, location).await)
    };
    for (path, in_message) in [
        ("/", "whole system"),
        ("/etc", "system directory"),
        (home.as_str(), "belongs to this installation"),
        (inside(&here, "nothing").as_str(), "does not exist"),
        (inside(&here, "file").as_str(), "not a folder"),
        ("scratch", "not absolute"),
        ("", "empty"),
    ] {
        let reply = save(location("new", path)).await;
        check_reply(&reply, ErrorCode::Refused, in_message, "");
        assert!(!reply.hint.is_empty(), "{path}");
    }
    let bad_name = save(location("New Name", &here.scratch.display().to_string())).await;
    check_reply(
        &bad_name,
        ErrorCode::InvalidParameters,
        "`New Name`",
        "lower-case",
    );
    let taken = save(location("scratch", &here.scratch.display().to_string())).await;
    check_reply(
        &taken,
        ErrorCode::InvalidParameters,
        "`scratch`",
        "name of its own",
    );
    let gone = here
        .change(SettingChange::RemoveLocation {
            name: "nothing".to_owned(),
        })
        .await;
    check_reply(
        &reply(gone),
        ErrorCode::NotFound,
        "nothing",
        "read the settings again",
    );
    assert_eq!(here.config_text(), before);
    assert_eq!(newest_audit(&here.test.queue, 10).await, []);
}

#[tokio::test]
async fn a_location_whose_folder_is_gone_can_be_turned_off() {
    let here = installation().await;
    let off = LocationSettings {
        enabled: false,
        ..location("scratch", &here.scratch.display().to_string())
    };
    std::fs::remove_dir_all(&here.scratch).unwrap();
    let previous = Some("scratch".to_owned());
    let view = here.save_location(previous, off).await.unwrap();
    assert!(!view.locations[0].settings.enabled);
}

#[tokio::test]
async fn run_stores_are_saved_and_checked_like_locations() {
    let here = installation().await;
    std::fs::create_dir(here.scratch.join("b")).unwrap();
    let store = |path: &str| RunStoreSettings {
        keep_newest: 5,
        ..RunStoreSettings::new("more", path)
    };
    let refused = here
        .change(SettingChange::SaveRunStore {
            previous_name: None,
            run_store: store("/usr"),
        })
        .await;
    check_reply(&reply(refused), ErrorCode::Refused, "/usr", "choose");
    let view = here
        .change(SettingChange::SaveRunStore {
            previous_name: None,
            run_store: store(&inside(&here, "b")),
        })
        .await
        .unwrap();
    assert_eq!(view.run_stores[1].settings.keep_newest, 5);
    let view = here
        .change(SettingChange::RemoveRunStore {
            name: "more".to_owned(),
        })
        .await
        .unwrap();
    assert_eq!(view.run_stores.len(), 1);
    assert_eq!(newest_audit(&here.test.queue, 10).await.len(), 2);
}

#[tokio::test]
async fn a_wrong_file_is_shown_and_not_written_over() {
    let here = installation().await;
    let wrong = "[[locations]]\nname = \"a\"\npath = 7\n";
    std::fs::write(here.console.folders().config_file(), wrong).unwrap();
    let view = here.console.settings().await.unwrap();
    let error = view.error.unwrap();
    check_reply(&error, ErrorCode::InvalidConfiguration, "line 3", "");
    assert!(view.locations.is_empty());
    let overview = here.console.overview().await.unwrap();
    assert_eq!(overview.configuration_error, Some(error));
    let saved = here.change(value("worker.embedded", "false")).await;
    check_reply(&reply(saved), ErrorCode::InvalidConfiguration, "line 3", "");
    let path = here.scratch.display().to_string();
    let saved = here.save_location(None, location("new", &path)).await;
    check_reply(&reply(saved), ErrorCode::InvalidConfiguration, "line 3", "");
    assert_eq!(here.config_text(), wrong);
}

#[tokio::test]
async fn the_worker_inside_can_be_turned_off_and_on() {
    let here = installation().await;
    let view = here
        .change(value("worker.embedded", "false"))
        .await
        .unwrap();
    assert_eq!(embedded(&view), "false");
    let view = here.change(value("worker.embedded", "true")).await.unwrap();
    assert_eq!(embedded(&view), "true");
    let audit = newest_audit(&here.test.queue, 10).await;
    assert_eq!(
        audit[0].parameters,
        json!({
            "changes": [{"kind": "value", "key": "worker.embedded", "typed": "true"}],
            "differences": [{
                "key": "worker.embedded", "before": "false", "after": "true", "takes_effect": "next_app_start",
            }],
        })
    );
}

#[tokio::test]
async fn a_draft_is_shown_as_it_would_be_with_what_this_host_says_and_writes_nothing() {
    let here = installation().await;
    let before = here.config_text();
    std::fs::create_dir(here.scratch.join("b")).unwrap();
    let add = |name: &str, path: String| SettingChange::SaveLocation {
        previous_name: None,
        location: location(name, &path),
    };
    let changes = vec![
        add("second", inside(&here, "b")),
        add("third", "/etc".to_owned()),
        value("worker.concurrency", "x"),
        value("cleaning.plan_max_age_hours", "48"),
    ];
    let review = here.console.review_settings(changes).await.unwrap();
    let told: Vec<(u32, ErrorCode)> = review
        .problems
        .iter()
        .map(|one| (one.index, one.error.code))
        .collect();
    assert_eq!(
        told,
        [(2, ErrorCode::InvalidParameters), (1, ErrorCode::Refused)]
    );
    assert!(
        review
            .view
            .locations
            .iter()
            .any(|each| each.settings.name == "second")
    );
    let keys: Vec<&str> = review
        .differences
        .iter()
        .map(|one| one.key.as_str())
        .collect();
    assert!(keys.contains(&"locations.second.path"), "{keys:?}");
    assert!(keys.contains(&"cleaning.plan_max_age_hours"), "{keys:?}");
    assert!(
        review
            .lines
            .iter()
            .any(|line| line.text.contains("plan_max_age_hours = 48"))
    );
    assert_eq!(here.config_text(), before);
    assert_eq!(newest_audit(&here.test.queue, 10).await, []);
}

#[tokio::test]
async fn a_draft_is_saved_only_onto_what_it_was_shown_beside() {
    let here = installation().await;
    let changes = vec![
        value("worker.concurrency", "7"),
        value("worker.strategy", "fifo"),
    ];
    let shown = here.console.review_settings(changes.clone()).await.unwrap();
    assert_eq!(here.console.settings().await.unwrap().base, shown.base);
    let theirs = format!(
        "{}\n# by hand\n[cleaning]\nplan_max_age_hours = 12\n",
        here.config_text()
    );
    std::fs::write(here.console.folders().config_file(), &theirs).unwrap();

    let save = |base: String| here.console.save_settings(Some(base), changes.clone());
    let outcome = save(shown.base).await.unwrap();
    let SaveSettingsOutcome::ChangedElsewhere { review } = outcome else {
        panic!("{outcome:?}");
    };
    assert_eq!(here.config_text(), theirs);
    assert_eq!(newest_audit(&here.test.queue, 10).await, []);

    let outcome = save(review.base).await.unwrap();
    assert!(
        matches!(outcome, SaveSettingsOutcome::Saved { .. }),
        "{outcome:?}"
    );
    let text = here.config_text();
    assert!(text.starts_with(theirs.trim_end()), "{text}");
    assert!(
        text.contains("concurrency = 7") && text.contains("strategy = \"fifo\""),
        "{text}"
    );
    let audit = newest_audit(&here.test.queue, 10).await;
    assert_eq!(audit.len(), 1, "one line for one save");
    assert_eq!(audit[0].subject, "worker.concurrency, worker.strategy");
    assert_eq!(audit[0].parameters["differences"][0]["before"], "2");
}

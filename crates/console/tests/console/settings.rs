//! Settings: shown, checked, saved, audited.

use serde_json::json;
use upkeep_contract::event::Change;
use upkeep_contract::settings::{LocationSettings, RunStoreSettings};
use upkeep_contract::{ErrorCode, ErrorReply};
use upkeep_testkit::newest_audit;

use crate::support::{Installation, check_reply, installation, reply};

fn location(name: &str, path: &str) -> LocationSettings {
    LocationSettings::new(name, path)
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
    assert!(view.embedded_worker);
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
    let view = here.console.save_location(None, new.clone()).await.unwrap();
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
    assert_eq!(audit[0].parameters["location"], json!(new));

    let renamed = location("third", &inside(&here, "b"));
    let previous = Some("second".to_owned());
    let view = here.console.save_location(previous, renamed).await.unwrap();
    let names: Vec<&str> = view
        .locations
        .iter()
        .map(|each| each.settings.name.as_str())
        .collect();
    assert_eq!(names, ["scratch", "off", "third"]);
    let view = here
        .console
        .remove_location("third".to_owned())
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
        reply(here.console.save_location(None, location).await)
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
    let gone = here.console.remove_location("nothing".to_owned()).await;
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
    let view = here.console.save_location(previous, off).await.unwrap();
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
    let refused = here.console.save_run_store(None, store("/usr")).await;
    check_reply(&reply(refused), ErrorCode::Refused, "/usr", "choose");
    let view = here
        .console
        .save_run_store(None, store(&inside(&here, "b")))
        .await
        .unwrap();
    assert_eq!(view.run_stores[1].settings.keep_newest, 5);
    let view = here
        .console
        .remove_run_store("more".to_owned())
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
    let saved = here.console.set_embedded_worker(false).await;
    check_reply(&reply(saved), ErrorCode::InvalidConfiguration, "line 3", "");
    let path = here.scratch.display().to_string();
    let saved = here
        .console
        .save_location(None, location("new", &path))
        .await;
    check_reply(&reply(saved), ErrorCode::InvalidConfiguration, "line 3", "");
    assert_eq!(here.config_text(), wrong);
}

#[tokio::test]
async fn the_worker_inside_can_be_turned_off_and_on() {
    let here = installation().await;
    let view = here.console.set_embedded_worker(false).await.unwrap();
    assert!(!view.embedded_worker);
    let view = here.console.set_embedded_worker(true).await.unwrap();
    assert!(view.embedded_worker);
    let audit = newest_audit(&here.test.queue, 10).await;
    assert_eq!(
        audit[0].parameters,
        json!({"change": "set_embedded_worker", "enabled": true})
    );
}

//! Which files a location's rules take, and what is said of those that stay.

use std::fs;
use std::sync::{Arc, Mutex};

use upkeep_contract::choice::AgeBy;
use upkeep_contract::cleanup::KeptReason;
use upkeep_contract::params::CleanupTempFilesParams;
use upkeep_contract::task::{LogLevel, Progress};
use upkeep_operations::Context;
use upkeep_operations::context::Reporter;

use crate::support::*;

fn list(entries: &[&str]) -> Vec<String> {
    entries.iter().map(|&entry| entry.to_owned()).collect()
}

#[tokio::test]
async fn preview_and_direct_run_take_what_the_rules_choose_and_say_why_the_rest_stays() {
    let mut place = Place::new();
    place.scratch().include = list(&["*.tmp", "build/**"]);
    place.scratch().exclude = list(&["*.keep.tmp", "cache"]);
    place.scratch().protect = list(&["KEEP", ".git"]);
    place.scratch().min_size_bytes = 5;
    for name in [
        "a.tmp",
        "x/b.tmp",
        "build/o/c.o",
        "x/not-a-tmp",
        "d.keep.tmp",
        "cache/e.tmp",
        "x/cache/f.tmp",
        "KEEP/g.tmp",
        "x/.git/h/i.tmp",
        "build/KEEP",
    ] {
        place.file(name, 2 * DAY);
    }
    fs::write(place.at("small.tmp"), b"1234").unwrap();
    age(&place.at("small.tmp"), 2 * DAY);
    place.file("young.tmp", 1);

    let preview = place.preview().await;
    let expect = |reason| match reason {
        KeptReason::Excluded | KeptReason::Protected => 3,
        KeptReason::NotIncluded | KeptReason::TooSmall => 1,
        _ => 0,
    };
    for kept_now in &preview.kept {
        assert_eq!(kept_now.count, expect(kept_now.reason), "{kept_now:?}");
    }
    assert_eq!(preview.kept.len(), 4, "{:#?}", preview.kept);
    assert_eq!((preview.files_matched, preview.files_kept), (3, 0));
    let example = preview
        .kept
        .iter()
        .find(|it| it.reason == KeptReason::NotIncluded);
    assert!(example.unwrap().examples[0].ends_with("/x/not-a-tmp"));

    let report = succeeded(place.clean().await);
    assert_eq!(report.files_removed, 3);
    assert_eq!(report.kept, preview.kept);
    for gone in ["a.tmp", "x/b.tmp", "build/o/c.o"] {
        assert!(!place.at(gone).exists(), "{gone}");
    }
    assert_eq!(
        place
            .left()
            .iter()
            .filter(|it| place.at(it).is_file())
            .count(),
        9
    );
}

#[tokio::test]
async fn the_newest_of_what_would_be_taken_stay() {
    let mut place = Place::new();
    place.scratch().include = list(&["*.tar"]);
    place.scratch().keep_newest = 2;
    for (name, days) in [
        ("1.tar", 10),
        ("a/2.tar", 20),
        ("3.tar", 30),
        ("b/4.tar", 40),
    ] {
        place.file(name, days * DAY);
    }
    // newer, but nothing the rules would ever take
    place.file("log", 5 * DAY);
    let preview = place.preview().await;
    assert_eq!(kept(&preview, KeptReason::Newest), 2);
    let report = succeeded(place.execute(preview.plan).await);
    assert_eq!(report.files_removed, 2);
    assert_eq!(place.left(), ["1.tar", "a", "a/2.tar", "b", "log"]);
    // two are left, and two always stay
    let again = succeeded(place.clean().await);
    assert_eq!(
        (again.files_removed, kept(&again, KeptReason::Newest)),
        (0, 2)
    );
}

#[tokio::test]
async fn the_newest_stay_also_when_newer_ones_went_after_the_preview() {
    let mut place = Place::new();
    place.scratch().keep_newest = 1;
    for (name, days) in [("1", 10), ("2", 20), ("3", 30)] {
        place.file(name, days * DAY);
    }
    let preview = place.preview().await;
    assert_eq!(preview.files_matched, 2);
    fs::remove_file(place.at("1")).unwrap();
    let report = succeeded(place.execute(preview.plan).await);
    assert_eq!(place.left(), ["2"]);
    assert_eq!(
        (report.files_kept, kept(&report, KeptReason::Newest)),
        (1, 2)
    );
}

#[derive(Default)]
struct Lines(Mutex<Vec<String>>);

impl Reporter for Lines {
    fn progress(&self, _: Progress) {}
    fn log(&self, _: LogLevel, line: String) {
        self.0.lock().unwrap().push(line);
    }
}

#[tokio::test]
async fn a_task_that_asks_for_less_than_the_least_age_gets_the_least_age_and_is_told() {
    let mut place = Place::new();
    place.scratch().min_age_hours = 48;
    place.scratch().remove_empty_directories = true;
    place.file("day", 30);
    place.file("week", 7 * DAY);
    fs::create_dir(place.at("folder")).unwrap();
    age(&place.at("folder"), 30);
    let lines = Arc::new(Lines::default());
    let context = Context {
        reporter: Arc::clone(&lines) as Arc<dyn Reporter>,
        ..place.context()
    };
    let params = CleanupTempFilesParams {
        max_age_hours: 0.0,
        ..Default::default()
    };
    let report = succeeded(place.clean_with(params, &context).await);
    assert_eq!(place.left(), ["day", "folder"]);
    assert_eq!(kept(&report, KeptReason::BelowMinAge), 1);
    let said = lines.0.lock().unwrap().join("\n");
    assert!(
        said.contains("`scratch` keeps everything younger than 48 hours"),
        "{said}"
    );
}

#[tokio::test]
async fn a_click_takes_less_never_more() {
    let mut place = Place::new();
    place.scratch().exclude = list(&["*.keep"]);
    place.scratch().min_size_bytes = 3;
    for name in ["a", "b.keep", "c.log"] {
        place.file(name, 2 * DAY);
    }
    let asked = |exclude: &[&str], size| CleanupTempFilesParams {
        exclude: Some(list(exclude)),
        min_size_bytes: Some(size),
        dry_run: true,
        ..Default::default()
    };
    let matched = async |params| {
        let done = place.clean_with(params, &place.context()).await.unwrap();
        done.report().files_matched
    };
    assert_eq!(matched(asked(&[], 0)).await, 2);
    assert_eq!(matched(asked(&["*.log"], 0)).await, 1);
    assert_eq!(matched(asked(&["*"], 0)).await, 0);
    // the content has 7 bytes; a smaller number than the location's changes nothing
    assert_eq!(matched(asked(&[], 7)).await, 2);
    assert_eq!(matched(asked(&[], 8)).await, 0);
}

#[tokio::test]
async fn rules_added_since_the_preview_hold_when_its_plan_is_run() {
    let mut place = Place::new();
    place.scratch().remove_empty_directories = true;
    for name in ["a.keep", "data/deep/b", "KEEP/c", "small", "gone.tmp"] {
        place.file(name, 2 * DAY);
    }
    for folder in ["data/deep", "data", "KEEP"] {
        age(&place.at(folder), 2 * DAY);
    }
    let preview = place.preview().await;
    assert_eq!((preview.files_matched, preview.entries.len()), (5, 8));
    place.scratch().exclude = list(&["*.keep", "data"]);
    place.scratch().protect = list(&["KEEP"]);
    place.scratch().include = list(&["*.tmp"]);
    let report = succeeded(place.execute(preview.plan).await);
    assert_eq!((report.files_removed, report.files_kept), (1, 4));
    assert!(!place.at("gone.tmp").exists());
    assert!(kept(&report, KeptReason::Excluded) >= 2);
    assert!(kept(&report, KeptReason::Protected) >= 1);
    assert_eq!(kept(&report, KeptReason::NotIncluded), 1);
}

#[tokio::test]
async fn a_folder_that_was_empty_before_goes_only_when_the_patterns_mean_it() {
    let mut place = Place::new();
    place.scratch().remove_empty_directories = true;
    place.scratch().include = list(&["*.tmp", "build/**"]);
    place.file("emptied/a.tmp", 2 * DAY);
    fs::create_dir_all(place.at("empty")).unwrap();
    fs::create_dir_all(place.at("build/empty")).unwrap();
    for folder in ["emptied", "empty", "build/empty", "build"] {
        age(&place.at(folder), 2 * DAY);
    }
    let report = succeeded(place.clean().await);
    assert_eq!(report.directories_removed, 3);
    assert_eq!(place.left(), ["empty"]);
}

#[tokio::test]
async fn a_location_says_by_which_time_its_files_are_old() {
    for (age_by, left) in [
        (AgeBy::Modified, vec!["written"]),
        (AgeBy::Accessed, vec!["read"]),
        // both were made and changed by this very test
        (AgeBy::Changed, vec!["read", "written"]),
        (AgeBy::Created, vec!["read", "written"]),
        (AgeBy::Newest, vec!["read", "written"]),
    ] {
        let mut place = Place::new();
        place.scratch().age_by = age_by;
        place.file("written", 1);
        age_and_read(&place.at("written"), 1, 2 * DAY);
        place.file("read", 1);
        age_and_read(&place.at("read"), 2 * DAY, 1);
        succeeded(place.clean().await);
        assert_eq!(place.left(), left, "{age_by:?}");
    }
}

#[tokio::test]
async fn a_file_read_since_the_preview_stays_where_reading_counts() {
    let mut place = Place::new();
    place.scratch().age_by = AgeBy::Accessed;
    place.file("read", 2 * DAY);
    place.file("idle", 2 * DAY);
    let preview = place.preview().await;
    let written = fs::metadata(place.at("read")).unwrap().modified().unwrap();
    age_and_read(&place.at("read"), 2 * DAY, 0);
    let file = fs::File::options().write(true).open(place.at("read"));
    file.unwrap().set_modified(written).unwrap();
    let report = succeeded(place.execute(preview.plan).await);
    assert_eq!(place.left(), ["read"]);
    assert_eq!(kept(&report, KeptReason::Changed), 1);
}

#[tokio::test]
async fn all_names_of_a_file_go_although_removing_one_changes_the_others() {
    let mut place = Place::new();
    place.scratch().age_by = AgeBy::Changed;
    place.file("one", 2 * DAY);
    fs::hard_link(place.at("one"), place.at("two")).unwrap();
    // nobody can set this time back, so the task asks for everything up to now
    let params = CleanupTempFilesParams {
        max_age_hours: 0.0,
        ..Default::default()
    };
    let report = succeeded(place.clean_with(params, &place.context()).await);
    assert_eq!((report.files_removed, place.left().len()), (2, 0));
}

#[tokio::test]
async fn a_pattern_that_cannot_be_read_stops_everything() {
    let mut place = Place::new();
    place.file("a", 2 * DAY);
    place.scratch().exclude = list(&["[a"]);
    let (message, hint) = refused(place.clean().await);
    assert!(
        message.contains("rules of the location `scratch`"),
        "{message}"
    );
    assert!(
        message.contains("nothing was removed") && hint.contains("[a-z]"),
        "{hint}"
    );
    assert_eq!(place.left(), ["a"]);
}

#[tokio::test]
async fn patterns_meet_names_that_are_not_utf_8() {
    let mut place = Place::new();
    place.scratch().exclude = list(&["odd*"]);
    place.file(odd_name(), 2 * DAY);
    place.file("even", 2 * DAY);
    let report = succeeded(place.clean().await);
    assert_eq!(
        (report.files_removed, kept(&report, KeptReason::Excluded)),
        (1, 1)
    );
}

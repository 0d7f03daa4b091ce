//! Runs that must stay whole: others' roots in them, and changes around an attempt that died.

use upkeep_contract::PlanId;

use super::*;

fn preview() -> CleanupRunsParams {
    CleanupRunsParams {
        dry_run: true,
        ..params(30.0)
    }
}

fn execute(plan: Option<PlanId>) -> CleanupRunsParams {
    CleanupRunsParams {
        plan,
        ..params(30.0)
    }
}

#[tokio::test]
async fn a_run_that_holds_another_location_or_store_stays_whole() {
    let mut place = stores();
    for name in ["team-a", "team-b", "old"] {
        run(&place, name, 40 * DAY);
    }
    let inner = place.beside("runs/team-a/logs");
    place.settings.run_stores.push(run_store("inner", &inner));
    place.settings.run_stores[1].enabled = false;
    let inner = place.beside("runs/team-b/logs");
    place.settings.locations.push(location("inner", &inner));
    let report = succeeded(clean(&place, None, params(30.0)).await);
    assert_eq!(runs_left(&place), ["team-a", "team-b"]);
    assert_eq!(kept(&report, KeptReason::OtherLocation), 2);
    assert_eq!((report.runs_matched, report.runs_removed), (1, 1));
    for name in ["runs/team-a", "runs/team-b"] {
        assert_eq!(names(&place.beside(name)).len(), 3, "{name}");
    }
}

#[tokio::test]
async fn a_location_configured_after_the_preview_keeps_its_run() {
    let mut place = stores();
    run(&place, "team-a", 40 * DAY);
    run(&place, "old", 40 * DAY);
    let shown = clean(&place, None, preview()).await.unwrap();
    assert_eq!(shown.report().runs_matched, 2);
    let inner = place.beside("runs/team-a/logs");
    place.settings.locations.push(location("inner", &inner));
    let plan = shown.report().plan.clone();
    let report = succeeded(clean(&place, None, execute(plan)).await);
    assert_eq!(runs_left(&place), ["team-a"]);
    assert_eq!(names(&place.beside("runs/team-a")).len(), 3);
    assert_eq!(kept(&report, KeptReason::OtherLocation), 1);
}

/// Leaves what an attempt leaves that planned and began every run, and died.
async fn killed_at_the_start(place: &mut Place) -> Context {
    let first = place.context();
    place.clean_runs(None, preview(), &first).await.unwrap();
    // an attempt that keeps all of them opens the record and begins none
    let second = Context {
        attempt: 2,
        ..first
    };
    place.settings.run_stores[0].keep_newest = 100;
    let done = place.clean_runs(None, params(30.0), &second).await;
    assert_eq!(succeeded(done).runs_removed, 0);
    place.settings.run_stores[0].keep_newest = 0;
    let manifest = second.artifact_folder().join("manifest.jsonl");
    let record = fs::read_to_string(&manifest).unwrap();
    let begin = serde_json::json!({ "begin": (0..16).collect::<Vec<u64>>() });
    fs::write(&manifest, format!("{record}{begin}\n")).unwrap();
    Context {
        attempt: 3,
        ..second
    }
}

#[tokio::test]
async fn a_run_resumed_after_an_attempt_died_stays_whole() {
    let mut place = stores();
    for name in ["idle", "touched", "rewritten", "grown", "begun", "refilled"] {
        run(&place, name, 40 * DAY);
    }
    let retry = killed_at_the_start(&mut place).await;
    // nothing of these was removed yet
    age(&place.beside("runs/touched/model.bin"), 50 * DAY);
    fs::write(place.beside("runs/rewritten/model.bin"), b"new").unwrap();
    fs::write(place.beside("runs/grown/logs/late.txt"), b"new").unwrap();
    age(&place.beside("runs/grown/logs/late.txt"), 50 * DAY);
    // a part of these was
    fs::remove_file(place.beside("runs/begun/model.bin")).unwrap();
    fs::remove_dir_all(place.beside("runs/refilled/logs")).unwrap();
    fs::remove_file(place.beside("runs/refilled/model.bin")).unwrap();
    fs::write(place.beside("runs/refilled/new.txt"), b"new").unwrap();
    let report = succeeded(place.clean_runs(None, params(30.0), &retry).await);
    assert_eq!(
        runs_left(&place),
        ["grown", "refilled", "rewritten", "touched"]
    );
    assert_eq!(names(&place.beside("runs/rewritten")).len(), 3);
    assert_eq!(names(&place.beside("runs/grown")).len(), 4);
    assert_eq!(names(&place.beside("runs/refilled")), ["new.txt"]);
    assert_eq!(kept(&report, KeptReason::Changed), 4);
    assert_eq!((report.runs_matched, report.runs_removed), (6, 2));
}

#[tokio::test]
async fn settings_that_keep_directories_hold_after_the_preview() {
    let mut place = Place::new();
    place.scratch().remove_empty_directories = true;
    place.file("folder/old", 2 * DAY);
    age(&place.at("folder"), 2 * DAY);
    let shown = place.preview().await;
    place.scratch().remove_empty_directories = false;
    let report = succeeded(place.execute(shown.plan).await);
    assert_eq!((report.files_removed, report.directories_removed), (1, 0));
    assert_eq!(place.left(), ["folder"]);

    place.scratch().remove_empty_directories = true;
    place.file("folder/old", 2 * DAY);
    age(&place.at("folder"), 2 * DAY);
    if std::os::unix::fs::chown(place.at("folder"), Some(65_534), None).is_err() {
        println!("not shown: this user cannot give folders away");
        return;
    }
    let shown = place.preview().await;
    place.scratch().only_own_files = true;
    let report = succeeded(place.execute(shown.plan).await);
    assert_eq!((report.files_removed, report.directories_removed), (1, 0));
    assert_eq!(place.left(), ["folder"]);
    assert_eq!(kept(&report, KeptReason::OtherOwner), 1);
}

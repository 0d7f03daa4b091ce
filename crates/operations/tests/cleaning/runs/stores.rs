//! Which folders of a run store are runs, and which of these have ended.

use super::*;

fn marker(run: &std::path::Path, name: &str, hours_old: i64) -> PathBuf {
    fs::write(run.join(name), b"").unwrap();
    age(&run.join(name), hours_old);
    age(run, hours_old);
    run.join(name)
}

async fn preview(place: &Place, params: CleanupRunsParams) -> CleanupReport {
    let params = CleanupRunsParams {
        dry_run: true,
        ..params
    };
    clean(place, None, params).await.unwrap().report().clone()
}

#[tokio::test]
async fn only_folders_of_the_right_name_are_runs() {
    let mut place = stores();
    for name in ["run-1", "run-2", "2026-11-01", "shared", "run"] {
        run(&place, name, 40 * DAY);
    }
    place.settings.run_stores[0].include = vec!["run-?".to_owned(), "20??-*".to_owned()];
    let report = succeeded(clean(&place, None, params(30.0)).await);
    assert_eq!(runs_left(&place), ["run", "shared"]);
    assert_eq!((report.runs_matched, report.runs_removed), (3, 3));
    assert_eq!(kept(&report, KeptReason::NotIncluded), 2);
}

#[tokio::test]
async fn what_is_no_run_takes_no_place_among_the_newest() {
    let mut place = stores();
    for (name, days) in [
        ("run-1", 60),
        ("run-2", 50),
        ("other-1", 40),
        ("other-2", 35),
    ] {
        run(&place, name, days * DAY);
    }
    let store = &mut place.settings.run_stores[0];
    store.include = vec!["run-*".to_owned()];
    store.keep_newest = 1;
    let report = succeeded(clean(&place, None, params(30.0)).await);
    assert_eq!(runs_left(&place), ["other-1", "other-2", "run-2"]);
    assert_eq!(kept(&report, KeptReason::Newest), 1);
}

#[tokio::test]
async fn a_run_without_its_marker_has_not_ended_however_old_it_is() {
    let mut place = stores();
    place.settings.run_stores[0].finished_when = vec!["DONE".to_owned(), "result.json".to_owned()];
    marker(&run(&place, "done", 40 * DAY), "DONE", 40 * DAY);
    marker(&run(&place, "result", 40 * DAY), "result.json", 40 * DAY);
    marker(&run(&place, "done-lately", 40 * DAY), "DONE", DAY);
    run(&place, "crashed", 400 * DAY);
    run(&place, "running", 1);
    // neither a folder, nor a link, nor a file further down says that it has ended
    let folder = run(&place, "folder", 40 * DAY);
    fs::create_dir(folder.join("DONE")).unwrap();
    let link = run(&place, "link", 40 * DAY);
    symlink("model.bin", link.join("DONE")).unwrap();
    let deep = run(&place, "deep", 40 * DAY);
    fs::write(deep.join("logs/DONE"), b"").unwrap();
    for young in [
        &folder.join("DONE"),
        &link.join("DONE"),
        &deep.join("logs/DONE"),
    ] {
        age(young, 40 * DAY);
    }
    for run in [&folder, &link, &deep] {
        age(&run.join("logs"), 40 * DAY);
        age(run, 40 * DAY);
    }
    let report = succeeded(clean(&place, None, params(30.0)).await);
    assert_eq!(
        runs_left(&place),
        [
            "crashed",
            "deep",
            "done-lately",
            "folder",
            "link",
            "running"
        ]
    );
    assert_eq!((report.runs_matched, report.runs_removed), (2, 2));
    assert_eq!(kept(&report, KeptReason::Unfinished), 5);
    // without markers the age of the newest entry decides, as ever
    place.settings.run_stores[0].finished_when = Vec::new();
    succeeded(clean(&place, None, params(30.0)).await);
    assert_eq!(runs_left(&place), ["done-lately", "running"]);
}

#[tokio::test]
async fn the_newest_that_stay_are_runs_that_have_ended() {
    let mut place = stores();
    let store = &mut place.settings.run_stores[0];
    store.finished_when = vec!["DONE".to_owned()];
    store.keep_newest = 2;
    for (name, days) in [("a", 60), ("b", 50), ("c", 40)] {
        marker(&run(&place, name, days * DAY), "DONE", days * DAY);
    }
    for name in ["crashed-1", "crashed-2"] {
        run(&place, name, 35 * DAY);
    }
    let report = succeeded(clean(&place, None, params(30.0)).await);
    assert_eq!(runs_left(&place), ["b", "c", "crashed-1", "crashed-2"]);
    assert_eq!(kept(&report, KeptReason::Newest), 2);
    assert_eq!(kept(&report, KeptReason::Unfinished), 2);
}

#[tokio::test]
async fn rules_that_forbid_more_since_the_preview_hold() {
    let mut place = stores();
    place.settings.run_stores[0].finished_when = vec!["DONE".to_owned()];
    let mut dones = Vec::new();
    for name in ["a", "b", "c", "d"] {
        dones.push(marker(&run(&place, name, 40 * DAY), "DONE", 40 * DAY));
    }
    let shown = preview(&place, params(30.0)).await;
    assert_eq!((shown.runs_matched, shown.files_matched), (4, 12));
    assert_eq!(runs_left(&place).len(), 4);
    // one began again: its marker went, and nothing looks newer than it did
    fs::remove_file(&dones[0]).unwrap();
    fs::write(place.beside("runs/a/again"), b"").unwrap();
    age(&place.beside("runs/a/again"), 40 * DAY);
    age(&place.beside("runs/a"), 40 * DAY);
    place.settings.run_stores[0].include = vec!["[acd]".to_owned()];
    let execute = CleanupRunsParams {
        plan: shown.plan,
        ..params(30.0)
    };
    // three have ended and are runs, of which one would be left out of two that go: one stays
    nothing_goes_while_more_are_to_stay(&mut place, &execute, 1).await;
    assert_eq!(runs_left(&place), ["a", "b", "c", "d"]);
    let report = succeeded(clean(&place, None, execute).await);
    assert_eq!(runs_left(&place), ["a", "b"]);
    assert_eq!((report.runs_matched, report.runs_removed), (4, 2));
    assert_eq!((report.files_removed, report.files_kept), (6, 6));
    assert_eq!(kept(&report, KeptReason::Unfinished), 1);
    assert_eq!(kept(&report, KeptReason::NotIncluded), 1);
}

#[tokio::test]
async fn a_run_that_is_only_partly_removed_still_says_that_it_has_ended() {
    use rustix::fs::{IFlags, ioctl_getflags, ioctl_setflags};
    let mut place = stores();
    place.settings.run_stores[0].finished_when = vec!["AAA".to_owned(), "zzz".to_owned()];
    let stuck = run(&place, "stuck", 40 * DAY);
    marker(&stuck, "AAA", 40 * DAY);
    marker(&stuck, "zzz", 40 * DAY);
    let file = fs::File::open(stuck.join("logs/out.txt")).unwrap();
    let Ok(flags) = ioctl_getflags(&file) else {
        println!("not shown: this file system has no immutable flag");
        return;
    };
    if ioctl_setflags(&file, flags | IFlags::IMMUTABLE).is_err() {
        println!("not shown: this user cannot make a file immutable");
        return;
    }
    drop(file);
    let report = partial(clean(&place, None, params(30.0)).await);
    let file = fs::File::open(stuck.join("logs/out.txt")).unwrap();
    ioctl_setflags(&file, flags).unwrap();
    drop(file);
    assert_eq!((report.files_matched, report.files_removed), (4, 1));
    assert_eq!(names(&stuck), ["AAA", "logs", "logs/out.txt", "zzz"]);
    // so a cleanup of its own, some time later, takes the rest
    let later = succeeded(clean(&place, None, params(0.0)).await);
    assert_eq!((later.runs_removed, later.files_removed), (1, 3));
    assert!(runs_left(&place).is_empty());
}

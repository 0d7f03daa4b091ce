//! Entries that whoever confirms a plan leaves out of it.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Instant;

use upkeep_contract::cleanup::{CleanupReport, EntryKind, KeptReason, PlanEntryRef};
use upkeep_contract::params::CleanupTempFilesParams;
use upkeep_contract::{PlanId, TaskId};
use upkeep_operations::{Context, Finished, Operation, OperationError};

use crate::support::*;

fn entry(kind: EntryKind, name: &str) -> PlanEntryRef {
    PlanEntryRef {
        kind,
        location: "scratch".to_owned(),
        name: name.to_owned(),
    }
}

fn file(name: &str) -> PlanEntryRef {
    entry(EntryKind::File, name)
}

fn without(plan: Option<PlanId>, leave_out: Vec<PlanEntryRef>) -> CleanupTempFilesParams {
    CleanupTempFilesParams {
        plan,
        leave_out: Some(leave_out),
        ..Default::default()
    }
}

async fn execute(
    place: &Place,
    plan: Option<PlanId>,
    leave_out: Vec<PlanEntryRef>,
) -> Result<Finished<CleanupReport>, OperationError> {
    place
        .clean_with(without(plan, leave_out), &place.context())
        .await
}

/// How the report names its entries, each as it would be left out.
fn listed(report: &CleanupReport) -> Vec<PlanEntryRef> {
    let entries = report.entries.iter();
    entries
        .map(|it| PlanEntryRef {
            kind: it.kind,
            location: it.location.clone(),
            name: it.name.clone(),
        })
        .collect()
}

#[tokio::test]
async fn what_is_left_out_stays_and_everything_else_goes() {
    let place = Place::new();
    for name in ["a", "b", "deep/er/c", "deep/er/d"] {
        place.file(name, 2 * DAY);
    }
    let preview = place.preview().await;
    let all: BTreeSet<String> = listed(&preview).into_iter().map(|it| it.name).collect();
    assert_eq!(
        all.iter().map(String::as_str).collect::<Vec<_>>(),
        ["a", "b", "deep/er/c", "deep/er/d"]
    );
    let before = tree(&place.at("a"));
    let chosen = vec![file("a"), file("deep/er/d")];
    let report = succeeded(execute(&place, preview.plan, chosen).await);
    assert_eq!(place.left(), ["a", "deep", "deep/er", "deep/er/d"]);
    assert_eq!(tree(&place.at("a")), before, "it was not even touched");
    assert_eq!((report.files_matched, report.files_removed), (4, 2));
    assert_eq!(kept(&report, KeptReason::LeftOut), 2);
    let examples = &report.kept[0].examples;
    assert!(examples.contains(&place.at("deep/er/d").display().to_string()));
}

#[tokio::test]
async fn names_that_are_not_text_and_links_are_left_out_exactly() {
    let place = Place::new();
    place.file(odd_name(), 2 * DAY);
    // shown the same to a person, and named otherwise
    place.file(OsStr::from_bytes(br"odd\xFF\xFE%\x0A.tmp"), 2 * DAY);
    let folder = OsStr::from_bytes(b"f\xff");
    place.file(Path::new(folder).join("x"), 2 * DAY);
    place.file(Path::new(folder).join("y"), 2 * DAY);
    for link in ["link", "other"] {
        std::os::unix::fs::symlink("/nowhere", place.at(link)).unwrap();
        age(&place.at(link), 2 * DAY);
    }
    let preview = place.preview().await;
    let names: BTreeSet<String> = listed(&preview).into_iter().map(|it| it.name).collect();
    let chosen = vec![
        file("odd%FF%FE%25%0A.tmp"),
        file("f%FF/y"),
        entry(EntryKind::SymbolicLink, "link"),
    ];
    for each in &chosen {
        assert!(names.contains(&each.name), "{each:?} in {names:?}");
    }
    let report = succeeded(execute(&place, preview.plan, chosen).await);
    assert_eq!(kept(&report, KeptReason::LeftOut), 3);
    assert!(place.at(odd_name()).exists());
    assert!(place.at(Path::new(folder).join("y")).exists());
    assert_eq!(place.left().len(), 4, "{:?}", place.left());
}

#[tokio::test]
async fn a_folder_stays_when_something_in_it_or_the_folder_itself_is_left_out() {
    for (chosen, left) in [
        (vec![file("top/in/x")], vec!["top", "top/in", "top/in/x"]),
        // a folder that is left out stays with all that was to go in it, and so does what it lies in
        (
            vec![entry(EntryKind::Directory, "top/in")],
            vec!["top", "top/in", "top/in/deep", "top/in/deep/z", "top/in/x"],
        ),
        (
            vec![entry(EntryKind::Directory, "top/in/deep")],
            vec!["top", "top/in", "top/in/deep", "top/in/deep/z"],
        ),
        (vec![entry(EntryKind::Directory, "empty")], vec!["empty"]),
    ] {
        let mut place = Place::new();
        place.scratch().remove_empty_directories = true;
        for name in ["top/y", "top/in/x", "top/in/deep/z", "top/inner/x"] {
            place.file(name, 2 * DAY);
        }
        fs::create_dir(place.at("empty")).unwrap();
        for folder in ["top/in/deep", "top/in", "top/inner", "top", "empty"] {
            age(&place.at(folder), 2 * DAY);
        }
        let preview = place.preview().await;
        let report = succeeded(execute(&place, preview.plan, chosen.clone()).await);
        assert_eq!(place.left(), left, "{chosen:?}");
        assert!(kept(&report, KeptReason::LeftOut) > 0, "{report:#?}");
        assert!(
            report
                .kept
                .iter()
                .all(|it| it.reason == KeptReason::LeftOut)
        );
    }
}

#[tokio::test]
async fn an_entry_that_the_plan_does_not_list_is_refused_before_anything_goes() {
    let mut place = Place::new();
    let beside = place.beside("beside");
    fs::create_dir(&beside).unwrap();
    place.settings.locations.push(location("beside", &beside));
    place.file("a", 2 * DAY);
    place.file("b", 2 * DAY);
    place.file("young", 1);
    place.file("100%", 2 * DAY);
    let plan = place.preview().await.plan;
    let elsewhere = |location: &str| PlanEntryRef {
        location: location.to_owned(),
        ..file("a")
    };
    for wrong in [
        file("young"),
        file("no-such"),
        file("a/"),
        file("/a"),
        file("./a"),
        // another spelling of the same name is no name of the plan
        file("%61"),
        file("100%"),
        file("%z"),
        entry(EntryKind::SymbolicLink, "a"),
        entry(EntryKind::Directory, "a"),
        entry(EntryKind::Run, "a"),
        entry(EntryKind::Task, "a"),
        elsewhere("beside"),
        elsewhere("nowhere"),
    ] {
        let (message, hint) =
            refused(execute(&place, plan.clone(), vec![file("b"), wrong.clone()]).await);
        assert!(message.contains("nothing was removed"), "{message}");
        assert!(message.contains(&wrong.name), "{message}");
        assert!(hint.contains("preview again"), "{hint}");
        assert_eq!(place.left(), ["100%", "a", "b", "young"], "{wrong:?}");
    }
    let report = succeeded(execute(&place, plan, vec![file("100%25")]).await);
    assert_eq!(report.files_removed, 2);
    assert_eq!(place.left(), ["100%", "young"]);
}

#[tokio::test]
async fn nothing_left_out_is_the_whole_plan_and_everything_left_out_is_none_of_it() {
    let place = Place::new();
    for number in 0..1000 {
        place.file(format!("{}/{number}", number % 3), 2 * DAY);
    }
    let preview = place.preview().await;
    let report = succeeded(execute(&place, preview.plan.clone(), listed(&preview)).await);
    assert_eq!((report.files_removed, report.files_kept), (0, 1000));
    let report = succeeded(execute(&place, preview.plan, Vec::new()).await);
    assert_eq!((report.files_removed, report.files_kept), (1000, 0));
}

#[tokio::test]
async fn the_same_plan_run_again_still_leaves_out_the_same() {
    let place = Place::new();
    place.file("a", 2 * DAY);
    place.file("b", 2 * DAY);
    let plan = place.preview().await.plan;
    for (removed, matched) in [(1, 2), (0, 1)] {
        let report = succeeded(execute(&place, plan.clone(), vec![file("a")]).await);
        assert_eq!(
            (report.files_removed, report.files_matched),
            (removed, matched)
        );
        assert_eq!(kept(&report, KeptReason::LeftOut), 1);
        assert_eq!(place.left(), ["a"]);
    }
}

/// Runs itself again as the process that is killed in the middle of removing.
#[tokio::test]
async fn the_attempt_after_a_killed_one_leaves_out_the_same() {
    const PLACE: &str = "UPKEEP_TEST_KILLED_LEAVING_OUT";
    let total: u64 = 20_000;
    let task = TaskId::from("0190b0aa-0000-7000-8000-000000000002");
    let params = |preview: &CleanupReport| {
        let listed = listed(preview).into_iter().step_by(10);
        without(preview.plan.clone(), listed.collect())
    };
    let shown = |dir: &Path| dir.join("preview.json");
    if let Some(dir) = std::env::var_os(PLACE) {
        let dir = Path::new(&dir);
        let settings = upkeep_operations::settings::Settings {
            locations: vec![location("scratch", &dir.join("scratch"))],
            ..Default::default()
        };
        let preview = serde_json::from_slice(&fs::read(shown(dir)).unwrap()).unwrap();
        let context = Context {
            task_id: task,
            ..Context::silent(dir.join("artifacts"))
        };
        upkeep_operations::CleanupTempFiles::new(Arc::new(settings))
            .run(params(&preview), &context)
            .await
            .unwrap();
        return;
    }
    let place = Place::new();
    for number in 0..total {
        place.file(format!("{}/{number}", number % 50), 2 * DAY);
    }
    let preview = place.preview().await;
    fs::write(
        shown(place.dir.path()),
        serde_json::to_vec(&preview).unwrap(),
    )
    .unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "leaving_out::the_attempt_after_a_killed_one_leaves_out_the_same",
        ])
        .env(PLACE, place.dir.path())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let manifest = place
        .beside("artifacts")
        .join(task.as_str())
        .join("manifest.jsonl");
    let wait = Instant::now();
    while fs::metadata(&manifest).map_or(0, |meta| meta.len()) < 60_000 {
        assert!(
            wait.elapsed().as_secs() < 60,
            "the child never began to remove"
        );
        std::thread::yield_now();
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let left = place.left().len() as u64 - 50;
    assert!(
        left > 100 && left < total,
        "{left} left: it was not killed in the middle"
    );
    let context = Context {
        task_id: task,
        attempt: 2,
        ..place.context()
    };
    let report = succeeded(place.clean_with(params(&preview), &context).await);
    assert_eq!(
        (report.files_matched, report.files_removed),
        (total, total - 100)
    );
    assert_eq!(kept(&report, KeptReason::LeftOut), 100);
    let left: BTreeSet<String> = place
        .left()
        .into_iter()
        .filter(|it| it.contains('/'))
        .collect();
    let chosen = listed(&preview).into_iter().step_by(10);
    assert_eq!(left, chosen.map(|it| it.name).collect());
}

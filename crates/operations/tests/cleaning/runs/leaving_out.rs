//! Runs, tasks, artifact folders and workers that whoever confirms a plan leaves out of it.

use upkeep_contract::PlanId;
use upkeep_contract::cleanup::PlanEntryRef;

use super::*;

fn entry(kind: EntryKind, location: &str, name: &str) -> PlanEntryRef {
    PlanEntryRef {
        kind,
        location: location.to_owned(),
        name: name.to_owned(),
    }
}

async fn preview(place: &Place, history: Option<&Arc<Tasks>>) -> CleanupReport {
    let look = CleanupRunsParams {
        dry_run: true,
        ..params(30.0)
    };
    clean(place, history, look).await.unwrap().report().clone()
}

fn without(plan: Option<PlanId>, leave_out: Vec<PlanEntryRef>) -> CleanupRunsParams {
    CleanupRunsParams {
        plan,
        leave_out: Some(leave_out),
        ..params(30.0)
    }
}

#[tokio::test]
async fn a_run_that_is_left_out_stays_whole_and_counts_among_those_that_stay() {
    let mut place = stores();
    for name in ["a", "b", "c"] {
        run(&place, name, 40 * DAY);
    }
    let plan = preview(&place, None).await.plan;
    let before = names(&place.beside("runs/b"));
    // one is to stay now: with one left out that is so
    place.settings.run_stores[0].keep_newest = 1;
    let params = without(plan, vec![entry(EntryKind::Run, "experiments", "b")]);
    let report = succeeded(clean(&place, None, params.clone()).await);
    assert_eq!(runs_left(&place), ["b"]);
    assert_eq!(names(&place.beside("runs/b")), before);
    assert_eq!((report.runs_matched, report.runs_removed), (3, 2));
    assert_eq!((report.files_matched, report.files_kept), (6, 2));
    assert_eq!(kept(&report, KeptReason::LeftOut), 1);
    let unknown = CleanupRunsParams {
        leave_out: Some(vec![entry(EntryKind::Run, "experiments", "logs")]),
        ..params
    };
    let (message, _) = refused(clean(&place, None, unknown).await);
    assert!(message.contains("does not list `logs`"), "{message}");
}

#[tokio::test]
async fn tasks_folders_and_workers_that_are_left_out_stay_with_all_they_have() {
    let place = Place::new();
    let history = Arc::new(Tasks::default());
    let here = host_name();
    let [stays, bare, goes, orphan, other] = std::array::from_fn(|_| TaskId::generate());
    history.add(&stays, 42 * DAY, Some(&here));
    history.add(&bare, 41 * DAY, None);
    history.add(&goes, 40 * DAY, Some(&here));
    let folder = artifacts(&place, &stays, 42 * DAY);
    let gone = artifacts(&place, &goes, 40 * DAY);
    let orphan_folder = artifacts(&place, &orphan, 40 * DAY);
    let other_folder = artifacts(&place, &other, 40 * DAY);
    let workers: Vec<WorkerId> = ["w-1", "w-2"].map(WorkerId::from).to_vec();
    for id in &workers {
        let heartbeat_at = Timestamp(SystemClock.now().as_millis() - 50 * DAY * HOUR_MS);
        let worker = GoneWorker {
            id: id.clone(),
            heartbeat_at,
            bytes: 100,
        };
        let mut all = history.workers.lock().unwrap();
        all.insert((heartbeat_at, id.clone()), worker);
    }
    let shown = preview(&place, Some(&history)).await;
    assert_eq!(shown.entries.len(), 7, "{:#?}", shown.entries);
    let files: u64 = shown.entries.iter().map(|it| it.files).sum();
    assert_eq!(files, shown.files_matched);
    let leave_out = vec![
        entry(EntryKind::Task, "history", stays.as_str()),
        entry(EntryKind::Task, "history", bare.as_str()),
        entry(EntryKind::Artifacts, "history", orphan.as_str()),
        entry(EntryKind::Worker, "history", "w-2"),
    ];
    for each in &leave_out {
        let found = shown
            .entries
            .iter()
            .any(|it| (it.kind, &it.location, &it.name) == (each.kind, &each.location, &each.name));
        assert!(found, "{each:?}");
    }
    let report = succeeded(clean(&place, Some(&history), without(shown.plan, leave_out)).await);
    assert_eq!(history.ids(), [stays, bare]);
    assert!(folder.join("plan.jsonl").exists() && orphan_folder.join("plan.jsonl").exists());
    assert!(!gone.exists() && !other_folder.exists());
    let left = history.workers.lock().unwrap();
    let left: Vec<&str> = left.keys().map(|(_, id)| id.as_str()).collect();
    assert_eq!(left, ["w-2"]);
    assert_eq!((report.runs_matched, report.runs_removed), (3, 1));
    assert_eq!((report.files_removed, report.files_kept), (2, 2));
    let workers = report.workers.unwrap();
    assert_eq!((workers.matched, workers.removed), (2, 1));
    assert_eq!(kept(&report, KeptReason::LeftOut), 4);
}

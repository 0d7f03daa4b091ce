//! Rows of workers that are gone, and the room of all that was removed.

use upkeep_contract::cleanup::RoomOutcome;

use super::*;

fn worker(history: &Tasks, hours_old: i64) -> WorkerId {
    let id = WorkerId::generate();
    let heartbeat_at = Timestamp(SystemClock.now().as_millis() - hours_old * HOUR_MS);
    let gone = GoneWorker {
        id: id.clone(),
        heartbeat_at,
        bytes: 100,
    };
    let key = (heartbeat_at, id.clone());
    history.workers.lock().unwrap().insert(key, gone);
    id
}

fn workers_left(history: &Tasks) -> Vec<WorkerId> {
    let workers = history.workers.lock().unwrap();
    workers.keys().map(|(_, id)| id.clone()).collect()
}

fn with_an_old_task() -> Arc<Tasks> {
    let history = Arc::new(Tasks::default());
    history.add(&TaskId::generate(), 40 * DAY, None);
    history
}

#[tokio::test]
async fn workers_that_left_long_ago_are_planned_and_removed_with_the_history() {
    let place = Place::new();
    let history = Arc::new(Tasks::default());
    let old: Vec<WorkerId> = (0..300).map(|_| worker(&history, 40 * DAY)).collect();
    let young = worker(&history, DAY);
    let shown = CleanupRunsParams {
        dry_run: true,
        ..params(30.0)
    };
    let shown = clean(&place, Some(&history), shown).await.unwrap();
    let shown = shown.report().clone();
    let total = shown.workers.unwrap();
    assert_eq!((total.matched, total.removed), (300, 0));
    assert_eq!(workers_left(&history).len(), 301);
    assert!(
        shown
            .entries
            .iter()
            .all(|entry| entry.kind == EntryKind::Worker)
    );
    // one comes back, one more is old by now: neither goes
    let back = old[7].clone();
    {
        let mut workers = history.workers.lock().unwrap();
        let key = workers.keys().find(|key| key.1 == back).unwrap().clone();
        let mut alive = workers.remove(&key).unwrap();
        alive.heartbeat_at = SystemClock.now();
        workers.insert((alive.heartbeat_at, back.clone()), alive);
    }
    let later = worker(&history, 35 * DAY);
    let execute = CleanupRunsParams {
        plan: shown.plan,
        ..params(30.0)
    };
    let report = succeeded(clean(&place, Some(&history), execute).await);
    let total = report.workers.unwrap();
    assert_eq!((total.matched, total.removed), (300, 299));
    assert_eq!(workers_left(&history), [later, young, back]);
    assert_eq!(kept(&report, KeptReason::Changed), 1);
    assert_eq!(report.bytes_removed, 299 * 100);
    // they are no runs
    assert_eq!((report.runs_matched, report.runs_removed), (0, 0));
}

#[tokio::test]
async fn without_the_history_workers_and_the_database_are_left_alone() {
    let place = stores();
    let history = Arc::new(Tasks::default());
    let old = worker(&history, 40 * DAY);
    history.disk.lock().unwrap().free = 3_000;
    let params = CleanupRunsParams {
        history: false,
        ..params(30.0)
    };
    let report = succeeded(clean(&place, Some(&history), params).await);
    assert_eq!((report.workers, report.database), (None, None));
    assert_eq!(workers_left(&history), [old]);
    assert_eq!(history.disk.lock().unwrap().free, 3_000);
}

#[tokio::test]
async fn the_room_of_what_was_removed_is_given_back_and_told() {
    let place = Place::new();
    let history = with_an_old_task();
    history.disk.lock().unwrap().busy = 5;
    let shown = CleanupRunsParams {
        dry_run: true,
        ..params(30.0)
    };
    let shown = clean(&place, Some(&history), shown).await.unwrap();
    let database = shown.report().database.unwrap();
    assert_eq!(database.outcome, RoomOutcome::NotYet);
    assert_eq!(
        (database.bytes_before, database.bytes_after),
        (10_000, None)
    );
    let report = succeeded(clean(&place, Some(&history), params(30.0)).await);
    let database = report.database.unwrap();
    assert_eq!(database.outcome, RoomOutcome::GivenBack);
    assert_eq!(database.bytes_before, 10_000);
    assert_eq!(database.bytes_after, Some(5_000));
    assert_eq!(database.bytes_free, Some(0));
}

#[tokio::test]
async fn room_that_cannot_be_given_back_is_told_with_its_reason() {
    let place = Place::new();
    let check = async |change: fn(&mut Disk), rewrite: bool, expect: RoomOutcome, after: u64| {
        let history = with_an_old_task();
        change(&mut history.disk.lock().unwrap());
        let params = CleanupRunsParams {
            rewrite_database: rewrite,
            ..params(30.0)
        };
        let report = succeeded(clean(&place, Some(&history), params).await);
        let database = report.database.unwrap();
        assert_eq!(
            (database.outcome, database.bytes_after),
            (expect, Some(after))
        );
        assert_eq!(report.runs_removed, 1);
        history.disk.lock().unwrap().rewritten
    };
    let older: fn(&mut Disk) = |disk| disk.release = Release::ByRewriting;
    assert_eq!(
        check(older, false, RoomOutcome::NeedsRewriting, 10_000).await,
        0
    );
    assert_eq!(check(older, true, RoomOutcome::GivenBack, 5_000).await, 1);
    let large: fn(&mut Disk) = |disk| {
        disk.release = Release::ByRewriting;
        disk.too_large = true;
    };
    check(large, true, RoomOutcome::TooLargeToRewrite, 10_000).await;
    let server: fn(&mut Disk) = |disk| disk.release = Release::ByServer;
    assert_eq!(
        check(server, true, RoomOutcome::LeftToServer, 10_000).await,
        0
    );
    // what can be given back in steps is never written anew
    assert_eq!(check(|_| {}, true, RoomOutcome::GivenBack, 5_000).await, 0);
    check(|disk| disk.busy = 1_000, false, RoomOutcome::Partly, 5_000).await;
}

#[tokio::test]
async fn a_full_disk_at_the_end_is_a_problem_and_undoes_no_removal() {
    let place = Place::new();
    let history = with_an_old_task();
    history.disk.lock().unwrap().full = true;
    let report = partial(clean(&place, Some(&history), params(30.0)).await);
    assert_eq!((report.runs_matched, report.runs_removed), (1, 1));
    assert_eq!(report.problems.len(), 1);
    assert_eq!(report.problems[0].path, "the database");
    assert!(report.problems[0].reason.contains("the disk is full"));
    assert_eq!(report.database.unwrap().outcome, RoomOutcome::Partly);
}

#[tokio::test]
async fn giving_room_back_stops_when_it_is_cancelled() {
    let place = Place::new();
    let history = with_an_old_task();
    let context = place.context();
    let source = Arc::clone(&history) as Arc<dyn CleanableHistory>;
    let shown = CleanupRunsParams {
        dry_run: true,
        ..params(30.0)
    };
    let shown = clean(&place, Some(&history), shown).await.unwrap();
    context.cancellation.cancel();
    let execute = CleanupRunsParams {
        plan: shown.report().plan.clone(),
        ..params(30.0)
    };
    let done = place.clean_runs(Some(source), execute, &context).await;
    assert!(
        matches!(done, Err(OperationError::Cancelled { .. })),
        "{done:?}"
    );
    assert_eq!(history.disk.lock().unwrap().held, 10_000);
}

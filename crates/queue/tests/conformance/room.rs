//! The room that removed tasks leave, and how it comes back to the disk.

use std::path::PathBuf;
use std::time::Duration;

use upkeep_contract::TaskId;
use upkeep_queue::{Queue, Release};
use upkeep_testkit::{TestQueue, fill_history, task};

use crate::support::{SECOND, succeed};

/// Of these 4,000 have ended.
const TASKS: usize = 6_000;

/// Removes all that ended; how many that were.
async fn forget(queue: &Queue) -> usize {
    let before = queue.now();
    let mut removed = 0;
    loop {
        let page = queue.finished_before(before, None, 500).await.unwrap();
        if page.is_empty() {
            return removed;
        }
        let ids: Vec<TaskId> = page.into_iter().map(|entry| entry.id).collect();
        assert_eq!(queue.remove_finished(&ids, before).await.unwrap(), ids);
        removed += ids.len();
    }
}

/// Gives back all there is.
async fn release(queue: &Queue) {
    let mut free = u64::MAX;
    while free > 0 {
        let left = queue.release_room().await.unwrap();
        assert!(
            left < free,
            "a step gave nothing back: {left} bytes are free"
        );
        free = left;
    }
}

/// The database's file with its log.
fn on_disk(test: &TestQueue) -> u64 {
    let size = |name: &str| {
        let path: PathBuf = test.folder().join(name);
        path.metadata().map_or(0, |meta| meta.len())
    };
    size("upkeep.db") + size("upkeep.db-wal")
}

async fn what_removed_tasks_took_comes_back_or_is_left_to_the_server(test: TestQueue) {
    fill_history(&test.url(), TASKS).await;
    let full = test.queue.room().await.unwrap();
    assert!(full.bytes > 2 << 20, "{full:?}");
    assert_eq!(forget(&test.queue).await, 4_000);
    match test.queue.room().await.unwrap().release {
        Release::InSteps => {
            assert_eq!(on_disk(&test), test.queue.room().await.unwrap().bytes);
            let free = test.queue.room().await.unwrap().free.unwrap();
            assert!(free > full.bytes / 3, "{free} of {full:?}");
            release(&test.queue).await;
            assert!(test.queue.settle_files().await.unwrap());
            let left = test.queue.room().await.unwrap();
            assert_eq!((left.bytes, left.free), (on_disk(&test), Some(0)));
            assert!(left.bytes < full.bytes / 2, "{left:?} of {full:?}");
        }
        Release::ByServer => {
            let left = test.queue.room().await.unwrap();
            assert_eq!(left.free, None);
            assert_eq!(test.queue.release_room().await.unwrap(), 0);
            assert!(test.queue.settle_files().await.unwrap());
            assert!(test.queue.rewrite_file().await.unwrap());
            // not a byte of the files was touched
            assert_eq!(test.queue.room().await.unwrap(), left);
        }
        Release::ByRewriting => panic!("a fresh database needs rewriting"),
    }
    let id = test.enqueue(task()).await;
    assert_eq!(
        test.queue
            .existing(std::slice::from_ref(&id))
            .await
            .unwrap(),
        [id]
    );
}

async fn each_table_tells_its_rows_and_bytes(test: TestQueue) {
    fill_history(&test.url(), TASKS).await;
    let rooms = test.queue.table_rooms().await.unwrap();
    let names: Vec<&str> = rooms.iter().map(|room| room.name).collect();
    assert_eq!(names, ["tasks", "attempts", "task_log", "audit", "workers"]);
    assert_eq!(rooms[0].rows, TASKS as u64);
    let bytes: u64 = rooms.iter().map(|room| room.bytes.unwrap()).sum();
    let all = test.queue.room().await.unwrap().bytes;
    assert!(rooms[0].bytes.unwrap() > 1 << 20, "{rooms:?}");
    assert!(
        bytes <= all && bytes > all / 4,
        "{bytes} of {all}: {rooms:?}"
    );
}

upkeep_testkit::on_both_engines!(
    what_removed_tasks_took_comes_back_or_is_left_to_the_server,
    each_table_tells_its_rows_and_bytes,
);

/// A database as an Upkeep made it that did not ask for small steps yet.
async fn an_older_file(tasks: usize) -> TestQueue {
    let test = TestQueue::sqlite().await;
    let bare = test.bare().await;
    bare.execute("PRAGMA auto_vacuum = NONE; VACUUM").await;
    fill_history(&test.url(), tasks).await;
    test
}

#[tokio::test]
async fn an_older_sqlite_file_keeps_its_room_until_it_is_written_anew() {
    let test = an_older_file(TASKS).await;
    let queue = test.another().await;
    let full = queue.room().await.unwrap();
    assert_eq!(full.release, Release::ByRewriting);
    forget(&queue).await;
    let free = queue.room().await.unwrap().free;
    assert_eq!(Some(queue.release_room().await.unwrap()), free);
    assert!(queue.settle_files().await.unwrap());
    assert_eq!(queue.room().await.unwrap().free, free);

    assert!(queue.rewrite_file().await.unwrap());
    assert!(queue.settle_files().await.unwrap());
    let left = queue.room().await.unwrap();
    assert_eq!((left.release, left.free), (Release::InSteps, Some(0)));
    assert_eq!(left.bytes, on_disk(&test));
    assert!(left.bytes < full.bytes / 2, "{left:?} of {full:?}");
    // both go on with the file as it is now
    let id = test.enqueue(task()).await;
    assert_eq!(
        queue.existing(std::slice::from_ref(&id)).await.unwrap(),
        [id]
    );
    succeed(&test, &test.claim("w").await.unwrap().lease).await;
    // asked again, nothing is left to do
    assert!(queue.rewrite_file().await.unwrap());
}

#[tokio::test]
async fn others_write_while_room_is_given_back() {
    let test = TestQueue::sqlite().await;
    fill_history(&test.url(), 5 * TASKS).await;
    forget(&test.queue).await;
    let other = test.another().await;
    let longest = std::sync::Mutex::new(Duration::ZERO);
    let writes = std::sync::atomic::AtomicU32::new(0);
    let writing = async {
        loop {
            let begun = std::time::Instant::now();
            other.enqueue(task()).await.unwrap();
            let took = begun.elapsed();
            let mut longest = longest.lock().unwrap();
            *longest = took.max(*longest);
            writes.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        }
    };
    let releasing = async {
        // new tasks take some of the free pages, so there may always be a few more
        let mut steps = 0;
        while test.queue.release_room().await.unwrap() > 0 && steps < 10_000 {
            steps += 1;
        }
        steps
    };
    let steps = tokio::select! {
        steps = releasing => steps,
        () = writing => 0,
    };
    let writes = writes.into_inner();
    assert!(steps > 3 && steps < 10_000, "{steps} steps");
    assert!(writes > steps, "{writes} writes during {steps} steps");
    // generous, for a machine that does other things as well; docs/benchmarks.md has the figures
    let longest = longest.into_inner().unwrap();
    assert!(longest < 5 * SECOND, "a writer waited for {longest:?}");
}

#[tokio::test]
async fn a_reader_that_does_not_let_go_is_not_waited_for() {
    let test = TestQueue::sqlite().await;
    fill_history(&test.url(), TASKS).await;
    let bare = upkeep_testkit::RawDatabase::connect(&test.url()).await;
    let mut reader = bare.unwrap();
    reader.execute("BEGIN").await.unwrap();
    reader
        .texts("SELECT CAST(COUNT(*) AS TEXT) FROM tasks")
        .await
        .unwrap();
    forget(&test.queue).await;
    release(&test.queue).await;
    assert!(!test.queue.settle_files().await.unwrap());
    reader.execute("COMMIT").await.unwrap();
    assert!(test.queue.settle_files().await.unwrap());
    assert_eq!(on_disk(&test), test.queue.room().await.unwrap().bytes);
}

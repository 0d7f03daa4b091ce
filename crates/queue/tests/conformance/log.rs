//! The log of a task: read from anywhere, and searched in looks that are bounded.

use upkeep_contract::TaskId;
use upkeep_contract::task::LogLevel;
use upkeep_queue::{Lease, NewLogLine};
use upkeep_testkit::{TestQueue, fill_log, task};

async fn write(test: &TestQueue, lease: &Lease, messages: &[&str]) {
    let lines: Vec<NewLogLine> = messages
        .iter()
        .map(|message| NewLogLine {
            at: test.queue.now(),
            level: LogLevel::Info,
            message: (*message).to_owned(),
        })
        .collect();
    assert!(
        test.queue
            .report_progress(lease, None, &lines)
            .await
            .unwrap()
    );
}

async fn a_text_is_found_in_a_log_as_it_was_written(test: TestQueue) {
    let id = test.enqueue(task()).await;
    let lease = test.claim("w").await.unwrap().lease;
    let search = async |text: &str, after| test.queue.search_log(&id, text, after).await.unwrap();
    assert_eq!(test.queue.log_end(&id).await.unwrap(), 0);
    let nothing = search("x", 0).await;
    assert_eq!((nothing.lines.len(), nothing.searched_to), (0, 0));
    write(&test, &lease, &["removed a_b", "removed axb", "100% done"]).await;
    write(&test, &lease, &["REMOVED Größe", "skipped c\\d"]).await;
    assert_eq!(test.queue.log_end(&id).await.unwrap(), 5);
    let check = async |text: &str, after: i64, expect: &[i64]| {
        let found = search(text, after).await;
        assert_eq!(found.lines, expect, "{text:?}");
        assert_eq!((found.searched_to, found.log_end), (5, 5), "{text:?}");
    };
    check("removed", 0, &[1, 2, 4]).await;
    check("Removed", 2, &[4]).await;
    check("a_b", 0, &[1]).await;
    check("100%", 0, &[3]).await;
    check("Größe", 0, &[4]).await;
    check("c\\d", 0, &[5]).await;
    check("d", -7, &[1, 2, 3, 4, 5]).await;
    check(" ", 3, &[4, 5]).await;
    check("'; DROP TABLE task_log; --", 0, &[]).await;
    check("\0", 0, &[]).await;
    check("", 0, &[]).await;
    let beyond = search("removed", 9).await;
    assert_eq!((beyond.lines.len(), beyond.searched_to), (0, 9));
    let missing = TaskId::from("nowhere");
    let found = test.queue.search_log(&missing, "x", 0).await.unwrap();
    assert_eq!((found.lines.len(), found.log_end), (0, 0));
}

async fn looks_into_a_long_log_are_bounded_and_miss_nothing(test: TestQueue) {
    const LINES: i64 = 50_003;
    let id = test.enqueue(task()).await;
    fill_log(&test.url(), &id, LINES).await;
    assert_eq!(test.queue.log_end(&id).await.unwrap(), LINES);
    // fill_log says what stands in which line
    for (text, every) in [
        ("needle", 9_973),
        ("multiple of 7.", 7),
        ("nowhere", i64::MAX),
    ] {
        let (mut found, mut after, mut looks) = (Vec::new(), 0, 0);
        while after < LINES {
            let hits = test.queue.search_log(&id, text, after).await.unwrap();
            assert!(hits.searched_to > after, "each look comes further");
            assert!(hits.searched_to - after <= 20_000 && hits.lines.len() <= 1000);
            found.extend(hits.lines);
            after = hits.searched_to;
            looks += 1;
        }
        let expect: Vec<i64> = (1..=LINES).filter(|line| line % every == 0).collect();
        assert_eq!(found, expect, "{text}");
        assert!(looks >= 3 || text == "needle", "{text}: {looks}");
    }
    let page = test.queue.log_after(&id, 40_000, 3).await.unwrap();
    let numbers: Vec<i64> = page.iter().map(|line| line.sequence).collect();
    assert_eq!(numbers, [40_001, 40_002, 40_003]);
}

upkeep_testkit::on_both_engines!(
    a_text_is_found_in_a_log_as_it_was_written,
    looks_into_a_long_log_are_bounded_and_miss_nothing,
);

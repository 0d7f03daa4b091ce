//! Reading the audit trail under a filter.

use serde_json::json;
use upkeep_contract::Timestamp;
use upkeep_contract::audit::{AuditEntry, AuditFilter};
use upkeep_testkit::TestQueue;

use crate::support::SECOND;

/// Everything a filter matches, with the number of pages that took.
async fn all(test: &TestQueue, filter: &AuditFilter, limit: u32) -> (Vec<AuditEntry>, usize) {
    let (mut found, mut pages, mut after) = (Vec::new(), 0, None::<String>);
    loop {
        let page = test.queue.audit(filter, after.as_deref(), limit).await;
        let page = page.unwrap();
        assert!(page.entries.len() <= limit as usize);
        assert!(page.searched_to.is_none() || page.next.is_some());
        found.extend(page.entries);
        pages += 1;
        after = page.next;
        if after.is_none() {
            return (found, pages);
        }
    }
}

/// What an obvious reading of the rules says.
fn matches(filter: &AuditFilter, entry: &AuditEntry) -> bool {
    let text = filter.text.trim().to_lowercase();
    let contains = |value: &str| value.to_lowercase().contains(&text);
    (filter.what.is_empty() || filter.what.contains(&entry.what))
        && filter
            .subject
            .as_ref()
            .is_none_or(|subject| *subject == entry.subject)
        && filter.from.is_none_or(|from| entry.at >= from)
        && filter.until.is_none_or(|until| entry.at <= until)
        && (contains(&entry.who)
            || contains(&entry.what)
            || contains(&entry.subject)
            || contains(&entry.parameters.to_string()))
}

async fn a_filter_finds_what_matches_and_nothing_else(test: TestQueue) {
    let begin = test.queue.now();
    for number in 0..1300_i64 {
        let who = ["anna@desk (desktop)", "bert@desk (desktop)", "100%_sure"];
        let what = ["enqueue", "cancel", "pause"];
        test.queue
            .record(
                who[usize::try_from(number % 3).unwrap()],
                what[usize::try_from(number % 2).unwrap()],
                &format!("subject-{}", number % 7),
                &json!({ "number": number }),
            )
            .await
            .unwrap();
        if number % 100 == 99 {
            test.clock.advance(SECOND);
        }
    }
    let (everything, _) = all(&test, &AuditFilter::default(), 500).await;
    assert_eq!(everything.len(), 1300);
    assert!(everything.is_sorted_by(|newer, older| newer.id > older.id));
    let at = |seconds: i64| Some(Timestamp(begin.as_millis() + seconds * 1000));
    let text = |text: &str| AuditFilter {
        text: text.to_owned(),
        ..AuditFilter::default()
    };
    let filters = [
        AuditFilter::default(),
        text("ANNA"),
        text("100%_"),
        text("\"number\":77"),
        text("nowhere"),
        AuditFilter {
            what: vec!["cancel".to_owned(), "pause".to_owned()],
            ..AuditFilter::default()
        },
        AuditFilter {
            subject: Some("subject-3".to_owned()),
            ..text("bert")
        },
        AuditFilter {
            from: at(4),
            until: at(6),
            ..AuditFilter::default()
        },
    ];
    for filter in filters {
        let expect: Vec<AuditEntry> = everything
            .iter()
            .filter(|entry| matches(&filter, entry))
            .cloned()
            .collect();
        for limit in [7, 500] {
            let (found, pages) = all(&test, &filter, limit).await;
            assert_eq!(found, expect, "{filter:?}");
            assert!(pages <= 1300 / 500 + expect.len() / limit as usize + 2);
        }
    }
}

async fn a_page_of_a_long_trail_says_how_far_it_looked(test: TestQueue) {
    test.queue
        .record("anna", "pause", "first", &json!(null))
        .await
        .unwrap();
    for _ in 0..600 {
        test.queue
            .record("bert", "resume", "x", &json!(null))
            .await
            .unwrap();
    }
    let filter = AuditFilter {
        subject: Some("first".to_owned()),
        ..AuditFilter::default()
    };
    let early = test.queue.audit(&filter, None, 10).await.unwrap();
    assert!(early.entries.is_empty());
    assert!(early.searched_to.is_some());
    let rest = test.queue.audit(&filter, early.next.as_deref(), 10).await;
    let rest = rest.unwrap();
    assert_eq!(rest.entries.len(), 1);
    assert_eq!((rest.next, rest.searched_to), (None, None));
}

async fn a_range_that_begins_later_ends_the_search(test: TestQueue) {
    for _ in 0..600 {
        test.queue
            .record("bert", "resume", "x", &json!(null))
            .await
            .unwrap();
    }
    test.clock.advance(SECOND * 3 * 3600);
    let filter = AuditFilter {
        from: Some(test.queue.now()),
        ..AuditFilter::default()
    };
    let page = test.queue.audit(&filter, None, 10).await.unwrap();
    assert_eq!((page.entries.len(), page.next), (0, None));
}

upkeep_testkit::on_both_engines!(
    a_filter_finds_what_matches_and_nothing_else,
    a_page_of_a_long_trail_says_how_far_it_looked,
    a_range_that_begins_later_ends_the_search,
);

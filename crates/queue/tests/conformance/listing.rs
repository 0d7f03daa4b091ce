//! Filters of the list, and other ways to read tasks.

use std::time::Duration;

use serde_json::json;
use upkeep_contract::TaskId;
use upkeep_contract::task::{TaskFilter, TaskState};
use upkeep_queue::{Ending, NewTask, QueueError};
use upkeep_testkit::{TestQueue, task};

use crate::support::{by, of, pages, succeed};

async fn pages_hold_every_task_once_and_the_newest_first(test: TestQueue) {
    let mut ids = Vec::new();
    for index in 0..7 {
        ids.push(test.enqueue(task()).await);
        if index % 3 == 0 {
            test.clock.advance(Duration::from_millis(1));
        }
    }
    ids.reverse();
    let pages: Vec<Vec<TaskId>> = pages(&test, &TaskFilter::default(), 3)
        .await
        .into_iter()
        .map(|page| page.into_iter().map(|task| task.id).collect())
        .collect();
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [3, 3, 1]);
    assert_eq!(pages.concat(), ids);
}

async fn filters_combine_and_text_is_taken_literally(test: TestQueue) {
    let plain = test
        .enqueue(NewTask::new(
            "test-operation",
            json!({"locations": ["a_b"]}),
            "anna",
        ))
        .await;
    test.enqueue(NewTask::new(
        "test-operation",
        json!({"locations": ["axb"]}),
        "bert",
    ))
    .await;
    test.enqueue(NewTask::new("other", json!({}), "Anna 100%"))
        .await;
    let check = async |filter: TaskFilter, expect: usize| {
        let found = test.queue.tasks(&filter, None, 10).await.unwrap().tasks;
        assert_eq!(found.len(), expect, "{filter:?}");
        found
    };
    let text = |text: &str| TaskFilter {
        text: text.to_owned(),
        ..TaskFilter::default()
    };
    assert_eq!(check(text("a_b"), 1).await[0].id, plain);
    check(text("ANNA"), 2).await;
    check(text("100%"), 1).await;
    check(text("'; DROP TABLE tasks; --"), 0).await;
    check(
        TaskFilter {
            operations: vec!["other".into()],
            ..text("anna")
        },
        1,
    )
    .await;
    check(
        TaskFilter {
            states: vec![TaskState::Queued],
            ..TaskFilter::default()
        },
        3,
    )
    .await;
    check(
        TaskFilter {
            states: vec![TaskState::Failed, TaskState::Running],
            ..TaskFilter::default()
        },
        0,
    )
    .await;
}

async fn a_text_is_found_as_it_was_written_and_whatever_case_its_ascii_letters_have(
    test: TestQueue,
) {
    test.enqueue(by("Änne Größe@desk-7")).await;
    let check = async |text: &str, expect: usize| {
        let filter = TaskFilter {
            text: text.to_owned(),
            ..TaskFilter::default()
        };
        let found = test.queue.tasks(&filter, None, 10).await.unwrap().tasks;
        assert_eq!(found.len(), expect, "{text:?}");
    };
    check("Änne Größe", 1).await;
    check("ÄNNe GRößE@DESK", 1).await;
    check(" Größe ", 1).await;
    check("Anne", 0).await;
    check("\0", 0).await;
}

async fn a_task_is_read_with_all_that_was_asked(test: TestQueue) {
    let first = test.enqueue(task()).await;
    let request = NewTask {
        dry_run: true,
        target_host: Some("host-b".to_owned()),
        group_id: Some("group-1".into()),
        priority: i32::MIN,
        max_attempts: 7,
        timeout: Duration::from_millis(1500),
        rerun_of: Some(first.clone()),
        ..NewTask::new(
            "another",
            json!({"locations": ["ä", "\u{0}"], "max_age_hours": 1.5}),
            "anna@desk-7",
        )
    };
    let id = test.enqueue(request.clone()).await;
    let task = test.queue.task(&id).await.unwrap().task;
    assert_eq!(
        (
            task.dry_run,
            task.target_host,
            task.group_id,
            task.priority,
            task.max_attempts,
            task.timeout_ms
        ),
        (
            true,
            request.target_host,
            request.group_id,
            i32::MIN,
            7,
            1500
        )
    );
    assert_eq!((task.params, task.rerun_of), (request.params, Some(first)));
    assert_eq!(
        (task.operation.as_str(), task.requested_by.as_str()),
        ("another", "anna@desk-7")
    );
    assert_eq!(
        (task.state, task.attempt, task.enqueued_at),
        (TaskState::Queued, 0, test.queue.now())
    );
}

async fn what_cannot_be_meant_is_made_the_least_that_can(test: TestQueue) {
    let request = NewTask {
        max_attempts: 0,
        timeout: Duration::ZERO,
        ..task()
    };
    let id = test.enqueue(request).await;
    let task = test.queue.task(&id).await.unwrap().task;
    assert_eq!((task.max_attempts, task.timeout_ms), (1, 1));
    let endless = NewTask {
        timeout: Duration::MAX,
        ..of("another")
    };
    let id = test.enqueue(endless).await;
    assert_eq!(
        test.queue.task(&id).await.unwrap().task.timeout_ms,
        i64::MAX
    );
}

async fn what_runs_and_what_ended_last_is_told_for_each_operation(test: TestQueue) {
    let first = test.enqueue(task()).await;
    let second = test.enqueue(task()).await;
    test.enqueue(of("another")).await;
    let operation = "test-operation".into();
    let current = async || {
        let tasks = test.queue.current_tasks(&operation, 10).await.unwrap();
        tasks
            .into_iter()
            .map(|task| (task.id, task.state))
            .collect::<Vec<_>>()
    };
    let claim = test.claim("w").await.unwrap();
    assert_eq!(
        current().await,
        [
            (first.clone(), TaskState::Running),
            (second.clone(), TaskState::Queued)
        ]
    );
    assert_eq!(test.queue.last_run(&operation).await.unwrap(), None);
    assert_eq!(test.queue.last_success(&operation).await.unwrap(), None);
    succeed(&test, &claim.lease).await;
    assert_eq!(current().await, [(second.clone(), TaskState::Queued)]);
    let success = async || test.queue.last_success(&operation).await.unwrap();
    let first_ended = test.queue.task(&first).await.unwrap().task.finished_at;
    assert!(first_ended.is_some());
    assert_eq!(success().await, first_ended);
    test.clock.advance(Duration::from_secs(1));
    let preview = test
        .enqueue(NewTask {
            dry_run: true,
            priority: 1,
            ..task()
        })
        .await;
    let claim = test.claim("w").await.unwrap();
    assert_eq!(claim.task.id, preview);
    let ending = Ending::Succeeded(json!(null));
    test.queue.finish(&claim.lease, ending).await.unwrap();
    let last = test.queue.last_run(&operation).await.unwrap().unwrap();
    assert_eq!(last.id, first, "a preview is no run");
    assert_eq!(success().await, first_ended, "nor is it a success");
    test.clock.advance(Duration::from_secs(1));
    let claim = test.claim("w").await.unwrap();
    test.queue
        .finish(&claim.lease, Ending::Partial(json!(null)))
        .await
        .unwrap();
    let last = test.queue.last_run(&operation).await.unwrap().unwrap();
    assert_eq!(last.id, second);
    assert_eq!(
        success().await,
        first_ended,
        "what was done in part is none"
    );
    assert_eq!(test.queue.count(TaskState::Succeeded).await.unwrap(), 2);
}

async fn a_task_that_is_not_there_is_told_so(test: TestQueue) {
    let missing = TaskId::from("no\0where");
    assert!(
        matches!(test.queue.task(&missing).await, Err(QueueError::NoSuchTask(id)) if id == missing)
    );
    assert_eq!(test.queue.log_tail(&missing, 10).await.unwrap(), []);
}

upkeep_testkit::on_both_engines!(
    pages_hold_every_task_once_and_the_newest_first,
    filters_combine_and_text_is_taken_literally,
    a_text_is_found_as_it_was_written_and_whatever_case_its_ascii_letters_have,
    a_task_is_read_with_all_that_was_asked,
    what_cannot_be_meant_is_made_the_least_that_can,
    what_runs_and_what_ended_last_is_told_for_each_operation,
    a_task_that_is_not_there_is_told_so,
);

//! Accepting requests: durable, once for each key, each answered by itself.

use std::collections::HashSet;
use std::time::Duration;

use futures::future::join_all;
use serde_json::json;
use upkeep_contract::TaskId;
use upkeep_contract::task::{TaskFilter, TaskState};
use upkeep_queue::{Ending, Enqueued, NewTask, QueueError};
use upkeep_testkit::{TestQueue, newest_audit, task};

use crate::support::{by, end, endings, error, keyed, running, succeed};

async fn audited(test: &TestQueue) -> Vec<String> {
    let entries = newest_audit(&test.queue, 1000).await;
    entries.into_iter().map(|entry| entry.what).collect()
}

async fn the_same_request_is_not_queued_twice(test: TestQueue) {
    let id = test.enqueue(keyed("same")).await;
    let again = test.queue.enqueue(keyed("same")).await.unwrap();
    assert_eq!(again, Enqueued::Existing(id.clone()));
    let claim = test.claim("worker-1").await.unwrap();
    let again = test.queue.enqueue(keyed("same")).await.unwrap();
    assert_eq!(again, Enqueued::Existing(id), "also while it runs");
    succeed(&test, &claim.lease).await;
    assert_eq!(
        audited(&test).await,
        ["enqueue_duplicate", "enqueue_duplicate", "enqueue"]
    );
    test.enqueue(keyed("another")).await;
    test.enqueue(task()).await;
    test.enqueue(task()).await;
}

async fn the_audit_trail_keeps_all_that_was_asked_for(test: TestQueue) {
    let request = NewTask {
        target_host: Some("host-a".to_owned()),
        ..NewTask::new("clean", json!({"max_age_hours": 24}), "anna")
    };
    let id = test.enqueue(request).await;
    let entry = newest_audit(&test.queue, 1).await.remove(0);
    assert_eq!(
        (entry.who.as_str(), entry.subject.as_str()),
        ("anna", id.as_str())
    );
    assert_eq!(
        entry.parameters,
        json!({"operation": "clean", "host": "host-a", "params": {"max_age_hours": 24}})
    );
}

async fn a_key_is_free_again_when_its_task_has_ended_however_it_ended(test: TestQueue) {
    for ending in endings() {
        let request = || NewTask {
            max_attempts: 1,
            ..keyed("same")
        };
        let (_, lease) = running(&test, request()).await;
        if end(&test, &lease, ending).await == TaskState::Queued {
            let again = test.queue.enqueue(request()).await.unwrap();
            assert!(
                matches!(again, Enqueued::Existing(_)),
                "handed back, not ended"
            );
            let claim = test.claim("worker-1").await.unwrap();
            succeed(&test, &claim.lease).await;
        }
    }
    test.enqueue(keyed("same")).await;
}

async fn a_key_is_kept_while_its_task_waits_for_another_attempt(test: TestQueue) {
    let (id, lease) = running(&test, keyed("same")).await;
    end(&test, &lease, Ending::Transient(error("away"))).await;
    let again = test.queue.enqueue(keyed("same")).await.unwrap();
    assert_eq!(again, Enqueued::Existing(id));
}

async fn asking_again_after_a_wish_to_cancel_makes_a_new_task(test: TestQueue) {
    let queued = test.enqueue(keyed("same")).await;
    test.queue.cancel(&queued, "anna").await.unwrap();
    let (id, lease) = running(&test, keyed("same")).await;
    test.queue.cancel(&id, "anna").await.unwrap();
    let again = test.enqueue(keyed("same")).await;
    end(&test, &lease, Ending::Cancelled(None)).await;
    assert_eq!(test.claim("worker-1").await.unwrap().task.id, again);
}

async fn fifty_who_ask_for_the_same_at_once_get_one_task(test: TestQueue) {
    let queues = [
        test.queue.clone(),
        test.another().await,
        test.another().await,
    ];
    for round in 0..4 {
        let asking: Vec<_> = (0..50)
            .map(|index| {
                let queue = queues[index % queues.len()].clone();
                tokio::spawn(async move { queue.enqueue(keyed(&format!("round {round}"))).await })
            })
            .collect();
        let (mut new, mut ids) = (0, HashSet::new());
        for asked in asking {
            let answer = asked.await.unwrap().unwrap();
            new += usize::from(matches!(answer, Enqueued::New(_)));
            ids.insert(answer.id().to_string());
        }
        assert_eq!((new, ids.len()), (1, 1));
    }
    assert_eq!(test.queue.count(TaskState::Queued).await.unwrap(), 4);
}

async fn keys_that_end_while_they_are_asked_for_lose_no_request(test: TestQueue) {
    let other = test.another().await;
    for _ in 0..20 {
        let (id, lease) = running(&test, keyed("same")).await;
        let finishing = test.queue.finish(&lease, Ending::Succeeded(json!(null)));
        let (finished, asked) = tokio::join!(finishing, other.enqueue(keyed("same")));
        finished.unwrap();
        match asked.unwrap() {
            Enqueued::Existing(existing) => assert_eq!(existing, id),
            Enqueued::New(new) => {
                let claim = test.claim("worker-1").await.unwrap();
                assert_eq!(claim.task.id, new);
                succeed(&test, &claim.lease).await;
            }
        }
    }
}

async fn long_keys_are_told_apart_by_their_ends(test: TestQueue) {
    // one byte before letters of two: a cut at a fixed byte would split one
    let long = |end: &str| format!("x{}{end}", "ä".repeat(50_000));
    let first = test.enqueue(keyed(&long("a"))).await;
    let second = test.enqueue(keyed(&long("b"))).await;
    assert_ne!(first, second);
    let again = test.queue.enqueue(keyed(&long("a"))).await.unwrap();
    assert_eq!(again, Enqueued::Existing(first));
}

async fn one_bad_request_among_many_is_refused_alone(test: TestQueue) {
    let requests = (0..40).map(|index| {
        test.queue.enqueue(if index == 17 {
            by("")
        } else {
            keyed(&format!("{}", index % 30))
        })
    });
    let answers = join_all(requests).await;
    for (index, answer) in answers.iter().enumerate() {
        match index {
            17 => assert!(matches!(answer, Err(QueueError::Unavailable { .. }))),
            0..30 => assert!(
                matches!(answer, Ok(Enqueued::New(_))),
                "{index}: {answer:?}"
            ),
            _ => {
                let first = answers[index - 30].as_ref().unwrap();
                assert_eq!(
                    answer.as_ref().unwrap(),
                    &Enqueued::Existing(first.id().clone())
                );
            }
        }
    }
    assert_eq!(test.queue.count(TaskState::Queued).await.unwrap(), 29);
}

async fn a_list_of_requests_is_accepted_as_a_whole_or_not_at_all(test: TestQueue) {
    let good: Vec<NewTask> = (0..300)
        .map(|index| keyed(&format!("{}", index % 250)))
        .collect();
    let mut bad = good.clone();
    bad.push(by(""));
    test.queue.enqueue_all(bad).await.unwrap_err();
    assert_eq!(test.queue.count(TaskState::Queued).await.unwrap(), 0);
    assert_eq!(
        audited(&test).await,
        Vec::<String>::new(),
        "neither exists without the other"
    );
    let answers = test.queue.enqueue_all(good).await.unwrap();
    for (index, answer) in answers.iter().enumerate() {
        let expect = match index {
            0..250 => Enqueued::New(answer.id().clone()),
            _ => Enqueued::Existing(answers[index - 250].id().clone()),
        };
        assert_eq!(answer, &expect);
    }
    assert_eq!(test.queue.count(TaskState::Queued).await.unwrap(), 250);
    assert_eq!(test.queue.enqueue_all(Vec::new()).await.unwrap(), []);
}

async fn ids_sort_in_the_order_of_the_requests(test: TestQueue) {
    let requests = (0..100).map(|index| test.queue.enqueue(by(&format!("{index:03}"))));
    for answer in join_all(requests).await {
        answer.unwrap();
    }
    let page = test
        .queue
        .tasks(&TaskFilter::default(), None, 100)
        .await
        .unwrap();
    let mut tasks: Vec<(TaskId, String)> = page
        .tasks
        .into_iter()
        .map(|task| (task.id, task.requested_by))
        .collect();
    tasks.sort();
    let names: Vec<String> = tasks.into_iter().map(|(_, name)| name).collect();
    assert!(names.is_sorted(), "{names:?}");
}

async fn who_gave_up_asking_before_the_turn_came_asked_for_nothing(test: TestQueue) {
    let first = test.queue.enqueue(by("first"));
    let given_up = test.queue.enqueue(by("given up"));
    tokio::pin!(first);
    {
        tokio::pin!(given_up);
        // polled once each: the first has the turn, the other waits for it
        tokio::select! {
            biased;
            answer = &mut first => panic!("a transaction within one poll: {answer:?}"),
            answer = &mut given_up => panic!("{answer:?}"),
            () = std::future::ready(()) => {}
        }
    }
    first.await.unwrap();
    test.queue.enqueue(by("last")).await.unwrap();
    let page = test
        .queue
        .tasks(&TaskFilter::default(), None, 10)
        .await
        .unwrap();
    let names: Vec<&str> = page
        .tasks
        .iter()
        .map(|task| task.requested_by.as_str())
        .collect();
    assert_eq!(names, ["last", "first"]);
}

async fn what_was_accepted_is_there_when_its_asker_has_gone(test: TestQueue) {
    let queue = test.queue.clone();
    let asking = tokio::spawn(async move { queue.enqueue(by("gone")).await });
    asking.await.unwrap().unwrap();
    test.queue.close().await;
    let again = test.another().await;
    assert_eq!(again.count(TaskState::Queued).await.unwrap(), 1);
    tokio::time::timeout(Duration::from_secs(5), again.close())
        .await
        .unwrap();
}

upkeep_testkit::on_both_engines!(
    the_same_request_is_not_queued_twice,
    the_audit_trail_keeps_all_that_was_asked_for,
    a_key_is_free_again_when_its_task_has_ended_however_it_ended,
    a_key_is_kept_while_its_task_waits_for_another_attempt,
    asking_again_after_a_wish_to_cancel_makes_a_new_task,
    fifty_who_ask_for_the_same_at_once_get_one_task,
    keys_that_end_while_they_are_asked_for_lose_no_request,
    long_keys_are_told_apart_by_their_ends,
    one_bad_request_among_many_is_refused_alone,
    a_list_of_requests_is_accepted_as_a_whole_or_not_at_all,
    ids_sort_in_the_order_of_the_requests,
    who_gave_up_asking_before_the_turn_came_asked_for_nothing,
    what_was_accepted_is_there_when_its_asker_has_gone,
);

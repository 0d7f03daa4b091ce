//! A report as a file.

use serde_json::{Value, json};
use upkeep_contract::ErrorCode;
use upkeep_queue::Ending;

use crate::support::{check_reply, installation, reply};

#[tokio::test]
async fn a_report_s_file_says_what_it_is_of() {
    let here = installation().await;
    let report = json!({"status": "healthy"});
    let ending = Ending::Succeeded(report.clone());
    let id = here
        .finished("health-check", json!({}), "host-a", ending)
        .await;
    let (name, bytes) = here.console.report_file(&id).await.unwrap();
    let rest = name.strip_prefix("upkeep-health-check-").unwrap();
    let time = rest.strip_suffix("Z.json").unwrap();
    let (date, time) = time.split_once('T').unwrap();
    assert!(date.len() == 8 && time.len() == 6, "{name}");
    let file: Value = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(file["task_id"], json!(id));
    assert_eq!(file["state"], "succeeded");
    assert_eq!(file["host"], "host-a");
    assert_eq!(file["parameters"], json!({"cpu_window_ms": 500}));
    assert_eq!(file["report"], report);
    let finished = file["finished_at"].as_str().unwrap();
    assert!(
        finished.ends_with('Z')
            && finished
                .replace(['-', ':'], "")
                .starts_with(&format!("{date}T{time}"))
    );
}

#[tokio::test]
async fn a_report_is_saved_whole_where_the_person_said() {
    let here = installation().await;
    let ending = Ending::Partial(json!({"problems": []}));
    let id = here
        .finished("cleanup-runs", json!({}), "host-a", ending)
        .await;
    let file = here.scratch.join("report.json");
    std::fs::write(&file, "what was there before, much longer than nothing").unwrap();
    here.console.save_report(&id, &file).await.unwrap();
    let (_, bytes) = here.console.report_file(&id).await.unwrap();
    assert_eq!(std::fs::read(&file).unwrap(), bytes);
    assert_eq!(
        std::fs::read_dir(&here.scratch).unwrap().count(),
        1,
        "nothing else is left behind"
    );

    let nowhere = here
        .console
        .save_report(&id, &here.scratch.join("no/report.json"))
        .await;
    check_reply(
        &reply(nowhere),
        ErrorCode::Io,
        "no/report.json",
        "choose a folder",
    );
    let relative = here.console.save_report(&id, "report.json".as_ref()).await;
    check_reply(
        &reply(relative),
        ErrorCode::Io,
        "not absolute",
        "choose a folder",
    );
}

#[tokio::test]
async fn a_task_without_a_report_says_so() {
    let here = installation().await;
    let id = here.queued("health-check", json!({})).await;
    let file = here.scratch.join("report.json");
    let saved = here.console.save_report(&id, &file).await;
    check_reply(
        &reply(saved),
        ErrorCode::NotFound,
        "has no report",
        "its log",
    );
    assert!(!file.exists());
}

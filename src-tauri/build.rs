//! Names the app's own commands to the permission system: one that is not listed here, or whose
//! permission the capability does not list, cannot be called by the page.

use tauri_build::{AppManifest, Attributes};

const COMMANDS: &[&str] = &[
    "overview",
    "condition",
    "trigger",
    "cancel_task",
    "trigger_every_host",
    "task_group",
    "repeat_group",
    "execute_group",
    "list_workers",
    "drain_worker",
    "resume_worker",
    "forget_workers",
    "embedded_worker",
    "begin_embedded_worker",
    "end_embedded_worker",
    "pause_operation",
    "resume_operation",
    "set_priority",
    "force_close_task",
    "count_tasks",
    "cancel_matching",
    "run_again_matching",
    "run_task_again",
    "list_tasks",
    "task_detail",
    "earlier_runs",
    "task_log",
    "search_task_log",
    "save_report",
    "watch_task",
    "health_history",
    "watch_vitals",
    "watch_live",
    "unwatch",
    "list_audit",
    "settings",
    "watch_suggestion_amount",
    "review_settings",
    "save_settings",
    "history_room",
    "choose_folder",
    "statistics",
    "export_report",
    "preferences",
    "save_preferences",
];

fn main() {
    // tauri-build watches `capabilities/` beside Cargo.toml; ours lie with the rest of the shell
    println!("cargo:rerun-if-changed=src-tauri/capabilities");
    let attributes = Attributes::new()
        .capabilities_path_pattern("src-tauri/capabilities/*.json")
        .app_manifest(AppManifest::new().commands(COMMANDS));
    if let Err(error) = tauri_build::try_build(attributes) {
        eprintln!("{error:#}");
        std::process::exit(1);
    }
}

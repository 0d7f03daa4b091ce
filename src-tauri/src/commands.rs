//! The commands, by page. Each is listed here, in `build.rs` and in `capabilities/main.json`;
//! a test compares the lists.
#![allow(
    clippy::let_underscore_must_use,
    reason = "tauri's command macro writes such a line for every command that answers with a Result"
)]

mod audit;
mod fleet;
mod health;
mod levers;
mod overview;
mod preferences;
mod settings;
mod statistics;
mod tasks;
mod vitals;

use tauri::{Builder, Wry};

/// Hands the commands to the app.
pub(crate) fn register(builder: Builder<Wry>) -> Builder<Wry> {
    builder.invoke_handler(tauri::generate_handler![
        overview::overview,
        overview::condition,
        tasks::trigger,
        tasks::cancel_task,
        fleet::trigger_every_host,
        fleet::task_group,
        fleet::repeat_group,
        fleet::execute_group,
        fleet::list_workers,
        fleet::drain_worker,
        fleet::resume_worker,
        fleet::forget_workers,
        fleet::embedded_worker,
        fleet::begin_embedded_worker,
        fleet::end_embedded_worker,
        levers::pause_operation,
        levers::resume_operation,
        levers::set_priority,
        levers::force_close_task,
        levers::count_tasks,
        levers::cancel_matching,
        levers::run_again_matching,
        tasks::run_task_again,
        tasks::list_tasks,
        tasks::task_detail,
        tasks::earlier_runs,
        tasks::task_log,
        tasks::search_task_log,
        tasks::save_report,
        tasks::watch_task,
        health::health_history,
        vitals::watch_vitals,
        vitals::watch_live,
        vitals::unwatch,
        audit::list_audit,
        settings::settings,
        settings::watch_suggestion_amount,
        settings::review_settings,
        settings::save_settings,
        settings::history_room,
        settings::choose_folder,
        statistics::statistics,
        statistics::export_report,
        preferences::preferences,
        preferences::save_preferences,
    ])
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    /// The words of this kind between two marks of a source text.
    fn between<'a>(text: &'a str, from: &str, to: &str) -> &'a str {
        let (_, rest) = text.split_once(from).unwrap();
        rest.split_once(to).unwrap().0
    }

    #[test]
    fn build_script_handler_and_capability_list_the_same_commands() {
        let quoted = between(include_str!("../build.rs"), "COMMANDS: &[&str] = &[", "];");
        let built: BTreeSet<&str> = quoted.split('"').skip(1).step_by(2).collect();

        let handled = between(include_str!("commands.rs"), "generate_handler![", "])");
        let handled: BTreeSet<&str> = handled
            .split(',')
            .filter_map(|path| path.trim().split("::").nth(1))
            .collect();
        assert_eq!(handled, built);

        let capability: serde_json::Value =
            serde_json::from_str(include_str!("../capabilities/main.json")).unwrap();
        let permissions = capability["permissions"].as_array().unwrap();
        let permissions: BTreeSet<&str> = permissions
            .iter()
            .map(|each| each.as_str().unwrap())
            .collect();
        let mut expect: BTreeSet<String> = built
            .iter()
            .map(|command| format!("allow-{}", command.replace('_', "-")))
            .collect();
        expect.insert("core:event:allow-listen".to_owned());
        expect.insert("core:event:allow-unlisten".to_owned());
        // the page is made larger and smaller by Ctrl with + and -
        expect.insert("core:webview:allow-set-webview-zoom".to_owned());
        assert_eq!(permissions, expect.iter().map(String::as_str).collect());
    }
}

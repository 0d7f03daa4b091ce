//! What a cleanup removed, or would remove.

use upkeep_contract::cleanup::{
    CleanupOutcome, CleanupReport, EntryKind, KeptCount, PlanEntry, RoomOutcome,
};
use upkeep_contract::task::Task;

use super::{more, problems};
use crate::output::{BOLD, Output, clean};
use crate::table::{Cell, Table};
use crate::words::{counted, local, size};

pub(super) fn print(task: &Task, report: &CleanupReport, entries: usize, output: &mut Output) {
    let preview = report.outcome == CleanupOutcome::Preview;
    output.line(if preview { would(report) } else { did(report) });
    for location in &report.locations {
        let (files, bytes) = if preview {
            (location.files_matched, location.bytes_matched)
        } else {
            (location.files_removed, location.bytes_removed)
        };
        if files > 0 {
            let path = if location.path.is_empty() {
                String::new()
            } else {
                format!(" ({})", clean(&location.path))
            };
            output.line(format!(
                "  {}{path}: {}, {}",
                clean(&location.location),
                counted(files, "file"),
                size(bytes)
            ));
        }
    }
    kept(report, preview, output);
    room(report, output);
    problems(&report.problems, report.problems_total, entries, output);
    if preview {
        listed(report, entries, output);
        if let Some(plan) = &report.plan {
            output.line(format!("{BOLD}plan{BOLD:#} {plan}"));
            output.hint(format!(
                "nothing was removed; `upkeepctl trigger {} --plan {plan}` removes what the plan lists",
                task.operation
            ));
        }
    }
}

fn would(report: &CleanupReport) -> String {
    let mut parts = vec![
        counted(report.files_matched, "file"),
        size(report.bytes_matched),
    ];
    if report.runs_matched > 0 {
        parts.insert(0, counted(report.runs_matched, "run"));
    }
    if let Some(workers) = report.workers.filter(|workers| workers.matched > 0) {
        parts.push(counted(workers.matched, "worker that left"));
    }
    format!("would remove: {}", parts.join(", "))
}

fn did(report: &CleanupReport) -> String {
    let mut parts = vec![
        counted(report.files_removed, "file"),
        size(report.bytes_removed),
    ];
    if report.runs_removed > 0 {
        parts.insert(0, counted(report.runs_removed, "run"));
    }
    if report.directories_removed > 0 {
        let folders = report.directories_removed;
        let plural = if folders == 1 { "folder" } else { "folders" };
        parts.push(format!("{folders} {plural}"));
    }
    if report.files_trashed > 0 {
        parts.push(format!("{} of them to the trash", report.files_trashed));
    }
    if let Some(workers) = report.workers.filter(|workers| workers.removed > 0) {
        parts.push(counted(workers.removed, "worker that left"));
    }
    let failed = if report.files_failed > 0 {
        format!(
            "; {} could not be removed",
            counted(report.files_failed, "file")
        )
    } else {
        String::new()
    };
    format!("removed: {}{failed}", parts.join(", "))
}

fn kept(report: &CleanupReport, preview: bool, output: &mut Output) {
    let all: u64 = report.kept.iter().map(|kept| kept.count).sum();
    if all == 0 {
        return;
    }
    let reasons: Vec<String> = report.kept.iter().map(reason).collect();
    let verb = if preview { "would keep" } else { "kept" };
    output.line(format!("{verb}: {all} ({})", reasons.join(", ")));
}

fn reason(kept: &KeptCount) -> String {
    let name = serde_json::to_value(kept.reason).ok();
    let name = name
        .as_ref()
        .and_then(|name| name.as_str())
        .unwrap_or("other");
    format!("{} {}", name.replace('_', " "), kept.count)
}

fn room(report: &CleanupReport, output: &mut Output) {
    let Some(room) = &report.database else {
        return;
    };
    let word = match room.outcome {
        RoomOutcome::NotYet => return,
        RoomOutcome::GivenBack => "given back to the disk",
        RoomOutcome::Partly => "partly given back; the next cleanup goes on",
        RoomOutcome::NeedsRewriting => "kept for later use; `rewrite_database` gives it back",
        RoomOutcome::TooLargeToRewrite => "kept for later use; too large to be written anew",
        RoomOutcome::LeftToServer => "used again by the server",
    };
    let after = room
        .bytes_after
        .map(|after| format!(", now {}", size(after)));
    output.line(format!(
        "database: {}{}; its free room is {word}",
        size(room.bytes_before),
        after.unwrap_or_default()
    ));
}

fn listed(report: &CleanupReport, entries: usize, output: &mut Output) {
    let shown: Vec<&PlanEntry> = report.entries.iter().take(entries).collect();
    let rows: Vec<Vec<Cell>> = shown
        .iter()
        .map(|entry| {
            vec![
                Cell::new(size(entry.bytes)),
                Cell::new(local(entry.modified_at)),
                Cell::new(kind(entry.kind)),
                Cell::new(&entry.path),
            ]
        })
        .collect();
    Table::new(&["SIZE", "TIME", "KIND", "PATH"]).rows(&rows, output);
    if report.entries_truncated {
        output.line("  … and more; the plan has all of them");
    } else {
        more(report.entries.len() as u64, shown.len(), output);
    }
}

fn kind(kind: EntryKind) -> &'static str {
    match kind {
        EntryKind::File => "file",
        EntryKind::SymbolicLink => "link",
        EntryKind::Directory => "folder",
        EntryKind::Run => "run",
        EntryKind::Task => "task",
        EntryKind::Artifacts => "artifacts",
        EntryKind::Worker => "worker",
    }
}

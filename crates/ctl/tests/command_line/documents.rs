//! The examples of the documents are run as they stand there.

use std::fmt::Write;
use std::path::Path;

use crate::support::{Site, done, upkeepctl};

fn document(path: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    std::fs::read_to_string(root.join(path)).unwrap()
}

/// One command of an example and what it is said to print.
#[derive(Debug)]
struct Example {
    command: String,
    prints: Vec<String>,
}

/// The examples in the blocks that are marked ```` ```console ````.
fn examples(text: &str) -> Vec<Example> {
    let mut found: Vec<Example> = Vec::new();
    let mut inside = false;
    for line in text.lines() {
        if line.starts_with("```") {
            inside = line == "```console";
        } else if inside && let Some(command) = line.strip_prefix("$ ") {
            found.push(Example {
                command: command.to_owned(),
                prints: Vec::new(),
            });
        } else if inside && let Some(last) = found.last_mut() {
            if last.command.ends_with('\\') && last.prints.is_empty() {
                last.command = format!("{}\n{line}", last.command);
            } else {
                last.prints.push(line.to_owned());
            }
        }
    }
    found
}

/// True when the line is as it is said: `…` stands for anything.
fn fits(said: &str, line: &str) -> bool {
    let Some((first, said)) = said.split_once('…') else {
        return said == line;
    };
    let Some(mut rest) = line.strip_prefix(first) else {
        return false;
    };
    let parts: Vec<&str> = said.split('…').collect();
    for (index, part) in parts.iter().enumerate() {
        if index + 1 == parts.len() {
            return rest.ends_with(part);
        }
        let Some(at) = rest.find(part) else {
            return false;
        };
        rest = &rest[at + part.len()..];
    }
    true
}

/// Lines of an example against what was printed: a line that is only `…` stands for any lines.
fn all_fit(said: &[String], lines: &[&str]) -> bool {
    match (said, lines) {
        ([], lines) => lines.is_empty(),
        ([any, rest @ ..], _) if any == "…" => {
            (0..=lines.len()).any(|skipped| all_fit(rest, &lines[skipped..]))
        }
        ([_, ..], []) => false,
        ([first, said @ ..], [line, lines @ ..]) => fits(first, line) && all_fit(said, lines),
    }
}

/// Runs the examples of a document one after the other in one shell, beside a worker.
fn run_examples(path: &str, at_least: usize) {
    let examples = examples(&document(path));
    assert!(
        examples.len() >= at_least,
        "{path} has {} examples",
        examples.len()
    );
    let site = Site::sqlite();
    site.configure(&format!(
        "[[locations]]\nname = \"scratch\"\npath = \"{}\"\n",
        site.scratch().display()
    ));
    site.old_file("old.o");
    let _worker = site.worker(&["--host", "vm"]);
    let mut script = String::new();
    for (index, example) in examples.iter().enumerate() {
        let Example { command, .. } = example;
        // writing to a string cannot fail
        write!(script, "{command}\nprintf '\\n@@ {index} ended\\n'\n").unwrap();
    }
    let mut shell = site.command("bash");
    let programs = upkeepctl().parent().unwrap().display().to_string();
    let path_variable = format!("{programs}:{}", std::env::var("PATH").unwrap());
    shell
        .args(["-c", &format!("exec 2>&1\n{script}")])
        .env("PATH", path_variable)
        .env("HOME", site.path());
    let output = done(shell).out;
    let mut rest = output.as_str();
    for (index, example) in examples.iter().enumerate() {
        let (said, after) = rest
            .split_once(&format!("\n@@ {index} ended\n"))
            .unwrap_or_else(|| panic!("the shell ended before {example:#?}:\n{rest}"));
        let lines: Vec<&str> = said.lines().collect();
        assert!(
            all_fit(&example.prints, &lines),
            "{path} says of\n{}\n{:#?}\nbut it printed\n{said}",
            example.command,
            example.prints
        );
        rest = after;
    }
}

#[test]
fn the_examples_of_the_document_of_all_front_doors_are_true() {
    run_examples("docs/ONDEMAND_ARCHITECTURE.md", 20);
}

#[test]
fn the_examples_of_the_page_on_http_are_true() {
    run_examples("docs/http.md", 20);
}

#[test]
fn every_command_is_shown_by_example() {
    let text = document("docs/ONDEMAND_ARCHITECTURE.md");
    let commands: Vec<String> = examples(&text)
        .into_iter()
        .map(|example| example.command)
        .collect();
    for name in [
        "trigger",
        "preview",
        "tasks list",
        "tasks show",
        "tasks cancel",
        "tasks retry",
        "tasks log",
        "workers list",
        "workers drain",
        "workers resume",
        "health",
        "statistics",
        "export",
        "config check",
        "config show",
        "config path",
        "audit list",
        "completions",
        "man",
    ] {
        let shown = commands
            .iter()
            .any(|command| command.contains(&format!("upkeepctl {name}")));
        assert!(shown, "no example of `upkeepctl {name}`");
    }
}

#[test]
fn every_command_of_the_window_is_documented() {
    let text = document("docs/ONDEMAND_ARCHITECTURE.md");
    let build = document("src-tauri/build.rs");
    let (_, listed) = build.split_once("COMMANDS: &[&str] = &[").unwrap();
    let (listed, _) = listed.split_once("];").unwrap();
    let missing: Vec<&str> = listed
        .split('"')
        .skip(1)
        .step_by(2)
        .filter(|command| {
            !text.contains(&format!("`{command}`")) && !text.contains(&format!("`{command} "))
        })
        .collect();
    assert!(missing.is_empty(), "not in the document: {missing:?}");
}

#[test]
fn the_ready_made_lines_name_what_there_is() {
    let text = document("docs/scheduling.md");
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| line.contains("upkeepctl trigger "))
        .collect();
    assert!(lines.len() >= 4, "{lines:#?}");
    let site = Site::sqlite();
    for line in lines {
        // the command alone, asked for in an installation of its own
        let (_, command) = line.split_once("upkeepctl trigger ").unwrap();
        let command = command.split(['>', '`', '|']).next().unwrap().trim();
        // nobody performs it here: only that it is accepted counts
        let without = command.replace(" --wait", "");
        let without = without.split(" --timeout").next().unwrap().to_owned();
        let mut shell = site.command("bash");
        shell.args([
            "-c",
            &format!("{} trigger {without}", upkeepctl().display()),
        ]);
        let done = done(shell);
        assert_eq!(done.code, Some(0), "{line}: {done:?}");
    }
}

#[test]
fn an_ellipsis_stands_for_anything() {
    let check =
        |said: &str, line: &str, expect| assert_eq!(fits(said, line), expect, "{said} / {line}");
    check("queued …", "queued 01a2", true);
    check("queued …", "already queued", false);
    check("a … c", "a b c", true);
    check("a … c", "a b c d", false);
    check("{…a…}", "{{}, a, {}}", true);
    check("same", "same", true);
    check("same", "same!", false);
    let said = |lines: &[&str]| {
        lines
            .iter()
            .map(|line| (*line).to_owned())
            .collect::<Vec<_>>()
    };
    assert!(all_fit(&said(&["a", "…", "z"]), &["a", "b", "c", "z"]));
    assert!(all_fit(&said(&["…"]), &[]));
    assert!(!all_fit(&said(&["a"]), &["a", "b"]));
}

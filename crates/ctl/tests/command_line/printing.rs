//! How it prints: colours, tables and bars on a terminal, plain text elsewhere; shells and the manual.

use crate::support::{Site, done, upkeepctl};

/// The escape that begins a colour.
const ESCAPE: &str = "\u{1b}[";

#[test]
fn colours_are_for_terminals_that_want_them() {
    let site = Site::sqlite();
    site.ok(&["trigger", "health-check"]);
    let check = |arguments: &[&str], no_color: bool, colours: bool| {
        let mut command = site.command(upkeepctl());
        command.args(arguments);
        if no_color {
            command.env("NO_COLOR", "1");
        }
        let done = done(command);
        assert_eq!(
            done.out.contains(ESCAPE),
            colours,
            "{arguments:?}: {done:?}"
        );
    };
    check(&["tasks", "list"], false, false);
    check(&["tasks", "list", "--color", "always"], false, true);
    check(&["tasks", "list", "--color", "never"], false, false);
    check(
        &["tasks", "list", "--color", "always", "--json"],
        false,
        false,
    );
    let on_a_terminal = |arguments: &str, no_color: bool| terminal(&site, arguments, no_color, 200);
    assert!(on_a_terminal("tasks list", false).contains(ESCAPE));
    assert!(!on_a_terminal("tasks list", true).contains(ESCAPE));
    assert!(!on_a_terminal("tasks list --color never", false).contains(ESCAPE));
    let failure = on_a_terminal("tasks show ffffffff", false);
    assert!(
        failure.contains(ESCAPE) && failure.contains("there is no task ffffffff"),
        "{failure:?}"
    );
}

/// What it prints on a terminal of so many columns.
fn terminal(site: &Site, arguments: &str, no_color: bool, columns: u16) -> String {
    let mut command = site.command("script");
    let line = format!(
        "stty rows 50 cols {columns}; exec {} {arguments}",
        upkeepctl().display()
    );
    command.args(["--quiet", "--return", "--command", &line, "/dev/null"]);
    command
        .env("TERM", "xterm-256color")
        .env("SHELL", "/bin/sh");
    if no_color {
        command.env("NO_COLOR", "1");
    }
    done(command).out
}

#[test]
fn a_table_fits_the_terminal_and_is_whole_elsewhere() {
    let site = Site::sqlite();
    site.ok(&[
        "trigger",
        "cleanup-temp-files",
        "--param",
        "exclude=[\"a-rather-long-pattern-*.tmp\"]",
    ]);
    let whole = site.ok(&["audit", "list"]);
    assert!(whole.contains("a-rather-long-pattern-*.tmp"), "{whole}");
    let cut = terminal(&site, "audit list", true, 120);
    assert!(
        cut.contains('…') && !cut.contains("a-rather-long-pattern"),
        "{cut:?}"
    );
    for line in cut.lines() {
        assert!(line.trim_end().chars().count() <= 120, "{line:?}");
    }
}

#[test]
fn progress_is_a_bar_on_a_terminal_and_lines_elsewhere() {
    let site = Site::sqlite();
    let _worker = site.worker(&[]);
    let wait = "trigger health-check --wait --param cpu_window_ms=600";
    let shown = terminal(&site, wait, true, 100);
    assert!(
        shown.contains(" % ") && shown.contains("[="),
        "a bar: {shown:?}"
    );
    assert!(shown.contains("succeeded health-check on"), "{shown:?}");
    let words: Vec<&str> = wait.split(' ').collect();
    let plain = site.ctl(&words);
    assert!(plain.err.contains("info: attempt 1 succeeded"), "{plain:?}");
    assert!(
        !plain.err.contains('\r') && !plain.err.contains(ESCAPE),
        "{plain:?}"
    );
    for style in ["--json", "--quiet"] {
        let silent = site.ctl(&[&words[..], &[style]].concat());
        assert_eq!(silent.err, "", "{style}");
        assert_eq!(silent.out.lines().count(), 1, "{style}");
    }
}

#[test]
fn text_from_outside_does_not_steer_the_terminal() {
    let site = Site::sqlite();
    // the console takes any host name that somebody types
    site.ok(&["trigger", "health-check", "--host", "web\u{1b}[2J-01"]);
    for arguments in [
        &["tasks", "list"][..],
        &["audit", "list"],
        &["tasks", "list", "--color", "always"],
    ] {
        let shown = site.ok(arguments);
        assert!(!shown.contains("\u{1b}[2J"), "{shown:?}");
    }
    assert!(site.ok(&["tasks", "list"]).contains("web\\u{1b}[2J-01"));
}

#[test]
fn shells_and_the_manual_know_every_command() {
    let site = Site::sqlite();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = site.ok(&["completions", shell]);
        for word in ["trigger", "preview", "workers", "drain", "plans-of"] {
            assert!(script.contains(word), "{shell} does not know {word}");
        }
    }
    let mut bash = site.command("bash");
    bash.args(["-n", "-c", &site.ok(&["completions", "bash"])]);
    assert_eq!(done(bash).code, Some(0), "bash reads its script");
    let page = site.ok(&["man"]);
    assert!(page.contains(".TH upkeepctl 1"), "{page}");
    assert!(
        page.contains("Exit codes") && page.contains("UPKEEP_DATABASE_URL"),
        "{page}"
    );
    let folder = site.path().join("man");
    std::fs::create_dir(&folder).unwrap();
    site.ok(&["man", "--dir", &folder.display().to_string()]);
    for name in [
        "upkeepctl.1",
        "upkeepctl-trigger.1",
        "upkeepctl-tasks-log.1",
        "upkeepctl-workers-drain.1",
    ] {
        assert!(folder.join(name).is_file(), "{name}");
    }
    let absent = site.ctl(&["man", "--dir", "/proc/none"]);
    assert_eq!(absent.code, Some(1), "{absent:?}");
    assert!(
        absent.err.contains("error: cannot write the manual"),
        "{absent:?}"
    );
}

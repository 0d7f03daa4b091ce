//! One line for each pattern and each rule that cannot be used.

use proptest::prelude::*;

use super::*;

fn check(pattern: &str, path: &[u8], expect: bool) {
    let patterns = Patterns::new(&[pattern.to_owned()]).unwrap();
    let shown = String::from_utf8_lossy(path);
    assert_eq!(patterns.matches(path), expect, "{pattern} on {shown}");
}

#[test]
fn a_pattern_without_a_slash_means_the_name_at_any_depth() {
    check("*.tmp", b"a.tmp", true);
    check("*.tmp", b"x/y/a.tmp", true);
    check("*.tmp", b"a.tmp/b", false);
    check("*.tmp", b".tmp", true);
    check("core", b"x/core", true);
    check("core", b"x/core.1", false);
    check("core.?", b"core.1", true);
    check("core.?", b"core.12", false);
    check("[a-c]*", b"x/beta", true);
    check("[!a-c]*", b"x/beta", false);
    check("*.{tmp,bak}", b"x/a.bak", true);
    check("**", b"x/a", true);
    check("\\*", b"*", true);
    check("\\*", b"a", false);
    check("\\!a", b"!a", true);
}

#[test]
fn a_pattern_with_a_slash_means_the_whole_path() {
    check("build/*.o", b"build/a.o", true);
    check("build/*.o", b"x/build/a.o", false);
    check("build/*.o", b"build/x/a.o", false);
    check("build/**", b"build/x/a.o", true);
    check("build/**", b"build", false);
    check("**/build/**", b"x/build/y/a", true);
    check("**/build/**", b"build/a", true);
    check("a/**/z", b"a/z", true);
    check("a/**/z", b"a/b/c/z", true);
    check("x?y/*", b"x/y/z", false);
}

#[test]
fn names_that_are_not_utf_8_are_matched_as_bytes() {
    check("*.tmp", b"\xff\xfe.tmp", true);
    check("a?b", b"a\xffb", true);
    check("d/*", b"d/\xff\n", true);
    check("*", b"line\nbreak", true);
    check("gr\u{f6}\u{df}e", "x/gr\u{f6}\u{df}e".as_bytes(), true);
    check("*e", "gr\u{f6}\u{df}e".as_bytes(), true);
    // one byte, and this letter has two
    check("gr?\u{df}e", "gr\u{f6}\u{df}e".as_bytes(), false);
    check("gr??\u{df}e", "gr\u{f6}\u{df}e".as_bytes(), true);
}

fn location(change: impl FnOnce(&mut LocationSettings)) -> LocationSettings {
    let mut location = LocationSettings::new("a", "/srv/a");
    change(&mut location);
    location
}

/// `expect` is empty for good rules, else `key index | part of the message | part of the cure`.
#[track_caller]
fn check_location(change: impl FnOnce(&mut LocationSettings), expect: &str) {
    let found = check_rules(&location(change)).map_or_else(
        |fault| {
            let index = fault.index.map_or(String::new(), |at| format!(" {at}"));
            let (problem, cure) = (&fault.problem, fault.problem.cure());
            format!("{}{index} | {problem} | {cure}", fault.key)
        },
        |()| String::new(),
    );
    let parts: Vec<&str> = expect.split(" | ").collect();
    assert_eq!(found.is_empty(), expect.is_empty(), "{found}");
    assert!(parts.iter().all(|part| found.contains(part)), "{found}");
}

#[test]
fn rules_that_cannot_be_used_are_named() {
    let list = |entries: &[&str]| entries.iter().map(|&it| it.to_owned()).collect();
    check_location(|_| {}, "");
    check_location(|it| it.include = list(&["*.tmp", "build/**"]), "");
    check_location(|it| it.protect = list(&["KEEP", ".git", "a b"]), "");
    check_location(
        |it| it.include = list(&["a", ""]),
        "include 1 | empty | *.tmp",
    );
    check_location(
        |it| it.exclude = list(&["/a"]),
        "exclude 0 | begins with `/` | write `a`",
    );
    check_location(
        |it| it.exclude = list(&["a/"]),
        "exclude 0 | ends with `/` | `a/**`",
    );
    check_location(
        |it| it.exclude = list(&["a/../b"]),
        "exclude 0 | `..` | as it is",
    );
    check_location(
        |it| it.exclude = list(&["./b"]),
        "exclude 0 | `.` | as it is",
    );
    check_location(
        |it| it.exclude = list(&["a//b"]),
        "exclude 0 | empty part | as it is",
    );
    check_location(
        |it| it.include = list(&["!a"]),
        "include 0 | begins with `!` | under `exclude`",
    );
    check_location(
        |it| it.include = list(&["[a"]),
        "include 0 | `[a`, which cannot be read | [a-z]",
    );
    check_location(
        |it| it.include = list(&["{a"]),
        "include 0 | cannot be read | {a,b}",
    );
    check_location(
        |it| it.include = list(&["a\0"]),
        "include 0 | zero character | remove",
    );
    check_location(
        |it| it.include = vec!["a".repeat(5000)],
        "include 0 | of 5000 bytes | shorter",
    );
    check_location(
        |it| it.include = vec!["a".into(); 257],
        "include | 257 entries | join",
    );
    check_location(
        |it| it.protect = list(&["*.lock"]),
        "protect 0 | not a plain name | under `exclude`",
    );
    check_location(
        |it| it.protect = list(&["a/b"]),
        "protect 0 | not a plain name | one name",
    );
    check_location(
        |it| it.protect = list(&[".."]),
        "protect 0 | not a plain name | one name",
    );
    check_location(
        |it| (it.include, it.exclude) = (list(&["a", "b"]), list(&["c", "b"])),
        "exclude 1 | `b`, which stands under `include`, too | one of the two",
    );
    check_location(
        |it| (it.include, it.protect) = (list(&["a"]), list(&["a"])),
        "protect 0 | under `include` | one of the two",
    );
    check_location(
        |it| it.keep_newest = 1_000_001,
        "keep_newest | outside 0 to 1000000 | from 0",
    );
    check_location(
        |it| it.min_age_hours = 876_601,
        "min_age_hours | outside 0 to 876600 | from 0",
    );
    check_location(
        |it| it.min_size_bytes = u64::MAX,
        "min_size_bytes | outside | from 0",
    );
}

/// What patterns are made of, in orders that nobody would write.
const SCRAPS: [&str; 22] = [
    "*", "**", "/", "**/", "/**", "?", "[", "]", "[!", "[a-", "z-a]", "{", "}", ",", "{a,b}", "\\",
    "!", ".", "..", "a", "\u{f6}", "\u{0}",
];

fn scraps() -> impl Strategy<Value = String> {
    let scrap = prop_oneof![
        3 => prop::sample::select(SCRAPS.to_vec()).prop_map(str::to_owned),
        1 => "\\PC{0,3}",
    ];
    prop::collection::vec(scrap, 0..10).prop_map(|scraps| scraps.concat())
}

proptest! {
    #[test]
    fn any_pattern_is_read_or_refused_and_looks_at_any_name(
        patterns in prop::collection::vec(scraps(), 0..4),
        folder in prop::collection::vec(any::<u8>(), 0..20),
        name in prop::collection::vec(any::<u8>(), 0..20),
    ) {
        match Patterns::new(&patterns) {
            Ok(read) => {
                read.matches(&name);
                read.matches_entry(&folder, &name, &mut Vec::new());
                prop_assert!(check_patterns(&patterns).is_ok());
            }
            Err((at, problem)) => {
                prop_assert!(at < patterns.len());
                prop_assert!(!problem.cure().is_empty());
                prop_assert!(check_patterns(&patterns).is_err());
            }
        }
    }

    #[test]
    fn a_plain_name_means_itself_and_nothing_else(
        name in "[a-z0-9_-][a-z0-9_.-]{0,11}",
        other in "[a-z0-9_-][a-z0-9_.-]{0,11}",
    ) {
        let patterns = Patterns::new(std::slice::from_ref(&name)).unwrap();
        let below = format!("some/folder/{name}");
        prop_assert!(patterns.matches(name.as_bytes()) && patterns.matches(below.as_bytes()));
        prop_assert_eq!(patterns.matches(other.as_bytes()), name == other);
    }
}

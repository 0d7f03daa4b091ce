//! One line for each thing the rules say.

use super::*;

fn stat(size: u64, [modified, accessed, changed]: [i64; 3], created: Option<i64>) -> Stat {
    Stat {
        identity: Identity {
            device: 1,
            inode: 2,
        },
        kind: Kind::File,
        size,
        allocated: 4096,
        links: 1,
        owner: Some(0),
        modified_ns: modified,
        accessed_ns: Some(accessed),
        changed_ns: Some(changed),
        created_ns: created,
        mount: 0,
        mount_root: false,
    }
}

fn chooser(change: impl FnOnce(&mut LocationSettings)) -> Chooser {
    let mut location = LocationSettings::new("a", "/srv/a");
    change(&mut location);
    Chooser::of(&location).unwrap()
}

fn list(entries: &[&str]) -> Vec<String> {
    entries.iter().map(|&entry| entry.to_owned()).collect()
}

#[track_caller]
fn check(change: impl FnOnce(&mut LocationSettings), path: &str, expect: Option<KeptReason>) {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let chooser = chooser(change);
    let stat = stat(7, [1, 1, 1], None);
    let own = chooser.leaves(folder.as_bytes(), name.as_bytes(), &stat, &mut Vec::new());
    let found = chooser.closes_path(folder.as_bytes()).or(own);
    assert_eq!(found, expect, "{path}");
}

#[test]
fn rules_keep_what_they_say() {
    use KeptReason::{Excluded, NotIncluded, Protected, TooSmall};
    check(|_| {}, "a/b", None);
    check(|it| it.include = list(&["*.tmp"]), "a/b.tmp", None);
    check(|it| it.include = list(&["*.tmp"]), "a/b", Some(NotIncluded));
    // a folder that is included does not bring what lies in it
    check(|it| it.include = list(&["a"]), "a/b", Some(NotIncluded));
    check(|it| it.include = list(&["a/**"]), "a/b/c", None);
    check(
        |it| it.exclude = list(&["*.keep"]),
        "a/b.keep",
        Some(Excluded),
    );
    check(|it| it.exclude = list(&["*.keep"]), "a/b", None);
    // a folder that is left out keeps everything below it
    check(|it| it.exclude = list(&["a"]), "x/a/b/c", Some(Excluded));
    check(|it| it.exclude = list(&["x/a"]), "x/a/b/c", Some(Excluded));
    check(|it| it.exclude = list(&["x/a"]), "y/x/a/b/c", None);
    check(|it| it.protect = list(&["KEEP"]), "a/KEEP", Some(Protected));
    check(
        |it| it.protect = list(&[".git"]),
        "a/.git/b/c",
        Some(Protected),
    );
    check(|it| it.protect = list(&[".git"]), "a/.github/b", None);
    check(|it| it.min_size_bytes = 8, "a", Some(TooSmall));
    check(|it| it.min_size_bytes = 7, "a", None);
    // what protects is said before what chooses
    check(
        |it| (it.include, it.protect) = (list(&["*.x"]), list(&["KEEP"])),
        "KEEP/a",
        Some(Protected),
    );
}

#[test]
fn the_time_is_the_one_the_location_names() {
    let check = |age_by, created, expect| {
        let chooser = chooser(|it| it.age_by = age_by);
        let found = chooser.time_ns(&stat(0, [10, 20, 30], created));
        assert_eq!(found, expect, "{age_by:?}");
    };
    check(AgeBy::Modified, Some(5), Some(10));
    check(AgeBy::Accessed, Some(5), Some(20));
    check(AgeBy::Changed, Some(5), Some(30));
    check(AgeBy::Created, Some(5), Some(5));
    check(AgeBy::Created, None, None);
    check(AgeBy::Newest, Some(5), Some(30));
    check(AgeBy::Newest, Some(40), Some(40));
    check(AgeBy::Newest, None, Some(30));
}

#[test]
fn a_change_by_the_removal_itself_makes_nothing_young() {
    let chooser = chooser(|it| it.age_by = AgeBy::Changed);
    let time = |began| chooser.time_during_removal_ns(&stat(0, [10, 20, 30], None), began);
    assert_eq!((time(31), time(30)), (Some(30), Some(10)));
}

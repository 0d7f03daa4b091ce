//! Any tree, compared with an obvious function that works on a list of names and ages.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::symlink;

use proptest::collection::vec;
use proptest::prelude::*;

use crate::support::*;

#[derive(Clone, Copy, Debug)]
enum Thing {
    File,
    Link,
    Folder,
}

/// A path of few names, so that trees overlap; what it is; how many hours old.
fn entries() -> impl Strategy<Value = Vec<(Vec<u8>, Thing, i64)>> {
    let path = vec(0..4_u8, 1..5);
    let thing = prop_oneof![Just(Thing::File), Just(Thing::Link), Just(Thing::Folder)];
    vec((path, thing, prop_oneof![1..20_i64, 30..2000_i64]), 0..40)
}

fn name(path: &[u8]) -> String {
    let parts: Vec<String> = path.iter().map(|part| format!("n{part}")).collect();
    parts.join("/")
}

/// Builds the tree; what does not fit because a file is in the way is left out.
fn build(place: &Place, entries: &[(Vec<u8>, Thing, i64)]) -> BTreeMap<String, (Thing, i64)> {
    let mut made: BTreeMap<String, (Thing, i64)> = BTreeMap::new();
    for (path, thing, hours) in entries {
        let blocked = (1..path.len()).any(|end| {
            matches!(
                made.get(&name(&path[..end])),
                Some((Thing::File | Thing::Link, _))
            )
        });
        if blocked || made.contains_key(&name(path)) {
            continue;
        }
        for end in 1..path.len() {
            let folder = name(&path[..end]);
            made.entry(folder).or_insert_with_key(|folder| {
                fs::create_dir(place.at(folder)).unwrap();
                (Thing::Folder, *hours)
            });
        }
        let at = place.at(name(path));
        match thing {
            Thing::File => fs::write(&at, b"content").unwrap(),
            Thing::Link => symlink("/", &at).unwrap(),
            Thing::Folder => fs::create_dir(&at).unwrap(),
        }
        made.insert(name(path), (*thing, *hours));
    }
    // the deepest first: giving a folder its age must come after its entries
    for (path, (_, hours)) in made.iter().rev() {
        age(&place.at(path), *hours);
    }
    made
}

/// What stays, said as plainly as possible.
fn reference(made: &BTreeMap<String, (Thing, i64)>, empty_folders: bool) -> BTreeSet<String> {
    let mut stays: BTreeSet<String> = BTreeSet::new();
    for (path, (thing, hours)) in made.iter().rev() {
        let inside = format!("{path}/");
        let holds_something = stays.iter().any(|other| other.starts_with(&inside));
        let goes = match thing {
            Thing::File | Thing::Link => *hours >= 24,
            Thing::Folder => empty_folders && *hours >= 24 && !holds_something,
        };
        if !goes {
            stays.insert(path.clone());
        }
    }
    stays
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_tree_is_cleaned_as_the_reference_says(entries in entries(), empty_folders: bool) {
        let mut place = Place::new();
        place.scratch().remove_empty_directories = empty_folders;
        let made = build(&place, &entries);
        let expect = reference(&made, empty_folders);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let report = succeeded(runtime.block_on(place.clean()));
        let left: BTreeSet<String> = place.left().into_iter().collect();
        prop_assert_eq!(&left, &expect);
        let gone = report.files_removed + report.directories_removed;
        prop_assert_eq!(gone, (made.len() - expect.len()) as u64);
    }
}

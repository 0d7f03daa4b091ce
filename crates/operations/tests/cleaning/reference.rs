//! Any tree and any rules, compared with obvious functions that work on a list of names and ages.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::subsequence;
use upkeep_contract::choice::AgeBy;
use upkeep_contract::params::CleanupTempFilesParams;
use upkeep_contract::settings::LocationSettings;

use crate::support::*;

#[derive(Clone, Copy, Debug)]
enum Thing {
    File,
    Link,
    Folder,
}

/// What is to be made: a path of few names, so that trees overlap; what it is; hours since it
/// was written and read; bytes.
#[derive(Clone, Debug)]
struct Wish {
    path: Vec<u8>,
    thing: Thing,
    written: i64,
    read: i64,
    size: usize,
}

fn hours() -> impl Strategy<Value = i64> {
    // on no limit, so that the time the test takes decides nothing
    prop_oneof![1..20_i64, 30..90_i64, 110..2000_i64]
}

fn wishes() -> impl Strategy<Value = Vec<Wish>> {
    let thing = prop_oneof![Just(Thing::File), Just(Thing::Link), Just(Thing::Folder)];
    let wish = (vec(0..4_u8, 1..5), thing, hours(), hours(), 0..12_usize);
    let wish = wish.prop_map(|(path, thing, written, read, size)| Wish {
        path,
        thing,
        written,
        read,
        size,
    });
    vec(wish, 0..40)
}

/// Whether a pattern means this path, said as plainly as possible.
type Means = fn(&[&str]) -> bool;

const PATTERNS: [(&str, Means); 7] = [
    ("n1", |path| path.last() == Some(&"n1")),
    ("*[02]", |path| matches!(path.last(), Some(&("n0" | "n2")))),
    ("{n3,n9}", |path| path.last() == Some(&"n3")),
    ("n0/**", |path| path.len() > 1 && path[0] == "n0"),
    ("n?/n1", |path| path.len() == 2 && path[1] == "n1"),
    ("**/n2/*", |path| {
        path.len() > 1 && path[path.len() - 2] == "n2"
    }),
    ("n1/**/n3", |path| {
        path.len() > 1 && path[0] == "n1" && path[path.len() - 1] == "n3"
    }),
];

#[derive(Clone, Debug)]
struct Rules {
    include: Vec<usize>,
    exclude: Vec<usize>,
    protect: Vec<&'static str>,
    by_access: bool,
    keep_newest: u32,
    min_age: u32,
    min_size: u64,
    empty_folders: bool,
    /// What the click leaves out, besides.
    at_the_click: Vec<usize>,
    min_size_at_the_click: u64,
}

fn rules() -> impl Strategy<Value = Rules> {
    let none_or = |most: usize| subsequence((0..PATTERNS.len()).collect::<Vec<_>>(), 0..=most);
    let lists = (none_or(3), none_or(1), none_or(1));
    let protect = subsequence(vec!["n0", "n3"], 0..=1);
    let numbers = (
        prop_oneof![3 => Just(0_u32), 2 => 1..6_u32],
        prop_oneof![Just(0_u32), Just(25), Just(100)],
        prop_oneof![Just(0_u64), 1..8_u64],
        prop_oneof![Just(0_u64), 1..8_u64],
    );
    (lists, protect, numbers, any::<bool>(), any::<bool>()).prop_map(
        |((include, exclude, at_the_click), protect, numbers, by_access, empty_folders)| Rules {
            include,
            exclude,
            protect,
            by_access,
            keep_newest: numbers.0,
            min_age: numbers.1,
            min_size: numbers.2,
            empty_folders,
            at_the_click,
            min_size_at_the_click: numbers.3,
        },
    )
}

fn texts(patterns: &[usize]) -> Vec<String> {
    patterns
        .iter()
        .map(|&at| PATTERNS[at].0.to_owned())
        .collect()
}

impl Rules {
    fn apply(&self, location: &mut LocationSettings) {
        location.include = texts(&self.include);
        location.exclude = texts(&self.exclude);
        location.protect = self.protect.iter().map(|&name| name.to_owned()).collect();
        location.keep_newest = self.keep_newest;
        location.min_age_hours = self.min_age;
        location.min_size_bytes = self.min_size;
        location.remove_empty_directories = self.empty_folders;
        if self.by_access {
            location.age_by = AgeBy::Accessed;
        }
    }

    fn params(&self, dry_run: bool) -> CleanupTempFilesParams {
        CleanupTempFilesParams {
            exclude: Some(texts(&self.at_the_click)),
            min_size_bytes: Some(self.min_size_at_the_click),
            dry_run,
            ..Default::default()
        }
    }

    fn includes(&self, path: &[&str]) -> bool {
        self.include.is_empty() || self.include.iter().any(|&at| PATTERNS[at].1(path))
    }

    /// Whether it, or a folder it lies in, may not be touched.
    fn closes(&self, path: &[&str]) -> bool {
        (1..=path.len()).any(|end| {
            let part = &path[..end];
            let mut left_out = self.exclude.iter().chain(&self.at_the_click);
            self.protect.contains(&part[end - 1]) || left_out.any(|&at| PATTERNS[at].1(part))
        })
    }
}

/// What was made.
#[derive(Clone, Copy, Debug)]
struct Made {
    thing: Thing,
    /// Hours by the time that counts.
    hours: i64,
    /// The same time as the file system has it.
    time: (i64, i64),
    size: u64,
}

fn name(path: &[u8]) -> String {
    let parts: Vec<String> = path.iter().map(|part| format!("n{part}")).collect();
    parts.join("/")
}

/// Builds the tree; what does not fit because a file is in the way is left out.
fn build(place: &Place, wishes: &[Wish], by_access: bool) -> BTreeMap<String, Made> {
    let mut made: BTreeMap<String, (Thing, &Wish)> = BTreeMap::new();
    for wish in wishes {
        let path = &wish.path;
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
                (Thing::Folder, wish)
            });
        }
        let at = place.at(name(path));
        match wish.thing {
            Thing::File => fs::write(&at, "x".repeat(wish.size)).unwrap(),
            Thing::Link => symlink("/", &at).unwrap(),
            Thing::Folder => fs::create_dir(&at).unwrap(),
        }
        made.insert(name(path), (wish.thing, wish));
    }
    // the deepest first: giving a folder its age must come after its entries
    let aged = made.into_iter().rev().map(|(path, (thing, wish))| {
        age_and_read(&place.at(&path), wish.written, wish.read);
        let meta = fs::symlink_metadata(place.at(&path)).unwrap();
        let (hours, time) = if by_access {
            (wish.read, (meta.atime(), meta.atime_nsec()))
        } else {
            (wish.written, (meta.mtime(), meta.mtime_nsec()))
        };
        let size = meta.size();
        (
            path,
            Made {
                thing,
                hours,
                time,
                size,
            },
        )
    });
    aged.collect()
}

/// What stays, said as plainly as possible.
fn reference(made: &BTreeMap<String, Made>, rules: &Rules) -> BTreeSet<String> {
    let parts = |path: &str| path.split('/').map(str::to_owned).collect::<Vec<_>>();
    let chosen = |path: &String, it: &Made| {
        let parts = parts(path);
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let least = rules.min_size.max(rules.min_size_at_the_click);
        !rules.closes(&parts) && rules.includes(&parts) && it.size >= least
    };
    let mut newest: Vec<(i64, i64)> = made
        .iter()
        .filter(|(path, it)| !matches!(it.thing, Thing::Folder) && chosen(path, it))
        .map(|(_, it)| it.time)
        .collect();
    newest.sort_unstable();
    newest.reverse();
    newest.truncate(rules.keep_newest as usize);
    let old_enough = |it: &Made| it.hours >= 24 && it.hours >= i64::from(rules.min_age);

    let mut stays: BTreeSet<String> = BTreeSet::new();
    for (path, it) in made.iter().rev() {
        let inside = format!("{path}/");
        let goes = match it.thing {
            // one as old as the last of the newest stays, too
            Thing::File | Thing::Link => {
                chosen(path, it) && old_enough(it) && !newest.iter().any(|time| it.time >= *time)
            }
            Thing::Folder => {
                let parts = parts(path);
                let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
                let held = made.keys().any(|other| other.starts_with(&inside));
                rules.empty_folders
                    // elsewhere looking through a folder moves its access time, which then says nothing
                    && !(PORTABLE && rules.by_access)
                    && old_enough(it)
                    && !rules.closes(&parts)
                    && (held || rules.includes(&parts))
                    && !stays.iter().any(|other| other.starts_with(&inside))
            }
        };
        if !goes {
            stays.insert(path.clone());
        }
    }
    stays
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_tree_is_cleaned_by_any_rules_as_the_reference_says(wishes in wishes(), rules in rules()) {
        let mut place = Place::new();
        rules.apply(place.scratch());
        let made = build(&place, &wishes, rules.by_access);
        let expect = reference(&made, &rules);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let gone = (made.len() - expect.len()) as u64;
        let root = place.at("").to_str().unwrap().to_owned();
        let preview: BTreeSet<String> = runtime
            .block_on(place.clean_with(rules.params(true), &place.context()))
            .unwrap()
            .report()
            .entries
            .iter()
            .map(|entry| entry.path.strip_prefix(&root).unwrap().to_owned())
            .collect();
        prop_assert!(preview.is_disjoint(&expect), "{:?}", preview);
        prop_assert_eq!(preview.len() as u64, gone);
        let ended = runtime.block_on(place.clean_with(rules.params(false), &place.context()));
        let report = succeeded(ended);
        let left: BTreeSet<String> = place.left().into_iter().collect();
        prop_assert_eq!(&left, &expect);
        prop_assert_eq!(report.files_removed + report.directories_removed, gone);
    }
}

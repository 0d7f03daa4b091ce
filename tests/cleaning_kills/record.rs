//! What a manifest says, held against the tree.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;

/// The most that one thread has begun and not told yet: a unit is full with 512 entries, and a line holds as many.
const UNIT_MAX: usize = 2 * 512;
const THREADS_MAX: usize = 4;

/// The names of a tree below a folder, files and folders apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tree {
    pub(crate) files: BTreeSet<String>,
    pub(crate) folders: BTreeSet<String>,
}

impl Tree {
    pub(crate) fn read(root: &Path) -> Self {
        let mut tree = Self::default();
        for (path, (mode, ..)) in crate::support::files::tree(root) {
            let name = path
                .strip_prefix(root)
                .unwrap()
                .to_str()
                .unwrap()
                .to_owned();
            if mode & 0o170_000 == 0o040_000 {
                tree.folders.insert(name);
            } else {
                tree.files.insert(name);
            }
        }
        tree
    }
}

/// What all attempts have written until now.
#[derive(Debug, Default)]
pub(crate) struct Record {
    removed: Tree,
    /// Batches that began and did not end.
    open: BTreeSet<u64>,
    /// What was named as removed more than once.
    twice: Vec<String>,
}

impl Record {
    /// Nothing when the task has not come so far as to have a manifest.
    pub(crate) fn read(manifest: &Path) -> Self {
        let mut record = Self::default();
        let text = std::fs::read_to_string(manifest).unwrap_or_default();
        for line in text.lines() {
            // the death of the writer may have cut a line off
            let Ok(line) = serde_json::from_str::<Value>(line) else {
                continue;
            };
            if let Some(batches) = line["begin"].as_array() {
                let batches = batches.iter().map(|batch| batch.as_u64().unwrap());
                record.open.extend(batches);
            }
            if line["end"].is_object() {
                record.end(&line["end"]);
            }
        }
        record
    }

    fn end(&mut self, end: &Value) {
        self.open.remove(&end["batch"].as_u64().unwrap());
        let folder = end["folder"].as_str().unwrap();
        for name in end["removed"].as_array().unwrap() {
            let path = format!("{folder}/{}", name.as_str().unwrap());
            if !self.removed.files.insert(path.clone()) {
                self.twice.push(path);
            }
        }
        if end["directories"] == 1 && !self.removed.folders.insert(folder.to_owned()) {
            self.twice.push(folder.to_owned());
        }
    }

    /// What is named is gone; what is gone is named, but for batches that were cut off. How many those hold.
    pub(crate) fn check(&self, plan: &Path, before: &Tree, now: &Tree) -> usize {
        assert_eq!(self.twice, Vec::<String>::new(), "named twice");
        for (named, there) in [
            (&self.removed.files, &now.files),
            (&self.removed.folders, &now.folders),
        ] {
            let wrong: Vec<&String> = named.intersection(there).collect();
            assert_eq!(wrong, Vec::<&String>::new(), "named as removed, and there");
        }
        let gone = before.files.difference(&now.files);
        let gone = gone.filter(|name| !self.removed.files.contains(*name));
        let gone_folders = before.folders.difference(&now.folders);
        let gone_folders = gone_folders.filter(|name| !self.removed.folders.contains(*name));
        let unnamed: BTreeSet<&String> = gone.chain(gone_folders).collect();
        let begun = if self.open.is_empty() {
            BTreeMap::new()
        } else {
            entries(plan)
        };
        let open: Vec<&String> = self.open.iter().flat_map(|batch| &begun[batch]).collect();
        assert!(
            open.len() <= THREADS_MAX * UNIT_MAX,
            "{} entries were begun and not told",
            open.len()
        );
        let of_open: BTreeSet<&String> = open.into_iter().collect();
        let unknown: Vec<&&String> = unnamed.difference(&of_open).collect();
        assert_eq!(
            unknown,
            Vec::<&&String>::new(),
            "gone, and in no batch that began"
        );
        unnamed.len()
    }

    pub(crate) fn removed(&self) -> &Tree {
        &self.removed
    }

    pub(crate) fn has_open(&self) -> bool {
        !self.open.is_empty()
    }
}

/// The paths that each line of a plan names.
fn entries(plan: &Path) -> BTreeMap<u64, Vec<String>> {
    let text = std::fs::read_to_string(plan).unwrap();
    let mut found = BTreeMap::new();
    let mut folder = String::new();
    // the first line is the plan's own
    for (line, number) in text.lines().skip(1).zip(1..) {
        let line: Value = serde_json::from_str(line).unwrap();
        let mut go = |line: &Value| {
            folder.truncate(usize::try_from(line["keep"].as_u64().unwrap()).unwrap());
            folder.push_str(line["add"].as_str().unwrap());
            folder.clone()
        };
        if line["folder"].is_object() {
            let folder = go(&line["folder"]);
            let files = line["folder"]["files"].as_array().unwrap();
            let names = files.iter().map(|file| file[0].as_str().unwrap());
            found.insert(
                number,
                names.map(|name| format!("{folder}/{name}")).collect(),
            );
        } else if line["directory"].is_object() {
            found.insert(number, vec![go(&line["directory"])]);
        }
    }
    found
}

//! The committed TypeScript equals what the Rust types generate: the contract cannot rot silently.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

fn committed() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../ui/src/lib/generated")
}

fn read(directory: &Path) -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            for (name, text) in read(&entry.path()) {
                files.insert(
                    format!("{}/{name}", entry.file_name().to_string_lossy()),
                    text,
                );
            }
        } else {
            files.insert(
                entry.file_name().to_string_lossy().into_owned(),
                std::fs::read_to_string(entry.path()).unwrap(),
            );
        }
    }
    files
}

/// `UPKEEP_UPDATE_GENERATED=1 cargo test -p upkeep-contract` (`make types`) renews them.
#[test]
fn the_committed_typescript_matches_the_contract() {
    if std::env::var_os("UPKEEP_UPDATE_GENERATED").is_some() {
        std::fs::remove_dir_all(committed()).ok();
        std::fs::create_dir_all(committed()).unwrap();
        upkeep_contract::typescript::export_types(&committed()).unwrap();
    }
    let fresh = tempfile::tempdir().unwrap();
    upkeep_contract::typescript::export_types(fresh.path()).unwrap();
    let (fresh, committed) = (read(fresh.path()), read(&committed()));
    assert!(!fresh.is_empty());
    assert!(
        fresh == committed,
        "ui/src/lib/generated differs from the contract; run `make types` and commit the result"
    );
}

//! Whatever a plan or a manifest holds, it is read or refused: nothing panics, a plan that was changed at
//! its ends is no plan, and the record of what was removed is never lost.

use std::path::Path;

use proptest::prelude::*;
use upkeep_contract::cleanup::{CleanupOutcome, CleanupReport};
use upkeep_contract::{PlanId, TaskId, Timestamp};

use super::manifest::{Done, MANIFEST_FILE, Manifest, Trashed, TrashedFiles};
use super::plan::{self, FileEntry, PLAN_FILE, Plan, PlanMark, PlanWriter, PlannedLocation};
use super::stat::Identity;
use crate::Context;

const ID: &str = "01a208bc-5dd4-717a-b9a4-8b481efdc200";

const IDENTITY: Identity = Identity {
    device: 7,
    inode: 11,
};

/// Lines that mean something, in places where they do not: what damage is made of, besides single bytes.
const SEEDS: [&str; 16] = [
    "",
    "null",
    "{}",
    "[]",
    r#"{"end":{}}"#,
    r#"{"folder":{"at":0,"keep":99999,"add":"x","dev":1,"files":[]}}"#,
    r#"{"folder":{"at":9,"keep":0,"add":"","dev":1,"files":[["a",false,1,1,1,1]]}}"#,
    r#"{"folder":{"at":0,"keep":0,"add":"%","dev":1,"files":[]}}"#,
    r#"{"folder":{"at":0,"keep":18446744073709551615,"add":"%2","dev":-1,"files":null}}"#,
    r#"{"run":{"at":18446744073709551615,"name":"..","dev":1,"ino":1,"newest_ns":1,"files":1,"directories":1,"bytes":1}}"#,
    r#"{"begin":[0,1,18446744073709551615]}"#,
    r#"{"begin":[1]}"#,
    r#"{"end":{"batch":1,"location":"a","folder":"b","removed":[],"outcomes":"é","files":18446744073709551615,"bytes":0}}"#,
    r#"{"trash":{"location":"a","folder":"%","name":"%zz","kept_as":"..","dev":1,"ino":1}}"#,
    r#"{"stayed":{"location":"a","folder":"f","name":"n","kept_as":"k","dev":7,"ino":11}}"#,
    "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
];

/// One thing that happens to a file.
#[derive(Clone, Debug)]
enum Damage {
    Flip(usize, u8),
    CutAt(usize),
    Remove(usize, usize),
    Seed(usize, usize),
    Twice(usize),
}

fn damage() -> impl Strategy<Value = Vec<Damage>> {
    let place = 0..4096_usize;
    let one = prop_oneof![
        (place.clone(), any::<u8>()).prop_map(|(at, byte)| Damage::Flip(at, byte)),
        place.clone().prop_map(Damage::CutAt),
        (place.clone(), 0..64_usize).prop_map(|(at, many)| Damage::Remove(at, many)),
        (place.clone(), 0..SEEDS.len()).prop_map(|(at, seed)| Damage::Seed(at, seed)),
        place.prop_map(Damage::Twice),
    ];
    prop::collection::vec(one, 0..5)
}

fn damaged(bytes: &[u8], damage: &[Damage]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for each in damage {
        let length = bytes.len().max(1);
        let line = |bytes: &[u8], at: usize| {
            let mut starts = bytes.iter().take(at % length);
            starts
                .rposition(|byte| *byte == b'\n')
                .map_or(0, |end| end + 1)
        };
        match *each {
            Damage::Flip(at, with) => {
                if let Some(byte) = bytes.get_mut(at % length) {
                    *byte ^= with;
                }
            }
            Damage::CutAt(at) => bytes.truncate(at % length),
            Damage::Remove(at, many) => {
                let at = (at % length).min(bytes.len());
                let end = (at + many).min(bytes.len());
                bytes.drain(at..end);
            }
            Damage::Seed(at, seed) => {
                let at = line(&bytes, at);
                let text = format!("{}\n", SEEDS[seed]);
                bytes.splice(at..at, text.into_bytes());
            }
            Damage::Twice(at) => {
                let at = line(&bytes, at);
                let again = bytes[at..].to_vec();
                bytes.extend(again);
            }
        }
    }
    bytes
}

fn report() -> CleanupReport {
    let mut report = super::tally::empty_report(PlanId::from(ID), true);
    report.outcome = CleanupOutcome::Preview;
    report
}

/// A good plan of two folders, a directory and three files.
fn good_plan(artifacts: &Path) -> Vec<u8> {
    let location = PlannedLocation {
        name: "scratch".to_owned(),
        path: "/srv/scratch".to_owned(),
        identity: IDENTITY,
    };
    let id = PlanId::from(ID);
    let header = plan::header(
        &id,
        "cleanup-temp-files",
        Timestamp(9),
        Timestamp(1),
        vec![location],
    );
    let folder = artifacts.join(ID);
    let mut writer = PlanWriter::create(&folder, &header).unwrap();
    let file = |name: &str| FileEntry(name.to_owned(), false, 3, 4, 4096, 5);
    writer
        .files(0, b"build", 7, vec![file("a.o"), file("b%25.o")])
        .unwrap();
    writer
        .files(0, b"build/deep", 7, vec![file("c.o")])
        .unwrap();
    writer
        .directory(0, b"build/deep", IDENTITY, 5, true)
        .unwrap();
    writer.finish(&report()).unwrap();
    std::fs::read(folder.join(PLAN_FILE)).unwrap()
}

/// Reads a plan to its end or to the first complaint; how many lines there were when it came to the end.
fn read_plan(artifacts: &Path) -> Option<u64> {
    let plan = Plan::open(artifacts, &PlanId::from(ID)).ok()?;
    let mut lines = plan.lines().ok()?;
    let mut count = 0;
    while lines.next().ok()?.is_some() {
        count += 1;
    }
    Some(count)
}

fn mark() -> PlanMark {
    PlanMark {
        id: PlanId::from(ID),
        nonce: "1-2".to_owned(),
    }
}

/// A good manifest: a batch that ended, one that was cut off, a file in the trash and one that stayed.
fn good_manifest(folder: &Path) -> Vec<u8> {
    let manifest = Manifest::open(folder, &TaskId::from(ID), &mark()).unwrap();
    let file = |name: &str| Trashed {
        location: "scratch".to_owned(),
        folder: "build".to_owned(),
        name: name.to_owned(),
        kept_as: name.to_owned(),
        identity: IDENTITY,
    };
    manifest.begin(vec![1, 2]).unwrap();
    manifest.trash(&file("a")).unwrap();
    manifest.trash(&file("b")).unwrap();
    manifest.stayed(&file("b")).unwrap();
    manifest
        .end(vec![Done {
            batch: 1,
            files: 1,
            ..Done::default()
        }])
        .unwrap();
    std::fs::read(folder.join(MANIFEST_FILE)).unwrap()
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm")
        .or_else(|_| tempfile::tempdir())
        .unwrap()
}

fn any_file(good: Vec<u8>) -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        1 => prop::collection::vec(any::<u8>(), 0..300),
        1 => prop::collection::vec(0..SEEDS.len(), 0..6)
            .prop_map(|seeds| seeds.iter().flat_map(|seed| [SEEDS[*seed].as_bytes(), b"\n"].concat()).collect()),
        6 => damage().prop_map(move |damage| damaged(&good, &damage)),
    ]
}

#[test]
fn the_good_ones_are_read() {
    let artifacts = folder();
    good_plan(artifacts.path());
    assert_eq!(read_plan(artifacts.path()), Some(3));
    let manifests = folder();
    good_manifest(&manifests.path().join(ID));
    let context = Context::silent(manifests.path().to_owned());
    let trashed = TrashedFiles::of(&context, &TaskId::from(ID));
    assert_eq!(trashed.ok().flatten().unwrap().total, 1);
}

#[test]
fn any_plan_is_read_or_refused() {
    let artifacts = folder();
    let good = good_plan(artifacts.path());
    let file = artifacts.path().join(ID).join(PLAN_FILE);
    let config = ProptestConfig {
        cases: 2000,
        source_file: Some(file!()),
        ..ProptestConfig::default()
    };
    proptest!(config, |(bytes in any_file(good.clone()))| {
        std::fs::write(&file, &bytes).unwrap();
        if bytes == good {
            prop_assert_eq!(read_plan(artifacts.path()), Some(3));
        } else if bytes.len() != good.len() && good.starts_with(&bytes) {
            prop_assert_eq!(read_plan(artifacts.path()), None, "cut off, and taken for whole");
        } else {
            read_plan(artifacts.path());
        }
    });
}

#[test]
fn any_manifest_is_read_and_none_is_lost() {
    let place = folder();
    let task = place.path().join(ID);
    let good = good_manifest(&task);
    let config = ProptestConfig {
        cases: 1000,
        source_file: Some(file!()),
        ..ProptestConfig::default()
    };
    proptest!(config, |(bytes in any_file(good))| {
        std::fs::remove_dir_all(&task).unwrap();
        std::fs::create_dir(&task).unwrap();
        std::fs::write(task.join(MANIFEST_FILE), &bytes).unwrap();
        let context = Context::silent(place.path().to_owned());
        if let Ok(Some(trashed)) = TrashedFiles::of(&context, &TaskId::from(ID)) {
            let mut files = 0;
            let told = trashed.each(&context, |_| { files += 1; Ok(()) });
            prop_assert!(told.is_ok(), "after {} files", files);
        }
        let manifest = Manifest::open(&task, &TaskId::from(ID), &mark()).unwrap();
        for batch in 0..4 {
            manifest.earlier(batch);
        }
        manifest.begin(vec![3]).unwrap();
        // what was there is still there: in front of the new lines, or beside them under another name
        let kept = std::fs::read_dir(&task).unwrap().any(|entry| {
            std::fs::read(entry.unwrap().path()).unwrap().starts_with(&bytes)
        });
        prop_assert!(kept, "the record is gone");
    });
}

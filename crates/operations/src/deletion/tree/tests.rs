//! Shown on real trees, between the survey and the removal.

use std::fs;
use std::path::PathBuf;

use tempfile::TempDir;

use super::*;
use crate::Context;
use crate::deletion::find_folder;
use crate::deletion::platform::open_root;

/// A store with one run of three files and a folder, and a cursor at the run.
struct Place {
    dir: TempDir,
    work: Work,
    at: Cursor,
    stat: Stat,
}

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = dir.path().join("store");
        fs::create_dir_all(store.join("run/logs")).unwrap();
        for name in ["a", "b", "logs/c"] {
            fs::write(store.join("run").join(name), b"content").unwrap();
        }
        let work = Work::new(Context::silent(dir.path().join("artifacts")));
        let root = Arc::new(open_root(&store).unwrap());
        let mut at = Cursor::new(root, store);
        let stat = at.enter(c"run").unwrap();
        // ticks of the file system's clock are coarse: what follows must lie after this
        std::thread::sleep(std::time::Duration::from_millis(30));
        Self {
            dir,
            work,
            at,
            stat,
        }
    }

    fn run(&self, name: &str) -> PathBuf {
        self.dir.path().join("store/run").join(name)
    }

    fn survey(&mut self) -> Survey {
        let others = HashSet::new();
        let found = survey(&self.work, &others, &mut self.at, &self.stat).unwrap();
        std::thread::sleep(std::time::Duration::from_millis(30));
        found
    }

    fn remove(&mut self, found: &Survey, others: &HashSet<Identity>) -> Removal {
        let mut removal = Removal::default();
        let limits = (found.tree.newest_ns, found.began_ns);
        remove_below(
            &self.work,
            others,
            &mut self.at,
            &self.stat,
            limits,
            &[],
            &mut removal,
        )
        .unwrap();
        removal
    }
}

fn reasons(removal: &Removal) -> Vec<KeptReason> {
    removal.kept.iter().map(|(reason, _)| *reason).collect()
}

#[test]
fn a_tree_goes_with_its_hard_links() {
    let mut place = Place::new();
    fs::hard_link(place.run("a"), place.run("a2")).unwrap();
    fs::hard_link(place.run("a"), place.run("logs/a3")).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(30));
    let found = place.survey();
    let removal = place.remove(&found, &HashSet::new());
    assert_eq!(
        (removal.files, removal.directories, removal.stays),
        (5, 1, 0)
    );
    assert_eq!(removal.bytes, found.tree.bytes);
}

#[test]
fn another_location_in_a_tree_is_never_entered() {
    let mut place = Place::new();
    let found = place.survey();
    let others = HashSet::from([find_folder(&place.run("logs")).unwrap().unwrap()]);
    let removal = place.remove(&found, &others);
    assert_eq!(reasons(&removal), [KeptReason::OtherLocation]);
    assert!(place.run("logs/c").exists());
    assert_eq!(removal.files, 2);
}

#[test]
fn what_is_moved_in_after_the_survey_stays() {
    let mut place = Place::new();
    // older than everything in the run
    let beside = place.dir.path().join("beside");
    fs::create_dir(&beside).unwrap();
    for name in ["file", "folder"] {
        fs::create_dir(beside.join(name)).unwrap();
        fs::write(beside.join(name).join("old"), b"x").unwrap();
    }
    std::thread::sleep(std::time::Duration::from_millis(30));
    fs::write(place.run("b"), b"the newest").unwrap();
    let found = place.survey();
    fs::rename(beside.join("file/old"), place.run("moved-file")).unwrap();
    fs::rename(beside.join("folder"), place.run("moved")).unwrap();
    let removal = place.remove(&found, &HashSet::new());
    assert_eq!(reasons(&removal), [KeptReason::Changed]);
    assert!(place.run("moved/old").exists() && place.run("moved-file").exists());
    assert_eq!(
        (removal.files, removal.directories, removal.stays),
        (3, 1, 2)
    );
}

#[test]
fn a_tree_that_was_moved_away_is_not_followed() {
    let mut place = Place::new();
    let found = place.survey();
    let elsewhere = place.dir.path().join("elsewhere");
    fs::rename(place.dir.path().join("store/run"), &elsewhere).unwrap();
    // not even when something else has taken its place
    fs::create_dir(place.dir.path().join("store/run")).unwrap();
    let removal = place.remove(&found, &HashSet::new());
    assert_eq!(reasons(&removal), [KeptReason::Changed]);
    assert_eq!((removal.files, removal.directories), (0, 0));
    for name in ["a", "b", "logs/c"] {
        assert!(elsewhere.join(name).exists(), "{name}");
    }
}

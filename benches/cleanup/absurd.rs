//! Trees that nobody has but somebody will: memory stays bounded, whatever they take in time.

use std::ffi::CString;
use std::fs::File;
use std::os::fd::OwnedFd;

use rustix::fs::{IFlags, Mode, OFlags, ioctl_getflags, ioctl_setflags};

use crate::contenders::Site;
use crate::measure::Run;
use crate::shapes::{Shape, old_file};

const DEPTH: usize = 10_000;
const MANY: usize = 1_000_000;
const LONG: usize = 255;
const PARTIAL: i32 = 3;

/// Measures each of them once.
pub(crate) fn measure(site: &Site) {
    println!("\n## Absurd trees: preview and cleaning, once each\n");
    println!("| tree | what | wall s | user + system s | peak MB | bar |");
    println!("| --- | --- | --- | --- | --- | --- |");
    chain(site);
    long_names(site);
    stuck(site);
}

fn row(tree: &str, what: &str, run: &Run) {
    #[expect(clippy::cast_precision_loss, reason = "bytes shown as megabytes")]
    let peak = run.peak as f64 / 1e6;
    println!(
        "| {tree} | {what} | {:.2} | {:.2} + {:.2} | {peak:.1} | under 40 MB: {} |",
        run.wall.as_secs_f64(),
        run.user.as_secs_f64(),
        run.system.as_secs_f64(),
        if peak < 40.0 { "met" } else { "missed" }
    );
}

fn both(site: &Site, tree: &str, files: usize) {
    use crate::contenders::Contender::Upkeep;
    let preview = site.preview(Upkeep);
    assert_eq!(preview.code, Some(0), "the preview failed");
    assert_eq!(site.reported("files_matched"), files as u64);
    row(tree, "preview", &preview);
    site.forget();
    let clean = site.clean(Upkeep);
    assert_eq!(clean.code, Some(0), "the cleaning failed");
    assert_eq!(site.reported("files_removed"), files as u64);
    row(tree, "cleaning", &clean);
    site.forget();
    site.clear();
}

/// Folders within folders, each with a long name and one file.
fn chain(site: &Site) {
    let tree = site.new_tree();
    std::fs::create_dir(&tree).unwrap();
    let mut folder: OwnedFd = File::open(&tree).unwrap().into();
    let name = CString::new("d".repeat(LONG)).unwrap();
    for _ in 0..DEPTH {
        old_file(&folder, &CString::new("f".repeat(LONG)).unwrap());
        rustix::fs::mkdirat(&folder, &name, Mode::from_raw_mode(0o755)).unwrap();
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        folder = rustix::fs::openat(&folder, &name, flags, Mode::empty()).unwrap();
    }
    drop(folder);
    both(
        site,
        "10,000 levels, names of 255 bytes, a file in each",
        DEPTH,
    );
}

/// One folder of files with the longest names, none of them plain: each byte takes three in the plan.
fn long_names(site: &Site) {
    let tree = site.new_tree();
    std::fs::create_dir(&tree).unwrap();
    let folder: OwnedFd = File::open(&tree).unwrap().into();
    let files = MANY / 5;
    for number in 0..files {
        let mut name = format!("{number:07}").into_bytes();
        name.resize(LONG, 0xff);
        old_file(&folder, &CString::new(name).unwrap());
    }
    both(
        site,
        "one folder, 200,000 names of 255 bytes that are no text",
        files,
    );
}

/// A million files in folders that let nothing go.
fn stuck(site: &Site) {
    let tree = "1,000,000 files that cannot be removed";
    Shape::Wide.build(&site.new_tree(), MANY);
    let folders: Vec<_> = std::fs::read_dir(site.tree())
        .unwrap()
        .flat_map(|group| std::fs::read_dir(group.unwrap().path()).unwrap())
        .map(|folder| folder.unwrap().path())
        .collect();
    let set = |on: bool| {
        folders.iter().all(|folder| {
            let folder = File::open(folder).unwrap();
            let flags = ioctl_getflags(&folder).unwrap_or(IFlags::empty());
            let flags = if on {
                flags | IFlags::IMMUTABLE
            } else {
                flags - IFlags::IMMUTABLE
            };
            ioctl_setflags(&folder, flags).is_ok()
        })
    };
    if set(true) {
        let run = site.clean(crate::contenders::Contender::Upkeep);
        assert_eq!(run.code, Some(PARTIAL), "not partial");
        assert_eq!(site.reported("files_failed"), MANY as u64);
        row(tree, "cleaning", &run);
    } else {
        println!(
            "| {tree} | left out: needs root and a file system with immutable folders | | | | |"
        );
    }
    set(false);
    site.forget();
    site.clear();
}

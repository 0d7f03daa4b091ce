//! A picture of `/proc`: locks of all processes are visible to everyone; open files of other users'
//! processes only to root.

use std::collections::HashSet;
use std::io::{BufRead, BufReader};
use std::path::Path;

use rustix::fs::{AtFlags, CWD, FileType, StatxFlags, major, makedev, statx};
use tokio_util::sync::CancellationToken;

use crate::deletion::stat::{Identity, Stat};

/// Who uses what, at one moment.
#[derive(Debug, Default)]
pub(crate) struct Picture {
    seen: HashSet<Identity>,
    /// Inodes of maps and locks on devices without a number of their own: some file systems
    /// (btrfs) show another device there than `stat` does.
    inodes: HashSet<u64>,
    /// Devices of file systems in memory. They show the same device everywhere, and their small
    /// inode numbers are those of others, too: of anonymous memory, for one.
    in_memory: HashSet<u64>,
    /// Processes whose open files this user may not see.
    hidden_processes: u64,
}

impl Picture {
    /// Whether a process has this open, mapped, locked, or stands in it.
    pub(crate) fn uses(&self, stat: &Stat) -> bool {
        self.seen.contains(&stat.identity)
            || (major(stat.identity.device) == 0
                && !self.in_memory.contains(&stat.identity.device)
                && self.inodes.contains(&stat.identity.inode))
    }

    /// What could not be looked at, for the task's log.
    pub(crate) fn limit(&self) -> Option<String> {
        let hidden = self.hidden_processes;
        (hidden > 0).then(|| {
            format!(
                "{hidden} processes of other users could not be asked for their open files; only locks protect those"
            )
        })
    }

    /// Takes a picture; only half of one when the task is cancelled.
    pub(crate) fn take(cancellation: &CancellationToken) -> Self {
        let mut picture = Self::default();
        let own = identity_of_link(Path::new("/proc/self/exe")).map(|(identity, _)| identity);
        let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
        for process in processes {
            // a cancelled task removes nothing more, so half a picture is enough
            if cancellation.is_cancelled() {
                break;
            }
            let name = process.file_name();
            if name.as_encoded_bytes().iter().all(u8::is_ascii_digit) {
                look_at_process(&mut picture, &process.path(), own);
            }
        }
        read_locks(&mut picture);
        picture.in_memory = devices_in_memory();
        picture
    }
}

fn look_at_process(picture: &mut Picture, process: &Path, own: Option<Identity>) {
    let program = identity_of_link(&process.join("exe")).map(|(identity, _)| identity);
    picture.seen.extend(program);
    look_at_link(picture, &process.join("cwd"), true);
    // a cleanup itself holds directories open, and so do its children until they have become
    // another program; directories that other programs hold open count
    let is_own = program.is_some() && program == own;
    match std::fs::read_dir(process.join("fd")) {
        Ok(descriptors) => {
            for descriptor in descriptors.flatten() {
                look_at_link(picture, &descriptor.path(), !is_own);
            }
        }
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
            picture.hidden_processes += 1;
            return;
        }
        Err(_) => return,
    }
    if let Ok(maps) = std::fs::File::open(process.join("maps")) {
        for line in BufReader::new(maps).split(b'\n').map_while(Result::ok) {
            let mut fields = line
                .split(|byte| *byte == b' ')
                .filter(|field| !field.is_empty());
            if let (Some(device), Some(inode)) = (fields.nth(3), fields.next()) {
                add_numbers(picture, device, inode);
            }
        }
    }
}

fn look_at_link(picture: &mut Picture, link: &Path, directories: bool) {
    if let Some((identity, kind)) = identity_of_link(link)
        && (kind == FileType::RegularFile || (directories && kind == FileType::Directory))
    {
        picture.seen.insert(identity);
    }
}

/// What a link of `/proc` leads to.
fn identity_of_link(link: &Path) -> Option<(Identity, FileType)> {
    // the kernel's cached answer will do: a server that does not answer must not hold up the cleanup
    let flags = AtFlags::STATX_DONT_SYNC | AtFlags::NO_AUTOMOUNT;
    let read = statx(CWD, link, flags, StatxFlags::TYPE | StatxFlags::INO).ok()?;
    let identity = Identity {
        device: makedev(read.stx_dev_major, read.stx_dev_minor),
        inode: read.stx_ino,
    };
    let kind = FileType::from_raw_mode(u32::from(read.stx_mode));
    Some((identity, kind))
}

/// Lines such as `1: FLOCK  ADVISORY  WRITE 1234 fe:00:131 0 EOF`.
fn read_locks(picture: &mut Picture) {
    let locks = std::fs::read("/proc/locks").unwrap_or_default();
    for field in locks.split(u8::is_ascii_whitespace) {
        // the first field ends with a colon; only the one with the inode has a number after the last
        if let Some(cut) = field.iter().rposition(|byte| *byte == b':') {
            add_numbers(picture, &field[..cut], &field[cut + 1..]);
        }
    }
}

/// The devices of mounted file systems in memory: lines such as
/// `36 27 0:32 / /dev/shm rw - tmpfs tmpfs rw`.
fn devices_in_memory() -> HashSet<u64> {
    let table = std::fs::read("/proc/self/mountinfo").unwrap_or_default();
    let table = String::from_utf8_lossy(&table);
    let device = |line: &str| {
        let (mount, file_system) = line.split_once(" - ")?;
        let kind = file_system.split(' ').next()?;
        let (major, minor) = mount.split(' ').nth(2)?.split_once(':')?;
        ["tmpfs", "devtmpfs", "ramfs"]
            .contains(&kind)
            .then_some(())?;
        Some(makedev(major.parse().ok()?, minor.parse().ok()?))
    };
    table.lines().filter_map(device).collect()
}

/// A device as `major:minor` in hexadecimal and an inode in decimal.
fn add_numbers(picture: &mut Picture, device: &[u8], inode: &[u8]) {
    let read = || {
        let (major, minor) = std::str::from_utf8(device).ok()?.split_once(':')?;
        let device = makedev(
            u32::from_str_radix(major, 16).ok()?,
            u32::from_str_radix(minor, 16).ok()?,
        );
        let inode: u64 = std::str::from_utf8(inode).ok()?.parse().ok()?;
        (inode != 0).then_some(Identity { device, inode })
    };
    if let Some(identity) = read() {
        picture.seen.insert(identity);
        if major(identity.device) == 0 {
            picture.inodes.insert(identity.inode);
        }
    }
}

//! The mounted file systems that hold data which may fill them up.
//!
//! Left out: what the kernel only pretends to be files, images that are always full
//! (snap packages, CD-ROMs), file systems that are read-only, and second mounts of one device.
//! A mount that is read-only over a file system that is not counts: a service sees all of them so
//! (systemd's `ProtectSystem=strict`), and they fill up all the same.

use std::io;
use std::path::{Path, PathBuf};

/// A mounted file system that may fill up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mount {
    /// Where it is mounted.
    pub(crate) point: PathBuf,
    /// Its type, such as `ext4`.
    pub(crate) file_system: String,
    /// True when asking it may hang, because another machine or a program answers.
    pub(crate) remote: bool,
}

/// File systems that hold no data of anybody.
const PSEUDO: [&str; 24] = [
    "autofs",
    "binfmt_misc",
    "bpf",
    "cgroup",
    "cgroup2",
    "configfs",
    "debugfs",
    "devpts",
    "devtmpfs",
    "efivarfs",
    "fuse.gvfsd-fuse",
    "fuse.lxcfs",
    "fuse.portal",
    "fusectl",
    "hugetlbfs",
    "mqueue",
    "nsfs",
    "proc",
    "pstore",
    "ramfs",
    "rpc_pipefs",
    "securityfs",
    "sysfs",
    "tracefs",
];

/// Images that are full by their nature.
const IMAGES: [&str; 5] = ["cramfs", "erofs", "iso9660", "romfs", "squashfs"];

/// File systems that another machine answers for; everything on FUSE counts, too.
const REMOTE: [&str; 10] = [
    "9p",
    "afs",
    "ceph",
    "cifs",
    "glusterfs",
    "lustre",
    "nfs",
    "nfs4",
    "smb3",
    "smbfs",
];

fn is_remote(file_system: &str) -> bool {
    REMOTE.contains(&file_system) || file_system == "fuse" || file_system.starts_with("fuse.")
}

/// Folders whose mounts belong to the kernel.
fn belongs_to_the_kernel(point: &Path) -> bool {
    point != Path::new("/dev/shm")
        && ["/proc", "/sys", "/dev"]
            .iter()
            .any(|kernel| point.starts_with(kernel))
}

fn holds_data(point: &Path, file_system: &str, read_only: bool) -> bool {
    let left_out = read_only
        || PSEUDO.contains(&file_system)
        || IMAGES.contains(&file_system)
        || belongs_to_the_kernel(point)
        // every container has an overlay over a disk that is listed anyway; only a container's own root counts
        || (file_system == "overlay" && point != Path::new("/"));
    !left_out
}

/// The mounted file systems that may fill up, by mount point.
#[cfg(target_os = "linux")]
pub(crate) fn data_mounts() -> io::Result<Vec<Mount>> {
    let table = std::fs::read("/proc/self/mountinfo")?;
    let mut mounts = linux::parse(&table);
    if !linux::names_the_root(&table) {
        mounts.insert(0, linux::nameless_root());
    }
    Ok(mounts)
}

/// The mounted file systems that may fill up, by mount point.
#[cfg(not(target_os = "linux"))]
pub(crate) fn data_mounts() -> io::Result<Vec<Mount>> {
    let disks = sysinfo::Disks::new_with_refreshed_list()
        .map_err(|error| io::Error::other(error.to_string()))?;
    let mut mounts: Vec<Mount> = disks
        .iter()
        .map(|disk| (disk, disk.file_system().to_string_lossy().into_owned()))
        .filter(|(disk, file_system)| {
            holds_data(disk.mount_point(), file_system, disk.is_read_only())
        })
        .map(|(disk, file_system)| Mount {
            point: disk.mount_point().to_owned(),
            remote: is_remote(&file_system),
            file_system,
        })
        .collect();
    mounts.sort_by(|left, right| left.point.cmp(&right.point));
    Ok(mounts)
}

#[cfg(target_os = "linux")]
mod linux {
    use std::collections::BTreeMap;
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt;
    use std::path::PathBuf;

    use super::{Mount, holds_data, is_remote};

    /// One line of `/proc/self/mountinfo`; see `proc_pid_mountinfo(5)`.
    struct Line {
        device: Vec<u8>,
        is_whole: bool,
        read_only: bool,
        mount: Mount,
    }

    /// Whether the table says what `/` lies on; in a change-root it does not.
    pub(super) fn names_the_root(table: &[u8]) -> bool {
        let mut lines = table.split(|&byte| byte == b'\n').filter_map(read_line);
        lines.any(|line| line.mount.point.as_os_str() == "/")
    }

    /// What stands for `/` in a change-root; `df` shows its type as `-`, too.
    pub(super) fn nameless_root() -> Mount {
        Mount {
            point: PathBuf::from("/"),
            file_system: "-".to_owned(),
            remote: false,
        }
    }

    pub(super) fn parse(table: &[u8]) -> Vec<Mount> {
        // what is mounted later at the same point hides what was there
        let mut visible: BTreeMap<PathBuf, Line> = BTreeMap::new();
        for line in table.split(|&byte| byte == b'\n').filter_map(read_line) {
            visible.insert(line.mount.point.clone(), line);
        }
        let mut by_device: BTreeMap<Vec<u8>, Line> = BTreeMap::new();
        for line in visible.into_values() {
            if !holds_data(&line.mount.point, &line.mount.file_system, line.read_only) {
                continue;
            }
            // of several mounts of one device the whole one stands for all, then the shortest name
            let rank = |line: &Line| (!line.is_whole, line.mount.point.as_os_str().len());
            match by_device.get(&line.device) {
                Some(present) if rank(present) <= rank(&line) => {}
                _ => {
                    by_device.insert(line.device.clone(), line);
                }
            }
        }
        let mut mounts: Vec<Mount> = by_device.into_values().map(|line| line.mount).collect();
        mounts.sort_by(|left, right| left.point.cmp(&right.point));
        mounts
    }

    fn read_line(line: &[u8]) -> Option<Line> {
        let fields: Vec<&[u8]> = line.split(|&byte| byte == b' ').collect();
        let separator = fields.iter().position(|&field| field == b"-")?;
        let [_, _, device, root, point, ..] = fields[..] else {
            return None;
        };
        let file_system = String::from_utf8_lossy(fields.get(separator + 1)?).into_owned();
        // those of the file system; the mount's own stand before the separator
        let options = fields.get(separator + 3).copied().unwrap_or_default();
        let mut options = options.split(|&byte| byte == b',');
        Some(Line {
            device: device.to_owned(),
            is_whole: root == b"/",
            read_only: options.any(|option| option == b"ro"),
            mount: Mount {
                point: PathBuf::from(OsString::from_vec(unescape(point))),
                remote: is_remote(&file_system),
                file_system,
            },
        })
    }

    /// The kernel writes space, tab, newline and backslash as `\ooo`.
    fn unescape(field: &[u8]) -> Vec<u8> {
        let mut plain = Vec::with_capacity(field.len());
        let mut rest = field;
        while let Some((&byte, after)) = rest.split_first() {
            let digits = after
                .get(..3)
                .and_then(|digits| std::str::from_utf8(digits).ok());
            let escaped = digits.and_then(|digits| u8::from_str_radix(digits, 8).ok());
            match escaped {
                Some(code) if byte == b'\\' => {
                    plain.push(code);
                    rest = &after[3..];
                }
                _ => {
                    plain.push(byte);
                    rest = after;
                }
            }
        }
        plain
    }

    #[cfg(test)]
    mod tests {
        use proptest::prelude::*;

        use super::*;

        /// As the kernel writes a path into its table.
        fn escaped(path: &[u8]) -> Vec<u8> {
            let mut text = Vec::new();
            for byte in path {
                match byte {
                    b' ' | b'\t' | b'\n' | b'\\' => text.extend(format!("\\{byte:03o}").bytes()),
                    _ => text.push(*byte),
                }
            }
            text
        }

        proptest! {
            #[test]
            fn any_mount_point_is_read_as_it_is(path in prop::collection::vec(any::<u8>(), 0..30)) {
                prop_assert_eq!(unescape(&escaped(&path)), path);
            }

            #[test]
            fn any_table_is_read(table in prop::collection::vec(
                prop_oneof![
                    prop::collection::vec(any::<u8>(), 0..6),
                    prop::sample::select(vec!["36 27 0:32 / /a rw - tmpfs tmpfs rw\n", " - ", "\n", " ", "\\04", "ext4", "/"])
                        .prop_map(|scrap| scrap.as_bytes().to_vec()),
                ],
                0..30,
            )) {
                parse(&table.concat());
            }
        }

        #[track_caller]
        fn check(table: &str, expect: &[&str]) {
            let points: Vec<String> = parse(table.as_bytes())
                .iter()
                .map(|mount| mount.point.display().to_string())
                .collect();
            assert_eq!(points, expect, "{table}");
        }

        #[test]
        fn only_what_may_fill_up_is_listed() {
            check("", &[]);
            check("not a mount table\n\n", &[]);
            check("1 0 8:1 / / rw,relatime - ext4 /dev/sda1 rw", &["/"]);
            check(
                "1 0 8:1 / / rw shared:1 master:2 - ext4 /dev/sda1 rw",
                &["/"],
            );
            check("1 0 0:5 / /proc rw - proc proc rw", &[]);
            check("1 0 0:5 / /dev/shm rw - tmpfs tmpfs rw", &["/dev/shm"]);
            check("1 0 0:5 / /sys/fs/cgroup rw - tmpfs tmpfs rw", &[]);
            check("1 0 0:5 / /tmp rw - tmpfs tmpfs rw,size=1k", &["/tmp"]);
            check("1 0 7:0 / /snap/core/1 ro - squashfs /dev/loop0 ro", &[]);
            check("1 0 7:0 / /mnt rw - squashfs /dev/loop0 rw", &[]);
            check("1 0 11:0 / /media/cd ro - iso9660 /dev/sr0 ro", &[]);
            check("1 0 8:2 / /mnt ro,relatime - ext4 /dev/sda2 ro", &[]);
            check("1 0 8:2 / /mnt rw - ext4 /dev/sda2 ro", &[]);
            check("1 0 0:9 / / rw - overlay overlay rw", &["/"]);
            check(
                "1 0 0:9 / /var/lib/docker/x/merged rw - overlay overlay rw",
                &[],
            );
        }

        #[test]
        fn a_sandbox_hides_no_disk() {
            // as systemd makes it for ProtectSystem=strict with a StateDirectory= and a ReadWritePaths=
            check(
                "1 0 8:1 / / ro,relatime - ext4 /dev/sda1 rw\n\
                 2 1 8:2 / /srv ro,relatime - ext4 /dev/sda2 rw\n\
                 3 1 8:1 /var/lib/upkeep /var/lib/upkeep rw,relatime - ext4 /dev/sda1 rw\n\
                 4 2 8:2 /scratch /srv/scratch rw,relatime - ext4 /dev/sda2 rw",
                &["/", "/srv"],
            );
        }

        #[test]
        fn one_device_is_listed_once_by_its_whole_mount() {
            let root = "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n";
            let bound = "2 1 8:1 /srv /b rw - ext4 /dev/sda1 rw\n";
            check(&format!("{root}{bound}"), &["/"]);
            check(&format!("{bound}{root}"), &["/"]);
            let whole = "3 1 8:1 / /mnt/whole rw - ext4 /dev/sda1 rw\n";
            check(&format!("{bound}{whole}"), &["/mnt/whole"]);
        }

        #[test]
        fn a_table_without_a_root_is_that_of_a_change_root() {
            assert!(names_the_root(b"1 0 8:1 / / rw - ext4 /dev/sda1 rw\n"));
            assert!(!names_the_root(
                b"42 27 0:39 / /proc rw,relatime - proc proc rw\n"
            ));
            assert!(!names_the_root(b""));
        }

        #[test]
        fn a_later_mount_hides_an_earlier_one() {
            let below = "1 0 8:1 / /mnt rw - ext4 /dev/sda1 rw\n";
            let above = "2 1 0:7 / /mnt rw - tmpfs tmpfs rw\n";
            let mounts = parse(format!("{below}{above}").as_bytes());
            assert_eq!(mounts.len(), 1);
            assert_eq!(mounts[0].file_system, "tmpfs");
        }

        #[test]
        fn odd_names_are_read_as_they_are() {
            check(
                r"1 0 8:1 / /mnt/my\040disk\134x rw - vfat /dev/sdb1 rw",
                &[r"/mnt/my disk\x"],
            );
            check(r"1 0 8:1 / /mnt/a\9 rw - vfat /dev/sdb1 rw", &[r"/mnt/a\9"]);
        }

        #[test]
        fn what_another_machine_answers_for_is_marked() {
            let remote = |file_system: &str| {
                parse(format!("1 0 8:1 / /m rw - {file_system} x rw").as_bytes())[0].remote
            };
            assert!(remote("nfs4") && remote("cifs"));
            assert!(remote("fuse") && remote("fuse.sshfs"));
            assert!(!remote("ext4") && !remote("tmpfs") && !remote("fuseblk"));
        }
    }
}

//! What figures depend on beside the program: the disk, and what else the machine does.

use std::path::Path;

/// The load averages, as a line of a list.
pub(crate) fn print_load() {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap();
    println!("- load of the machine (1, 5, 15 minutes): {}", load.trim());
}

/// The name of the file system that holds a folder.
pub(crate) fn file_system(folder: &Path) -> String {
    let known = [
        (0xef53, "ext2/3/4"),
        (0x5846_5342, "xfs"),
        (0x9123_683e, "btrfs"),
        (0x794c_7630, "overlayfs"),
        (
            0x0102_1994,
            "tmpfs: IN MEMORY, no disk, nothing here is durable",
        ),
    ];
    let kind = rustix::fs::statfs(folder).unwrap().f_type;
    let name = known.iter().find(|(magic, _)| *magic == kind);
    name.map_or_else(
        || format!("a file system of type {kind:#x}"),
        |(_, name)| (*name).to_owned(),
    )
}

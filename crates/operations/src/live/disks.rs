//! Space and inodes of the mounted file systems. Only those that this very machine answers for are asked.

use upkeep_contract::live::{LiveDisk, LiveSpace};

use crate::probes::mounts::{Mount, data_mounts};
use crate::probes::space;

/// A host with more is shown the first of them.
const DISKS_MAX: usize = 64;

/// The table of mounts, read more seldom than their space.
#[derive(Debug, Default)]
pub(super) struct Disks {
    mounts: Vec<(Mount, Option<(u32, u32)>)>,
}

impl Disks {
    /// Reads anew what is mounted.
    pub(super) fn look(&mut self) {
        let mounts = data_mounts().unwrap_or_default();
        let local = mounts.into_iter().take(DISKS_MAX);
        self.mounts = local
            .map(|mount| {
                let device = if mount.remote { None } else { device(&mount) };
                (mount, device)
            })
            .collect();
    }

    /// The devices that file systems lie on.
    #[cfg(target_os = "linux")]
    pub(super) fn devices(&self) -> Vec<(u32, u32)> {
        self.mounts
            .iter()
            .filter_map(|(_, device)| *device)
            .collect()
    }

    /// Their space now; `name` names a device.
    pub(super) fn sample(&self, name: impl Fn((u32, u32)) -> Option<String>) -> Vec<LiveDisk> {
        let mut disks = Vec::with_capacity(self.mounts.len());
        for (mount, device) in &self.mounts {
            let space = if mount.remote {
                None
            } else {
                // one that was unmounted since has nothing to show, and one of size zero neither
                match space::measure(&mount.point) {
                    Ok(space) if space.total_bytes > 0 => Some(LiveSpace {
                        total_bytes: space.total_bytes,
                        used_bytes: space.used_bytes(),
                        available_bytes: space.available_bytes,
                        inodes: space.inodes,
                        inodes_used: space.inodes.saturating_sub(space.inodes_free),
                    }),
                    _ => continue,
                }
            };
            disks.push(LiveDisk {
                mount: mount.point.display().to_string(),
                file_system: mount.file_system.clone(),
                device: device.and_then(&name),
                space,
            });
        }
        disks
    }
}

#[cfg(unix)]
fn device(mount: &Mount) -> Option<(u32, u32)> {
    let device = rustix::fs::stat(&mount.point).ok()?.st_dev;
    Some((rustix::fs::major(device), rustix::fs::minor(device)))
}

#[cfg(not(unix))]
fn device(_mount: &Mount) -> Option<(u32, u32)> {
    None
}

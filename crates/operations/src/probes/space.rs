//! Space and inodes of one file system.

use std::io;
use std::path::Path;

/// Space and inodes of one file system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Space {
    /// Its size, bytes.
    pub(crate) total_bytes: u64,
    /// Not in use, bytes, with what is kept back for root.
    pub(crate) free_bytes: u64,
    /// What an ordinary user may still write, bytes.
    pub(crate) available_bytes: u64,
    /// Inodes in all; 0 where the file system has no fixed number.
    pub(crate) inodes: u64,
    /// Inodes not in use.
    pub(crate) inodes_free: u64,
}

impl Space {
    /// Percent in use as `df` counts it: of what is in use and what may still be written. None for a size of zero.
    pub(crate) fn used_percent(&self) -> Option<f64> {
        let used = self.used_bytes();
        percent(used, used.saturating_add(self.available_bytes))
    }

    /// In use, bytes.
    pub(crate) fn used_bytes(&self) -> u64 {
        self.total_bytes.saturating_sub(self.free_bytes)
    }

    /// Percent of the inodes in use; none where there is no fixed number.
    pub(crate) fn inodes_used_percent(&self) -> Option<f64> {
        percent(self.inodes.saturating_sub(self.inodes_free), self.inodes)
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a percentage needs no more than 53 bits"
)]
pub(crate) fn percent(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64 * 100.0)
}

/// Asks the file system at this mount point. May hang when another machine answers for it.
#[cfg(windows)]
pub(crate) fn measure(point: &Path) -> io::Result<Space> {
    let disks = sysinfo::Disks::new_with_refreshed_list()
        .map_err(|error| io::Error::other(error.to_string()))?;
    let disk = disks.iter().find(|disk| disk.mount_point() == point);
    let disk = disk.ok_or(io::ErrorKind::NotFound)?;
    Ok(Space {
        total_bytes: disk.total_space(),
        // what is kept back from this user by a quota is not told
        free_bytes: disk.available_space(),
        available_bytes: disk.available_space(),
        inodes: 0,
        inodes_free: 0,
    })
}

/// Asks the file system at this mount point. May hang when another machine answers for it.
#[cfg(unix)]
pub(crate) fn measure(point: &Path) -> io::Result<Space> {
    let answer = rustix::fs::statvfs(point)?;
    let block = if answer.f_frsize > 0 {
        answer.f_frsize
    } else {
        answer.f_bsize
    };
    Ok(Space {
        total_bytes: answer.f_blocks.saturating_mul(block),
        free_bytes: answer.f_bfree.saturating_mul(block),
        available_bytes: answer.f_bavail.saturating_mul(block),
        inodes: answer.f_files,
        inodes_free: answer.f_ffree,
    })
}

/// The device that this folder lies on; none on a system that does not tell. May hang as [`measure`] does.
#[cfg(unix)]
pub(crate) fn device_of(path: &Path) -> io::Result<Option<u64>> {
    use std::os::unix::fs::MetadataExt;
    Ok(Some(std::fs::symlink_metadata(path)?.dev()))
}

/// The device that this folder lies on; none on a system that does not tell.
#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "elsewhere it can fail")]
pub(crate) fn device_of(_: &Path) -> io::Result<Option<u64>> {
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn use_is_counted_as_df_does() {
        let check = |total, free, available, expect: Option<f64>| {
            let space = Space {
                total_bytes: total,
                free_bytes: free,
                available_bytes: available,
                inodes: 0,
                inodes_free: 0,
            };
            assert_eq!(space.used_percent(), expect);
        };
        check(0, 0, 0, None);
        check(100, 100, 100, Some(0.0));
        check(100, 25, 25, Some(75.0));
        // five are kept back for root: an ordinary user has filled three quarters
        check(105, 30, 25, Some(75.0));
        check(100, 5, 0, Some(100.0));
    }

    #[test]
    fn a_file_system_without_inode_numbers_has_no_percentage() {
        let space = Space {
            total_bytes: 1,
            free_bytes: 1,
            available_bytes: 1,
            inodes: 0,
            inodes_free: 0,
        };
        assert_eq!(space.inodes_used_percent(), None);
        assert_eq!(
            Space {
                inodes: 200,
                inodes_free: 50,
                ..space
            }
            .inodes_used_percent(),
            Some(75.0)
        );
    }
}

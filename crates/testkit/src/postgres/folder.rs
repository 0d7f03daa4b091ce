//! A folder for a cluster that goes away with the test process, however that ends.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::Durability;
use super::programs::Programs;

// the longest path of a socket is 107 bytes, and the folder's own name, a slash and the socket's name
// take this many of them
const SOCKET_IN_FOLDER: usize = "/upkeep-pg-XXXXXX/.s.PGSQL.12345.lock".len();
const LONGEST_SOCKET: usize = 107;

// what a test process would need, with a database for each of some hundreds of tests
const ROOM_IN_MEMORY: u64 = 2 << 30;

// reads its input, which ends with the test process, then stops a server that still runs in the folder
// and removes the folder. the process id in the file may be somebody else's by now: the process's
// directory tells. a killed server leaves a segment of shared memory behind, named in the file
const WATCH: &str = r#"
trap '' HUP INT TERM
read -r _
status=$1/data/postmaster.pid
round=0
while [ -e "$1" ] && [ "$round" -lt 100 ]; do
    round=$((round + 1))
    pid=
    read -r pid <"$status"
    if [ -n "$pid" ] && [ "$(readlink "/proc/$pid/cwd")" = "$1/data" ]; then
        if [ "$round" -lt 50 ]; then kill -QUIT "$pid"; else kill -KILL "$pid"; fi
        sleep 0.1
        continue
    fi
    if [ -n "$pid" ]; then ipcrm -m "$(awk 'NR == 7 { print $2 }' "$status")"; fi
    rm -rf -- "$1" || sleep 0.1
done
"#;

/// A folder that is removed, after the server in it was stopped, when the value is dropped or the
/// process ends.
#[derive(Debug)]
pub(super) struct VanishingFolder {
    path: PathBuf,
    watch: Child,
}

impl VanishingFolder {
    /// A fresh folder, in memory or on a disk.
    pub(super) fn make(programs: &Programs, durability: Durability) -> Self {
        let path = programs.make_folder(&parent(durability));
        let watch = Command::new("sh")
            .args(["-c", WATCH, "upkeep-testkit"])
            .arg(&path)
            .current_dir("/")
            .stdin(Stdio::piped())
            // whoever reads the test's output must not wait for this one
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // ctrl+c in the terminal is for the test, not for this
            .process_group(0)
            .spawn()
            .unwrap();
        Self { path, watch }
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for VanishingFolder {
    fn drop(&mut self) {
        drop(self.watch.stdin.take());
        // nothing is left to be done about one that cannot be waited for
        self.watch.wait().ok();
    }
}

fn parent(durability: Durability) -> PathBuf {
    let memory = Path::new("/dev/shm");
    let room = rustix::fs::statvfs(memory).map_or(0, |fs| fs.f_bavail * fs.f_frsize);
    if durability == Durability::Fast && room >= ROOM_IN_MEMORY {
        return memory.to_owned();
    }
    // not /tmp, which is memory on many systems
    std::env::var_os("TMPDIR")
        .map(PathBuf::from)
        .filter(|folder| folder.as_os_str().len() + SOCKET_IN_FOLDER <= LONGEST_SOCKET)
        .unwrap_or_else(|| PathBuf::from("/var/tmp"))
}

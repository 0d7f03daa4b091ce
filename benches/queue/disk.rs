//! What the disk takes to make a little durable: no durable write can be faster.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::Instant;

use crate::figures::{Bar, heading, ms, times};

const WRITES: usize = 300;

/// What one small transaction writes.
const BYTES: usize = 16 << 10;

/// Waits until a file is durable.
type Sync = fn(&File) -> std::io::Result<()>;

pub(crate) fn measure(folder: &Path) {
    heading("The disk: 16 kB written and made durable");
    let syncs: [(&str, Sync); 2] = [("fsync", File::sync_all), ("fdatasync", File::sync_data)];
    for (name, sync) in syncs {
        for (kind, places) in [("growing file", WRITES), ("the same 1.6 MB again", 100)] {
            let path = folder.join("disk");
            let file = File::create(&path).unwrap();
            let bytes = [7; BYTES];
            let write = |index: usize| {
                let place = u64::try_from(index % places * BYTES).unwrap();
                file.write_all_at(&bytes, place).unwrap();
                sync(&file).unwrap();
            };
            if places < WRITES {
                (0..places).for_each(write);
            }
            let samples: Vec<f64> = (0..WRITES)
                .map(|index| {
                    let begun = Instant::now();
                    write(index);
                    ms(begun.elapsed())
                })
                .collect();
            times(
                "–",
                &format!("{name}, {kind}"),
                &samples,
                Bar::None,
                Bar::None,
            );
            std::fs::remove_file(path).unwrap();
        }
    }
}

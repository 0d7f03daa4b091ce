//! Pressure stall information of the last ten seconds, out of `/proc/pressure`.

use std::path::Path;

use upkeep_contract::live::LivePressure;

use super::text::{Kept, decimal, lines, words};

const KINDS: [&str; 3] = ["cpu", "memory", "io"];

/// The three files; those that are not there, or are turned off, tell nothing.
#[derive(Debug)]
pub(super) struct Pressure([Kept; 3]);

impl Pressure {
    pub(super) fn open(folder: &Path) -> Self {
        Self(KINDS.map(|kind| Kept::open(folder.join(kind))))
    }

    pub(super) fn sample(&self, buffer: &mut Vec<u8>) -> Vec<LivePressure> {
        let files = KINDS.iter().zip(&self.0);
        files
            .filter_map(|(kind, file)| {
                let text = file.read(buffer)?;
                Some(LivePressure {
                    kind: (*kind).to_owned(),
                    some_percent: last_ten_seconds(text, b"some")?,
                    full_percent: last_ten_seconds(text, b"full"),
                })
            })
            .collect()
    }
}

fn last_ten_seconds(text: &[u8], of: &[u8]) -> Option<f64> {
    lines(text).find_map(|line| {
        let mut parts = words(line);
        (parts.next()? == of).then_some(())?;
        parts.find_map(|part| decimal(part.strip_prefix(b"avg10=")?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kernel_without_it_has_none_and_an_older_one_no_full_of_the_cpu() {
        let folder = tempfile::tempdir().unwrap();
        let mut buffer = Vec::new();
        assert_eq!(Pressure::open(folder.path()).sample(&mut buffer), []);
        let some = "some avg10=18.21 avg60=28.22 avg300=25.20 total=18678\n";
        let full = "full avg10=1.50 avg60=1.00 avg300=0.00 total=9\n";
        std::fs::write(folder.path().join("cpu"), some).unwrap();
        std::fs::write(folder.path().join("io"), format!("{some}{full}")).unwrap();
        std::fs::write(folder.path().join("memory"), "nonsense").unwrap();
        let told = Pressure::open(folder.path()).sample(&mut buffer);
        let told: Vec<_> = told
            .iter()
            .map(|one| (one.kind.as_str(), one.some_percent, one.full_percent))
            .collect();
        assert_eq!(told, [("cpu", 18.21, None), ("io", 18.21, Some(1.5))]);
    }
}

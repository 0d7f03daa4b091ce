//! Pressure stall information: the share of time in which some task waited for a resource (Linux).

use std::io;
use std::path::Path;

/// How much some task waited for one resource.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Pressure {
    /// `cpu`, `io` or `memory`.
    pub(crate) kind: &'static str,
    /// Percent of the last minute; the error when it could not be read.
    pub(crate) some_last_minute: Result<f64, String>,
}

/// Where the kernel tells it.
pub(crate) const FOLDER: &str = "/proc/pressure";

/// What the kernel tells in this folder; empty where it tells nothing.
pub(crate) fn read_in(folder: &Path) -> Vec<Pressure> {
    ["cpu", "io", "memory"]
        .into_iter()
        .filter_map(|kind| {
            let some_last_minute = match std::fs::read_to_string(folder.join(kind)) {
                Ok(text) => {
                    some_avg60(&text).ok_or_else(|| "its text is not understood".to_owned())
                }
                // turned off at boot, the files are there and refuse to be read
                Err(error) if is_turned_off(&error) => return None,
                Err(error) => Err(error.to_string()),
            };
            Some(Pressure {
                kind,
                some_last_minute,
            })
        })
        .collect()
}

fn is_turned_off(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound || is_not_supported(error)
}

#[cfg(unix)]
fn is_not_supported(error: &io::Error) -> bool {
    error.raw_os_error() == Some(rustix::io::Errno::OPNOTSUPP.raw_os_error())
}

#[cfg(not(unix))]
fn is_not_supported(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::Unsupported
}

/// The one-minute average of the line `some avg10=… avg60=… avg300=… total=…`.
fn some_avg60(text: &str) -> Option<f64> {
    let some = text.lines().find_map(|line| line.strip_prefix("some "))?;
    let number = some
        .split(' ')
        .find_map(|field| field.strip_prefix("avg60="))?;
    number.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_minute_is_read() {
        let check =
            |text: &str, expect: Option<f64>| assert_eq!(some_avg60(text), expect, "{text}");
        check(
            "some avg10=18.21 avg60=28.22 avg300=25.20 total=18678\nfull avg10=0.00 avg60=1.00",
            Some(28.22),
        );
        check(
            "some avg10=0.00 avg60=0.00 avg300=0.00 total=0\n",
            Some(0.0),
        );
        check("full avg10=0.00 avg60=1.00 avg300=0.00 total=0\n", None);
        check("some avg10=0.00\n", None);
        check("", None);
    }

    #[test]
    fn a_kernel_without_it_has_no_checks_and_a_broken_file_is_told() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(read_in(folder.path()), []);
        std::fs::write(folder.path().join("io"), "nonsense").unwrap();
        let read = read_in(folder.path());
        assert_eq!(read.len(), 1);
        assert_eq!(read[0].kind, "io");
        assert!(read[0].some_last_minute.is_err());
    }
}

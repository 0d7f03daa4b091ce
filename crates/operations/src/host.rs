//! This host's name, as workers, tasks and reports show it.

/// The host's name; bytes that are not UTF-8 are replaced.
pub fn host_name() -> String {
    gethostname::gethostname().to_string_lossy().into_owned()
}

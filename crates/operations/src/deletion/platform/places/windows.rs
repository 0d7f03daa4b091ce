//! The places of Windows, in lower case and without a drive: they count on every drive.

/// Refused themselves and with everything inside.
pub(crate) const CLOSED: &[&str] = &[
    "/windows",
    "/program files",
    "/program files (x86)",
    "/boot",
    "/efi",
    "/recovery",
    "/perflogs",
    "/documents and settings",
    "/system volume information",
    "/$recycle.bin",
    "/$winreagent",
    "/config.msi",
];

/// Refused themselves; folders inside them may be locations.
pub(crate) const SHARED: &[&str] = &["/users", "/programdata"];

/// Folders that hold temporary files by definition, although some system accounts call them home.
pub(crate) const TEMPORARY: &[&str] = &[];

/// Inside these, which the lists close, folders may be locations all the same; never these themselves.
pub(crate) const OPEN_INSIDE: &[&str] = &["/windows/temp"];

/// What lies directly in these is a home.
pub(crate) const HOMES: &[&str] = &["/users"];

/// What lies directly in these is a session's own; only folders inside may be locations.
pub(crate) const SESSIONS: &[&str] = &[];

//! The places of macOS, in lower case.

/// Refused themselves and with everything inside.
pub(crate) const CLOSED: &[&str] = &[
    "/system",
    "/library",
    "/applications",
    "/usr",
    "/bin",
    "/sbin",
    "/dev",
    "/etc",
    "/private/etc",
    "/private/var/audit",
    "/private/var/db",
    "/private/var/root",
    "/private/var/run",
    "/private/var/vm",
    "/private/preboot",
];

/// Refused themselves; folders inside them may be locations.
pub(crate) const SHARED: &[&str] = &[
    "/users",
    "/volumes",
    "/cores",
    "/opt",
    "/private",
    "/private/var",
    "/private/var/folders",
    "/private/var/log",
    "/private/var/mail",
    "/private/var/spool",
];

/// Folders that hold temporary files by definition, although some system accounts call them home.
pub(crate) const TEMPORARY: &[&str] = &["/private/tmp", "/private/var/tmp"];

/// Inside these, which the lists close, folders may be locations all the same; never these themselves.
pub(crate) const OPEN_INSIDE: &[&str] = &[];

/// What lies directly in these is a home: people do not stand in `/etc/passwd` here.
pub(crate) const HOMES: &[&str] = &["/users"];

/// What lies directly in these is a user's own; only folders inside may be locations.
pub(crate) const SESSIONS: &[&str] = &["/private/var/folders"];

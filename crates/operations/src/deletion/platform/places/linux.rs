//! The places of Linux, and of systems not known better.

/// Refused themselves and with everything inside.
pub(crate) const CLOSED: &[&str] = &[
    "/etc",
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/boot",
    "/dev",
    "/proc",
    "/sys",
    "/lost+found",
    "/nix",
    "/snap",
    "/run/systemd",
    "/run/udev",
    "/run/dbus",
    "/run/lock",
    "/var/lib/dpkg",
    "/var/lib/rpm",
    "/var/lib/pacman",
    "/var/lib/systemd",
    "/var/lib/docker",
    "/var/lib/containerd",
];

/// Refused themselves; folders inside them may be locations.
pub(crate) const SHARED: &[&str] = &[
    "/run",
    "/run/user",
    "/run/media",
    "/var",
    "/var/run",
    "/var/lock",
    "/var/lib",
    "/var/log",
    "/var/cache",
    "/var/spool",
    "/var/mail",
    "/var/backups",
    "/var/opt",
    "/var/local",
    "/opt",
    "/srv",
    "/mnt",
    "/media",
    "/home",
    "/root",
];

/// Folders that hold temporary files by definition, although some system accounts call them home.
pub(crate) const TEMPORARY: &[&str] = &["/tmp", "/var/tmp", "/dev/shm"];

/// Inside these, which the lists close, folders may be locations all the same; never these themselves.
pub(crate) const OPEN_INSIDE: &[&str] = &["/dev/shm"];

/// What lies directly in these is a home, whether or not the system's list of users says so: accounts of a
/// directory service (LDAP and the like) do not stand in `/etc/passwd`.
pub(crate) const HOMES: &[&str] = &["/home"];

/// What lies directly in these holds a session's sockets; only folders inside may be locations.
pub(crate) const SESSIONS: &[&str] = &["/run/user"];

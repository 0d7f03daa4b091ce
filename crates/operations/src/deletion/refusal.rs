//! Why a path may not be a location.

use std::path::PathBuf;

/// Why a path may not be cleaned. The message says what is wrong, the hint what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is no path.
    #[error("the path is empty")]
    Empty,
    /// The path does not begin at the root.
    #[error("the path `{0}` is not absolute")]
    Relative(PathBuf),
    /// The path goes up again.
    #[error("the path `{0}` contains `..`")]
    Upwards(PathBuf),
    /// The path contains a zero byte, which no file system can hold.
    #[error("the path `{0}` contains a zero byte")]
    ZeroByte(PathBuf),
    /// The path leads to another machine or is of a special form (Windows).
    #[error("the path `{0}` does not begin with a drive")]
    NotOnADrive(PathBuf),
    /// The whole machine.
    #[error("`/` is the whole system")]
    WholeSystem,
    /// Somebody's home directory, or a folder that holds one.
    #[error("`{path}` is or holds the home directory `{home}`")]
    Home {
        /// The path asked for.
        path: PathBuf,
        /// The home directory.
        home: PathBuf,
    },
    /// A directory of the operating system.
    #[error("`{path}` belongs to the system directory `{system}`")]
    System {
        /// The path asked for.
        path: PathBuf,
        /// The system directory.
        system: PathBuf,
    },
    /// It is, holds, or lies inside something of this installation.
    #[error("`{path}` overlaps `{protected}`, which belongs to this installation of Upkeep")]
    Protected {
        /// The path asked for.
        path: PathBuf,
        /// What it overlaps.
        protected: PathBuf,
    },
    /// The root of a mounted file system.
    #[error("`{0}` is the root of a mount")]
    MountRoot(PathBuf),
    /// The path is or passes through a symbolic link.
    #[error("`{path}` is or passes through the symbolic link `{link}`")]
    SymbolicLink {
        /// The path asked for.
        path: PathBuf,
        /// The link.
        link: PathBuf,
    },
    /// There is nothing.
    #[error("the folder `{0}` does not exist")]
    Missing(PathBuf),
    /// There is something else.
    #[error("`{0}` is not a folder")]
    NotADirectory(PathBuf),
    /// It cannot be looked at.
    #[error("the folder `{path}` cannot be read: {reason}")]
    Unreadable {
        /// The path asked for.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
}

impl Refusal {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Empty | Self::Relative(_) | Self::Upwards(_) | Self::ZeroByte(_) => {
                "give the whole path from `/`, such as `/srv/scratch`, without `..`"
            }
            Self::NotOnADrive(_) => {
                "give a path of this machine that begins with a drive, such as `D:\\scratch`"
            }
            Self::WholeSystem | Self::System { .. } => {
                "choose a folder that holds only files that may go, such as `/srv/scratch` or a folder below `/var/tmp`"
            }
            Self::Home { .. } => {
                "choose a folder inside the home directory that holds only files that may go"
            }
            Self::Protected { .. } => {
                "choose a folder outside of Upkeep's own configuration, data and artifacts"
            }
            Self::MountRoot(_) => {
                "choose a folder inside the mount, or set `allow_mount_root = true` for this location if the whole mount may be cleaned"
            }
            Self::SymbolicLink { .. } => "give the path that the link leads to",
            Self::Missing(_) => {
                "create the folder, or correct the path or turn the location off in Settings"
            }
            Self::NotADirectory(_) => {
                "give the path of a folder, or turn the location off in Settings"
            }
            Self::Unreadable { .. } => {
                "give the user who runs the worker permission to read the folder, or turn the location off in Settings"
            }
        }
    }
}

//! Where an installation keeps its things.

use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};

use directories::ProjectDirs;

use crate::{ConfigError, database};

/// When set, the one folder that holds everything of an installation.
pub const HOME_VARIABLE: &str = "UPKEEP_HOME";
/// When set, the database in place of the file in the data folder.
pub const DATABASE_VARIABLE: &str = "UPKEEP_DATABASE_URL";

/// The folders of an installation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folders {
    config: PathBuf,
    data: PathBuf,
    own_temporary: PathBuf,
}

impl Folders {
    /// The folders that the environment asks for: `$UPKEEP_HOME` when set, else the platform's.
    ///
    /// # Errors
    /// [`ConfigError::Environment`] when `$UPKEEP_HOME` is not an absolute path, or when there is neither it nor a home.
    pub fn from_environment() -> Result<Self, ConfigError> {
        Self::from_home_variable(std::env::var_os(HOME_VARIABLE))
    }

    /// An installation that lies in one folder.
    pub fn at(home: &Path) -> Self {
        Self {
            config: home.to_owned(),
            data: home.to_owned(),
            own_temporary: home.join("tmp"),
        }
    }

    fn from_home_variable(home: Option<OsString>) -> Result<Self, ConfigError> {
        let Some(home) = home.map(PathBuf::from) else {
            return Self::of_the_platform();
        };
        let climbs = home.components().any(|part| part == Component::ParentDir);
        // an empty value is refused, too: falling back to the real installation could clean the wrong one
        if home.is_absolute() && !climbs {
            return Ok(Self::at(&home));
        }
        Err(ConfigError::Environment {
            problem: format!(
                "{HOME_VARIABLE} is `{}`, which is not an absolute path without `..`",
                home.display()
            ),
            cure: format!("set {HOME_VARIABLE} to a whole path such as /srv/upkeep, or unset it"),
        })
    }

    fn of_the_platform() -> Result<Self, ConfigError> {
        let platform =
            ProjectDirs::from("", "", "upkeep").ok_or_else(|| ConfigError::Environment {
                problem: "this user has no home folder to keep Upkeep's files in".to_owned(),
                cure: format!("set HOME, or set {HOME_VARIABLE} to a folder of your choice"),
            })?;
        Ok(Self {
            config: platform.config_dir().to_owned(),
            data: platform.data_dir().to_owned(),
            own_temporary: platform.cache_dir().join("tmp"),
        })
    }

    /// The configuration file.
    pub fn config_file(&self) -> PathBuf {
        self.config.join("config.toml")
    }

    /// The folder of the configuration file.
    pub fn config(&self) -> &Path {
        &self.config
    }

    /// The data folder.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// The database file, used unless a URL names another database.
    pub fn database_file(&self) -> PathBuf {
        self.data.join("upkeep.db")
    }

    /// The folder that holds one folder of artifacts for each task.
    pub fn artifacts(&self) -> PathBuf {
        self.data.join("artifacts")
    }

    /// The folder of the logs.
    pub fn logs(&self) -> PathBuf {
        self.data.join("logs")
    }

    /// The file that `log-statistics` appends to.
    pub fn statistics_log(&self) -> PathBuf {
        self.logs().join("statistics.jsonl")
    }

    /// Upkeep's own temporary folder, the one location of a new installation.
    pub fn own_temporary(&self) -> &Path {
        &self.own_temporary
    }

    /// What no location may hold, equal or lie in, Upkeep's own temporary folder apart.
    pub fn protected(&self) -> Vec<PathBuf> {
        let mut protected = vec![self.config.clone()];
        if self.data != self.config {
            protected.push(self.data.clone());
        }
        protected
    }

    /// The database's URL: `chosen` when given, else the file in the data folder.
    pub fn database_url(&self, chosen: Option<&str>) -> String {
        match chosen {
            Some(url) => url.to_owned(),
            None => database::sqlite_url(&self.database_file()),
        }
    }

    /// The database's URL as the environment asks for it: `$UPKEEP_DATABASE_URL`, else the file in the data folder.
    ///
    /// # Errors
    /// [`ConfigError::Environment`] when the variable is empty or not UTF-8.
    pub fn database_url_from_environment(&self) -> Result<String, ConfigError> {
        let chosen = match std::env::var_os(DATABASE_VARIABLE).map(OsString::into_string) {
            None => None,
            Some(Ok(url)) if !url.is_empty() => Some(url),
            Some(_) => {
                return Err(ConfigError::Environment {
                    problem: format!("{DATABASE_VARIABLE} is empty or not UTF-8"),
                    cure: format!(
                        "set {DATABASE_VARIABLE} to a URL such as postgres://user@host/upkeep, or unset it"
                    ),
                });
            }
        };
        Ok(self.database_url(chosen.as_deref()))
    }

    /// Makes the folders that are missing, readable by their owner only.
    ///
    /// # Errors
    /// [`ConfigError::Write`] names the folder that could not be made.
    pub fn create(&self) -> Result<(), ConfigError> {
        let folders = [
            self.config.clone(),
            self.data.clone(),
            self.artifacts(),
            self.logs(),
            self.own_temporary.clone(),
        ];
        for folder in folders {
            create_private(&folder).map_err(|source| ConfigError::Write {
                file: folder,
                source,
            })?;
        }
        Ok(())
    }
}

fn create_private(folder: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_home_that_is_not_a_whole_path_is_refused() {
        let check = |home: &str, accepted: bool| {
            let folders = Folders::from_home_variable(Some(home.into()));
            assert_eq!(folders.is_ok(), accepted, "{home}: {folders:?}");
        };
        check("/srv/upkeep", true);
        check("srv/upkeep", false);
        check("./upkeep", false);
        check("~/upkeep", false);
        check("/srv/../etc", false);
        check("", false);
    }

    #[test]
    fn one_home_holds_everything() {
        let folders = Folders::from_home_variable(Some("/srv/upkeep".into())).unwrap();
        assert_eq!(folders.config_file(), Path::new("/srv/upkeep/config.toml"));
        assert_eq!(folders.database_file(), Path::new("/srv/upkeep/upkeep.db"));
        assert_eq!(folders.artifacts(), Path::new("/srv/upkeep/artifacts"));
        assert_eq!(folders.logs(), Path::new("/srv/upkeep/logs"));
        assert_eq!(folders.own_temporary(), Path::new("/srv/upkeep/tmp"));
        assert_eq!(folders.protected(), [PathBuf::from("/srv/upkeep")]);
    }

    #[test]
    fn the_platform_s_folders_are_three_and_apart() {
        let folders = Folders::of_the_platform().unwrap();
        assert!(folders.config().is_absolute() && folders.data().is_absolute());
        assert!(
            folders
                .protected()
                .iter()
                .all(|protected| !folders.own_temporary().starts_with(protected))
        );
    }

    #[cfg(unix)]
    #[test]
    fn missing_folders_are_made_for_the_owner_only() {
        use std::os::unix::fs::PermissionsExt;
        let parent = tempfile::tempdir().unwrap();
        let folders = Folders::at(&parent.path().join("a/b"));
        folders.create().unwrap();
        folders.create().unwrap();
        for folder in [
            folders.data(),
            folders.own_temporary(),
            &folders.artifacts(),
            &folders.logs(),
        ] {
            let mode = folder.metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o700, "{}", folder.display());
        }
    }

    #[test]
    fn a_chosen_database_comes_before_the_file() {
        let folders = Folders::at(Path::new("/srv/up keep"));
        assert_eq!(
            folders.database_url(None),
            "sqlite:///srv/up%20keep/upkeep.db"
        );
        assert_eq!(
            folders.database_url(Some("postgres://db/upkeep")),
            "postgres://db/upkeep"
        );
    }
}

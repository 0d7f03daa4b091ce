//! Folders that would make sensible locations. They stay off until an operator adds them.

use std::path::{Path, PathBuf};

use directories::BaseDirs;
use upkeep_contract::settings::{LocationSettings, SuggestedLocation};

use crate::{Configuration, Folders};

/// Folders of this host that would make sensible locations and are not configured yet.
pub fn suggestions(folders: &Folders, configuration: &Configuration) -> Vec<SuggestedLocation> {
    let cache = BaseDirs::new().map(|base| base.cache_dir().to_owned());
    among(
        candidates(&std::env::temp_dir(), cache.as_deref()),
        folders,
        configuration,
    )
}

struct Candidate {
    name: &'static str,
    path: PathBuf,
    only_own_files: bool,
    why: &'static str,
}

fn candidates(temporary: &Path, cache: Option<&Path>) -> Vec<Candidate> {
    let mut candidates = vec![Candidate {
        name: "system-temporary",
        path: temporary.to_owned(),
        only_own_files: true,
        why: "your own files in the system's temporary folder: what programs left behind when they ended",
    }];
    if let Some(cache) = cache {
        candidates.push(Candidate {
            name: "thumbnails",
            path: cache.join("thumbnails"),
            only_own_files: false,
            why: "small pictures that file managers made of your files; they are made again when needed",
        });
        candidates.push(Candidate {
            name: "user-cache",
            path: cache.to_owned(),
            only_own_files: false,
            why: "caches of your programs; they are filled again when needed, which can take a while",
        });
    }
    candidates
}

fn among(
    candidates: Vec<Candidate>,
    folders: &Folders,
    configuration: &Configuration,
) -> Vec<SuggestedLocation> {
    let protected = folders.protected();
    let configured: Vec<PathBuf> = configuration
        .locations
        .iter()
        .map(|location| whole(Path::new(&location.path)))
        .collect();
    candidates
        .into_iter()
        .filter(|candidate| candidate.path.is_dir())
        .filter_map(|candidate| {
            // links in the path (macOS has /tmp as one) would be refused when cleaning
            let path = whole(&candidate.path);
            let overlaps = |protected: &PathBuf| {
                let protected = whole(protected);
                protected.starts_with(&path) || path.starts_with(&protected)
            };
            if configured.contains(&path) || protected.iter().any(overlaps) {
                return None;
            }
            Some(SuggestedLocation {
                settings: LocationSettings {
                    only_own_files: candidate.only_own_files,
                    allow_mount_root: is_mount_root(&path),
                    ..LocationSettings::new(
                        free_name(candidate.name, configuration),
                        path.to_str()?,
                    )
                },
                why: candidate.why.to_owned(),
            })
        })
        .collect()
}

/// The path without links where it exists, else as it is.
fn whole(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

/// The name, or the name with a number when another location has it already.
fn free_name(name: &str, configuration: &Configuration) -> String {
    let taken = |name: &str| {
        configuration
            .locations
            .iter()
            .any(|location| location.name == name)
    };
    let mut free = name.to_owned();
    let mut number = 2_u32;
    while taken(&free) {
        free = format!("{name}-{number}");
        number += 1;
    }
    free
}

/// True when another file system begins here, as with a temporary folder on tmpfs.
#[cfg(unix)]
fn is_mount_root(path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let device = |path: &Path| path.metadata().map(|metadata| metadata.dev()).ok();
    path.parent()
        .is_some_and(|parent| device(path) != device(parent))
}

#[cfg(not(unix))]
fn is_mount_root(_: &Path) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn configured(locations: Vec<LocationSettings>) -> Configuration {
        let mut configuration = Configuration::parse(Path::new("config.toml"), "").unwrap();
        configuration.locations = locations;
        configuration
    }

    fn names(suggested: &[SuggestedLocation]) -> Vec<&str> {
        suggested
            .iter()
            .map(|suggested| suggested.settings.name.as_str())
            .collect()
    }

    #[test]
    fn only_folders_that_exist_and_are_not_configured_are_suggested() {
        let host = tempfile::tempdir().unwrap();
        let (temporary, cache) = (host.path().join("tmp"), host.path().join("cache"));
        std::fs::create_dir_all(&temporary).unwrap();
        std::fs::create_dir_all(&cache).unwrap();
        let folders = Folders::at(&host.path().join("upkeep"));
        let suggest = |configuration: &Configuration| {
            among(
                candidates(&temporary, Some(&cache)),
                &folders,
                configuration,
            )
        };

        let nothing_configured = configured(Vec::new());
        assert_eq!(
            names(&suggest(&nothing_configured)),
            ["system-temporary", "user-cache"]
        );
        std::fs::create_dir(cache.join("thumbnails")).unwrap();
        assert_eq!(
            names(&suggest(&nothing_configured)),
            ["system-temporary", "thumbnails", "user-cache"]
        );

        let path = temporary.canonicalize().unwrap();
        let with_temporary =
            configured(vec![LocationSettings::new("mine", path.to_str().unwrap())]);
        assert_eq!(
            names(&suggest(&with_temporary)),
            ["thumbnails", "user-cache"]
        );
        let name_taken = configured(vec![LocationSettings::new("thumbnails", "/elsewhere")]);
        assert_eq!(
            names(&suggest(&name_taken)),
            ["system-temporary", "thumbnails-2", "user-cache"]
        );
    }

    #[test]
    fn the_shared_temporary_folder_is_suggested_for_own_files_only() {
        let host = tempfile::tempdir().unwrap();
        let folders = Folders::at(Path::new("/srv/upkeep"));
        let suggested = among(
            candidates(host.path(), None),
            &folders,
            &configured(Vec::new()),
        );
        assert!(suggested[0].settings.only_own_files);
        assert!(
            !suggested[0].settings.allow_mount_root,
            "an ordinary folder is no mount"
        );
    }

    #[test]
    fn a_folder_that_holds_the_installation_is_not_suggested() {
        let host = tempfile::tempdir().unwrap();
        let folders = Folders::at(&host.path().join("upkeep"));
        folders.create().unwrap();
        assert!(
            among(
                candidates(host.path(), None),
                &folders,
                &configured(Vec::new())
            )
            .is_empty()
        );
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_mount_is_told_from_a_folder() {
        assert!(is_mount_root(Path::new("/proc")));
        assert!(!is_mount_root(Path::new("/proc/self")));
    }
}

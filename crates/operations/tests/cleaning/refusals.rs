//! Which paths may be a location.

use std::path::{Path, PathBuf};

use upkeep_operations::deletion::{Refusal, check_location};
use upkeep_operations::settings::Settings;

fn check(settings: &Settings, path: impl AsRef<Path>, expect: Result<(), &str>) {
    let path = path.as_ref();
    let got = check_location(path, false, settings);
    match (&got, expect) {
        (Ok(()), Ok(())) => {}
        (Err(refusal), Err(part)) => {
            assert!(
                refusal.to_string().contains(part),
                "{}: {refusal}",
                path.display()
            );
            assert!(refusal.hint().len() > 20, "{refusal:?} has no cure");
        }
        _ => panic!("{}: expected {expect:?}, got {got:?}", path.display()),
    }
}

#[test]
fn dangerous_paths_are_refused() {
    let none = Settings::default();
    check(&none, "", Err("empty"));
    check(&none, "scratch", Err("not absolute"));
    check(&none, "./scratch", Err("not absolute"));
    check(&none, "~/scratch", Err("not absolute"));
    check(&none, "/srv/../etc", Err("`..`"));
    check(&none, "/srv/x\0y", Err("zero byte"));
    check(&none, "/", Err("whole system"));
    check(&none, "//", Err("whole system"));
    check(&none, "/./", Err("whole system"));
    for system in [
        "/etc",
        "/usr",
        "/bin",
        "/sbin",
        "/lib",
        "/lib64",
        "/boot",
        "/dev",
        "/proc",
        "/sys",
        "/run",
        "/var",
        "/opt",
        "/home",
        "/var/lib",
        "/var/log",
        "/run/user",
        "/srv",
    ] {
        check(&none, system, Err("system directory"));
        check(&none, format!("{system}/"), Err("system directory"));
        check(
            &none,
            format!("//{}/.", &system[1..]),
            Err("system directory"),
        );
    }
    for inside in [
        "/etc/cron.d",
        "/usr/share/doc",
        "/usr/local/x",
        "/proc/self",
        "/sys/fs",
        "/dev/pts",
        "/lib/systemd",
        "/boot/grub",
        "/run/user/1000",
        "/run/systemd/x",
        "/dev/shm",
    ] {
        check(&none, inside, Err("system directory"));
    }
    check(&none, "/srv/no-such-folder-here", Err("does not exist"));
    check(&none, "/tmp", Ok(()));
    check(&none, "/var/tmp/", Ok(()));
}

#[test]
fn homes_are_refused_but_not_what_lies_inside() {
    let none = Settings::default();
    let passwd = std::fs::read_to_string("/etc/passwd").unwrap();
    let root_home = passwd
        .lines()
        .find_map(|line| line.strip_prefix("root:"))
        .and_then(|line| line.split(':').nth(4))
        .unwrap();
    if root_home == "/root" {
        check(&none, root_home, Err("system directory"));
    } else {
        check(&none, root_home, Err("home directory"));
    }
    if let Some(home) = std::env::var_os("HOME").map(PathBuf::from) {
        let got = check_location(&home, true, &none);
        assert!(
            matches!(got, Err(Refusal::Home { .. } | Refusal::System { .. })),
            "{got:?}"
        );
    }
}

#[test]
fn shared_memory_below_its_mount_is_a_folder_like_others() {
    let Ok(folder) = tempfile::tempdir_in("/dev/shm") else {
        println!("not shown: /dev/shm cannot be written");
        return;
    };
    check(&Settings::default(), folder.path(), Ok(()));
}

#[test]
fn links_files_and_missing_folders_are_refused() {
    let none = Settings::default();
    let dir = tempfile::tempdir().unwrap();
    let real = dir.path().join("real");
    std::fs::create_dir_all(real.join("below")).unwrap();
    std::os::unix::fs::symlink(&real, dir.path().join("link")).unwrap();
    std::fs::write(dir.path().join("file"), b"").unwrap();
    check(&none, &real, Ok(()));
    check(&none, real.join("below"), Ok(()));
    check(&none, dir.path().join("link"), Err("symbolic link"));
    check(&none, dir.path().join("link/below"), Err("symbolic link"));
    check(&none, dir.path().join("file"), Err("not a folder"));
    check(&none, dir.path().join("file/below"), Err("not a folder"));
    check(&none, dir.path().join("missing"), Err("does not exist"));
}

#[test]
fn what_belongs_to_the_installation_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().join("upkeep");
    let own = home.join("tmp");
    for folder in [
        "upkeep/tmp/sub",
        "upkeep/artifacts/x",
        "upkeep-other",
        "elsewhere",
    ] {
        std::fs::create_dir_all(dir.path().join(folder)).unwrap();
    }
    std::os::unix::fs::symlink(&home, dir.path().join("way")).unwrap();
    let mut settings = Settings {
        protected: vec![home.clone(), home.join("artifacts")],
        own_temporary: Some(own.clone()),
        ..Settings::default()
    };
    check(&settings, &home, Err("belongs to this installation"));
    check(&settings, dir.path(), Err("belongs to this installation"));
    check(
        &settings,
        home.join("artifacts"),
        Err("belongs to this installation"),
    );
    check(
        &settings,
        home.join("artifacts/x"),
        Err("belongs to this installation"),
    );
    check(&settings, &own, Ok(()));
    check(&settings, own.join("sub"), Ok(()));
    check(&settings, dir.path().join("upkeep-other"), Ok(()));
    check(&settings, dir.path().join("elsewhere"), Ok(()));
    // the configuration may name the installation by way of a link
    settings.protected = vec![dir.path().join("way")];
    settings.own_temporary = Some(dir.path().join("way/tmp"));
    check(&settings, &home, Err("belongs to this installation"));
    check(
        &settings,
        home.join("artifacts"),
        Err("belongs to this installation"),
    );
    check(&settings, &own, Ok(()));
    // something else of the installation inside its temporary folder stays protected
    settings.protected = vec![home.clone(), own.join("sub")];
    settings.own_temporary = Some(own.clone());
    check(&settings, &own, Err("belongs to this installation"));
}

//! What Upkeep is built of: licences and sources as `deny.toml` allows them, lock files in step, no `unsafe`.
//!
//! Read from `cargo metadata`, the lock files and deny.toml, so that it needs no tool and no network. `make audit`
//! asks cargo-deny the same, and for advisories as well.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::LazyLock;

use cargo_metadata::{
    CargoOpt, DependencyKind, Metadata, MetadataCommand, Node, NodeDep, Package, PackageId,
};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Every package that any build of ours may take; fails when Cargo.lock is not in step.
static METADATA: LazyLock<Metadata> = LazyLock::new(|| {
    MetadataCommand::new()
        .manifest_path(Path::new(ROOT).join("Cargo.toml"))
        .features(CargoOpt::AllFeatures)
        .other_options(["--locked".to_owned()])
        .exec()
        .unwrap()
});

fn read(file: &str) -> String {
    std::fs::read_to_string(Path::new(ROOT).join(file)).unwrap()
}

fn deny() -> toml::Table {
    read("deny.toml").parse().unwrap()
}

fn strings(value: &toml::Value) -> Vec<String> {
    let list = value.as_array().unwrap().iter();
    list.map(|it| it.as_str().unwrap().to_owned()).collect()
}

/// The licences that this crate may have.
fn allowed(deny: &toml::Table, name: &str) -> Vec<String> {
    let licenses = &deny["licenses"];
    let exceptions = licenses["exceptions"].as_array().unwrap().iter();
    let for_this = exceptions.filter(|it| it["crate"].as_str() == Some(name));
    let mut allowed = strings(&licenses["allow"]);
    allowed.extend(for_this.flat_map(|it| strings(&it["allow"])));
    allowed
}

/// Whether an SPDX expression can be satisfied with these licences. `AND` binds tighter than `OR`; a slash, as
/// older crates write it, is `OR`.
fn satisfied(expression: &str, allowed: &[String]) -> bool {
    let spaced = expression
        .replace('/', " OR ")
        .replace('(', " ( ")
        .replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut at = 0;
    let met = either(&words, &mut at, allowed);
    assert_eq!(at, words.len(), "`{expression}` is no SPDX expression");
    met
}

fn either(words: &[&str], at: &mut usize, allowed: &[String]) -> bool {
    let mut met = both(words, at, allowed);
    while words.get(*at) == Some(&"OR") {
        *at += 1;
        let right = both(words, at, allowed);
        met = met || right;
    }
    met
}

fn both(words: &[&str], at: &mut usize, allowed: &[String]) -> bool {
    let mut met = one(words, at, allowed);
    while words.get(*at) == Some(&"AND") {
        *at += 1;
        let right = one(words, at, allowed);
        met = met && right;
    }
    met
}

fn one(words: &[&str], at: &mut usize, allowed: &[String]) -> bool {
    let Some(word) = words.get(*at) else {
        return false;
    };
    *at += 1;
    if *word == "(" {
        let met = either(words, at, allowed);
        assert_eq!(words.get(*at), Some(&")"), "{words:?}");
        *at += 1;
        return met;
    }
    let mut licence = (*word).to_owned();
    if words.get(*at) == Some(&"WITH") {
        licence = format!("{word} WITH {}", words[*at + 1]);
        *at += 2;
    }
    allowed.contains(&licence)
}

fn foreign() -> impl Iterator<Item = &'static Package> {
    METADATA.packages.iter().filter(|it| it.source.is_some())
}

/// What a build of ours takes; what only tests use is shipped to nobody, and cargo-deny leaves it out as well.
fn built_in() -> BTreeSet<&'static PackageId> {
    let nodes = &METADATA.resolve.as_ref().unwrap().nodes;
    let uses: BTreeMap<&PackageId, &Node> = nodes.iter().map(|it| (&it.id, it)).collect();
    let mut waiting: Vec<&PackageId> = METADATA.workspace_members.iter().collect();
    let mut reached = BTreeSet::new();
    while let Some(id) = waiting.pop() {
        if reached.insert(id) {
            let builds = |it: &&NodeDep| {
                let mut kinds = it.dep_kinds.iter();
                kinds.any(|it| it.kind != DependencyKind::Development)
            };
            waiting.extend(uses[id].deps.iter().filter(builds).map(|it| &it.pkg));
        }
    }
    reached
}

#[test]
fn every_dependency_has_an_allowed_licence() {
    let (deny, built_in) = (deny(), built_in());
    let mut count = 0;
    for package in foreign().filter(|it| built_in.contains(&it.id)) {
        let licence = package.license.as_deref().unwrap_or_default();
        assert!(
            satisfied(licence, &allowed(&deny, &package.name)),
            "{} {} is licensed under `{licence}`, which deny.toml does not allow",
            package.name,
            package.version
        );
        count += 1;
    }
    assert!(count > 300, "only {count} dependencies were seen");
}

#[test]
fn the_licences_of_the_page_are_allowed() {
    let deny = deny();
    let lock: serde_json::Value = serde_json::from_str(&read("ui/package-lock.json")).unwrap();
    for (path, package) in lock["packages"].as_object().unwrap() {
        if path.is_empty() || package["dev"].as_bool() == Some(true) {
            continue;
        }
        let licence = package["license"].as_str().unwrap_or_default();
        assert!(
            satisfied(licence, &allowed(&deny, path)),
            "{path}: `{licence}`"
        );
    }
}

#[test]
fn expressions_are_read_as_spdx_has_them() {
    let allowed = ["MIT".to_owned(), "A WITH B".to_owned()];
    let check = |expression: &str, expect: bool| {
        assert_eq!(satisfied(expression, &allowed), expect, "{expression}");
    };
    check("MIT", true);
    check("GPL-3.0", false);
    check("", false);
    check("GPL-3.0 OR MIT", true);
    check("GPL-3.0/MIT", true);
    check("MIT AND GPL-3.0", false);
    check("MIT OR GPL-3.0 AND GPL-2.0", true);
    check("(MIT OR GPL-3.0) AND GPL-2.0", false);
    check("(GPL-3.0 OR MIT) AND MIT", true);
    check("A WITH B", true);
    check("A", false);
}

#[test]
fn every_dependency_comes_from_the_one_registry() {
    let deny = deny();
    let registries = strings(&deny["sources"]["allow-registry"]);
    for package in foreign() {
        let source = package.source.as_ref().unwrap().to_string();
        let known = source
            .strip_prefix("registry+")
            .is_some_and(|it| registries.iter().any(|registry| registry == it));
        assert!(known, "{} comes from {source}", package.name);
    }
    let lock: serde_json::Value = serde_json::from_str(&read("ui/package-lock.json")).unwrap();
    for (path, package) in lock["packages"].as_object().unwrap() {
        if path.is_empty() || package["link"].as_bool() == Some(true) {
            continue;
        }
        // without an address it comes from npm's registry, and in any case it must be what the checksum says
        let from = package["resolved"].as_str();
        assert!(
            from.is_none_or(|it| it.starts_with("https://registry.npmjs.org/")),
            "{path} comes from {from:?}"
        );
        // what is bundled in another package's archive has none, and that archive has one
        let bundled = package["inBundle"].as_bool() == Some(true);
        assert!(
            bundled || package["integrity"].is_string(),
            "{path} has no checksum"
        );
    }
}

#[test]
fn no_version_is_left_open() {
    for package in METADATA.workspace_packages() {
        for dependency in &package.dependencies {
            let open = dependency.req.to_string() == "*" && dependency.path.is_none();
            assert!(!open, "{} takes any {}", package.name, dependency.name);
        }
    }
}

/// `npm ci` refuses a lock that is not in step; this says so before it is run.
#[test]
fn the_lock_of_the_page_is_in_step() {
    let manifest: serde_json::Value = serde_json::from_str(&read("ui/package.json")).unwrap();
    let lock: serde_json::Value = serde_json::from_str(&read("ui/package-lock.json")).unwrap();
    for key in [
        "name",
        "version",
        "dependencies",
        "devDependencies",
        "engines",
    ] {
        assert_eq!(manifest[key], lock["packages"][""][key], "{key}");
    }
    for key in ["dependencies", "devDependencies"] {
        for (name, wanted) in manifest[key].as_object().unwrap() {
            let locked = &lock["packages"][format!("node_modules/{name}")]["version"];
            assert_eq!(locked, wanted, "{name} is not pinned to what is locked");
        }
    }
}

/// `unsafe` is forbidden by a lint of the workspace, which holds for a package only when it says so.
#[test]
fn no_package_of_ours_leaves_the_lints_of_the_workspace() {
    let workspace: toml::Table = read("Cargo.toml").parse().unwrap();
    assert_eq!(
        workspace["workspace"]["lints"]["rust"]["unsafe_code"].as_str(),
        Some("forbid")
    );
    for package in METADATA.workspace_packages() {
        let manifest: toml::Table = std::fs::read_to_string(&package.manifest_path)
            .unwrap()
            .parse()
            .unwrap();
        let lints = manifest.get("lints").and_then(|it| it.get("workspace"));
        assert_eq!(
            lints.and_then(toml::Value::as_bool),
            Some(true),
            "{} has no `[lints] workspace = true`",
            package.name
        );
    }
}

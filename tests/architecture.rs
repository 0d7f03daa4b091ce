//! Who may depend on whom (ARCHITECTURE.md, "The house"), read from `cargo metadata`.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{DependencyKind, MetadataCommand};

type Dependencies = BTreeMap<String, BTreeSet<String>>;

/// Each workspace package with its direct dependencies, those of tests left out.
fn dependencies() -> Dependencies {
    let metadata = MetadataCommand::new()
        .manifest_path(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"))
        .no_deps()
        .exec()
        .unwrap();
    metadata
        .workspace_packages()
        .iter()
        .map(|package| {
            let names = package.dependencies.iter();
            let names = names.filter(|dependency| dependency.kind != DependencyKind::Development);
            (
                package.name.to_string(),
                names.map(|dependency| dependency.name.clone()).collect(),
            )
        })
        .collect()
}

/// The packages of the workspace that each may use. `upkeepctl serve` starts the HTTP front door, so ctl may
/// use that; no other front door uses another.
const ALLOWED: [(&str, &[&str]); 11] = [
    ("upkeep-contract", &[]),
    ("upkeep-config", &["upkeep-contract"]),
    ("upkeep-queue", &["upkeep-contract"]),
    ("upkeep-operations", &["upkeep-contract"]),
    (
        "upkeep-worker",
        &[
            "upkeep-config",
            "upkeep-contract",
            "upkeep-operations",
            "upkeep-queue",
        ],
    ),
    (
        "upkeep-console",
        &[
            "upkeep-config",
            "upkeep-contract",
            "upkeep-operations",
            "upkeep-queue",
            "upkeep-worker",
        ],
    ),
    (
        "upkeep",
        &["upkeep-config", "upkeep-console", "upkeep-contract"],
    ),
    (
        "upkeep-api",
        &["upkeep-config", "upkeep-console", "upkeep-contract"],
    ),
    (
        "upkeep-ctl",
        &[
            "upkeep-api",
            "upkeep-config",
            "upkeep-console",
            "upkeep-contract",
        ],
    ),
    ("upkeep-testkit", &["upkeep-contract", "upkeep-queue"]),
    ("upkeep-benches", &[]),
];

#[test]
fn every_package_depends_only_on_what_lies_below_it() {
    for (package, uses) in dependencies() {
        let allowed = ALLOWED.iter().find(|(name, _)| *name == package);
        let (_, allowed) =
            allowed.unwrap_or_else(|| panic!("{package} has no place in the house yet"));
        let wrong: Vec<&String> = uses
            .iter()
            .filter(|name| name.starts_with("upkeep") && !allowed.contains(&name.as_str()))
            .collect();
        assert!(wrong.is_empty(), "{package} must not depend on {wrong:?}");
    }
}

/// Only these packages may use a library or one of its companions.
fn only(library: &str, packages: &[&str]) {
    let companion = format!("{library}-");
    for (package, uses) in dependencies() {
        let used = uses
            .iter()
            .any(|name| name == library || name.starts_with(&companion));
        assert!(
            !used || packages.contains(&package.as_str()),
            "{package} must not depend on {library}"
        );
    }
}

#[test]
fn the_shell_alone_knows_tauri() {
    only("tauri", &["upkeep"]);
}

#[test]
fn the_queue_alone_knows_sql() {
    only("sqlx", &["upkeep-queue", "upkeep-testkit"]);
}

#[test]
fn the_http_front_door_alone_knows_axum() {
    only("axum", &["upkeep-api"]);
}

#[test]
fn the_rule_sees_a_dependency_that_is_there() {
    let uses = dependencies();
    assert!(uses["upkeep-queue"].contains("sqlx"));
    assert!(uses["upkeep-worker"].contains("upkeep-queue"));
    assert!(uses["upkeep-api"].contains("axum") && uses["upkeep-api"].contains("upkeep-console"));
    assert!(uses["upkeep"].contains("tauri") && uses["upkeep"].contains("upkeep-console"));
}

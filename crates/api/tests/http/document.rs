//! The `OpenAPI` document.

use std::path::Path;

use serde_json::Value;

use crate::support::Site;

fn committed() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/openapi.json")
}

/// `make types` renews it.
#[test]
fn the_committed_document_is_what_the_routes_say() {
    let mut fresh = serde_json::to_string_pretty(&upkeep_api::document()).unwrap();
    fresh.push('\n');
    if std::env::var_os("UPKEEP_UPDATE_GENERATED").is_some() {
        std::fs::write(committed(), &fresh).unwrap();
    }
    let committed = std::fs::read_to_string(committed()).unwrap_or_default();
    assert!(
        fresh == committed,
        "docs/openapi.json differs from the routes; run `make types` and commit the result"
    );
}

/// Every reference leads somewhere, and every path says what it answers.
#[test]
fn the_document_is_whole() {
    let document = upkeep_api::document();
    let mut references = Vec::new();
    collect(&document, &mut references);
    assert!(references.len() > 100);
    for reference in references {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
    let paths = document["paths"].as_object().unwrap();
    assert!(paths.len() >= 50, "{}", paths.len());
    let mut names = std::collections::BTreeSet::new();
    for (path, methods) in paths {
        for (method, operation) in methods.as_object().unwrap() {
            let name = operation["operationId"].as_str().unwrap();
            assert!(names.insert(name.to_owned()), "{name} twice");
            let answers = operation["responses"].as_object().unwrap();
            let good = answers.keys().any(|status| status.starts_with('2'));
            assert!(good, "{method} {path}");
        }
    }
}

fn collect(value: &Value, references: &mut Vec<String>) {
    match value {
        Value::Object(object) => {
            if let Some(Value::String(reference)) = object.get("$ref") {
                references.push(reference.clone());
            }
            object.values().for_each(|value| collect(value, references));
        }
        Value::Array(values) => values.iter().for_each(|value| collect(value, references)),
        _ => {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_hands_out_the_document() {
    let site = Site::new().await;
    assert_eq!(
        site.get("/api/openapi.json").await.expect(200),
        upkeep_api::document()
    );
}

/// What the page on HTTP names is there.
#[test]
fn the_page_names_only_routes_that_there_are() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/http.md");
    let page = std::fs::read_to_string(page).unwrap();
    let document = upkeep_api::document();
    let named: std::collections::BTreeSet<String> = page
        .match_indices("/api/")
        .map(|(at, _)| {
            let path = page[at..].split(|sign: char| " \"`?\n)".contains(sign));
            path.into_iter()
                .next()
                .unwrap_or_default()
                .replace("$id", "{id}")
        })
        .collect();
    assert!(named.len() >= 8, "{named:?}");
    for path in named {
        assert!(document["paths"].get(&path).is_some(), "{path}");
    }
}

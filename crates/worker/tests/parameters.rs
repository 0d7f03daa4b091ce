//! Whatever is given for the parameters of an operation, it is accepted or refused: nothing panics, and
//! what was accepted once is accepted again as it is.
#![allow(
    clippy::unwrap_used,
    missing_docs,
    reason = "a test stops at the first surprise"
)]

use std::cell::Cell;

use proptest::prelude::*;
use serde_json::{Map, Value, json};
use upkeep_config::Folders;
use upkeep_operations::OperationError;

/// The keys there are, and some that there are not.
const KEYS: [&str; 16] = [
    "max_age_hours",
    "locations",
    "exclude",
    "min_size_bytes",
    "dry_run",
    "plan",
    "leave_out",
    "run_stores",
    "history",
    "rewrite_database",
    "cpu_window_ms",
    "range_hours",
    "cleanup",
    "",
    "max_age",
    "Dry_Run",
];

/// Values that somebody may mean, and values at the edges.
fn seeds() -> Vec<Value> {
    vec![
        json!(null),
        json!(true),
        json!(0),
        json!(-1),
        json!(24),
        json!(0.5),
        json!(1e300),
        json!(u64::MAX),
        json!(i64::MIN),
        json!(876_600),
        json!(9_007_199_254_740_992_u64),
        json!(""),
        json!("24"),
        json!("scratch"),
        json!([]),
        json!(["scratch"]),
        json!(["a", "a"]),
        json!(["*.tmp", "[", "{a,b", "\\"]),
        json!([[]]),
        json!({}),
        json!("01a208bc-5dd4-717a-b9a4-8b481efdc200"),
        json!("../../etc"),
        json!("\u{0}"),
        json!([{"kind": "file", "location": "scratch", "name": "a%25"}]),
        json!([{"kind": "file", "location": "scratch", "name": "%"}]),
    ]
}

fn any_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        4 => prop::sample::select(seeds()),
        1 => any::<f64>().prop_map(Value::from),
        1 => ".*".prop_map(Value::from),
        1 => prop::collection::vec(".*", 0..4).prop_map(Value::from),
    ]
}

fn any_params() -> impl Strategy<Value = Value> {
    let object = prop::collection::vec((prop::sample::select(KEYS.to_vec()), any_value()), 0..5);
    prop_oneof![
        9 => object.prop_map(|pairs| {
            let pairs = pairs.into_iter().map(|(key, value)| (key.to_owned(), value));
            Value::Object(pairs.collect::<Map<String, Value>>())
        }),
        1 => any_value(),
    ]
}

#[test]
fn any_parameters_are_accepted_or_refused() {
    let folder = tempfile::tempdir().unwrap();
    let registry = upkeep_worker::registry(&Folders::at(folder.path()), None);
    let operations = registry.ids().to_vec();
    let accepted = Cell::new(0_u32);
    let config = ProptestConfig {
        cases: 3000,
        source_file: Some(file!()),
        ..ProptestConfig::default()
    };
    proptest!(config, |(params in any_params())| {
        for operation in &operations {
            match registry.accept(operation, params.clone()) {
                Ok(whole) => {
                    accepted.set(accepted.get() + 1);
                    let again = registry.accept(operation, whole.clone());
                    prop_assert_eq!(again.unwrap(), whole, "{} takes {}", operation, params);
                }
                Err(OperationError::InvalidParameter(wrong)) => {
                    prop_assert!(!wrong.to_string().is_empty());
                }
                Err(other) => prop_assert!(false, "{operation}: {params}: {other:?}"),
            }
        }
    });
    assert!(accepted.get() > 100, "{accepted:?}");
}

//! The parameters of an operation, as a command line gives them.
//!
//! Which parameters there are and what they may be is the registry's to say; here they are only read.

use serde_json::{Map, Value};

use crate::failure::Failure;

const EXAMPLE: &str = "give an object such as '{\"max_age_hours\":24}'";

/// `key=value`: the value is JSON when it can be read as such, else a text.
pub(crate) fn parameter(text: &str) -> Result<(String, Value), String> {
    let (key, value) = text
        .split_once('=')
        .ok_or_else(|| "it has no `=`; write key=value".to_owned())?;
    let key = key.trim();
    if key.is_empty() {
        return Err("it has no name before `=`; write key=value".to_owned());
    }
    let value = serde_json::from_str(value).unwrap_or_else(|_| Value::from(value));
    Ok((key.to_owned(), value))
}

/// The JSON object of `--params` with each `--param` put over it.
pub(crate) fn merged(
    object: Option<&str>,
    parameters: &[(String, Value)],
) -> Result<Map<String, Value>, Failure> {
    let mut merged = match object {
        None => Map::new(),
        Some(text) => match serde_json::from_str(text) {
            Ok(Value::Object(object)) => object,
            Ok(_) => return Err(Failure::usage("--params is not a JSON object", EXAMPLE)),
            Err(error) => {
                return Err(Failure::usage(
                    format!("--params is not JSON: {error}"),
                    EXAMPLE,
                ));
            }
        },
    };
    for (index, (key, value)) in parameters.iter().enumerate() {
        if parameters[..index]
            .iter()
            .any(|(earlier, _)| earlier == key)
        {
            return Err(Failure::usage(
                format!("--param {key} is given twice"),
                format!(
                    "give it once; several values are a JSON list: --param '{key}=[\"a\",\"b\"]'"
                ),
            ));
        }
        merged.insert(key.clone(), value.clone());
    }
    Ok(merged)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_value_is_json_where_it_can_be() {
        let check = |text: &str, key: &str, value: Value| {
            assert_eq!(parameter(text), Ok((key.to_owned(), value)), "{text}");
        };
        check("max_age_hours=24", "max_age_hours", json!(24));
        check("dry_run=true", "dry_run", json!(true));
        check("locations=[\"scratch\"]", "locations", json!(["scratch"]));
        check("plan=01a208bc-5dd4", "plan", json!("01a208bc-5dd4"));
        check("name=\"24\"", "name", json!("24"));
        check("note=a=b", "note", json!("a=b"));
        check("empty=", "empty", json!(""));
        check("none=null", "none", Value::Null);
        check("large=1e999", "large", json!("1e999"));
    }

    #[test]
    fn what_names_nothing_is_refused() {
        for text in ["", "=", "=1", " =1", "max_age_hours"] {
            assert!(parameter(text).is_err(), "{text}");
        }
    }

    #[test]
    fn single_parameters_go_over_the_object_and_may_not_repeat() {
        let given = |text: &str| parameter(text).unwrap();
        let both = merged(Some(r#"{"a":1,"b":2}"#), &[given("b=3"), given("c=x")]).unwrap();
        assert_eq!(Value::Object(both), json!({"a": 1, "b": 3, "c": "x"}));
        let twice = merged(None, &[given("a=1"), given("a=2")]).unwrap_err();
        assert_eq!(
            (twice.exit, twice.message.as_str()),
            (2, "--param a is given twice")
        );
        for wrong in ["[]", "24", "{", "", "nothing"] {
            assert_eq!(merged(Some(wrong), &[]).unwrap_err().exit, 2, "{wrong}");
        }
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            ".*".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::btree_map(".*", inner, 0..6)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn any_text_at_all_is_read_or_refused(text in "\\PC*", object in ".*") {
            if let Ok((key, _)) = parameter(&text) {
                prop_assert!(!key.is_empty());
            }
            let read = merged(Some(&object), &[]);
            prop_assert!(read.is_ok() || read.is_err_and(|failure| failure.exit == 2));
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..256)) {
            let text = String::from_utf8_lossy(&bytes);
            parameter(&text).ok();
            merged(Some(&text), &[]).ok();
        }

        #[test]
        fn every_json_value_comes_through_as_it_is(key in "[a-z_]{1,12}", value in any_json()) {
            prop_assert_eq!(parameter(&format!("{key}={value}")), Ok((key, value)));
        }

        #[test]
        fn a_text_that_is_no_json_stays_a_text(key in "[a-z_]{1,12}", text in ".*") {
            prop_assume!(serde_json::from_str::<Value>(&text).is_err());
            prop_assert_eq!(parameter(&format!("{key}={text}")), Ok((key, Value::from(text))));
        }
    }
}

//! The maintenance endpoints: an operation by its own name, its parameters as a JSON body, in the query, or both.

use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};
use upkeep_contract::OperationId;
use upkeep_contract::operation::{
    CLEANUP_RUNS, CLEANUP_TEMP_FILES, HEALTH_CHECK, LOG_STATISTICS, RESTORE_FROM_TRASH,
};
use upkeep_contract::params::{
    CleanupRunsParams, CleanupTempFilesParams, HealthCheckParams, LogStatisticsParams,
    RestoreFromTrashParams,
};
use upkeep_contract::task::TriggerOutcome;

use crate::answer::Accepted;
use crate::call::{Asked, Call, MaySend};
use crate::problem::{Problem, Reply};
use crate::table::Table;

/// The word of the query that names the host.
const HOST: &str = "host";

pub(super) fn routes(table: &mut Table) {
    operation::<CleanupRunsParams>(table, CLEANUP_RUNS, "Remove old runs");
    operation::<HealthCheckParams>(table, HEALTH_CHECK, "Check the health of a host");
    operation::<CleanupTempFilesParams>(table, CLEANUP_TEMP_FILES, "Remove old temporary files");
    operation::<LogStatisticsParams>(table, LOG_STATISTICS, "Log figures of queue and system");
    operation::<RestoreFromTrashParams>(
        table,
        RESTORE_FROM_TRASH,
        "Put back what a cleanup moved to the trash",
    );
}

fn operation<P: JsonSchema + Send + 'static>(table: &mut Table, id: &'static str, what: &str) {
    let path = format!("/api/system/maintenance/{id}");
    let asked = move |call: Call<Texts<P>, MaySend<P>>| trigger(OperationId::from(id), call);
    table.post(&path, what, asked);
}

/// Parameters as the texts of a query.
#[derive(Debug)]
struct Texts<P>(Vec<(String, String)>, PhantomData<fn() -> P>);

impl<'de, P> Deserialize<'de> for Texts<P> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::deserialize(deserializer).map(|texts| Self(texts, PhantomData))
    }
}

impl<P: JsonSchema> JsonSchema for Texts<P> {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        format!("{}Query", P::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = P::json_schema(generator);
        let host = serde_json::json!({ "type": "string", "description": "The host it must run on; any when left out." });
        if let Some(properties) = schema
            .as_object_mut()
            .and_then(|schema| schema.get_mut("properties")?.as_object_mut())
        {
            properties.insert(HOST.to_owned(), host);
        }
        // what a body gives need not stand in the query
        schema.remove("required");
        schema
    }
}

impl<P: JsonSchema + Send + 'static> Asked for Texts<P> {}

async fn trigger<P: JsonSchema + Send + 'static>(
    operation: OperationId,
    call: Call<Texts<P>, MaySend<P>>,
) -> Reply<Accepted<TriggerOutcome>> {
    let console = call.console().await?;
    let (params, host) = joined(&schema_of::<P>(), call.body.object, call.query.0)?;
    let outcome = console.trigger(&operation, Value::Object(params), host);
    Ok(Accepted(outcome.await?))
}

fn schema_of<P: JsonSchema>() -> Value {
    schemars::schema_for!(P).to_value()
}

/// Body and query as one set of parameters, and the host.
fn joined(
    schema: &Value,
    mut params: Map<String, Value>,
    texts: Vec<(String, String)>,
) -> Reply<(Map<String, Value>, Option<String>)> {
    let mut host = None;
    for (key, text) in texts {
        let given_before = if key == HOST {
            host.replace(text).is_some()
        } else {
            let value = read(&schema["properties"][&key], &text);
            params.insert(key.clone(), value).is_some()
        };
        if given_before {
            return Err(Problem::invalid(format!("`{key}` is given twice")));
        }
    }
    Ok((params, host))
}

/// A text as JSON where it is some and the parameter is no text; a list may be written with commas. What it may
/// be is the registry's to say.
fn read(schema: &Value, text: &str) -> Value {
    let kinds = match &schema["type"] {
        Value::String(kind) => vec![kind.as_str()],
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    if kinds.contains(&"array") && !text.starts_with('[') {
        let parts = text.split(',').filter(|part| !part.is_empty());
        return parts.map(Value::from).collect();
    }
    if kinds.contains(&"string") {
        return Value::from(text);
    }
    serde_json::from_str(text).unwrap_or_else(|_| Value::from(text))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(body: Value, texts: &[(&str, &str)]) -> Reply<(Value, Option<String>)> {
        let Value::Object(body) = body else {
            panic!("{body} is no object")
        };
        let texts = texts
            .iter()
            .map(|(key, text)| ((*key).to_owned(), (*text).to_owned()))
            .collect();
        let (params, host) = joined(&schema_of::<CleanupTempFilesParams>(), body, texts)?;
        Ok((Value::Object(params), host))
    }

    #[test]
    fn parameters_come_from_body_and_query_once_each() {
        let texts = [
            ("max_age_hours", "48"),
            ("locations", "a,b"),
            ("dry_run", "true"),
            ("host", "vm"),
        ];
        let (params, host) = of(json!({}), &texts).unwrap();
        assert_eq!(
            params,
            json!({ "max_age_hours": 48, "locations": ["a", "b"], "dry_run": true })
        );
        assert_eq!(host.as_deref(), Some("vm"));
        let (params, host) = of(json!({ "dry_run": true }), &[("locations", "[\"a\"]")]).unwrap();
        assert_eq!(params, json!({ "dry_run": true, "locations": ["a"] }));
        assert_eq!(host, None);
        assert!(of(json!({ "dry_run": true }), &[("dry_run", "true")]).is_err());
        assert!(of(json!({}), &[("host", "a"), ("host", "b")]).is_err());
    }
}

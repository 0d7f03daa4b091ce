//! The `OpenAPI` 3.1 document, gathered route by route from the types.

use axum::http::Method;
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};
use upkeep_contract::ErrorReply;

use crate::answer::Answer;
use crate::call::{Asked, Sent};
use crate::table::Access;

/// The document as it is committed in `docs/openapi.json`.
pub fn document() -> Value {
    crate::handlers::table().finish().1
}

/// A route as the document tells of it.
pub(crate) struct Operation<'a> {
    pub(crate) method: &'a Method,
    pub(crate) access: Access,
    pub(crate) path: &'a str,
    pub(crate) what: &'a str,
}

/// The document so far.
pub(crate) struct Document {
    paths: Map<String, Value>,
    /// What is answered: with every field that is always written.
    answers: SchemaGenerator,
    /// What is sent: fields with a default may be left out. Written where it is used, so that a type that is
    /// both sent and answered does not have one name for two schemas.
    requests: SchemaGenerator,
}

impl Document {
    pub(crate) fn new() -> Self {
        let settings = || {
            SchemaSettings::draft2020_12().with(|settings| {
                settings.meta_schema = None;
                "/components/schemas".clone_into(settings.definitions_path.to_mut());
            })
        };
        Self {
            paths: Map::new(),
            answers: settings().for_serialize().into_generator(),
            requests: settings()
                .with(|settings| settings.inline_subschemas = true)
                .into_generator(),
        }
    }

    pub(crate) fn add<Q: Asked, B: Sent, T: Answer>(&mut self, operation: &Operation<'_>) {
        let mut parameters = path_parameters(operation.path);
        parameters.extend(query_parameters::<Q>(&mut self.requests));
        let mut told = Map::new();
        told.insert("operationId".into(), json!(name_of(operation)));
        told.insert("summary".into(), json!(operation.what));
        told.insert("tags".into(), json!([tag_of(operation.path)]));
        if !parameters.is_empty() {
            told.insert("parameters".into(), Value::Array(parameters));
        }
        if let Some((schema, required)) = B::schema(&mut self.requests) {
            told.insert(
                "requestBody".into(),
                json!({ "required": required, "content": { "application/json": { "schema": schema } } }),
            );
        }
        let mut answer = json!({ "description": "What was asked for." });
        if let Some(content) = T::content(&mut self.answers) {
            answer["content"] = content;
        }
        let error = json!({ "$ref": "#/components/responses/Error" });
        let mut responses = Map::new();
        responses.insert(T::STATUS.as_str().to_owned(), answer);
        for status in [
            "400", "401", "403", "404", "408", "409", "413", "415", "422", "429",
        ] {
            responses.insert(status.to_owned(), error.clone());
        }
        // these come before the request is whole, and have no body
        let head = json!({ "description": "The request's head is too long." });
        for status in ["414", "431"] {
            responses.insert(status.to_owned(), head.clone());
        }
        responses.insert("default".to_owned(), error);
        told.insert("responses".into(), Value::Object(responses));
        if operation.access == Access::Open {
            told.insert("security".into(), json!([]));
        }
        let methods = self
            .paths
            .entry(operation.path)
            .or_insert_with(|| Value::Object(Map::new()));
        methods[operation.method.as_str().to_lowercase()] = Value::Object(told);
    }

    pub(crate) fn finish(mut self) -> Value {
        let error = self.answers.subschema_for::<ErrorReply>();
        let schemas = self.answers.take_definitions(true);
        json!({
            "openapi": "3.1.0",
            "info": {
                "title": "Upkeep",
                "version": env!("CARGO_PKG_VERSION"),
                "description": "Maintenance on demand: ask for operations, look at what became of them. \
                    Times are milliseconds since the Unix epoch in UTC.",
                "license": { "name": "MIT OR Apache-2.0" },
            },
            "security": [{ "token": [] }, { "session": [] }],
            "paths": self.paths,
            "components": {
                "schemas": schemas,
                "responses": {
                    "Error": {
                        "description": "Why not, and what to do about it.",
                        "content": { "application/json": { "schema": error } },
                    },
                },
                "securitySchemes": {
                    "token": {
                        "type": "http",
                        "scheme": "bearer",
                        "description": "The content of api-token, or for looking only of api-token-read-only, in the data folder.",
                    },
                    "session": {
                        "type": "apiKey",
                        "in": "cookie",
                        "name": crate::guard::SESSION_COOKIE,
                        "description": "A browser's, got by a one-time link. What changes something needs the header X-Upkeep-Request: browser, too.",
                    },
                },
            },
        })
    }
}

/// `GET /api/tasks/{id}/log` is `get_tasks_id_log`.
fn name_of(operation: &Operation<'_>) -> String {
    let path = operation.path.trim_start_matches("/api/");
    let words: String = path
        .chars()
        .filter(|sign| !"{}".contains(*sign))
        .map(|sign| {
            if sign.is_ascii_alphanumeric() {
                sign
            } else {
                '_'
            }
        })
        .collect();
    let method = operation.method.as_str().to_lowercase();
    format!("{method}_{}", words.trim_matches('_'))
}

fn tag_of(path: &str) -> &str {
    let rest = path.trim_start_matches("/api").trim_start_matches('/');
    match rest.split('/').next().unwrap_or_default() {
        "system" => "maintenance",
        "livez" | "readyz" | "session" | "sign-in-links" | "sign-out" | "openapi.json" => "server",
        tag => tag,
    }
}

fn path_parameters(path: &str) -> Vec<Value> {
    path.split('/')
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
        .map(|name| {
            json!({
                "name": name,
                "in": "path",
                "required": true,
                "schema": { "type": "string", "minLength": 1 },
            })
        })
        .collect()
}

/// Each property of the query's type; lists are written with commas.
fn query_parameters<Q: JsonSchema>(generator: &mut SchemaGenerator) -> Vec<Value> {
    let schema = generator.subschema_for::<Q>().to_value();
    let required = schema["required"].as_array().cloned().unwrap_or_default();
    let Some(properties) = schema["properties"].as_object() else {
        return Vec::new();
    };
    properties
        .iter()
        .map(|(name, schema)| {
            let mut parameter = json!({
                "name": name,
                "in": "query",
                "required": required.contains(&json!(name)),
                "schema": without_null(schema),
            });
            if let Some(text) = schema.get("description") {
                parameter["description"] = text.clone();
            }
            if kind_is(schema, "array") {
                parameter["style"] = json!("form");
                parameter["explode"] = json!(false);
            }
            parameter
        })
        .collect()
}

fn kind_is(schema: &Value, kind: &str) -> bool {
    match &schema["type"] {
        Value::String(only) => only == kind,
        Value::Array(kinds) => kinds.iter().any(|each| each == kind),
        _ => false,
    }
}

/// A query has no null: what is none is left out.
fn without_null(schema: &Value) -> Value {
    let mut schema = schema.clone();
    let Some(object) = schema.as_object_mut() else {
        return schema;
    };
    object.remove("description");
    object.remove("default");
    if let Some(Value::Array(kinds)) = object.get_mut("type") {
        kinds.retain(|kind| kind != "null");
        if let [only] = kinds.as_slice() {
            let only = only.clone();
            object.insert("type".to_owned(), only);
        }
    }
    if let Some(Value::Array(choices)) = object.get_mut("anyOf") {
        choices.retain(|choice| choice["type"] != "null");
        if let [only] = choices.as_slice() {
            return only.clone();
        }
    }
    schema
}

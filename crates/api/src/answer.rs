//! The kinds of answers that handlers give, each with its part of the `OpenAPI` document.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use schemars::{JsonSchema, SchemaGenerator};
use serde::Serialize;
use serde_json::{Value, json};

/// What a handler answers.
pub(crate) trait Answer: Send + 'static {
    const STATUS: StatusCode;

    fn into_answer(self) -> Response;

    /// The `content` of the response in the document; none without a body.
    fn content(generator: &mut SchemaGenerator) -> Option<Value>;
}

fn json_content<T: JsonSchema>(media_type: &str, generator: &mut SchemaGenerator) -> Value {
    json!({ media_type: { "schema": generator.subschema_for::<T>() } })
}

/// A value.
#[derive(Debug)]
pub(crate) struct Data<T>(pub(crate) T);

impl<T: Serialize + JsonSchema + Send + 'static> Answer for Data<T> {
    const STATUS: StatusCode = StatusCode::OK;

    fn into_answer(self) -> Response {
        Json(self.0).into_response()
    }

    fn content(generator: &mut SchemaGenerator) -> Option<Value> {
        Some(json_content::<T>("application/json", generator))
    }
}

/// What a request for tasks led to.
#[derive(Debug)]
pub(crate) struct Accepted<T>(pub(crate) T);

impl<T: Serialize + JsonSchema + Send + 'static> Answer for Accepted<T> {
    const STATUS: StatusCode = StatusCode::ACCEPTED;

    fn into_answer(self) -> Response {
        (Self::STATUS, Json(self.0)).into_response()
    }

    fn content(generator: &mut SchemaGenerator) -> Option<Value> {
        Some(json_content::<T>("application/json", generator))
    }
}

/// It was done.
#[derive(Debug)]
pub(crate) struct Done;

impl Answer for Done {
    const STATUS: StatusCode = StatusCode::NO_CONTENT;

    fn into_answer(self) -> Response {
        Self::STATUS.into_response()
    }

    fn content(_: &mut SchemaGenerator) -> Option<Value> {
        None
    }
}

/// A stream of server-sent events whose data are each a `T` as JSON.
#[derive(Debug)]
pub(crate) struct Events<T>(pub(crate) Response, std::marker::PhantomData<fn() -> T>);

impl<T> Events<T> {
    pub(crate) fn new(response: Response) -> Self {
        Self(response, std::marker::PhantomData)
    }
}

impl<T: JsonSchema + 'static> Answer for Events<T> {
    const STATUS: StatusCode = StatusCode::OK;

    fn into_answer(self) -> Response {
        self.0
    }

    fn content(generator: &mut SchemaGenerator) -> Option<Value> {
        let data = generator.subschema_for::<T>();
        Some(json!({ "text/event-stream": {
            "schema": { "type": "string" },
            // OpenAPI 3.1 has no word for the data of a stream
            "x-event-data": data,
        } }))
    }
}

/// A file to be kept.
#[derive(Debug)]
pub(crate) struct File(pub(crate) Response);

/// The media types that files have.
pub(crate) const FILE_TYPES: [&str; 4] = [
    "text/csv; charset=utf-8",
    "application/json",
    "text/html; charset=utf-8",
    "application/openmetrics-text; version=1.0.0; charset=utf-8",
];

impl Answer for File {
    const STATUS: StatusCode = StatusCode::OK;

    fn into_answer(self) -> Response {
        self.0
    }

    fn content(_: &mut SchemaGenerator) -> Option<Value> {
        let content: serde_json::Map<String, Value> = FILE_TYPES
            .iter()
            .map(|media_type| ((*media_type).to_owned(), json!({ "schema": {} })))
            .collect();
        Some(Value::Object(content))
    }
}

/// A document of health, by the rules for such documents.
#[derive(Debug)]
pub(crate) struct HealthJson(pub(crate) upkeep_contract::health_json::HealthDocument);

impl Answer for HealthJson {
    const STATUS: StatusCode = StatusCode::OK;

    fn into_answer(self) -> Response {
        let kind = upkeep_contract::health_json::MEDIA_TYPE;
        ([(axum::http::header::CONTENT_TYPE, kind)], Json(self.0)).into_response()
    }

    fn content(generator: &mut SchemaGenerator) -> Option<Value> {
        let kind = upkeep_contract::health_json::MEDIA_TYPE;
        Some(json_content::<upkeep_contract::health_json::HealthDocument>(kind, generator))
    }
}

/// Any other answer, JSON whose form the document does not tell.
#[derive(Debug)]
pub(crate) struct Raw(pub(crate) Response);

impl Answer for Raw {
    const STATUS: StatusCode = StatusCode::OK;

    fn into_answer(self) -> Response {
        self.0
    }

    fn content(_: &mut SchemaGenerator) -> Option<Value> {
        Some(json!({ "application/json": { "schema": { "type": "object" } } }))
    }
}

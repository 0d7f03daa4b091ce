//! One request as a handler sees it: read, checked for form, with the console of whoever asks.

use std::net::IpAddr;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{FromRequestParts, Query, RawPathParams};
use axum::http::request::Parts;
use axum::http::{Request, Uri, header};
use bytes::Bytes;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use upkeep_console::Console;
use upkeep_contract::ErrorCode;

use crate::app::{App, BROWSER_DOOR, TOKEN_DOOR};
use crate::problem::{Problem, Reply};
use crate::secrets::Rights;

/// A body is read up to this size.
pub(crate) const BODY_BYTES_MAX: usize = 1 << 20;
/// A body is waited for so long.
const BODY_LIMIT: Duration = Duration::from_secs(15);

/// How somebody has shown a right to ask.
#[derive(Clone, Debug)]
pub(crate) enum Credential {
    /// A token.
    Token,
    /// The cookie of a browser that is signed in.
    Session(String),
}

/// Who asks.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) rights: Option<(Rights, Credential)>,
    pub(crate) peer: IpAddr,
}

impl Caller {
    /// How tasks and the audit trail name the door.
    pub(crate) fn door(&self) -> &'static str {
        match self.rights {
            Some((_, Credential::Session(_))) => BROWSER_DOOR,
            _ => TOKEN_DOOR,
        }
    }

    /// True while the right to ask holds.
    pub(crate) fn still_may(&self, app: &App) -> bool {
        match &self.rights {
            Some((_, Credential::Session(session))) => app.sessions.rights_of(session).is_some(),
            Some((_, Credential::Token)) => true,
            None => false,
        }
    }

    pub(crate) fn is_read_only(&self) -> bool {
        matches!(self.rights, Some((Rights::ReadOnly, _)))
    }
}

/// A request.
pub(crate) struct Call<Q = NoQuery, B = NoBody> {
    pub(crate) app: App,
    pub(crate) caller: Caller,
    pub(crate) query: Q,
    pub(crate) body: B,
    pub(crate) head: Parts,
    path: Vec<(String, String)>,
}

impl<Q: Asked, B: Sent> Call<Q, B> {
    /// Reads a request.
    pub(crate) async fn read(app: App, caller: Caller, request: Request<Body>) -> Reply<Self> {
        let (mut head, body) = request.into_parts();
        let path = path_of(&mut head).await?;
        let query = Q::read(&head.uri)?;
        let body = B::read(&head, body).await?;
        Ok(Self {
            app,
            caller,
            query,
            body,
            head,
            path,
        })
    }
}

impl<Q, B> Call<Q, B> {
    /// The console, in the name of whoever asks.
    pub(crate) async fn console(&self) -> Reply<Console> {
        Ok(self.app.console().await?.through(self.caller.door()))
    }

    /// What stands in the path at a name of the route.
    pub(crate) fn at<T: From<String>>(&self, name: &str) -> T {
        let found = self.path.iter().find(|(key, _)| key == name);
        found
            .map_or_else(String::new, |(_, value)| value.clone())
            .into()
    }

    /// The value of a header that is text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.headers.get(name)?.to_str().ok()
    }
}

async fn path_of(head: &mut Parts) -> Reply<Vec<(String, String)>> {
    let params = RawPathParams::from_request_parts(head, &())
        .await
        .map_err(|_| Problem::malformed("the path is not UTF-8"))?;
    let path: Vec<(String, String)> = params
        .iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    if path
        .iter()
        .any(|(_, value)| value.contains(char::is_control))
    {
        return Err(Problem::not_found("there is nothing of that name"));
    }
    Ok(path)
}

/// What a route takes in its query.
pub(crate) trait Asked: DeserializeOwned + JsonSchema + Send + 'static {
    fn read(uri: &Uri) -> Reply<Self> {
        let Query(query) = Query::<Vec<(String, String)>>::try_from_uri(uri)
            .map_err(|error| Problem::malformed(error.body_text()))?;
        if let Some((name, _)) = query.iter().find(|(_, value)| value.contains('\0')) {
            return Err(Problem::invalid(format!("`{name}` holds a NUL character")));
        }
        let Query(query) = Query::try_from_uri(uri).map_err(|error| {
            let text = error.body_text();
            let said = text
                .split_once(": ")
                .map_or(text.as_str(), |(_, said)| said);
            Problem::invalid(said)
        })?;
        Ok(query)
    }
}

/// No query at all.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NoQuery {}

impl Asked for NoQuery {}

/// What a route takes as its body.
pub(crate) trait Sent: Sized + Send + 'static {
    fn read(head: &Parts, body: Body) -> impl Future<Output = Reply<Self>> + Send;

    /// The schema, and whether a body must be there; none when the route takes none.
    fn schema(generator: &mut schemars::SchemaGenerator) -> Option<(schemars::Schema, bool)>;
}

/// No body; what is sent all the same is not looked at, nor waited for.
#[derive(Debug)]
pub(crate) struct NoBody;

impl Sent for NoBody {
    async fn read(_: &Parts, _: Body) -> Reply<Self> {
        Ok(Self)
    }

    fn schema(_: &mut schemars::SchemaGenerator) -> Option<(schemars::Schema, bool)> {
        None
    }
}

/// A value as JSON.
#[derive(Debug)]
pub(crate) struct Sends<T>(pub(crate) T);

impl<T: DeserializeOwned + JsonSchema + Send + 'static> Sent for Sends<T> {
    async fn read(head: &Parts, body: Body) -> Reply<Self> {
        let bytes = bytes_of(head, body).await?;
        let value = json_of(head, &bytes)?;
        if !value.is_object() {
            return Err(Problem::invalid("the body is no JSON object"));
        }
        serde_json::from_value(value)
            .map(Self)
            .map_err(|error| Problem::invalid(error.to_string()))
    }

    fn schema(generator: &mut schemars::SchemaGenerator) -> Option<(schemars::Schema, bool)> {
        Some((generator.subschema_for::<T>(), true))
    }
}

/// An object as JSON, or nothing.
#[derive(Debug)]
pub(crate) struct MaySend<T> {
    pub(crate) object: serde_json::Map<String, Value>,
    of: std::marker::PhantomData<fn() -> T>,
}

impl<T: JsonSchema + 'static> Sent for MaySend<T> {
    async fn read(head: &Parts, body: Body) -> Reply<Self> {
        let bytes = bytes_of(head, body).await?;
        // a form is refused even when it is empty
        let object = if bytes.is_empty() && !head.headers.contains_key(header::CONTENT_TYPE) {
            serde_json::Map::new()
        } else {
            match json_of(head, &bytes)? {
                Value::Object(object) => object,
                _ => return Err(Problem::invalid("the body must be an object")),
            }
        };
        Ok(Self {
            object,
            of: std::marker::PhantomData,
        })
    }

    fn schema(generator: &mut schemars::SchemaGenerator) -> Option<(schemars::Schema, bool)> {
        Some((generator.subschema_for::<T>(), false))
    }
}

async fn bytes_of(head: &Parts, body: Body) -> Reply<Bytes> {
    let too_large = || {
        Problem::new(
            ErrorCode::TooLarge,
            format!("a body may have {BODY_BYTES_MAX} bytes"),
            "send less at once",
        )
    };
    let said = head.headers.get(header::CONTENT_LENGTH);
    let said = said.and_then(|said| said.to_str().ok()?.parse::<u64>().ok());
    if said.is_some_and(|said| said > BODY_BYTES_MAX as u64) {
        return Err(too_large());
    }
    match tokio::time::timeout(BODY_LIMIT, to_bytes(body, BODY_BYTES_MAX)).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(error)) => {
            let source = std::error::Error::source(&error);
            if source.is_some_and(<dyn std::error::Error>::is::<http_body_util::LengthLimitError>) {
                return Err(too_large());
            }
            Err(Problem::malformed("the body broke off"))
        }
        Err(_) => Err(Problem::new(
            ErrorCode::Timeout,
            format!(
                "the body did not arrive within {} seconds",
                BODY_LIMIT.as_secs()
            ),
            "send it at once",
        )),
    }
}

fn json_of(head: &Parts, bytes: &[u8]) -> Reply<Value> {
    let kind = head.headers.get(header::CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if !kind.eq_ignore_ascii_case("application/json") {
        return Err(Problem::wrong_media_type());
    }
    let value: Value = serde_json::from_slice(bytes)
        .map_err(|error| Problem::malformed(format!("the body is no JSON: {error}")))?;
    if holds_nul(&value) {
        return Err(Problem::invalid("a text holds a NUL character"));
    }
    Ok(value)
}

/// For a field that is an object: serde would take a list as its fields in their order as well, and an empty
/// list as an object that says nothing, which for a filter is everything.
pub(crate) fn only_an_object<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned,
{
    let object = serde_json::Map::deserialize(deserializer)?;
    serde_json::from_value(Value::Object(object)).map_err(serde::de::Error::custom)
}

/// No database keeps it, and nothing that is asked for has one.
fn holds_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(values) => values.iter().any(holds_nul),
        Value::Object(object) => object
            .iter()
            .any(|(name, value)| name.contains('\0') || holds_nul(value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

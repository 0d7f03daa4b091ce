//! The server itself: whether it lives, who is signed in, and its own document.

use std::sync::OnceLock;

use axum::Json;
use axum::body::Body;
use axum::extract::{Extension, Query, Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use schemars::{JsonSchema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use upkeep_contract::{ErrorCode, Timestamp};

use crate::answer::{Answer, Data, Raw};
use crate::app::App;
use crate::call::{Call, Caller, Credential};
use crate::guard::{self, SESSION_COOKIE};
use crate::problem::{Problem, Reply};
use crate::secrets::{Rights, SESSION_LIFE, SecretError, sign_in_link};
use crate::table::{Access, Table};

pub(super) fn routes(table: &mut Table) {
    table
        .add(
            &Method::GET,
            Access::Open,
            "/livez",
            "Whether the server answers",
            live,
        )
        .add(
            &Method::GET,
            Access::Open,
            "/readyz",
            "Whether it can do its work",
            ready,
        )
        .add(
            &Method::GET,
            Access::Open,
            "/api/session",
            "Who is signed in",
            session,
        )
        .add(
            &Method::POST,
            Access::Look,
            "/api/sign-in-links",
            "A link that signs a browser in, once, with the rights that were shown",
            link,
        )
        .add(
            &Method::POST,
            Access::Look,
            "/api/sign-out",
            "Sign this browser out",
            sign_out,
        )
        .get("/api/openapi.json", "This document", document);
}

/// How the server is.
#[derive(Debug, Serialize, JsonSchema)]
struct Status {
    /// `ok`, or `unavailable` while the database is away.
    status: &'static str,
}

/// Who is signed in.
#[derive(Debug, Serialize, JsonSchema)]
struct Session {
    /// Whether a right to ask was shown.
    signed_in: bool,
    /// Whether it is for looking only.
    read_only: bool,
    /// How tasks and the audit trail name who asks; empty when nobody is signed in.
    requester: String,
}

/// A link.
#[derive(Debug, Serialize, JsonSchema)]
struct Link {
    /// Where to go.
    url: String,
    /// When it is no longer good.
    expires_at: Timestamp,
}

async fn live(_: Call) -> Reply<Data<Status>> {
    Ok(Data(Status { status: "ok" }))
}

async fn ready(call: Call) -> Reply<Raw> {
    let well = match call.app.condition().await {
        Ok(condition) => condition.database_error.is_none(),
        Err(_) => false,
    };
    let (code, status) = if well {
        (StatusCode::OK, "ok")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "unavailable")
    };
    Ok(Raw((code, Json(Status { status })).into_response()))
}

async fn session(call: Call) -> Reply<Data<Session>> {
    let signed_in = call.caller.rights.is_some();
    let requester = if signed_in {
        // the name can be told once the database is there
        let console = call.console().await.ok();
        console.map(|console| console.requester().to_owned())
    } else {
        None
    };
    Ok(Data(Session {
        signed_in,
        read_only: call.caller.is_read_only(),
        requester: requester.unwrap_or_default(),
    }))
}

async fn link(call: Call) -> Reply<Data<Link>> {
    let rights = match &call.caller.rights {
        Some((rights, _)) => *rights,
        None => Rights::ReadOnly,
    };
    let host = call.header(header::HOST.as_str()).unwrap_or_default();
    let scheme = if call.app.encrypted { "https" } else { "http" };
    let address = format!("{scheme}://{host}");
    let (url, expires_at) = sign_in_link(&call.app.folders, &address, rights).map_err(secret)?;
    Ok(Data(Link { url, expires_at }))
}

fn secret(error: SecretError) -> Problem {
    match error {
        SecretError::TooManyLinks => Problem::too_many(error.to_string(), 60),
        error => Problem::new(ErrorCode::Io, error.to_string(), error.hint()),
    }
}

/// The browser is signed out.
struct SignedOut {
    encrypted: bool,
}

impl Answer for SignedOut {
    const STATUS: StatusCode = StatusCode::NO_CONTENT;

    fn into_answer(self) -> Response {
        let cookie = cookie("", 0, self.encrypted);
        (Self::STATUS, [(header::SET_COOKIE, cookie)]).into_response()
    }

    fn content(_: &mut SchemaGenerator) -> Option<Value> {
        None
    }
}

async fn sign_out(call: Call) -> Reply<SignedOut> {
    if let Some((_, Credential::Session(session))) = &call.caller.rights {
        call.app.sessions.end(session);
    }
    Ok(SignedOut {
        encrypted: call.app.encrypted,
    })
}

async fn document(_: Call) -> Reply<Raw> {
    static DOCUMENT: OnceLock<Value> = OnceLock::new();
    let document = DOCUMENT.get_or_init(crate::openapi::document);
    Ok(Raw(Json(document).into_response()))
}

fn cookie(value: &str, seconds: u64, encrypted: bool) -> String {
    let secure = if encrypted { "; Secure" } else { "" };
    format!(
        "{SESSION_COOKIE}={value}; HttpOnly; SameSite=Strict; Path=/; Max-Age={seconds}{secure}"
    )
}

#[derive(Debug, Deserialize)]
pub(crate) struct Code {
    #[serde(default)]
    code: String,
}

/// `/sign-in`: takes a link's code and gives a session. A browser goes there, so it answers with pages.
pub(crate) async fn sign_in(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    request: Request<Body>,
) -> Response {
    // what only looks ahead must not use the link up
    let ahead = request.method() == Method::HEAD
        || request.headers().contains_key("sec-purpose")
        || request.headers().contains_key("purpose");
    if ahead {
        return StatusCode::NO_CONTENT.into_response();
    }
    let code = Query::<Code>::try_from_uri(request.uri()).map(|Query(code)| code.code);
    let links = app.links.clone();
    let rights = match code {
        Ok(code) => tokio::task::spawn_blocking(move || links.redeem(&code)).await,
        Err(_) => Ok(None),
    };
    let Ok(Some(rights)) = rights else {
        let problem = Problem::unauthorized("this sign-in link was used before or has run out");
        let problem = guard::deny(&app, caller.peer, &request, problem);
        let mut response = Html(USED_UP).into_response();
        *response.status_mut() = problem.status();
        return response;
    };
    let session = match app.sessions.begin(rights) {
        Ok(session) => session,
        Err(error) => return secret(error).into_response(),
    };
    let cookie = cookie(session.reveal(), SESSION_LIFE.as_secs(), app.encrypted);
    let Ok(mut cookie) = HeaderValue::from_str(&cookie) else {
        return Problem::defect("the session has no text").into_response();
    };
    cookie.set_sensitive(true);
    let to = HeaderValue::from_static("/");
    (
        StatusCode::SEE_OTHER,
        [(header::LOCATION, to), (header::SET_COOKIE, cookie)],
    )
        .into_response()
}

/// What a person sees whose link gives no session.
const USED_UP: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Upkeep</title>\
    <h1>This sign-in link was used before or has run out</h1>\
    <p>Make a new one with <code>upkeepctl sign-in-link</code> on the machine that runs the server. \
    Each is good for ten minutes, once.</p></html>";

//! What stands before every request: where it says it goes, where it comes from, and who sent it.
//!
//! Rules: the Host is one of ours, so that no name somebody else controls leads here (DNS rebinding); a page
//! of another origin is refused; a browser's changes carry a header that no form can send. Every denial is
//! logged and audited, as often as `denials` allows.

pub(crate) mod denials;
pub(crate) mod hosts;

use std::net::IpAddr;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::app::App;
use crate::call::{Caller, Credential};
use crate::problem::{Problem, Reply};
use crate::secrets::Rights;
use crate::table::Access;

/// The cookie of a browser that is signed in.
pub(crate) const SESSION_COOKIE: &str = "upkeep_session";
/// The header that a browser's changes carry.
const REQUEST_HEADER: &str = "x-upkeep-request";

/// How long a request waits for its turn.
const TURN_LIMIT: Duration = Duration::from_secs(5);

/// Where the connection comes from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub(crate) IpAddr);

/// Headers of every answer.
const HEADERS: [(&str, &str); 7] = [
    (
        "content-security-policy",
        "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
         connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    ),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    (
        "permissions-policy",
        "camera=(), geolocation=(), microphone=()",
    ),
];

/// Lets a request through, or answers it.
pub(crate) async fn stand(State(app): State<App>, request: Request<Body>, next: Next) -> Response {
    let mut response = match admitted(&app, request) {
        Ok(request) => {
            // held until the answer begins; what streams has limits of its own
            let turn = tokio::time::timeout(TURN_LIMIT, app.requests.acquire()).await;
            match turn {
                Ok(Ok(_turn)) => next.run(request).await,
                _ => Problem::busy().into_response(),
            }
        }
        Err(problem) => problem.into_response(),
    };
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        );
    }
    if app.encrypted {
        headers.insert(
            header::STRICT_TRANSPORT_SECURITY,
            HeaderValue::from_static("max-age=31536000"),
        );
    }
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    response
}

fn admitted(app: &App, mut request: Request<Body>) -> Reply<Request<Body>> {
    let peer = request
        .extensions()
        .get::<Peer>()
        .map_or(IpAddr::from([0, 0, 0, 0]), |peer| peer.0);
    match check(app, &request) {
        Ok(rights) => {
            request.extensions_mut().insert(Caller { rights, peer });
            Ok(request)
        }
        Err(problem) => Err(deny(app, peer, &request, problem)),
    }
}

fn check(app: &App, request: &Request<Body>) -> Reply<Option<(Rights, Credential)>> {
    app.hosts.check(request.uri(), request.headers())?;
    let found = credential(app, request.headers())?;
    if let Some((_, Credential::Session(_))) = &found {
        check_browser(request)?;
    }
    Ok(found)
}

/// A session counts for Upkeep's own pages alone, and what changes something was sent by a script of theirs.
fn check_browser(request: &Request<Body>) -> Reply<()> {
    let headers = request.headers();
    let own = |site: &HeaderValue| site == "same-origin" || site == "none";
    if !headers.get("sec-fetch-site").is_none_or(own) {
        return Err(Problem::forbidden(
            "a page of another origin may not ask this server",
            "use Upkeep's own pages",
        ));
    }
    let by_script = headers
        .get(REQUEST_HEADER)
        .is_some_and(|value| value == "browser");
    if is_safe(request.method()) || by_script {
        return Ok(());
    }
    Err(Problem::forbidden(
        "a browser's request that changes something needs the header X-Upkeep-Request: browser",
        "use Upkeep's own pages",
    ))
}

fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// The right that a request shows. A token counts before a cookie; a wrong one is refused, wherever it goes.
fn credential(app: &App, headers: &HeaderMap) -> Reply<Option<(Rights, Credential)>> {
    if let Some(value) = headers.get(header::AUTHORIZATION) {
        let token = value.to_str().ok().and_then(bearer);
        let rights = token.and_then(|token| app.tokens.rights_of(token));
        return match rights {
            Some(rights) => Ok(Some((rights, Credential::Token))),
            None => Err(Problem::unauthorized(
                "the token is not one of this server's",
            )),
        };
    }
    let Some(session) = session_of(headers) else {
        return Ok(None);
    };
    // a session that has ended is as good as none: the page says "sign in"
    let rights = app.sessions.rights_of(session);
    Ok(rights.map(|rights| (rights, Credential::Session(session.to_owned()))))
}

fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then_some(token.trim())
}

/// The session that a browser's cookies name.
pub(crate) fn session_of(headers: &HeaderMap) -> Option<&str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, _)| *name == SESSION_COOKIE)
        .map(|(_, value)| value)
}

/// Whether the caller may use a route.
pub(crate) fn check_access(
    app: &App,
    caller: &Caller,
    access: Access,
    request: &Request<Body>,
) -> Reply<()> {
    let denied = match (access, &caller.rights) {
        (Access::Open, _) | (Access::Look, Some(_)) | (Access::Change, Some((Rights::Full, _))) => {
            return Ok(());
        }
        (_, None) => Problem::unauthorized("nobody has signed in here, and no token was sent"),
        (Access::Change, Some((Rights::ReadOnly, _))) => Problem::forbidden(
            "this is for looking only",
            "use the token in api-token, or a sign-in link made with it",
        ),
    };
    Err(deny(app, caller.peer, request, denied))
}

/// Counts a denial and tells of it; what is answered.
pub(crate) fn deny(app: &App, peer: IpAddr, request: &Request<Body>, problem: Problem) -> Problem {
    let problem = app.denials.count(peer, problem);
    let about = denials::About {
        peer,
        method: request.method().clone(),
        path: request.uri().path().to_owned(),
    };
    denials::tell(app, &about, &problem);
    problem
}

//! One request after another to a server, and what becomes of its answers.
//!
//! Rules: an answer is what was promised or an error with a cure; nothing is followed elsewhere; an
//! answer is read up to a limit.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, DATE, HeaderMap, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Method, RequestBuilder, Response, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use upkeep_contract::{Clock, SystemClock, Timestamp};

use super::address::{Address, authorization};
use super::query::Query;
use crate::connection::{Reach, Reply};
use crate::failure::{FAILED, Failure};

/// A server on the other side of the world answers sooner.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);
/// What a page of a large history takes, many times over.
const ANSWER_LIMIT: Duration = Duration::from_secs(120);
/// An answer larger than this is none of ours; a report as a file has no limit.
const ANSWER_BYTES_MAX: usize = 64 << 20;
/// So often is a request repeated that the server had no time for, and so long is waited at most.
const TRIES: u32 = 4;
const WAIT_MAX: Duration = Duration::from_secs(10);
/// Clocks that differ by less are taken for the same: the server tells whole seconds.
const SKEW_MIN_MS: i64 = 2000;

/// No connection, or one that broke.
const UNREACHABLE: &str = "server_unreachable";
/// An answer of something that stands before the server.
const UNAVAILABLE: &str = "server_unavailable";
/// An answer that is none of Upkeep's.
const BAD_ANSWER: &str = "bad_answer";

/// What becomes of a request that the server has no room for now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Busy {
    /// It is asked again a few times.
    AskAgain,
    /// The caller is told.
    Tell,
}

/// True when the server had no room for it.
pub(super) fn is_busy(failure: &Failure) -> bool {
    failure.code == "too_many_requests"
}

/// True when the same request may well succeed a little later.
pub(super) fn may_pass(failure: &Failure) -> bool {
    matches!(
        failure.code.as_str(),
        UNREACHABLE
            | UNAVAILABLE
            | "database_unavailable"
            | "database_replaced"
            | "too_many_requests"
            | "timeout"
    )
}

/// A server, and the right to ask it.
#[derive(Debug)]
pub(super) struct Client {
    http: reqwest::Client,
    address: Address,
    has_token: bool,
    /// How far the server's clock is ahead of this machine's.
    skew: AtomicI64,
}

/// An error as the server says it; its codes may be newer than this program.
#[derive(Deserialize)]
struct Said {
    code: String,
    message: String,
    #[serde(default)]
    hint: String,
}

impl From<Said> for Failure {
    fn from(said: Said) -> Self {
        Self::told(said.code, said.message, said.hint)
    }
}

impl Client {
    pub(super) fn new(server: &str, reach: &Reach) -> Result<Self, Failure> {
        let address = Address::read(server, reach.allow_plain_http)?;
        let token = authorization(&address, reach.token_file.as_deref())?;
        let has_token = token.is_some();
        let mut headers = HeaderMap::new();
        headers.extend(token.map(|token| (AUTHORIZATION, token)));
        // the provider that the databases' connections have, too; a second one stays as it is
        rustls::crypto::ring::default_provider()
            .install_default()
            .ok();
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("upkeepctl/", env!("CARGO_PKG_VERSION")))
            .default_headers(headers)
            .redirect(Policy::none())
            .connect_timeout(CONNECT_LIMIT);
        if address.is_encrypted() {
            if let Some(file) = &reach.tls_ca {
                builder = builder.tls_certs_only(authorities(file)?);
            }
        } else {
            // the system's certificates are not read for nothing, and no proxy hears the token
            builder = builder.tls_certs_only([]).no_proxy();
        }
        let http = builder.build().map_err(|error| {
            Failure::failed(
                format!("cannot prepare for https: {}", deepest(&error)),
                "the system's certificates are in the package ca-certificates; --tls-ca names others",
            )
        })?;
        Ok(Self {
            http,
            address,
            has_token,
            skew: AtomicI64::new(0),
        })
    }

    /// The server's time, as far as it has told.
    pub(super) fn now(&self) -> Timestamp {
        Timestamp(SystemClock.now().as_millis() + self.skew.load(Ordering::Relaxed))
    }

    /// Asks for something to look at.
    pub(super) async fn get<T: DeserializeOwned>(&self, path: &[&str], query: &Query) -> Reply<T> {
        let asked = self.ask(Method::GET, path, query, None);
        let body = self.limited(asked).await?;
        self.read(&body)
    }

    /// Asks for something to be done.
    pub(super) async fn post<T: DeserializeOwned>(
        &self,
        path: &[&str],
        body: Option<&Value>,
    ) -> Reply<T> {
        let body = self.done(path, body).await?;
        self.read(&body)
    }

    /// Asks for something to be done that has no answer but that it was done.
    pub(super) async fn command(&self, path: &[&str]) -> Reply<()> {
        self.done(path, None).await.map(drop)
    }

    /// Begins to read what comes in pieces; the caller limits each piece's time.
    pub(super) async fn stream(
        &self,
        path: &[&str],
        query: &Query,
        accept: &'static str,
        busy: Busy,
    ) -> Reply<Pieces> {
        let request = self
            .ask(Method::GET, path, query, None)
            .header(ACCEPT, accept);
        let answer = self.send(request, busy);
        let response = match tokio::time::timeout(ANSWER_LIMIT, answer).await {
            Ok(response) => response?,
            Err(_) => return Err(self.too_slow()),
        };
        Ok(Pieces {
            response,
            address: self.address.clone(),
        })
    }

    async fn done(&self, path: &[&str], body: Option<&Value>) -> Reply<Vec<u8>> {
        let asked = self.ask(Method::POST, path, &Query::default(), body);
        self.limited(asked).await.map_err(|mut failure| {
            if failure.code == UNREACHABLE && !failure.message.starts_with(CANNOT_REACH) {
                "whether the server did it is not known: look at it before you ask again \
                 (the same request that still waits or runs makes no second task)"
                    .clone_into(&mut failure.hint);
            }
            failure
        })
    }

    fn ask(
        &self,
        method: Method,
        path: &[&str],
        query: &Query,
        body: Option<&Value>,
    ) -> RequestBuilder {
        let mut parts = vec!["api"];
        parts.extend(path);
        let url = self.address.of(&parts, query.pairs());
        let request = self.http.request(method, url);
        match body {
            Some(body) => request
                .header(CONTENT_TYPE, "application/json")
                .body(body.to_string()),
            None => request,
        }
    }

    /// The whole answer, in a limited time and of a limited size.
    async fn limited(&self, request: RequestBuilder) -> Reply<Vec<u8>> {
        let answer = async {
            let response = self.send(request, Busy::AskAgain).await?;
            self.whole(response).await
        };
        match tokio::time::timeout(ANSWER_LIMIT, answer).await {
            Ok(answer) => answer,
            Err(_) => Err(self.too_slow()),
        }
    }

    /// The head of a good answer. What the server had no time for was not begun, so it can be asked again.
    async fn send(&self, request: RequestBuilder, busy: Busy) -> Reply<Response> {
        let mut tries = 1;
        loop {
            let Some(request) = request.try_clone() else {
                return Err(Failure::failed("a request cannot be repeated", ""));
            };
            let response = request
                .send()
                .await
                .map_err(|error| unreachable(&self.address, &error))?;
            self.note_time(&response);
            if response.status().is_success() {
                return Ok(response);
            }
            let wait = retry_after(&response);
            let failure = self.refusal(response).await;
            let again = is_busy(&failure) && busy == Busy::AskAgain;
            if !again || tries == TRIES || wait > WAIT_MAX {
                return Err(failure);
            }
            tracing::debug!(?wait, "the server is busy; asking again");
            tokio::time::sleep(wait).await;
            tries += 1;
        }
    }

    /// Why an answer is no good one.
    async fn refusal(&self, response: Response) -> Failure {
        let status = response.status();
        let body = match self.whole(response).await {
            Ok(body) => body,
            Err(failure) => return failure,
        };
        if let Ok(said) = serde_json::from_slice::<Said>(&body) {
            let mut failure = Failure::from(said);
            if status == StatusCode::UNAUTHORIZED && !self.has_token {
                "give the server's token: --token-file FILE, UPKEEP_TOKEN_FILE or UPKEEP_TOKEN; \
                 where the server runs it stands in the file api-token of the installation"
                    .clone_into(&mut failure.hint);
            }
            return failure;
        }
        let (code, why, hint) = match status.as_u16() {
            300..=399 => (
                BAD_ANSWER,
                "sends elsewhere, which is not followed",
                "give the address that it sends to, when you trust it",
            ),
            502..=504 => (
                UNAVAILABLE,
                "is not there, as what stands before it says",
                "look whether `upkeepctl serve` runs, and at the proxy before it",
            ),
            _ => (
                BAD_ANSWER,
                "does not answer as Upkeep does",
                "is it the address of an `upkeepctl serve`, of this version?",
            ),
        };
        Failure::new(
            FAILED,
            code,
            format!("{} {why} ({status})", self.address),
            hint,
        )
    }

    async fn whole(&self, mut response: Response) -> Reply<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            match response.chunk().await {
                Ok(Some(piece)) if body.len() + piece.len() <= ANSWER_BYTES_MAX => {
                    body.extend_from_slice(&piece);
                }
                Ok(Some(_)) => {
                    return Err(self.bad_answer("sent an answer that is too large to be one"));
                }
                Ok(None) => return Ok(body),
                Err(error) => return Err(broken(&self.address, &error)),
            }
        }
    }

    pub(super) fn read<T: DeserializeOwned>(&self, body: &[u8]) -> Reply<T> {
        serde_json::from_slice(body).map_err(|error| {
            tracing::debug!(%error, "the answer cannot be read");
            self.bad_answer("sent an answer that cannot be read")
        })
    }

    /// The error that a stream carried.
    pub(super) fn told(&self, body: &[u8]) -> Failure {
        match self.read::<Said>(body) {
            Ok(said) => said.into(),
            Err(failure) => failure,
        }
    }

    fn bad_answer(&self, what: &str) -> Failure {
        Failure::new(
            FAILED,
            BAD_ANSWER,
            format!("{} {what}", self.address),
            "is it the address of an `upkeepctl serve`, of this version?",
        )
    }

    fn too_slow(&self) -> Failure {
        let seconds = ANSWER_LIMIT.as_secs();
        Failure::new(
            FAILED,
            UNREACHABLE,
            format!("{} did not answer within {seconds} s", self.address),
            "look how the server is: its log, its load, its database",
        )
    }

    fn note_time(&self, response: &Response) {
        let told = response.headers().get(DATE);
        let told = told.and_then(|told| told.to_str().ok());
        let Some(told) = told.and_then(|told| jiff::fmt::rfc2822::parse(told).ok()) else {
            return;
        };
        // in the middle of the second that was told
        let ahead = told.timestamp().as_millisecond() + 500 - SystemClock.now().as_millis();
        let ahead = if ahead.abs() < SKEW_MIN_MS { 0 } else { ahead };
        self.skew.store(ahead, Ordering::Relaxed);
    }
}

/// An answer that comes in pieces.
#[derive(Debug)]
pub(super) struct Pieces {
    response: Response,
    address: Address,
}

impl Pieces {
    /// A number that the head of the answer tells.
    pub(super) fn number(&self, header: &str) -> Option<u64> {
        self.response
            .headers()
            .get(header)?
            .to_str()
            .ok()?
            .parse()
            .ok()
    }

    /// The next piece, which comes within this time; none at the end.
    pub(super) async fn next(&mut self, limit: Duration) -> Reply<Option<Vec<u8>>> {
        match tokio::time::timeout(limit, self.response.chunk()).await {
            Ok(Ok(piece)) => Ok(piece.map(|piece| piece.to_vec())),
            Ok(Err(error)) => Err(broken(&self.address, &error)),
            Err(_) => Err(Failure::new(
                FAILED,
                UNREACHABLE,
                format!("{} fell silent for {} s", self.address, limit.as_secs()),
                "look how the server is: its log, its load, its database",
            )),
        }
    }
}

/// How the message begins when nothing was sent.
const CANNOT_REACH: &str = "cannot reach";

fn unreachable(address: &Address, error: &reqwest::Error) -> Failure {
    if !error.is_connect() && !error.is_builder() {
        return broken(address, error);
    }
    let why = deepest(error);
    let hint = if why.contains("certificate") {
        "--tls-ca FILE names the authority that signed its certificate; the name in the address must be one of the certificate's"
    } else if why.contains("InvalidContentType") || why.contains("corrupt message") {
        "it may not speak https there: look at the address"
    } else {
        "look whether `upkeepctl serve` runs there, and at the address of --server or UPKEEP_SERVER"
    };
    Failure::new(
        FAILED,
        UNREACHABLE,
        format!("{CANNOT_REACH} the server at {address}: {why}"),
        hint,
    )
}

fn broken(address: &Address, error: &reqwest::Error) -> Failure {
    Failure::new(
        FAILED,
        UNREACHABLE,
        format!("the connection to {address} broke: {}", deepest(error)),
        "ask again; when it happens again, look at the server's log and at the address",
    )
}

/// The first cause alone: what wraps it says the address again.
fn deepest(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}

fn retry_after(response: &Response) -> Duration {
    let told = response.headers().get(RETRY_AFTER);
    let told = told.and_then(|told| told.to_str().ok()?.parse().ok());
    Duration::from_secs(told.unwrap_or(1))
}

fn authorities(file: &std::path::Path) -> Result<Vec<Certificate>, Failure> {
    let failed = |why: String| {
        Failure::failed(
            format!(
                "cannot read the certificate authorities in {}: {why}",
                file.display()
            ),
            "give a PEM file with the authority's certificate",
        )
    };
    let text = std::fs::read(file).map_err(|error| failed(error.to_string()))?;
    match Certificate::from_pem_bundle(&text) {
        Ok(found) if !found.is_empty() => Ok(found),
        Ok(_) => Err(failed("it holds none".to_owned())),
        Err(error) => Err(failed(deepest(&error))),
    }
}

/// A client that several streams share.
pub(super) type Shared = Arc<Client>;

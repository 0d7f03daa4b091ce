//! The server: where it listens, its connections and their limits, and its end.
//!
//! Rules: a connection that says nothing, or too slowly, is closed; one too many is told so and closed; what
//! is not loopback needs TLS, or somebody who says that a proxy does it.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Extension, Request};
use axum::http::Uri;
use axum::middleware::from_fn_with_state;
use axum::response::IntoResponse;
use axum::routing::get;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tokio_util::task::TaskTracker;
use upkeep_console::{Installation, Keeper};

use crate::app::{App, TOKEN_DOOR};
use crate::assets;
use crate::guard::hosts::Hosts;
use crate::guard::{self, Peer};
use crate::handlers;
use crate::pace::Paced;
use crate::problem::Problem;
use crate::secrets::{AddressFile, Rights, SecretError, Tokens, sign_in_link};
use crate::tls::{self, TlsError};

/// Connections at once; one more is told that there are too many.
const CONNECTIONS_MAX: usize = 512;
/// Connections that are being told so, at once; more are closed without a word.
const TURNED_AWAY_MAX: usize = 64;
/// How long that may take.
const TURN_AWAY_LIMIT: Duration = Duration::from_secs(2);
/// How long the head of a request may take, from the first moment of silence on.
const HEAD_LIMIT: Duration = Duration::from_secs(10);
/// How long TLS may take to begin.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(10);
/// The largest head of a request.
const HEAD_BYTES_MAX: usize = 64 << 10;
/// Headers of a request.
const HEADERS_MAX: usize = 100;
/// The pause after the system had no room for a connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// How long answers may take that were begun when the server stops.
const STOP_LIMIT: Duration = Duration::from_secs(5);

/// How a server is to be.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where it listens; port 0 takes any that is free.
    pub listen: SocketAddr,
    /// Certificate and key; none speaks plain HTTP.
    pub tls: Option<TlsFiles>,
    /// Says that a proxy before it speaks TLS.
    pub behind_proxy: bool,
    /// Names it may be asked by, besides those of this machine for itself.
    pub allowed_hosts: Vec<String>,
    /// Whether the worker inside starts, when the configuration asks for one.
    pub worker: bool,
}

/// PEM files.
#[derive(Clone, Debug)]
pub struct TlsFiles {
    /// The certificate, and those that vouch for it.
    pub certificates: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// Why there is no server.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// It would send tokens through a network in the clear.
    #[error("{0} is not this machine alone, and without TLS tokens would travel in the clear")]
    Plain(SocketAddr),
    /// A name that is none.
    #[error("`{0}` is no name of a host")]
    HostName(String),
    /// A secret cannot be read or kept.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// Certificate or key cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// It cannot listen there.
    #[error("cannot listen at {address}: {source}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// The folders of the installation cannot be made.
    #[error(transparent)]
    Folders(#[from] upkeep_config::ConfigError),
}

impl ServeError {
    /// What to do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::Plain(_) => {
                "give --tls-cert and --tls-key, or --behind-proxy when a proxy before it speaks TLS"
                    .to_owned()
            }
            Self::HostName(_) => "give a name such as upkeep.example, or name:port".to_owned(),
            Self::Secret(error) => error.hint(),
            Self::Tls(_) => {
                "give PEM files: the certificate with those that vouch for it, and its private key"
                    .to_owned()
            }
            Self::Listen { .. } => {
                "choose another port with --port, or stop what listens there".to_owned()
            }
            Self::Folders(error) => error.hint(),
        }
    }
}

/// A server that listens and does not answer yet.
#[derive(Debug)]
pub struct Server {
    app: App,
    listener: TcpListener,
    tls: Option<TlsAcceptorBox>,
    address: String,
    _told: AddressFile,
}

/// An acceptor has nothing to show.
struct TlsAcceptorBox(TlsAcceptor);

impl std::fmt::Debug for TlsAcceptorBox {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("TlsAcceptor")
    }
}

impl Server {
    /// Makes the tokens when they are missing, and listens.
    ///
    /// # Errors
    /// [`ServeError`] says why not; nothing is left listening.
    pub async fn listen(installation: Installation, options: &Options) -> Result<Self, ServeError> {
        if !options.listen.ip().is_loopback() && options.tls.is_none() && !options.behind_proxy {
            return Err(ServeError::Plain(options.listen));
        }
        let tls = options.tls.as_ref();
        let tls = tls.map(|files| tls::acceptor(&files.certificates, &files.key));
        let tls = tls.transpose()?;
        let folders = installation.folders.clone();
        folders.create()?;
        let tokens = Tokens::ready(&folders)?;
        let listen_failed = |source| ServeError::Listen {
            address: options.listen,
            source,
        };
        let listener = TcpListener::bind(options.listen)
            .await
            .map_err(listen_failed)?;
        let listens = listener.local_addr().map_err(listen_failed)?;
        let hosts = Hosts::new(listens, tls.is_some(), &options.allowed_hosts)
            .ok_or_else(|| ServeError::HostName(options.allowed_hosts.join(", ")))?;
        let scheme = if tls.is_some() { "https" } else { "http" };
        let address = match (options.allowed_hosts.first(), options.behind_proxy) {
            (Some(name), true) => format!("https://{name}"),
            (Some(name), false) if tls.is_some() && !name.contains(':') => {
                format!("{scheme}://{name}:{}", listens.port())
            }
            _ if listens.ip().is_unspecified() => {
                format!("{scheme}://localhost:{}", listens.port())
            }
            _ => format!("{scheme}://{listens}"),
        };
        let mut keeper = Keeper::of(installation, TOKEN_DOOR);
        if !options.worker {
            keeper = keeper.without_worker();
        }
        let told = AddressFile::write(&folders, &address)?;
        let encrypted = tls.is_some() || options.behind_proxy;
        Ok(Self {
            app: App::new(keeper, folders, hosts, encrypted, tokens),
            listener,
            tls: tls.map(TlsAcceptorBox),
            address,
            _told: told,
        })
    }

    /// Where it can be reached.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The port it listens at.
    pub fn port(&self) -> u16 {
        self.listener
            .local_addr()
            .map_or(0, |address| address.port())
    }

    /// A link that signs a browser in, once.
    ///
    /// # Errors
    /// [`SecretError`] when it cannot be kept in the data folder.
    pub fn sign_in_link(&self) -> Result<String, SecretError> {
        Ok(sign_in_link(&self.app.folders, &self.address, Rights::Full)?.0)
    }

    /// Answers until `stop` ends, then ends what it holds in good order: answers that were begun, streams, the
    /// worker inside, the database.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let Self {
            app, listener, tls, ..
        } = &self;
        // opened now, so that its worker serves the queue; when that fails, each request tries again
        if let Err(problem) = app.console().await {
            tracing::error!(hint = problem.reply.hint, "{}", problem.reply);
        }
        let service = router(app);
        let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        let turned_away = Arc::new(Semaphore::new(TURNED_AWAY_MAX));
        let connections = TaskTracker::new();
        let mut stop = pin!(stop);
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = &mut stop => break,
            };
            let (stream, peer) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(%error, "cannot take a connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            };
            let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
                if let Ok(telling) = Arc::clone(&turned_away).try_acquire_owned()
                    && tls.is_none()
                {
                    tokio::spawn(async move {
                        turn_away(stream).await;
                        drop(telling);
                    });
                }
                continue;
            };
            let connection = Connection {
                app: app.clone(),
                service: service
                    .clone()
                    .layer(Extension(Peer(peer.ip().to_canonical()))),
            };
            let tls = tls.as_ref().map(|tls| tls.0.clone());
            connections.spawn(async move {
                connection.serve(stream, tls).await;
                drop(place);
            });
        }
        app.stopping.cancel();
        connections.close();
        if tokio::time::timeout(STOP_LIMIT, connections.wait())
            .await
            .is_err()
        {
            tracing::warn!("some answers took too long and break off");
        }
        app.shutdown().await;
    }
}

/// Everything that is answered.
fn router(app: &App) -> Router {
    let (routes, _) = handlers::table().finish();
    routes
        .route("/sign-in", get(handlers::sign_in))
        .fallback(async |uri: Uri, request: Request| {
            if uri.path() == "/api" || uri.path().starts_with("/api/") {
                return Problem::not_found("there is nothing at this path").into_response();
            }
            assets::answer(request.method(), &uri)
        })
        .layer(from_fn_with_state(app.clone(), guard::stand))
        .with_state(app.clone())
}

struct Connection {
    app: App,
    service: Router,
}

impl Connection {
    async fn serve(self, stream: TcpStream, tls: Option<TlsAcceptor>) {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "a connection gathers what it sends");
        }
        match tls {
            None => self.speak(Paced::new(stream)).await,
            Some(tls) => {
                match tokio::time::timeout(HANDSHAKE_LIMIT, tls.accept(Paced::new(stream))).await {
                    Ok(Ok(stream)) => self.speak(stream).await,
                    Ok(Err(error)) => tracing::debug!(%error, "no TLS with a client"),
                    Err(_) => tracing::debug!("a client took too long to begin TLS"),
                }
            }
        }
    }

    async fn speak(self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new())
            .header_read_timeout(HEAD_LIMIT)
            .max_buf_size(HEAD_BYTES_MAX)
            .max_headers(HEADERS_MAX);
        let service = TowerToHyperService::new(self.service);
        let mut connection = pin!(http.serve_connection(TokioIo::new(stream), service));
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = self.app.stopping.cancelled() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%error, "a connection broke off");
        }
    }
}

/// Tells a client that there are too many.
async fn turn_away(mut stream: TcpStream) {
    const BODY: &str = "{\"code\":\"too_many_requests\",\"message\":\"the server has too many connections\",\"hint\":\"ask again a little later\"}";
    let answer = format!(
        "HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\ncontent-length: {}\r\nretry-after: 1\r\nconnection: close\r\n\r\n{BODY}",
        BODY.len()
    );
    let telling = async {
        stream.write_all(answer.as_bytes()).await?;
        stream.shutdown().await?;
        // what was sent is read, or the answer might be lost with the connection
        let mut rest = [0; 1024];
        while tokio::io::AsyncReadExt::read(&mut stream, &mut rest).await? > 0 {}
        std::io::Result::Ok(())
    };
    match tokio::time::timeout(TURN_AWAY_LIMIT, telling).await {
        Ok(Ok(())) | Err(_) => {}
        Ok(Err(error)) => tracing::debug!(%error, "a client did not hear that there are too many"),
    }
}

//! The HTTP front door, and links that let a browser in.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use sd_notify::NotifyState;
use serde_json::json;
use upkeep_api::{Options, Rights, SecretError, ServeError, Server, TlsFiles, read_address};
use upkeep_console::{Installation, ON_DEMAND_NOTICE};
use upkeep_contract::ErrorReply;

use crate::cli::{ServeArguments, SignInLinkArguments};
use crate::failure::{FAILED, Failure, USAGE};
use crate::output::Output;
use crate::signals::Signals;

/// `upkeepctl serve`.
pub(super) async fn serve(arguments: ServeArguments, output: &mut Output) -> Result<u8, Failure> {
    // from here on a signal ends the server in good order
    let mut signals = Signals::listen()?;
    let installation = Installation::from_environment().map_err(ErrorReply::from)?;
    let tls = arguments
        .tls_cert
        .zip(arguments.tls_key)
        .map(|(certificates, key)| TlsFiles { certificates, key });
    let address = arguments.listen.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST));
    let options = Options {
        listen: SocketAddr::new(address, arguments.port),
        tls,
        behind_proxy: arguments.behind_proxy,
        allowed_hosts: arguments.allowed_host,
        worker: !arguments.no_worker,
    };
    let server = Server::listen(installation, &options)
        .await
        .map_err(|error| refused(&error))?;
    tracing::info!("{ON_DEMAND_NOTICE}");
    let link = server.sign_in_link().map_err(|error| no_link(&error))?;
    if output.json() {
        output.value(&json!({ "address": server.address(), "sign_in_link": link }));
    } else {
        output.line(format!("serving at {}", server.address()));
        output.line(format!("sign in within ten minutes, once: {link}"));
    }
    tell_service_manager(NotifyState::Ready);
    let stop = async {
        signals.told_to_stop().await;
        tell_service_manager(NotifyState::Stopping);
    };
    server.run(stop).await;
    Ok(0)
}

/// Tells the service manager, if there is one. Nobody waits for it: its socket may be full.
fn tell_service_manager(state: NotifyState<'static>) {
    tokio::task::spawn_blocking(move || {
        if let Err(error) = sd_notify::notify(&[state]) {
            tracing::warn!(%error, "cannot tell the service manager");
        }
    });
}

/// `upkeepctl sign-in-link`.
pub(super) fn sign_in_link(
    arguments: &SignInLinkArguments,
    output: &mut Output,
) -> Result<u8, Failure> {
    let Installation { folders, .. } =
        Installation::from_environment().map_err(ErrorReply::from)?;
    let address = arguments.address.clone().or_else(|| read_address(&folders));
    let address = address.ok_or_else(|| {
        Failure::failed(
            "no server of this installation runs",
            "start one with `upkeepctl serve`, or name where it is reached with --address",
        )
    })?;
    let rights = if arguments.read_only {
        Rights::ReadOnly
    } else {
        Rights::Full
    };
    let (link, expires_at) =
        upkeep_api::sign_in_link(&folders, &address, rights).map_err(|error| no_link(&error))?;
    if output.json() {
        output.value(&json!({ "url": link, "expires_at": expires_at }));
    } else {
        output.line(link);
    }
    Ok(0)
}

fn refused(error: &ServeError) -> Failure {
    let exit = match error {
        ServeError::Plain(_) | ServeError::HostName(_) => USAGE,
        _ => FAILED,
    };
    Failure::new(exit, "not_served", error.to_string(), error.hint())
}

fn no_link(error: &SecretError) -> Failure {
    Failure::failed(error.to_string(), error.hint())
}

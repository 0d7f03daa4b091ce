//! Under which names this server may be asked.

use axum::http::{HeaderMap, Uri, header};

use crate::problem::{Problem, Reply};

/// The names.
#[derive(Clone, Debug)]
pub(crate) struct Hosts {
    names: Vec<Name>,
    /// The port that is meant where none is written.
    default_port: u16,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Name {
    host: String,
    /// None: at any port, as a proxy may show it.
    port: Option<u16>,
}

impl Hosts {
    /// The names of this machine for itself, the address that is listened at, and those that were allowed.
    pub(crate) fn new(listen: std::net::SocketAddr, tls: bool, allowed: &[String]) -> Option<Self> {
        let own = [
            "localhost".to_owned(),
            "127.0.0.1".to_owned(),
            "[::1]".to_owned(),
        ];
        let address = match listen.ip() {
            std::net::IpAddr::V4(address) => address.to_string(),
            std::net::IpAddr::V6(address) => format!("[{address}]"),
        };
        let mut names: Vec<Name> = own
            .into_iter()
            .chain((!listen.ip().is_unspecified()).then_some(address))
            .map(|host| Name {
                host,
                port: Some(listen.port()),
            })
            .collect();
        for name in allowed {
            names.push(name_of(name)?);
        }
        Some(Self {
            names,
            default_port: if tls { 443 } else { 80 },
        })
    }

    /// The Host must be one of these, and so must the Origin when a browser sends one.
    pub(crate) fn check(&self, uri: &Uri, headers: &HeaderMap) -> Reply<()> {
        let mut hosts = headers.get_all(header::HOST).iter();
        let host = match (hosts.next(), hosts.next()) {
            (Some(host), None) => host.to_str().ok().and_then(name_of),
            _ => None,
        };
        let target = uri.authority().map(|authority| name_of(authority.as_str()));
        let known = host.filter(|host| {
            self.knows(host) && target.is_none_or(|target| target.as_ref() == Some(host))
        });
        let Some(host) = known else {
            return Err(Problem::forbidden(
                "this server is not known by that name",
                "start it with `--allowed-host NAME` when that name is its own",
            ));
        };
        for origin in headers.get_all(header::ORIGIN) {
            let origin = origin.to_str().ok().and_then(|origin| {
                let (scheme, rest) = origin.split_once("://")?;
                let default = match scheme {
                    "http" => 80,
                    "https" => 443,
                    _ => return None,
                };
                Some((name_of(rest)?, default))
            });
            let own = origin.is_some_and(|(origin, default)| {
                let port = |name: &Name| name.port.unwrap_or(default);
                origin.host == host.host && port(&origin) == port(&host)
            });
            if !own {
                return Err(Problem::forbidden(
                    "a page of another origin may not ask this server",
                    "use Upkeep's own pages",
                ));
            }
        }
        Ok(())
    }

    fn knows(&self, given: &Name) -> bool {
        let port = given.port.unwrap_or(self.default_port);
        self.names
            .iter()
            .any(|name| name.host == given.host && name.port.is_none_or(|known| known == port))
    }
}

/// `host`, `host:port`, `[::1]:port`; letters of names have no case.
fn name_of(text: &str) -> Option<Name> {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port.parse().ok()?)),
        _ => (text, None),
    };
    let plain = |sign: char| sign.is_ascii_alphanumeric() || "-._[]:".contains(sign);
    let bare_colon = host.contains(':') && !host.starts_with('[');
    if host.is_empty() || bare_colon || !host.chars().all(plain) {
        return None;
    }
    Some(Name {
        host: host.to_ascii_lowercase(),
        port,
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn passes(host: &str, origin: Option<&str>) -> bool {
        let listen = "127.0.0.1:8765".parse().unwrap();
        let hosts = Hosts::new(listen, false, &["upkeep.example".to_owned()]).unwrap();
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, HeaderValue::from_str(host).unwrap());
        if let Some(origin) = origin {
            headers.insert(header::ORIGIN, HeaderValue::from_str(origin).unwrap());
        }
        hosts
            .check(&Uri::from_static("/api/tasks"), &headers)
            .is_ok()
    }

    #[test]
    fn a_host_is_one_of_ours_and_an_origin_is_its_own() {
        let check = |host: &str, origin: Option<&str>, expect: bool| {
            assert_eq!(passes(host, origin), expect, "{host} {origin:?}");
        };
        check("127.0.0.1:8765", None, true);
        check("LocalHost:8765", None, true);
        check("[::1]:8765", None, true);
        check("upkeep.example", None, true);
        check("upkeep.example:8443", None, true);
        for odd in [
            "127.0.0.1",
            "127.0.0.1:80",
            "evil.example:8765",
            "127.0.0.1.evil.example:8765",
            "localhost:8765@evil.example",
            "localhost:",
            "",
        ] {
            check(odd, None, false);
        }
        check("localhost:8765", Some("http://localhost:8765"), true);
        check("upkeep.example", Some("https://upkeep.example"), true);
        check(
            "upkeep.example:8443",
            Some("https://upkeep.example:8443"),
            true,
        );
        for odd in [
            "null",
            "http://evil.example",
            "http://localhost",
            "http://localhost:9999",
            "http://127.0.0.1:8765",
            "file://",
            "chrome-extension://abc",
        ] {
            check("localhost:8765", Some(odd), false);
        }
    }
}

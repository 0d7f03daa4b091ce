//! A server that speaks TLS itself. Certificate and key are for this test alone; they protect nothing.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio_rustls::TlsConnector;
use upkeep_api::{ServeError, Server, TlsFiles};
use upkeep_config::Folders;
use upkeep_console::Installation;

use crate::support::{Answer, options};

fn file(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/http/tls");
    folder.join(name)
}

async fn asked(address: SocketAddr, request: &str) -> Answer {
    let mut roots = RootCertStore::empty();
    let certificate = CertificateDer::from_pem_file(file("cert.pem")).unwrap();
    roots.add(certificate).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(address).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let connector = TlsConnector::from(Arc::new(config));
    let mut stream = connector.connect(name, stream).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.ok();
    Answer::parse(&bytes)
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_certificate_it_speaks_tls_and_nothing_else() {
    let folder = upkeep_testkit::folder_in_memory();
    let folders = Folders::at(&folder.path().join("home"));
    let installation = Installation {
        database_url: folders.database_url(None),
        folders,
    };
    let mut options = options();
    options.tls = Some(TlsFiles {
        certificates: file("cert.pem"),
        key: file("none.pem"),
    });
    let refused = Server::listen(installation.clone(), &options).await;
    assert!(matches!(refused, Err(ServeError::Tls(_))), "{refused:?}");
    options.tls = Some(TlsFiles {
        certificates: file("cert.pem"),
        key: file("key.pem"),
    });
    let server = Server::listen(installation, &options).await.unwrap();
    assert!(server.address().starts_with("https://127.0.0.1:"));
    let link = server.sign_in_link().unwrap();
    let address = SocketAddr::from(([127, 0, 0, 1], server.port()));
    let (stop, told) = oneshot::channel::<()>();
    let running = tokio::spawn(server.run(async {
        told.await.ok();
    }));
    let get = |path: &str| {
        format!(
            "GET {path} HTTP/1.1\r\nhost: localhost:{}\r\nconnection: close\r\n\r\n",
            address.port()
        )
    };
    let live = asked(address, &get("/livez")).await;
    live.expect(200);
    assert!(live.header("strict-transport-security").is_some());
    let (_, code) = link.split_once("/sign-in").unwrap();
    let signed_in = asked(address, &get(&format!("/sign-in{code}"))).await;
    let cookie = signed_in.header("set-cookie").unwrap();
    assert!(cookie.ends_with("; Secure"), "{cookie}");
    let mut plain = TcpStream::connect(address).await.unwrap();
    plain.write_all(get("/livez").as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    plain.read_to_end(&mut bytes).await.ok();
    assert!(!bytes.starts_with(b"HTTP/"));
    stop.send(()).unwrap();
    running.await.unwrap();
}

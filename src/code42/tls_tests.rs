//! Whom the client trusts.

use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use super::recorded::{basic, options, ping};
use super::{Client, Error, ErrorKind, UnreachableReason};

const PONG: &[u8] =
    b"HTTP/1.1 200 OK\r\nContent-Length: 25\r\nConnection: close\r\n\r\n{\"data\":{\"success\":true}}";

/// An authority with a certificate of its own for a name; answers every request with a pong.
async fn tls_authority(name: &str) -> (u16, String, JoinHandle<()>) {
    let certified = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
    let pem = certified.cert.pem();
    let key = rustls::pki_types::PrivateKeyDer::try_from(certified.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certified.cert.der().clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let task = tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let mut request = [0; 4096];
            let _ = stream.read(&mut request).await;
            let _ = stream.write_all(PONG).await;
            let _ = stream.shutdown().await;
        }
    });
    (port, pem, task)
}

async fn greet(url: &str, ca: Option<&str>) -> Result<(), Error> {
    let mut options = options(url, basic());
    options.ca_pem = ca.map(|pem| pem.as_bytes().to_vec());
    ping(&Client::new(&options)?).await
}

#[tokio::test]
async fn only_a_trusted_certificate_for_the_right_name_is_spoken_to() {
    let (port, pem, task) = tls_authority("localhost").await;
    let (_, other, other_task) = tls_authority("localhost").await;
    greet(&format!("https://localhost:{port}"), Some(&pem)).await.unwrap();
    for (name, host, ca) in [("unknown issuer", "localhost", &other), ("another name", "127.0.0.1", &pem)] {
        let error = greet(&format!("https://{host}:{port}"), Some(ca)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unreachable(UnreachableReason::Tls), "{name}: {error}");
        assert!(!error.may_pass());
    }
    task.abort();
    other_task.abort();
}

#[tokio::test]
async fn plain_http_where_tls_is_asked_for_is_a_tls_failure() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let task = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest).await;
    });
    let (_, pem, other_task) = tls_authority("localhost").await;
    let error = greet(&format!("https://localhost:{port}"), Some(&pem)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unreachable(UnreachableReason::Tls), "{error}");
    task.abort();
    other_task.abort();
}

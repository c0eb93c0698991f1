//! TLS and mutual TLS.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::stream;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, SanType};
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tonic::transport::server::Connected;

use super::super::testing::{FakeStore, RunningStore};
use super::super::{ConfigError, Endpoints, EndpointsConfig, SdConfig, TlsConfig};
use super::stores::*;

/// A connection with TLS.
struct Secure(TlsStream<TcpStream>);

impl Connected for Secure {
    type ConnectInfo = ();

    fn connect_info(&self) {}
}

impl AsyncRead for Secure {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for Secure {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

/// An authority, and files of what it has signed.
struct Files {
    dir: TempDir,
    issuer: Issuer<'static, KeyPair>,
}

impl Files {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let cert = params.self_signed(&key).unwrap().pem();
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("ca.pem"), cert).unwrap();
        let issuer = Issuer::new(params, key);
        Files { dir, issuer }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Signs a certificate for a name.
    fn sign(&self, file: &str, name: &str) {
        let mut params = CertificateParams::default();
        params.subject_alt_names = vec![SanType::DnsName(name.try_into().unwrap())];
        let key = KeyPair::generate().unwrap();
        let cert = params.signed_by(&key, &self.issuer).unwrap();
        fs::write(self.path(&format!("{file}.pem")), cert.pem()).unwrap();
        fs::write(self.path(&format!("{file}.key")), key.serialize_pem()).unwrap();
    }
}

fn certificate(path: &Path) -> CertificateDer<'static> {
    CertificateDer::from_pem_file(path).unwrap()
}

/// A store whose server has a certificate for `store.test` and asks for one of clients.
async fn start(files: &Files) -> RunningStore {
    files.sign("server", "store.test");
    let provider = Arc::new(ring::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(certificate(&files.path("ca.pem"))).unwrap();
    let clients =
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
    let key = PrivateKeyDer::from_pem_file(files.path("server.key")).unwrap();
    let builder =
        ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let mut config = builder
        .unwrap()
        .with_client_cert_verifier(clients.build().unwrap())
        .with_single_cert(vec![certificate(&files.path("server.pem"))], key)
        .unwrap();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let incoming = stream::unfold((listener, acceptor), |(listener, acceptor)| async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            // A handshake that fails is the client's matter.
            if let Ok(stream) = acceptor.accept(stream).await {
                return Some((Ok(Secure(stream)), (listener, acceptor)));
            }
        }
    });
    FakeStore::over(two_series()).serve(address, incoming)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_sides_show_certificates() {
    let files = Files::new();
    let running = start(&files).await;
    files.sign("client", "client.test");
    let trusted = TlsConfig {
        ca_file: Some(files.path("ca.pem")),
        cert_file: Some(files.path("client.pem")),
        key_file: Some(files.path("client.key")),
        server_name: Some("store.test".to_string()),
        ..TlsConfig::default()
    };
    let health = |tls: TlsConfig| {
        let config = EndpointsConfig {
            tls: Some(tls),
            ..EndpointsConfig::new([running.spec()])
        };
        async move {
            let storage = with_config(config, strict()).await;
            let status = storage.endpoints().status().remove(0);
            if status.is_healthy() {
                let answer = select(&storage, &[equal("job", "a")]).await.unwrap();
                assert_eq!(answer.series.len(), 1);
            }
            status.last_error
        }
    };
    assert_eq!(health(trusted.clone()).await, None);
    // Nobody checks the name that is not the address's.
    let unchecked = TlsConfig {
        skip_verify: true,
        ca_file: None,
        server_name: None,
        ..trusted.clone()
    };
    assert_eq!(health(unchecked).await, None);
    let other_name = TlsConfig {
        server_name: Some("other.test".to_string()),
        ..trusted.clone()
    };
    let error = health(other_name).await.unwrap();
    assert!(error.contains("invalid peer certificate"), "{error}");
    let nameless = TlsConfig {
        cert_file: None,
        key_file: None,
        ..trusted
    };
    assert!(health(nameless).await.is_some());
    // Without TLS, too, it is no store.
    let plain = with_config(EndpointsConfig::new([running.spec()]), strict()).await;
    assert!(!plain.endpoints().status()[0].is_healthy());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn settings_that_do_not_fit_are_refused() {
    let files = Files::new();
    files.sign("client", "client.test");
    let error = |tls: TlsConfig| -> ConfigError {
        let config = EndpointsConfig {
            tls: Some(tls),
            ..EndpointsConfig::default()
        };
        Endpoints::start(config).unwrap_err()
    };
    let trusted = || TlsConfig {
        ca_file: Some(files.path("ca.pem")),
        ..TlsConfig::default()
    };
    let half = TlsConfig {
        cert_file: Some(files.path("client.pem")),
        ..trusted()
    };
    assert!(error(half).to_string().contains("needs its key"));
    let missing = TlsConfig {
        ca_file: Some(files.path("none.pem")),
        ..trusted()
    };
    assert!(
        error(missing)
            .to_string()
            .starts_with(&*files.path("none.pem").to_string_lossy())
    );
    let no_certificate = TlsConfig {
        ca_file: Some(files.path("client.key")),
        ..trusted()
    };
    assert!(
        error(no_certificate)
            .to_string()
            .ends_with("has no certificate")
    );
    let bad_name = TlsConfig {
        server_name: Some("not a name".to_string()),
        ..trusted()
    };
    assert!(error(bad_name).to_string().contains("is not a server name"));
}

/// The endpoints that are healthy, by address, once they are `wanted`.
async fn healthy(endpoints: &Endpoints, wanted: &[String]) -> Vec<String> {
    let mut found = Vec::new();
    for _ in 0..300 {
        let status = endpoints.status().into_iter();
        found = (status.filter(|status| status.is_healthy()))
            .map(|status| status.name)
            .collect();
        if found == wanted {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn endpoints_of_a_file_have_tls_of_their_own_and_come_and_go() {
    let files = Files::new();
    files.sign("client", "client.test");
    let secure = start(&files).await;
    let plain = FakeStore::over(two_series()).start().await;
    let address = |store: &RunningStore| store.spec().address().to_string();
    let dir = files.dir.path().display();
    let text = |server_name: &str| {
        format!(
            "endpoints:
- address: {}
  client_config:
    server_name: {server_name}
    tls_config: {{ca_file: {dir}/ca.pem, cert_file: {dir}/client.pem, key_file: {dir}/client.key}}
- address: {}
",
            address(&secure),
            address(&plain),
        )
    };
    let file = files.path("endpoints.yml");
    fs::write(&file, text("store.test")).unwrap();
    let config = EndpointsConfig {
        sd_config: Some(SdConfig::File(file.clone())),
        sd_config_interval: Duration::from_millis(20),
        info_interval: Duration::from_millis(20),
        ..EndpointsConfig::default()
    };
    let endpoints = Endpoints::start(config.clone()).unwrap();
    let mut both = vec![address(&secure), address(&plain)];
    both.sort();
    assert_eq!(healthy(&endpoints, &both).await, both);
    // Another name: the endpoint is reached anew, in vain.
    fs::write(&file, text("other.test")).unwrap();
    let one = vec![address(&plain)];
    assert_eq!(healthy(&endpoints, &one).await, one);
    // What is wrong changes nothing.
    fs::write(&file, "endpoints: [{adress: x}]").unwrap();
    tokio::time::sleep(Duration::from_millis(60)).await;
    assert_eq!(healthy(&endpoints, &one).await, one);
    fs::write(&file, text("store.test")).unwrap();
    assert_eq!(healthy(&endpoints, &both).await, both);
    fs::write(&file, "").unwrap();
    assert_eq!(healthy(&endpoints, &[]).await, Vec::<String>::new());
    // At the start it is an error.
    for (text, why) in [
        ("endpoint: []", "endpoint"),
        (
            "endpoints: [{address: 'a:1', client_config: {tls_config: {ca_file: /none}}}]",
            "/none",
        ),
    ] {
        fs::write(&file, text).unwrap();
        let error = Endpoints::start(config.clone()).unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    }
}

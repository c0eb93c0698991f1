//! Handshakes with real certificates.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use rcgen::{DnType, SanType};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::super::WebConfig;
use super::{Config, ask, ask_over, basic, users};
use crate::certificates_for_tests::{Authority, Identity, dns};

const FILES: &str = "tls_server_config:\n  cert_file: cert.pem\n  key_file: key.pem\n";

/// A configuration with the certificate of a server and more settings of TLS.
fn config(server: &Identity, more: &str) -> Config {
    let config = Config::new(&format!("{FILES}{more}"));
    config.write("cert.pem", &server.cert);
    config.write("key.pem", &server.key);
    config
}

static BOTH: [&SupportedProtocolVersion; 2] = [&TLS13, &TLS12];

/// A client that trusts an authority.
#[derive(Clone, Copy)]
struct Client<'a> {
    trusted: &'a Authority,
    identity: Option<&'a Identity>,
    versions: &'a [&'static SupportedProtocolVersion],
}

impl<'a> Client<'a> {
    fn of(trusted: &'a Authority) -> Self {
        Client {
            trusted,
            identity: None,
            versions: &BOTH,
        }
    }

    async fn connect(self, address: SocketAddr) -> io::Result<TlsStream<TcpStream>> {
        let mut roots = RootCertStore::empty();
        let root = CertificateDer::from_pem_slice(self.trusted.cert.as_bytes());
        roots.add(root.unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(self.versions)
            .unwrap()
            .with_root_certificates(roots);
        let config = match self.identity {
            None => builder.with_no_client_auth(),
            Some(Identity { cert, key }) => {
                let cert = CertificateDer::from_pem_slice(cert.as_bytes()).unwrap();
                let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
                builder.with_client_auth_cert(vec![cert], key).unwrap()
            }
        };
        let stream = TcpStream::connect(address).await?;
        let name = ServerName::try_from("localhost").unwrap();
        let connector = TlsConnector::from(Arc::new(config));
        connector.connect(name, stream).await
    }

    /// Whether a request is answered. In TLS 1.3 the client learns only from
    /// the answer that its certificate was refused.
    async fn is_served(self, address: SocketAddr) -> bool {
        let asked = async { ask_over(self.connect(address).await?, "").await };
        asked.await.is_ok_and(|answer| answer.ends_with("hello"))
    }
}

#[tokio::test]
async fn requests_are_served_over_tls() {
    let authority = Authority::new();
    let config = config(&authority.of_server(), &users("a", "b"));
    let address = config.serve().await;
    let stream = Client::of(&authority).connect(address).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), None);
    let answer = ask_over(stream, &basic("a", "b")).await.unwrap();
    assert!(answer.ends_with("hello"), "{answer}");
    let stream = Client::of(&authority).connect(address).await.unwrap();
    let answer = ask_over(stream, "").await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
    assert!(!Client::of(&Authority::new()).is_served(address).await);
    let plain = ask(address, "").await;
    assert!(plain.starts_with("HTTP/1.0 400 "), "{plain}");
    assert!(plain.contains("HTTPS server"), "{plain}");
}

#[tokio::test]
async fn requests_know_the_certificate_of_their_client() {
    let (authority, clients) = (Authority::new(), Authority::new());
    let more = "  client_auth_type: VerifyClientCertIfGiven\n  client_ca_file: ca.pem\n";
    let config = config(&authority.of_server(), more);
    config.write("ca.pem", &clients.cert);
    let address = config.serve().await;
    let identity = clients.sign_subject(&[(DnType::OrganizationName, "team")]);
    for (identity, want) in [(Some(&identity), "\nteam, hello"), (None, "\nhello")] {
        let client = Client {
            identity,
            ..Client::of(&authority)
        };
        let stream = client.connect(address).await.unwrap();
        let answer = ask_over(stream, "").await.unwrap();
        assert!(answer.ends_with(want), "{answer}");
    }
}

#[tokio::test]
async fn a_handshake_waits_for_no_other() {
    let authority = Authority::new();
    let config = config(&authority.of_server(), "");
    let address = config.serve().await;
    let mut silent = Vec::new();
    for _ in 0..5 {
        silent.push(TcpStream::connect(address).await.unwrap());
    }
    assert!(Client::of(&authority).is_served(address).await);
}

#[tokio::test]
async fn certificates_are_replaced_while_the_server_runs() {
    let (old, new) = (Authority::new(), Authority::new());
    let config = config(&old.of_server(), "");
    let address = config.serve().await;
    assert!(Client::of(&old).is_served(address).await);
    let server = new.of_server();
    config.write("cert.pem", &server.cert);
    assert!(
        !Client::of(&new).is_served(address).await,
        "without its key"
    );
    config.write("key.pem", &server.key);
    assert!(Client::of(&new).is_served(address).await);
    assert!(!Client::of(&old).is_served(address).await);
    config.write("web.yml", "basic_auth_users:\n");
    assert!(
        !Client::of(&new).is_served(address).await,
        "TLS was turned off"
    );
}

#[tokio::test]
async fn certificates_may_stand_in_the_file() {
    let authority = Authority::new();
    let server = authority.of_server();
    let indented = |text: &str| text.replace('\n', "\n    ");
    let text = format!(
        "tls_server_config:\n  cert: |\n    {}\n  key: |\n    {}\n",
        indented(&server.cert),
        indented(&server.key)
    );
    let config = Config::new(&text);
    let address = config.serve().await;
    let client = Client::of(&authority);
    assert!(client.connect(address).await.is_ok());
}

#[tokio::test]
async fn clients_are_checked_as_their_type_says() {
    let (server, ours, theirs) = (Authority::new(), Authority::new(), Authority::new());
    let names = || vec![dns("client")];
    let (signed, foreign) = (ours.sign(names()), theirs.sign(names()));
    // Served without a certificate, with ours, and with one of others.
    for (kind, want) in [
        ("NoClientCert", [true, true, true]),
        ("RequestClientCert", [true, true, true]),
        ("RequireAnyClientCert", [false, true, true]),
        ("RequireClientCert", [false, true, true]),
        ("VerifyClientCertIfGiven", [true, true, false]),
        ("RequireAndVerifyClientCert", [false, true, false]),
    ] {
        let mut more = format!("  client_auth_type: {kind}\n");
        if kind.contains("Verify") {
            more.push_str("  client_ca_file: ca.pem\n");
        }
        let config = config(&server.of_server(), "");
        config.write("ca.pem", &ours.cert);
        config.write("web.yml", &format!("{FILES}{more}"));
        let address = config.serve().await;
        for versions in [&[&TLS13], &[&TLS12]] {
            for (identity, want) in [None, Some(&signed), Some(&foreign)].into_iter().zip(want) {
                let client = Client {
                    identity,
                    versions,
                    ..Client::of(&server)
                };
                assert_eq!(client.is_served(address).await, want, "{kind} {versions:?}");
            }
        }
    }
}

#[tokio::test]
async fn clients_need_an_allowed_name() {
    let (server, ours) = (Authority::new(), Authority::new());
    let text = |text: &str| text.try_into().unwrap();
    let more = "  client_auth_type: VerifyClientCertIfGiven\n  client_ca_file: ca.pem\n  \
                client_allowed_sans: [a.org, me@a.org, 'spiffe://a/b', 10.0.0.1, '::1']\n";
    let config = config(&server.of_server(), "");
    config.write("ca.pem", &ours.cert);
    config.write("web.yml", &format!("{FILES}{more}"));
    let address = config.serve().await;
    for (names, want) in [
        (vec![dns("a.org")], true),
        (vec![dns("b.org"), dns("a.org")], true),
        (vec![SanType::Rfc822Name(text("me@a.org"))], true),
        (vec![SanType::URI(text("spiffe://a/b"))], true),
        (vec![SanType::IpAddress([10, 0, 0, 1].into())], true),
        (vec![SanType::IpAddress("::1".parse().unwrap())], true),
        (vec![dns("b.org")], false),
        (vec![SanType::IpAddress([10, 0, 0, 2].into())], false),
        (vec![], false),
    ] {
        let identity = ours.sign(names.clone());
        let client = Client {
            identity: Some(&identity),
            ..Client::of(&server)
        };
        assert_eq!(client.is_served(address).await, want, "{names:?}");
    }
    assert!(!Client::of(&server).is_served(address).await);
}

#[tokio::test]
async fn versions_suites_and_curves_are_those_chosen() {
    let authority = Authority::new();
    let server = authority.of_server();
    let with = |versions| Client {
        versions,
        ..Client::of(&authority)
    };
    let (old, new): ([_; 1], [_; 1]) = ([&TLS12], [&TLS13]);
    for (more, of_12, of_13) in [
        ("", true, true),
        ("  min_version: TLS13\n", false, true),
        ("  max_version: TLS12\n", true, false),
        ("  cipher_suites: [TLS_AES_128_GCM_SHA256]\n", false, true),
    ] {
        let config = config(&server, more);
        let address = config.serve().await;
        assert_eq!(with(&old).connect(address).await.is_ok(), of_12, "{more}");
        assert_eq!(with(&new).connect(address).await.is_ok(), of_13, "{more}");
    }
    let more = "  cipher_suites: [TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256]\n  \
                curve_preferences: [CurveP384]\n";
    let config = config(&server, more);
    let address = config.serve().await;
    let stream = with(&old).connect(address).await.unwrap();
    let session = stream.get_ref().1;
    let suite = session.negotiated_cipher_suite().unwrap().suite();
    let group = session.negotiated_key_exchange_group().unwrap().name();
    assert_eq!(
        (suite.as_str(), group),
        (
            Some("TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"),
            rustls::NamedGroup::secp384r1
        )
    );
}

#[test]
fn what_is_not_supported_is_named() {
    let authority = Authority::new();
    let server = authority.of_server();
    for (more, word) in [
        ("  min_version: TLS10\n", "TLS10"),
        ("  min_version: TLS11\n", "TLS11"),
        ("  max_version: TLS11\n", "TLS11"),
        ("  max_version: SSL30\n", "SSL30"),
        (
            "  min_version: TLS13\n  max_version: TLS12\n",
            "max_version",
        ),
        (
            "  cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA]\n",
            "CBC_SHA",
        ),
        ("  cipher_suites: [TLS_NOPE]\n", "TLS_NOPE"),
        (
            "  cipher_suites: [TLS_AES_128_GCM_SHA256]\n  max_version: TLS12\n",
            "cipher_suites",
        ),
        ("  curve_preferences: [CurveP521]\n", "CurveP521"),
        ("  curve_preferences: [P256]\n", "P256"),
        ("  client_auth_type: Nope\n", "Nope"),
        (
            "  client_auth_type: RequireAndVerifyClientCert\n",
            "client_ca",
        ),
        ("  client_ca_file: cert.pem\n", "client_auth_type"),
        ("  client_allowed_sans: [a]\n", "client_auth_type"),
        (
            "  client_auth_type: VerifyClientCertIfGiven\n  client_ca: x\n",
            "client_ca",
        ),
        (
            "  client_auth_type: VerifyClientCertIfGiven\n  client_ca_file: no.pem\n",
            "no.pem",
        ),
    ] {
        let config = config(&server, more);
        let error = WebConfig::open(&config.path()).err();
        let error = error.unwrap_or_else(|| panic!("{more}")).to_string();
        assert!(error.contains(word), "{more}: {error}");
    }
    let config = config(&server, "");
    config.write("key.pem", &authority.of_server().key);
    assert!(
        WebConfig::open(&config.path()).is_err(),
        "the key of another"
    );
}

//! TLS, and certificates of clients.

use std::io;
use std::path::PathBuf;

use hyper_util::rt::TokioIo;
use quarrel_proto::info::InfoRequest;
use quarrel_proto::services::info::info_client::InfoClient;
use quarrel_proto::services::store::store_client::StoreClient;
use quarrel_proto::store::LabelValuesRequest;
use rcgen::DnType;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::*;
use crate::certificates_for_tests::{Authority, Identity};
use crate::tenancy::{CertificateField, Enforced};
use crate::web_config::{FlaggedTls, TlsFiles};

/// A server with a certificate, in a folder of its own.
struct Secure {
    dir: tempfile::TempDir,
    served: Served,
}

fn path(dir: &tempfile::TempDir, name: &str) -> PathBuf {
    dir.path().join(name)
}

fn write(dir: &tempfile::TempDir, name: &str, text: &str) {
    std::fs::write(path(dir, name), text).unwrap();
}

impl Secure {
    async fn new(server: &Identity, clients: Option<&Authority>) -> Self {
        let api = api();
        api.set_storage(storage());
        Secure::over(api, server, clients).await
    }

    async fn over(api: Arc<Api>, server: &Identity, clients: Option<&Authority>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        write(&dir, "cert.pem", &server.cert);
        write(&dir, "key.pem", &server.key);
        if let Some(clients) = clients {
            write(&dir, "ca.pem", &clients.cert);
        }
        let files = TlsFiles {
            cert: path(&dir, "cert.pem"),
            key: path(&dir, "key.pem"),
            client_ca: clients.map(|_| path(&dir, "ca.pem")),
        };
        let mut own = options();
        own.tls = Some(Arc::new(FlaggedTls::open(files).unwrap()));
        let served = Served::with(api, own, GrpcLimits::default()).await;
        Secure { dir, served }
    }

    async fn is_served(&self, trusted: &Authority, identity: Option<&Identity>) -> bool {
        let Some(channel) = self.channel(trusted, identity).await else {
            return false;
        };
        InfoClient::new(channel).info(InfoRequest {}).await.is_ok()
    }

    async fn channel(&self, trusted: &Authority, identity: Option<&Identity>) -> Option<Channel> {
        let address = self.served.address;
        let config = Arc::new(config(trusted, identity));
        let connector = tower::service_fn(move |_: hyper::Uri| {
            let config = Arc::clone(&config);
            async move { Ok::<_, io::Error>(TokioIo::new(connect(address, config).await?)) }
        });
        let endpoint = Endpoint::from_static("http://localhost");
        endpoint.connect_with_connector(connector).await.ok()
    }
}

async fn connect(
    address: SocketAddr,
    config: Arc<ClientConfig>,
) -> io::Result<TlsStream<TcpStream>> {
    let stream = TcpStream::connect(address).await?;
    let name = ServerName::try_from("localhost").unwrap();
    let stream = TlsConnector::from(config).connect(name, stream).await?;
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    Ok(stream)
}

fn config(trusted: &Authority, identity: Option<&Identity>) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    let root = CertificateDer::from_pem_slice(trusted.cert.as_bytes());
    roots.add(root.unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let mut config = match identity {
        None => builder.with_no_client_auth(),
        Some(Identity { cert, key }) => {
            let cert = CertificateDer::from_pem_slice(cert.as_bytes()).unwrap();
            let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
            builder.with_client_auth_cert(vec![cert], key).unwrap()
        }
    };
    config.alpn_protocols = vec![b"h2".to_vec()];
    config
}

#[tokio::test]
async fn calls_are_served_over_tls() {
    let authority = Authority::new();
    let secure = Secure::new(&authority.of_server(), None).await;
    assert!(secure.is_served(&authority, None).await);
    assert!(!secure.is_served(&Authority::new(), None).await);
    // Without TLS nobody is served.
    let address = secure.served.address;
    let plain = Endpoint::from_shared(format!("http://{address}")).unwrap();
    let answered = match plain.connect().await {
        Ok(channel) => InfoClient::new(channel).info(InfoRequest {}).await.is_ok(),
        Err(_) => false,
    };
    assert!(!answered);
}

#[tokio::test]
async fn clients_need_a_certificate_of_the_authority() {
    let (authority, clients) = (Authority::new(), Authority::new());
    let secure = Secure::new(&authority.of_server(), Some(&clients)).await;
    let known = clients.sign(Vec::new());
    assert!(secure.is_served(&authority, Some(&known)).await);
    let stranger = Authority::new().sign(Vec::new());
    assert!(!secure.is_served(&authority, Some(&stranger)).await);
    assert!(!secure.is_served(&authority, None).await);
}

#[tokio::test]
async fn the_certificate_names_the_tenant() {
    let (authority, clients) = (Authority::new(), Authority::new());
    let tenancy = Tenancy {
        field: Some(CertificateField::CommonName),
        ..Tenancy::default()
    };
    let api = api_with(Tracer::default(), tenancy);
    let all = Arc::new(Stores::plain(storage()));
    api.set_source(Arc::new(Enforced::new(all, "job".to_string())));
    let secure = Secure::over(api, &authority.of_server(), Some(&clients)).await;
    let values = async |identity: &Identity| {
        let channel = secure.channel(&authority, Some(identity)).await.unwrap();
        let mut request = tonic::Request::new(LabelValuesRequest {
            label: "job".to_string(),
            end: i64::MAX,
            ..LabelValuesRequest::default()
        });
        // A header says nothing then.
        let other = "web".parse().unwrap();
        request.metadata_mut().insert("thanos-tenant", other);
        let answer = StoreClient::new(channel).label_values(request).await;
        answer.map(|answer| answer.into_inner().values)
    };
    let named = clients.sign_subject(&[(DnType::CommonName, "db")]);
    assert_eq!(values(&named).await.unwrap(), ["db"]);
    let nameless = clients.sign_subject(&[(DnType::OrganizationName, "db")]);
    let error = values(&nameless).await.unwrap_err();
    assert_eq!(error.code(), tonic::Code::InvalidArgument, "{error}");
}

#[tokio::test]
async fn certificates_are_replaced_while_the_server_runs() {
    let (old, new) = (Authority::new(), Authority::new());
    let secure = Secure::new(&old.of_server(), None).await;
    assert!(secure.is_served(&old, None).await);
    let server = new.of_server();
    write(&secure.dir, "cert.pem", &server.cert);
    write(&secure.dir, "key.pem", &server.key);
    assert!(secure.is_served(&new, None).await);
    assert!(!secure.is_served(&old, None).await);
}

#[test]
fn wrong_files_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let identity = Authority::new().of_server();
    write(&dir, "cert.pem", &identity.cert);
    write(&dir, "key.pem", &identity.key);
    write(&dir, "text.pem", "nothing");
    for (cert, key, client_ca) in [
        ("none.pem", "key.pem", None),
        ("cert.pem", "none.pem", None),
        ("text.pem", "key.pem", None),
        ("cert.pem", "cert.pem", None),
        ("cert.pem", "key.pem", Some("text.pem")),
        ("cert.pem", "key.pem", Some("none.pem")),
    ] {
        let files = TlsFiles {
            cert: path(&dir, cert),
            key: path(&dir, key),
            client_ca: client_ca.map(|name| path(&dir, name)),
        };
        assert!(
            FlaggedTls::open(files).is_err(),
            "{cert} {key} {client_ca:?}"
        );
    }
}

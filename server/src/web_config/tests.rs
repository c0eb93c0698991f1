//! Tests of the web configuration, most behind a socket.

mod settings;
mod tls;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::WebConfig;
use crate::http::{self, HttpOptions};
use crate::tenancy::{CertificateField, ClientCertificate, Tenancy};

/// A configuration in a folder of its own, with the files beside it.
struct Config {
    dir: tempfile::TempDir,
}

impl Config {
    fn new(text: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let config = Config { dir };
        config.write("web.yml", text);
        config
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.dir.path().join(name), text).unwrap();
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("web.yml")
    }

    /// A server that says "hello", and before that the organization of the client's
    /// certificate, if it has one; it runs as long as the test's runtime.
    async fn serve(&self) -> SocketAddr {
        serve(&self.path()).await
    }
}

async fn serve(path: &Path) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let options = HttpOptions {
        read_timeout: Duration::from_secs(20),
        write_timeout: Duration::from_secs(20),
        max_connections: 10,
        grace: Duration::ZERO,
        budget: Arc::new(crate::api::FixedBudget::new(16 << 20)),
        web: Some(Arc::new(WebConfig::open(path).unwrap())),
    };
    let router = axum::Router::new().fallback(|request: axum::extract::Request| async move {
        let tenancy = Tenancy {
            field: Some(CertificateField::Organization),
            ..Tenancy::default()
        };
        let certificate = request.extensions().get::<ClientCertificate>();
        match tenancy.tenant(|_| "", certificate) {
            Ok(organization) => format!("{organization}, hello"),
            Err(_) => "hello".to_string(),
        }
    });
    let stop = std::future::pending();
    tokio::spawn(http::serve(vec![listener], router, options, stop));
    address
}

/// The answer to a request with more headers, over an open connection.
async fn ask_over(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    headers: &str,
) -> std::io::Result<String> {
    let request =
        format!("GET /-/healthy HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}

/// The same over a connection without TLS.
async fn ask(address: SocketAddr, headers: &str) -> String {
    let stream = TcpStream::connect(address).await.unwrap();
    ask_over(stream, headers).await.unwrap()
}

fn basic(user: &str, password: &str) -> String {
    let encoded = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"));
    format!("Authorization: Basic {encoded}\r\n")
}

fn users(user: &str, password: &str) -> String {
    let hash = bcrypt::hash(password, 4).unwrap();
    format!("basic_auth_users:\n  {user}: {hash}\n")
}

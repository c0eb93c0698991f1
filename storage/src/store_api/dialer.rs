//! Channels to endpoints.

use std::sync::Arc;
use std::time::Duration;
use std::{fmt, io};

use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite, BufReader};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tonic::transport::{Channel, Endpoint, Uri};
use tower::service_fn;

use super::client_settings::{ClientSettings, TlsConfig};
use super::config_error::ConfigError;
use super::spec::split_port;
use super::tls;

/// How often the peer of a stream is asked whether it is there. Thanos's servers take
/// no more than one such question in ten seconds.
const KEEP_ALIVE: Duration = Duration::from_secs(20);

/// How long it may take to answer that.
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(10);

/// Bytes that are read of a connection at once. Frames of HTTP/2 have 16 KiB, and each
/// would be read in two pieces.
const READ_BUFFER: usize = 128 << 10;

/// Makes channels.
pub(super) struct Dialer {
    tls: Option<Tls>,
    connect_timeout: Duration,
}

#[derive(Clone)]
struct Tls {
    connector: TlsConnector,
    server_name: Option<ServerName<'static>>,
}

impl fmt::Debug for Dialer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dialer")
            .field("tls", &self.tls.is_some())
            .field("connect_timeout", &self.connect_timeout)
            .finish_non_exhaustive()
    }
}

/// A connection, with TLS or without.
trait Connection: AsyncRead + AsyncWrite + Send + Unpin {}

impl<C: AsyncRead + AsyncWrite + Send + Unpin> Connection for C {}

impl Tls {
    fn new(settings: &TlsConfig) -> Result<Self, ConfigError> {
        let name = settings.server_name.clone();
        let name = name.filter(|name| !name.is_empty()).map(|name| {
            let parsed = ServerName::try_from(name.clone());
            parsed.map_err(|_| ConfigError::Tls(format!("{name} is not a server name")))
        });
        Ok(Tls {
            connector: Arc::new(tls::client_config(settings)?).into(),
            server_name: name.transpose()?,
        })
    }
}

/// A channel to `HOST:PORT`, with TLS or without, which connects when it is first used,
/// and again whenever it has lost its connection. Called within a runtime.
///
/// # Errors
/// When that is no address, or the settings of TLS are wrong.
pub fn dial(
    address: &str,
    tls: Option<&TlsConfig>,
    connect_timeout: Duration,
) -> Result<Channel, ConfigError> {
    Dialer::new(tls, connect_timeout)?.channel(address, None)
}

impl Dialer {
    /// A dialer with the usual settings of TLS.
    ///
    /// # Errors
    /// When these are wrong.
    pub(super) fn new(
        tls: Option<&TlsConfig>,
        connect_timeout: Duration,
    ) -> Result<Self, ConfigError> {
        Ok(Dialer {
            tls: tls.map(Tls::new).transpose()?,
            connect_timeout,
        })
    }

    /// A channel to `HOST:PORT`, as `client` says or as usual, which connects when it
    /// is first used, and again whenever it has lost its connection. Called within a
    /// runtime.
    ///
    /// # Errors
    /// When that is no address, or the settings of TLS are wrong.
    pub(super) fn channel(
        &self,
        address: &str,
        client: Option<&ClientSettings>,
    ) -> Result<Channel, ConfigError> {
        let tls = match client {
            Some(client) => client.tls.as_ref().map(Tls::new).transpose()?,
            None => self.tls.clone(),
        };
        let wrong = |why: &str| ConfigError::Address {
            address: address.to_string(),
            why: why.to_string(),
        };
        let (host, port) = split_port(address).ok_or_else(|| wrong("is not HOST:PORT"))?;
        let host: Arc<str> = host.into();
        let uri = |scheme: &str| Uri::try_from(format!("{scheme}://{address}"));
        let endpoint = Endpoint::from_shared(format!("http://{address}"));
        let mut endpoint = endpoint
            .map_err(|error| wrong(&error.to_string()))?
            .http2_keep_alive_interval(KEEP_ALIVE)
            .keep_alive_timeout(KEEP_ALIVE_TIMEOUT);
        if tls.is_some() {
            endpoint = endpoint.origin(uri("https").map_err(|error| wrong(&error.to_string()))?);
        }
        let time = self.connect_timeout;
        let connect = move |_: Uri| {
            let connecting = connect(Arc::clone(&host), port, tls.clone());
            async move {
                let late = |_| io::Error::new(io::ErrorKind::TimedOut, "connect: timed out");
                tokio::time::timeout(time, connecting).await.map_err(late)?
            }
        };
        Ok(endpoint.connect_with_connector_lazy(service_fn(connect)))
    }
}

async fn connect(
    host: Arc<str>,
    port: u16,
    tls: Option<Tls>,
) -> Result<TokioIo<Box<dyn Connection>>, io::Error> {
    let stream = TcpStream::connect((&*host, port)).await?;
    stream.set_nodelay(true)?;
    let stream = BufReader::with_capacity(READ_BUFFER, stream);
    let Some(Tls {
        connector,
        server_name,
    }) = tls
    else {
        return Ok(TokioIo::new(Box::new(stream)));
    };
    let name = match server_name {
        Some(name) => name,
        None => ServerName::try_from(host.to_string()).map_err(io::Error::other)?,
    };
    let stream = connector.connect(name, stream).await?;
    if stream.get_ref().1.alpn_protocol() != Some(b"h2") {
        return Err(io::Error::other("the server does not speak HTTP/2"));
    }
    Ok(TokioIo::new(Box::new(stream)))
}

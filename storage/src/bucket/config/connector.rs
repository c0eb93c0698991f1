//! HTTP to object storage: one client for all requests of a bucket.

use std::path::Path;
use std::time::Duration;

use object_store::ClientOptions;
use object_store::client::{HttpClient, HttpConnector};
use rustls::version::{TLS12, TLS13};

use super::error::{BucketConfigError, setting};
use super::http::HttpConfig;
use crate::client_tls::{ClientTls, ClientTlsError, Pem};

/// How long it may take to connect; Thanos's.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);

/// Gives the same client to whoever asks.
#[derive(Debug)]
pub(super) struct Connector(reqwest::Client);

impl Connector {
    /// # Errors
    /// When certificates cannot be read.
    pub fn new(config: &HttpConfig) -> Result<Self, BucketConfigError> {
        let tls = &config.tls_config;
        let settings = ClientTls {
            authorities: pem(&tls.ca_file),
            certificate: pem(&tls.cert_file),
            key: pem(&tls.key_file),
            skip_verify: config.skips_verification(),
            server_name: None,
            versions: &[&TLS13, &TLS12],
            protocols: &[b"http/1.1"],
        };
        let rustls = settings.config().map_err(|error| match error {
            ClientTlsError::File { path, why } => BucketConfigError::File { path, why },
            ClientTlsError::Settings(why) => setting("http_config.tls_config", why),
        })?;
        let mut builder = reqwest::Client::builder()
            .tls_backend_preconfigured(rustls)
            .http1_only()
            .connect_timeout(CONNECT_TIMEOUT)
            .user_agent(concat!("quarrel/", env!("CARGO_PKG_VERSION")));
        let timeout = config.response_header_timeout.0;
        if !timeout.is_zero() {
            builder = builder.read_timeout(timeout);
        }
        let idle = config.idle_conn_timeout.0;
        builder = builder.pool_idle_timeout((!idle.is_zero()).then_some(idle));
        if let Ok(most @ 1..) = usize::try_from(config.max_idle_conns_per_host) {
            builder = builder.pool_max_idle_per_host(most);
        }
        let client = builder.build();
        client
            .map(Connector)
            .map_err(|error| setting("http_config", error.to_string()))
    }
}

impl HttpConnector for Connector {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(self.0.clone()))
    }
}

/// A file of the settings, if it is set.
fn pem(path: &Path) -> Option<Pem<'_>> {
    (!path.as_os_str().is_empty()).then_some(Pem::File(path))
}

//! HTTP to object storage: one client for all requests of a bucket.

use std::time::Duration;

use object_store::ClientOptions;
use object_store::client::{HttpClient, HttpConnector};

use super::error::{BucketConfigError, setting};
use super::http::HttpConfig;
use crate::client_tls::{ClientTls, TlsError, client_config};

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
        let file = |path| Some(path).filter(|path: &&std::path::Path| !path.as_os_str().is_empty());
        let settings = ClientTls {
            ca_file: file(&tls.ca_file),
            cert_file: file(&tls.cert_file),
            key_file: file(&tls.key_file),
            skip_verify: config.skips_verification(),
            allow_tls12: true,
        };
        let rustls = client_config(&settings, &[b"http/1.1"]).map_err(|error| match error {
            TlsError::File { path, why } => BucketConfigError::File { path, why },
            TlsError::Settings(why) => setting("http_config.tls_config", why),
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

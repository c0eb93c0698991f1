//! `http_config`: how servers are reached.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use super::duration::GoDuration;
use super::error::{BucketConfigError, setting};

/// The transport of a provider, with Thanos's defaults.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct HttpConfig {
    pub idle_conn_timeout: GoDuration,
    /// How long a server may send nothing.
    pub response_header_timeout: GoDuration,
    pub insecure_skip_verify: bool,
    pub tls_handshake_timeout: GoDuration,
    /// No request of a reader expects to be told to continue.
    pub expect_continue_timeout: GoDuration,
    pub max_idle_conns: i64,
    pub max_idle_conns_per_host: i64,
    pub max_conns_per_host: i64,
    pub tls_config: TlsSettings,
    /// Bodies are never compressed on the way.
    pub disable_compression: bool,
}

impl Default for HttpConfig {
    fn default() -> Self {
        let seconds = |n| GoDuration(Duration::from_secs(n));
        HttpConfig {
            idle_conn_timeout: seconds(90),
            response_header_timeout: seconds(120),
            insecure_skip_verify: false,
            tls_handshake_timeout: seconds(10),
            expect_continue_timeout: seconds(1),
            max_idle_conns: 100,
            max_idle_conns_per_host: 100,
            max_conns_per_host: 0,
            tls_config: TlsSettings::default(),
            disable_compression: false,
        }
    }
}

/// `tls_config`.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct TlsSettings {
    pub ca_file: PathBuf,
    pub cert_file: PathBuf,
    pub key_file: PathBuf,
    pub server_name: String,
    pub insecure_skip_verify: bool,
}

impl HttpConfig {
    /// # Errors
    /// When settings do not fit together, or cannot be heeded.
    pub fn check(&self) -> Result<(), BucketConfigError> {
        let tls = &self.tls_config;
        let is_set = |path: &Path| !path.as_os_str().is_empty();
        if is_set(&tls.cert_file) != is_set(&tls.key_file) {
            let why = "a certificate needs its key, and a key its certificate";
            return Err(setting("http_config.tls_config", why));
        }
        if !tls.server_name.is_empty() {
            let why = "certificates are verified for the endpoint's own name alone";
            return Err(setting("http_config.tls_config.server_name", why));
        }
        Ok(())
    }

    /// Whether certificates of servers are not verified. As in Thanos, the key outside
    /// of `tls_config` decides.
    pub fn skips_verification(&self) -> bool {
        self.insecure_skip_verify
    }

    /// Most requests at a time, if there is a bound.
    pub fn max_requests(&self) -> Option<usize> {
        usize::try_from(self.max_conns_per_host)
            .ok()
            .filter(|&most| most > 0)
    }
}

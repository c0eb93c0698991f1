//! How an endpoint is reached.

use std::path::PathBuf;

/// How an endpoint is reached.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct ClientSettings {
    /// By TLS, if it is on.
    pub(super) tls: Option<TlsConfig>,
}

/// TLS of gRPC clients, as `--grpc-client-tls-*` has it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct TlsConfig {
    /// The authorities whose certificates of servers are trusted, PEM; those of the
    /// system if it is not set.
    pub ca_file: Option<PathBuf>,
    /// The client's certificate, PEM, with its chain.
    pub cert_file: Option<PathBuf>,
    /// The key of the client's certificate, PEM.
    pub key_file: Option<PathBuf>,
    /// The name that servers' certificates must have, instead of the address's host.
    pub server_name: Option<String>,
    /// Whether certificates of servers are not verified.
    pub skip_verify: bool,
    /// Whether TLS 1.2 is enough, else 1.3 is asked for.
    pub allow_tls12: bool,
}

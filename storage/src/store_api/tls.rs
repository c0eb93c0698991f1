//! TLS of gRPC.

use std::path::Path;

use rustls::ClientConfig;
use rustls::version::{TLS12, TLS13};

use super::client_settings::TlsConfig;
use super::config_error::ConfigError;
use crate::client_tls::{ClientTls, ClientTlsError, Pem};

/// The configuration of a client of HTTP/2.
///
/// # Errors
/// When a file cannot be read, or the settings do not fit together.
pub fn client_config(tls: &TlsConfig) -> Result<ClientConfig, ConfigError> {
    let settings = ClientTls {
        authorities: tls.ca_file.as_deref().map(Pem::File),
        certificate: tls.cert_file.as_deref().map(Pem::File),
        key: tls.key_file.as_deref().map(Pem::File),
        skip_verify: tls.skip_verify,
        // The dialer has it.
        server_name: None,
        versions: match tls.allow_tls12 {
            true => &[&TLS13, &TLS12],
            false => &[&TLS13],
        },
        protocols: &[b"h2"],
    };
    settings.config().map_err(config_error)
}

/// The bytes of a file of settings.
///
/// # Errors
/// When it cannot be read, or is too large.
pub(super) fn read(file: &Path) -> Result<Vec<u8>, ConfigError> {
    Pem::File(file).read().map_err(config_error)
}

fn config_error(error: ClientTlsError) -> ConfigError {
    match error {
        ClientTlsError::File { path, why } => ConfigError::File { path, why },
        ClientTlsError::Settings(why) => ConfigError::Tls(why),
    }
}

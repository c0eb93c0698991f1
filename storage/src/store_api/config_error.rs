//! What can be wrong with the settings of a set of endpoints.

use std::path::PathBuf;

use crate::client_tls::TlsError;

/// Why a set of endpoints cannot be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// An address is not one that `thanos query` takes.
    #[error("endpoint {address}: {why}")]
    Address {
        /// The address as it was given.
        address: String,
        /// What is wrong with it.
        why: String,
    },
    /// A file cannot be read, or is not what it should be.
    #[error("{path}: {why}")]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The settings of TLS do not fit together.
    #[error("TLS of gRPC clients: {0}")]
    Tls(String),
}

impl From<TlsError> for ConfigError {
    fn from(error: TlsError) -> Self {
        match error {
            TlsError::File { path, why } => ConfigError::File { path, why },
            TlsError::Settings(why) => ConfigError::Tls(why),
        }
    }
}

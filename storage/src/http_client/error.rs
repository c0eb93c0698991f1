//! What can be wrong with the settings of a client.

use std::path::PathBuf;

/// Why settings make no client. The texts have no secret.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HttpConfigError {
    /// A header cannot be sent.
    #[error("header {name:?}: {reason}")]
    Header {
        /// Its name.
        name: String,
        /// What is wrong with it. The value is left out, which may be a secret.
        reason: String,
    },
    /// A file that the settings name cannot be read.
    #[error("{}: {source}", path.display())]
    File {
        /// Its path.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file of settings has not their form.
    #[error("{}: {reason}", path.display())]
    Config {
        /// Its path.
        path: PathBuf,
        /// What is wrong, and where.
        reason: String,
    },
    /// The parts do not go together, or TLS refuses them.
    #[error("{0}")]
    Settings(String),
}

impl HttpConfigError {
    pub(super) fn settings(text: impl Into<String>) -> Self {
        HttpConfigError::Settings(text.into())
    }
}

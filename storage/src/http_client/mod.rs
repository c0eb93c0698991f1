//! Clients of HTTP: Prometheus's `http_config`, and what is made of it.

mod build;
mod config;
mod error;
mod shown;

pub use crate::secret::Secret;
pub use config::{Authorization, BasicAuth, Header, HttpConfig, TlsConfig};
pub use error::HttpConfigError;
pub use shown::{cause, shown, shown_text};

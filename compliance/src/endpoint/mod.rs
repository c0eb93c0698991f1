//! A server that speaks Prometheus's HTTP API, as its clients see it.

mod client;
mod config;
mod error;
#[cfg(test)]
pub(crate) mod fake;
mod lookup;
mod reply;
#[cfg(test)]
mod tests;

pub use client::{Endpoint, EndpointOptions};
pub use config::{Authorization, BasicAuth, HttpConfig, Secret, TlsConfig};
pub use error::{AskError, EndpointError};
pub use reply::Reply;

//! A server that speaks Prometheus's HTTP API, as its clients see it.

mod client;
mod config;
mod data;
mod error;
#[cfg(test)]
pub(crate) mod fake;
mod lookup;
mod reply;
#[cfg(test)]
mod tests;

pub(crate) use client::shown_url;
pub use client::{Endpoint, EndpointOptions};
pub use config::{Authorization, BasicAuth, HttpConfig, Secret, TlsConfig};
pub use data::EndpointData;
pub use error::{AskError, EndpointError};
pub use lookup::Between;
pub use reply::Reply;

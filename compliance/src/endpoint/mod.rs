//! A server that speaks Prometheus's HTTP API, as its clients see it.

mod client;
mod data;
mod error;
#[cfg(test)]
pub(crate) mod fake;
mod lookup;
mod reply;
#[cfg(test)]
mod tests;

pub use client::{Endpoint, EndpointOptions};
pub use data::EndpointData;
pub use error::{AskError, EndpointError};
pub use lookup::Between;
pub use quarrel_storage::http_client::{
    Authorization, BasicAuth, Header, HttpConfig, HttpConfigError, Secret, TlsConfig,
};
pub use reply::Reply;

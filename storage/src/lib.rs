//! Connectors, from which quarrel's engine reads samples.
//!
//! Each connector is a module behind a cargo feature of the same name and
//! implements the engine's `Storage` trait. Connectors do not depend on PromQL.

#[cfg(feature = "bucket")]
pub mod bucket;
#[cfg(any(feature = "http_client", feature = "store_api", feature = "bucket"))]
mod client_tls;
pub mod conformance;
#[cfg(feature = "fanout")]
pub mod fanout;
#[cfg(feature = "http_client")]
pub mod http_client;
#[cfg(feature = "memory")]
pub mod memory;
#[cfg(feature = "remote_read")]
pub mod remote_read;
pub mod replicas;
#[cfg(any(feature = "memory", feature = "tsdb"))]
mod resolve;
pub mod restricted;
#[cfg(any(feature = "http_client", feature = "bucket"))]
mod secret;
#[cfg(any(feature = "store_api", feature = "remote_read"))]
mod sent;
#[cfg(any(feature = "store_api", feature = "remote_read", feature = "fanout"))]
pub mod shard;
#[cfg(any(feature = "store_api", feature = "remote_read", feature = "fanout"))]
mod sorted;
#[cfg(feature = "store_api")]
pub mod store_api;
#[cfg(any(feature = "store_api", feature = "remote_read", feature = "bucket"))]
mod tasks;
#[cfg(any(feature = "memory", feature = "store_api", feature = "remote_read"))]
mod translation;
#[cfg(feature = "tsdb")]
pub mod tsdb;

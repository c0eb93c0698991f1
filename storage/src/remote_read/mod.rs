//! Servers that speak Prometheus's remote read: Prometheus itself, M3's coordinator,
//! Mimir, VictoriaMetrics's gateways, another quarrel.
//!
//! [`RemoteRead`] is one of them as a storage. A select is a request by POST; the server
//! answers with chunks that are read while they arrive and stay encoded until they are
//! scanned, or, if it knows no such answer, with samples. The query counts the memory of
//! what arrives, and a request ends with its query. Errors name the server's URL, without
//! what is secret in it.
//!
//! The protocol has no question for label names and values: they are those of the series
//! that match, which are asked for without samples, as Prometheus asks for series. Servers
//! that do not know this hint send samples, too, which are dropped.
//!
//! # Examples
//! ```no_run
//! use std::sync::Arc;
//! use quarrel_storage::remote_read::{RemoteRead, RemoteReadConfig};
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let config = RemoteReadConfig::new("http://prometheus:9090/api/v1/read");
//! let storage = RemoteRead::new(config)?;
//! # let _: Arc<dyn quarrel_engine::storage::Storage> = Arc::new(storage);
//! # Ok(())
//! # }
//! ```

mod client;
mod config;
mod convert;
mod error;
mod fetch;
pub mod histograms;
mod labels;
mod metrics;
mod read;
mod request;
mod snapshot;
#[cfg(any(all(test, feature = "memory"), feature = "testing"))]
pub mod testing;
#[cfg(all(test, feature = "memory"))]
mod tests;

pub use config::{RemoteReadConfig, ResponseForm};
pub use error::RemoteReadError;
pub use metrics::{AnswerCount, REQUEST_BUCKETS, RemoteReadMetrics, RequestDurations};
pub use snapshot::RemoteRead;

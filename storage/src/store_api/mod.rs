//! Servers that speak Thanos's StoreAPI: sidecars, store gateways, receivers, rulers,
//! other queriers.
//!
//! [`Endpoints`] is a set of them, as `thanos query` has it: each is asked every few
//! seconds what it has. [`StoreApi`] is the storage that a query reads: it is made for
//! each query and asks those stores side by side whose time range and external labels
//! can have what the query wants. Their streams are read by tasks of the runtime on
//! which the set was started; the query counts the memory of what arrives, and a stream
//! ends with its query. A store that fails is a warning or an error, as the query says,
//! which names the store.
//!
//! Chunks stay encoded until the scan. Series of equal labels are one row, whichever
//! stores they come from; replicas differ by a label and stay rows of their own.

mod chunk;
mod client_settings;
mod config;
mod config_error;
mod dialer;
mod discovery;
mod endpoint;
mod endpoints;
mod failure;
mod fetch;
mod info;
mod matching;
mod message;
mod metrics;
mod names;
mod observe;
mod query;
mod request;
mod snapshot;
mod spec;
#[cfg(any(all(test, feature = "memory"), feature = "testing"))]
pub mod testing;
#[cfg(all(test, feature = "memory"))]
mod tests;
mod tls;

pub use client_settings::TlsConfig;
pub use config::{EndpointsConfig, SdConfig};
pub use config_error::ConfigError;
pub use dialer::dial;
pub use endpoint::EndpointStatus;
pub use endpoints::Endpoints;
pub use failure::status_text;
pub use info::{EndpointInfo, LabelSet, StoreFacts, TsdbFacts};
pub use metrics::{DURATION_BUCKETS, DurationHistogram, MethodMetrics, StoreMethod, StoreMetrics};
pub use observe::{Call, CallObserver, CallOutcome, ObservedCall};
pub use query::StoreQuery;
pub use snapshot::StoreApi;
pub use spec::EndpointSpec;
pub use tls::client_config as client_tls;

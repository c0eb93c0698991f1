//! The connector over fake stores.

mod conformance;
mod cost;
mod faults;
mod merging;
mod observing;
#[cfg(feature = "fanout")]
mod queries;
mod reading;
mod stores;
mod tls;

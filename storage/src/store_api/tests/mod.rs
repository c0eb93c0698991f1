//! The connector over fake stores.

mod conformance;
mod faults;
mod merging;
mod reading;
mod stores;
mod tls;

//! The connector over fake stores.

mod conformance;
mod reading;
mod stores;

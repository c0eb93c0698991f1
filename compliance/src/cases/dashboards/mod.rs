//! Queries of Grafana's dashboards, with the values of their variables.
//!
//! Variables are filled in as Grafana's Prometheus data source does it:
//! `label_values` and its like ask a [`Data`](super::Data), and of the answers the
//! saved choice is taken, or the first. Steps and the intervals that follow from
//! them are computed from the time range, as its documentation says. A panel or
//! row that is repeated is asked for the first value.

mod adhoc;
mod classic;
mod format;
mod interpolate;
mod intervals;
mod json;
mod model;
mod options;
mod queries;
mod resolve;
mod schema2;
mod source;
#[cfg(test)]
mod tests;
mod values;

pub use options::{Dashboards, LeftOut, Options, Reason};
pub use queries::{dashboards, dashboards_from};

//! Queries to ask, and where they come from: files of the PromQL compliance
//! suite, lists of queries and query logs, rule files, Grafana's dashboards, and
//! a list of our own.
//!
//! Each source reads files and gives [`Case`]s. What depends on the data, such as
//! the variables of dashboards, asks a [`Data`].

pub mod builtin;
mod case;
pub mod dashboards;
mod data;
mod error;
#[cfg(test)]
mod fake;
mod files;
mod lines;
mod rules;
pub mod suite;
mod time;
mod yaml;

pub use case::{Case, Expected, Origin, dedup};
pub use data::{Data, DataError, Metadata, Sample};
pub use error::CaseError;
pub use files::expand;
pub use lines::{lines, lines_from};
pub use rules::{rules, rules_from};

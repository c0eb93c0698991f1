//! Runs Prometheus's `.test` scripts on another server: what a script loads is
//! sent by remote write, and its queries are asked over the HTTP API.
//!
//! A server refuses what is older than what it has, and most refuse what is long
//! ago, while scripts begin at the Unix epoch. [`RemoteOptions::shift_ms`] moves
//! a script to later times; queries that would mean something else there are
//! skipped. A script begins without data: [`RemoteOptions::reset`] is a command
//! that makes the server fresh. What needs data that the server refuses, or a
//! fresh server where there is none, is skipped with its reason.
//!
//! The HTTP API shows native histograms without counter-reset hints, so these are
//! not compared.

mod error;
mod eval;
mod options;
mod protobuf;
mod request;
mod reset;
mod runner;
mod shift;
#[cfg(test)]
mod tests;
mod write;

pub use error::RemoteError;
pub use options::RemoteOptions;
pub use request::WriteVersion;
pub use runner::run_remote;

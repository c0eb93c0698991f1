//! Reads a Prometheus data directory, also beside a running Prometheus.
//!
//! [`Tsdb`] is the connector. `block` reads persistent blocks (index, chunk
//! segments, tombstones), `head` reads the samples that are not compacted yet
//! (head chunks, WAL, WBL). The directory is never written to.

pub mod block;
mod cache;
pub(crate) mod chain;
mod data_path;
mod db;
pub mod decbuf;
mod directory;
pub mod head;
mod head_histograms;
mod head_source;
mod labels;
mod lazy;
pub(crate) mod merge;
mod mmap;
pub(crate) mod overlap;
pub(crate) mod samples;
mod snapshot;
mod source;

#[cfg(test)]
mod conformance;

#[cfg(test)]
pub(crate) mod testblock;
#[cfg(test)]
mod testing;

pub use db::{Tsdb, TsdbOptions};

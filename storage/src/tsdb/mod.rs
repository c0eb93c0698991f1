//! Reads a Prometheus data directory, also beside a running Prometheus.
//!
//! [`Tsdb`] is the connector. `block` reads persistent blocks (index, chunk
//! segments, tombstones), `head` reads the samples that are not compacted yet
//! (head chunks, WAL, WBL). The directory is never written to.

pub mod block;
mod cache;
mod chain;
mod data_path;
mod db;
pub mod decbuf;
mod directory;
pub mod head;
mod head_histograms;
mod head_source;
mod labels;
mod lazy;
mod merge;
mod mmap;
mod overlap;
mod samples;
mod snapshot;
mod source;

#[cfg(test)]
mod conformance;

#[cfg(test)]
mod testblock;
#[cfg(test)]
mod testing;

pub use db::{Tsdb, TsdbOptions};

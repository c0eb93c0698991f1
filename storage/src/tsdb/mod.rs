//! A Prometheus data directory, read as it is on disk.
//!
//! [`Tsdb`] is the connector. `block` reads persistent blocks (index, chunk
//! segments, tombstones), `head` what Prometheus has not compacted yet (head
//! chunks, WAL, WBL). Nothing here ever writes to the directory.

pub mod block;
mod cache;
mod chain;
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

#[cfg(test)]
mod conformance;
#[cfg(test)]
mod judged;
#[cfg(test)]
mod testblock;
#[cfg(test)]
mod testing;

pub use db::{Tsdb, TsdbOptions};

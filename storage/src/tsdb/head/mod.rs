//! The head: samples that Prometheus has not written to a block yet, as they are
//! on disk.
//!
//! Three directories hold it. `chunks_head/` has complete chunks. `wal/` logs
//! series with their labels, samples and deletions; from time to time its older
//! part is rewritten as `checkpoint.N`. `wbl/` logs out-of-order samples. The
//! reader replays them as Prometheus does at its start. The result is a
//! [`Head`]: an immutable view in memory with an index of labels.
//!
//! A [`HeadReader`] follows the directory of a running Prometheus and reads only
//! what is new. It reads files by position and never maps them, since they may be
//! truncated at any moment. It writes nothing.
//!
//! Errors that prevent the start of Prometheus are errors here. What Prometheus
//! repairs, a torn or corrupt log or chunk file, is left out alike with a
//! [`HeadWarning`]. Snapshots of the memory (`chunk_snapshot.*`) are skipped, whose
//! samples the WAL has, too.
//!
//! # Examples
//! ```
//! use std::path::Path;
//!
//! use quarrel_engine::storage::Unlimited;
//! use quarrel_matchers::{MatchOp, Matcher};
//! use quarrel_storage::tsdb::head::{HeadOptions, HeadReader, merge_overlapping};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut reader = HeadReader::open(Path::new("prometheus/data"), HeadOptions::default())?;
//! // Later, any number of times: only what is new is read.
//! let head = reader.refresh(i64::MIN)?;
//! for id in head.select(&[Matcher::new(MatchOp::Equal, "job", "node")?], &Unlimited)? {
//!     let series = head.series(id);
//!     let mut chunks = Vec::new();
//!     series.chunks(0, i64::MAX, &mut chunks);
//!     println!("{:?}: {} chunks", series.label("instance"), merge_overlapping(chunks)?.len());
//! }
//! # Ok(())
//! # }
//! ```

mod chunk;
mod chunk_file;
mod column;
mod dir;
mod error;
mod exemplars;
mod histogram;
mod index;
mod log;
mod logged;
mod merge;
mod metadata;
mod out_of_order;
mod reader;
mod record;
mod resolution;
mod segment;
mod series;
mod state;
mod stats;
mod symbols;
mod view;

#[cfg(test)]
mod props;
#[cfg(test)]
mod testlog;
#[cfg(test)]
mod tests;

pub(super) use dir::Watch;

pub use chunk::{HeadChunk, HeadChunkData, HistogramSample};
pub use error::{HeadError, HeadWarning};
pub use exemplars::{Exemplar, SeriesExemplars, TextLabels};
pub use histogram::{Counts, Span, WalHistogram};
pub use merge::merge_overlapping;
pub use metadata::Metadata;
pub use reader::HeadReader;
pub use stats::HeadStats;
pub use symbols::{HeadSymbol, Symbols};
pub use view::{Head, HeadOptions, HeadSeries, SeriesId};

//! What Prometheus has not yet put into a block: the head, as it lies on disk.
//!
//! Three places make it up. `chunks_head/` has chunks that are complete.
//! `wal/` logs all that came in: series with their labels, samples, deletions;
//! its older part is rewritten now and then into `checkpoint.N`. `wbl/` logs
//! samples that came out of order. Replaying them the way Prometheus does when
//! it starts gives the head that it would have, which is what [`Head`] is: an
//! immutable view in memory, with an index over labels.
//!
//! A [`HeadReader`] stays with a directory that a live Prometheus writes to
//! and reads only what came since. Files are read by position, never mapped,
//! since they may be truncated at any moment; nothing is ever written.
//!
//! What stops Prometheus at start stops the reader with an error; what it
//! repairs, a torn or corrupt log or chunk file, is left out in the same way,
//! and a [`HeadWarning`] says so. Exemplars and metadata are passed over, and
//! so are snapshots of the memory (`chunk_snapshot.*`): the WAL says the same.
//!
//! # Examples
//! ```
//! use std::path::Path;
//!
//! use quarrel_matchers::{MatchOp, Matcher};
//! use quarrel_storage::tsdb::head::{HeadOptions, HeadReader, merge_overlapping};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut reader = HeadReader::open(Path::new("prometheus/data"), HeadOptions::default())?;
//! // Later, and as often as you like: only what is new is read.
//! let head = reader.refresh(i64::MIN)?;
//! for id in head.select(&[Matcher::new(MatchOp::Equal, "job", "node")?]) {
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
mod histogram;
mod index;
mod log;
mod merge;
mod out_of_order;
mod reader;
mod record;
mod resolution;
mod segment;
mod series;
mod state;
mod symbols;
mod view;

#[cfg(test)]
pub(in crate::tsdb) mod judge;
#[cfg(test)]
mod judged;
#[cfg(test)]
mod props;
#[cfg(test)]
mod testlog;
#[cfg(test)]
mod tests;

pub(super) use dir::Watch;

pub use chunk::{HeadChunk, HeadChunkData, HistogramSample};
pub use error::{HeadError, HeadWarning};
pub use histogram::{Counts, Span, WalHistogram};
pub use merge::merge_overlapping;
pub use reader::HeadReader;
pub use symbols::{HeadSymbol, Symbols};
pub use view::{Head, HeadOptions, HeadSeries, SeriesId};

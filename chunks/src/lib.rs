//! Decodes Prometheus chunks to columns of timestamps and values, and encodes
//! them.
//!
//! The bytes of a chunk are those between its length and its checksum in a
//! segment file, without the encoding byte. Timestamps are milliseconds.
//! Prometheus describes the formats in `tsdb/docs/format/chunks.md`. XOR is the
//! format of Gorilla (<https://www.vldb.org/pvldb/vol8/p1816-teller.pdf>) with
//! other widths.

pub mod aggregate;
mod bits;
mod encode;
mod encoding;
mod error;
mod floats;
mod header;
pub mod histogram;
mod lane;
mod plain;
mod xor;
mod xor2;

pub use encode::{FloatEncoder, Xor2Encoder, XorEncoder};
pub use encoding::Encoding;
pub use error::ChunkError;
pub use floats::{decode_floats, decode_floats_until, decode_floats_with_start};
pub use header::num_samples;
pub use histogram::{
    HistogramColumns, append_histograms, decode_histogram_totals, decode_histograms,
};

#[cfg(test)]
mod tests;

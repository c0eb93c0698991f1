//! What the readers of float chunks have in common.

use crate::error::ChunkError;
use crate::lane::{Format, Lane};

/// Reads a float chunk sample by sample: the plain way, which says what is
/// wrong with a chunk.
pub(crate) trait Plain<'a>: Sized {
    /// What lanes read.
    type Format: Format;
    /// What they read of samples that a start timestamp follows, without it.
    type WithStart: Format;

    /// A reader before the first sample.
    fn new(bytes: &'a [u8]) -> Result<Self, ChunkError>;
    /// The number of samples in the header, which may be wrong.
    fn samples(&self) -> usize;
    /// More samples than this do not fit the chunk's bytes.
    fn most(&self) -> usize;
    /// Timestamp (ms) and value of the next sample.
    fn next(&mut self) -> Result<(i64, f64), ChunkError>;
    /// The start timestamp (ms) of the last sample, 0 if unknown.
    fn start(&self) -> i64 {
        0
    }
    /// The first sample that a start timestamp follows.
    fn start_from(&self) -> usize {
        usize::MAX
    }
    /// The bytes and a lane behind the samples that were read, two or more.
    fn lane(&self) -> (&'a [u8], Lane);
}

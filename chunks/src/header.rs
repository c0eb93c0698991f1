//! The number of samples in a chunk's header.

use crate::encoding::Encoding;
use crate::error::ChunkError;

/// The number of samples according to a chunk's header.
///
/// # Errors
/// When there is no header.
pub fn num_samples(encoding: Encoding, bytes: &[u8]) -> Result<usize, ChunkError> {
    let mask = match encoding {
        // The two highest bits are the counter reset header.
        Encoding::HistogramSt | Encoding::FloatHistogramSt => 0x3fff,
        _ => u16::MAX,
    };
    match bytes {
        [a, b, ..] => Ok(usize::from(u16::from_be_bytes([*a, *b]) & mask)),
        _ => Err(ChunkError::NoHeader(bytes.len())),
    }
}

//! Downsampled chunks of Thanos: one chunk for each aggregate of the samples in
//! each window of some minutes.
//!
//! The bytes are five entries in the order of count, sum, min, max and counter, each
//! a length as an unsigned varint, and, unless that is zero, an encoding byte and
//! as many bytes of a chunk. Thanos has the format in `pkg/compact/downsample/aggr.go`.
//! In a block such a chunk stands under [`ENCODING`].

use std::ops::Range;

use crate::encoding::Encoding;
use crate::error::ChunkError;

/// The encoding byte of a downsampled chunk in a segment file.
pub const ENCODING: u8 = 0xff;

/// Aggregates in a chunk.
const AGGREGATES: usize = 5;

/// The longest length: no chunk is larger than a segment file.
const MAX_LENGTH: u64 = u32::MAX as u64;

/// The chunk of one aggregate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AggregateChunk {
    /// How its bytes are encoded.
    pub encoding: Encoding,
    /// Where they lie in the downsampled chunk.
    pub bytes: Range<usize>,
}

/// The chunks in a downsampled one: count, sum, min, max and counter, each if there
/// is one. Bytes behind them are ignored, as Thanos does it.
///
/// # Errors
/// When the bytes end before the entries do, or an encoding is unknown. The chunks
/// themselves are not looked at.
///
/// # Examples
/// ```
/// use quarrel_chunks::{Encoding, aggregate};
///
/// let bytes = [3, 1, b'a', b'b', b'c', 0, 0, 0, 0];
/// let [count, sum, ..] = aggregate::split(&bytes)?;
/// let count = count.expect("the first one is there");
/// assert_eq!((count.encoding, &bytes[count.bytes]), (Encoding::Xor, &b"abc"[..]));
/// assert_eq!(sum, None);
/// # Ok::<(), quarrel_chunks::ChunkError>(())
/// ```
pub fn split(bytes: &[u8]) -> Result<[Option<AggregateChunk>; AGGREGATES], ChunkError> {
    let mut parts = [const { None }; AGGREGATES];
    let mut at = 0;
    for (number, part) in parts.iter_mut().enumerate() {
        let truncated = ChunkError::AggregateTruncated { number };
        let length = length(bytes, &mut at).ok_or_else(|| truncated.clone())?;
        if length == 0 {
            continue;
        }
        let encoding = *bytes.get(at).ok_or_else(|| truncated.clone())?;
        let begin = at + 1;
        let end = begin.checked_add(length).filter(|end| *end <= bytes.len());
        at = end.ok_or(truncated)?;
        *part = Some(AggregateChunk {
            encoding: Encoding::try_from(encoding)?,
            bytes: begin..at,
        });
    }
    Ok(parts)
}

/// The length at `at`, which is moved behind it; `None` if there is none, or it is
/// too large.
fn length(bytes: &[u8], at: &mut usize) -> Option<usize> {
    let mut length = 0u64;
    for shift in (0..).step_by(7) {
        let byte = *bytes.get(*at)?;
        *at += 1;
        length |= u64::from(byte & 0x7f) << shift;
        if length > MAX_LENGTH || shift > 28 {
            return None;
        }
        if byte < 0x80 {
            break;
        }
    }
    usize::try_from(length).ok()
}

/// The bytes of a downsampled chunk: count, sum, min, max and counter, as encoding
/// and bytes.
///
/// # Examples
/// ```
/// use quarrel_chunks::{Encoding, aggregate};
///
/// let bytes = aggregate::join([Some((Encoding::Xor, b"abc")), None, None, None, None]);
/// assert_eq!(bytes, [3, 1, b'a', b'b', b'c', 0, 0, 0, 0]);
/// ```
pub fn join<B: AsRef<[u8]>>(parts: [Option<(Encoding, B)>; AGGREGATES]) -> Vec<u8> {
    let mut out = Vec::new();
    for part in parts {
        let Some((encoding, bytes)) = part else {
            out.push(0);
            continue;
        };
        let bytes = bytes.as_ref();
        let mut length = bytes.len();
        while length >= 0x80 {
            out.push(length as u8 | 0x80);
            length >>= 7;
        }
        out.push(length as u8);
        out.push(encoding as u8);
        out.extend_from_slice(bytes);
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn part() -> impl Strategy<Value = Option<(Encoding, Vec<u8>)>> {
        let encoding = (1u8..=6).prop_map(|byte| Encoding::try_from(byte).unwrap());
        let bytes = proptest::collection::vec(any::<u8>(), 1..300);
        proptest::option::of((encoding, bytes))
    }

    proptest! {
        #[test]
        fn what_is_joined_is_split(parts in [part(), part(), part(), part(), part()]) {
            let bytes = join(parts.clone());
            let split = split(&bytes).unwrap();
            for (part, split) in parts.into_iter().zip(split) {
                let split = split.map(|part| (part.encoding, bytes[part.bytes].to_vec()));
                prop_assert_eq!(part, split);
            }
        }

        #[test]
        fn a_chunk_that_is_cut_is_an_error(
            parts in [part(), part(), part(), part(), part()],
            at in any::<proptest::sample::Index>(),
        ) {
            let bytes = join(parts);
            let cut = at.index(bytes.len());
            let error = split(&bytes[..cut]).unwrap_err();
            prop_assert!(matches!(error, ChunkError::AggregateTruncated { number: 0..5 }), "{error}");
        }

        #[test]
        fn no_bytes_do_harm(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            if let Ok(parts) = split(&bytes) {
                for part in parts.into_iter().flatten() {
                    prop_assert!(part.bytes.start < part.bytes.end);
                    prop_assert!(part.bytes.end <= bytes.len());
                }
            }
        }
    }

    #[test]
    fn lengths_that_are_none_are_refused() {
        let long = [0xff; 12];
        assert_eq!(
            split(&long),
            Err(ChunkError::AggregateTruncated { number: 0 })
        );
        let too_long = [0xff, 0xff, 0xff, 0xff, 0x1f, 1, 0, 0, 0, 0];
        assert_eq!(
            split(&too_long),
            Err(ChunkError::AggregateTruncated { number: 0 })
        );
        assert_eq!(
            split(&[0, 1, 9, 0, 0, 0, 0]),
            Err(ChunkError::UnknownEncoding(9))
        );
    }
}

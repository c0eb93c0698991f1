//! `tombstones`: deletions that compaction has not applied yet.

use std::path::Path;
use std::sync::Arc;

use quarrel_engine::storage::{StorageError, TimeRange};
use rustc_hash::FxHashMap;

use crate::tsdb::data_path::DataPath;
use crate::tsdb::decbuf::{Decbuf, DecodeError};

/// The name of the file in a block's directory.
pub(crate) const FILE: &str = "tombstones";
/// Most bytes of the file; a deletion has some 20.
const MAX_FILE: u64 = 1 << 30;

const MAGIC: u32 = 0x0130_ba30;
const FORMAT: u8 = 1;
/// Length of magic number and format; the checksum follows the content.
const LEAST: usize = 4 + 1;

/// Closed ranges of time whose samples are deleted, by series reference.
#[derive(Debug, Default)]
pub struct Tombstones {
    by_series: FxHashMap<u64, Arc<[TimeRange]>>,
}

impl Tombstones {
    /// Reads the file in a block's directory; a block without one has no
    /// deletions.
    ///
    /// # Errors
    /// When it cannot be read, has more than 1 GiB, or is corrupt.
    pub fn read(dir: &Path) -> Result<Tombstones, StorageError> {
        Tombstones::read_in(&DataPath::block(dir))
    }

    pub(crate) fn read_in(dir: &DataPath) -> Result<Tombstones, StorageError> {
        let path = dir.join(FILE);
        let bytes = match path.read(MAX_FILE) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Tombstones::default()),
            Err(e) => return Err(path.io(e)),
        };
        decode(&bytes).map_err(|e| path.corrupt(e.to_string()))
    }

    /// The deleted ranges of a series, sorted and disjoint.
    pub fn get(&self, reference: u64) -> Option<&Arc<[TimeRange]>> {
        self.by_series.get(&reference)
    }
}

fn decode(bytes: &[u8]) -> Result<Tombstones, DecodeError> {
    let Some((content, checksum)) = bytes.split_last_chunk::<4>() else {
        return Err(DecodeError("is too short"));
    };
    if content.len() < LEAST {
        return Err(DecodeError("is too short"));
    }
    let mut buf = Decbuf::new(content);
    if buf.be32()? != MAGIC {
        return Err(DecodeError("has a wrong magic number"));
    }
    let format = buf.u8()?;
    // The checksum does not cover the format.
    if crc32c::crc32c(buf.rest()) != u32::from_be_bytes(*checksum) {
        return Err(DecodeError("checksum does not match"));
    }
    if format != FORMAT {
        return Err(DecodeError("has an unknown format"));
    }
    let mut ranges: FxHashMap<u64, Vec<TimeRange>> = FxHashMap::default();
    while !buf.is_empty() {
        let reference = buf.uvarint64()?;
        let (start, end) = (buf.varint64()?, buf.varint64()?);
        if start <= end {
            add(
                ranges.entry(reference).or_default(),
                TimeRange { start, end },
            );
        }
    }
    let by_series = ranges
        .into_iter()
        .map(|(r, list)| (r, list.into()))
        .collect();
    Ok(Tombstones { by_series })
}

/// Adds a range to sorted disjoint ranges; adjacent ranges become one.
pub(crate) fn add(ranges: &mut Vec<TimeRange>, new: TimeRange) {
    let first = ranges.partition_point(|r| r.end < new.start.saturating_sub(1));
    let end = ranges
        .partition_point(|r| r.start <= new.end.saturating_add(1))
        .max(first);
    let joined = ranges[first..end].iter().fold(new, |a, b| TimeRange {
        start: a.start.min(b.start),
        end: a.end.max(b.end),
    });
    ranges.splice(first..end, [joined]);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn file(content: &[u8]) -> Vec<u8> {
        let mut bytes = MAGIC.to_be_bytes().to_vec();
        bytes.push(FORMAT);
        bytes.extend(content);
        bytes.extend(crc32c::crc32c(content).to_be_bytes());
        bytes
    }

    #[test]
    fn ranges_of_a_series_are_joined() {
        // Series 3: 1 to 2 and 3 to 4, which are adjacent, and 9 to 9; series 5: -1 to 0.
        let tombstones = decode(&file(&[3, 2, 4, 3, 18, 18, 5, 1, 0, 3, 6, 8])).unwrap();
        let range = |start, end| TimeRange { start, end };
        assert_eq!(**tombstones.get(3).unwrap(), [range(1, 4), range(9, 9)]);
        assert_eq!(**tombstones.get(5).unwrap(), [range(-1, 0)]);
        assert!(tombstones.get(4).is_none());
    }

    #[test]
    fn changed_bits_and_missing_bytes_are_detected() {
        let whole = file(&[3, 2, 4, 3, 18, 18]);
        for bit in 0..whole.len() * 8 {
            let mut bytes = whole.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(decode(&bytes).is_err(), "bit {bit}");
        }
        for length in 0..whole.len() {
            assert!(decode(&whole[..length]).is_err(), "{length} bytes");
        }
        assert!(decode(&file(&[3, 2])).is_err());
    }

    proptest! {
        #[test]
        fn added_ranges_cover_what_they_should(
            all in proptest::collection::vec((0..60i64, 0..8i64), 0..20),
        ) {
            let mut ranges = Vec::new();
            for (start, length) in &all {
                add(&mut ranges, TimeRange { start: *start, end: start + length });
            }
            for t in -2..75 {
                let plain = all.iter().any(|(s, l)| (*s..=s + l).contains(&t));
                let got = ranges.iter().any(|r| (r.start..=r.end).contains(&t));
                prop_assert_eq!(plain, got);
            }
            prop_assert!(ranges.windows(2).all(|w| w[0].end + 1 < w[1].start));
        }
    }
}

//! Edits of real files that leave their checksums right, since a checksum hides
//! from a fuzzer all that is behind it.

use std::ops::Range;

/// A real file of a block.
pub(crate) struct Sealed {
    bytes: &'static [u8],
    /// What a checksum covers; the checksum follows it.
    regions: Vec<Range<usize>>,
}

impl Sealed {
    /// An index of format 2.
    pub(crate) fn index(bytes: &'static [u8]) -> Self {
        let toc = bytes.len() - 52..bytes.len() - 4;
        let section = |nth: usize| be(&bytes[toc.start + 8 * nth..][..8]);
        let (symbols, series, indices, postings, table) =
            (section(0), section(1), section(2), section(4), section(5));
        let mut regions = vec![toc.clone(), counted(bytes, symbols), counted(bytes, table)];
        // Series lie at multiples of 16, each with its length before it.
        let mut at = series.next_multiple_of(16);
        while at < indices.min(postings) {
            let (length, begin) = uvarint(bytes, at);
            if length == 0 {
                break; // padding before the next section
            }
            regions.push(begin..begin + length);
            at = (begin + length + 4).next_multiple_of(16);
        }
        let mut at = postings.next_multiple_of(4);
        while at + 8 < table.min(toc.start) {
            let list = counted(bytes, at);
            at = (list.end + 4).next_multiple_of(4);
            regions.push(list);
        }
        Self::checked(bytes, regions)
    }

    /// A segment of chunks.
    pub(crate) fn segment(bytes: &'static [u8]) -> Self {
        let mut regions = Vec::new();
        let mut at = 8;
        while at < bytes.len() {
            let (length, begin) = uvarint(bytes, at);
            regions.push(begin..begin + 1 + length);
            at = begin + 1 + length + 4;
        }
        Self::checked(bytes, regions)
    }

    /// The regions are the right ones: all checksums of the real file match.
    fn checked(bytes: &'static [u8], regions: Vec<Range<usize>>) -> Self {
        for region in &regions {
            let found = be(&bytes[region.end..][..4]);
            assert_eq!(
                found,
                checksum(&bytes[region.clone()]) as usize,
                "{region:?}"
            );
        }
        Sealed { bytes, regions }
    }

    /// The file with edits of four bytes each: a position, what to do, a value.
    pub(crate) fn edited(&self, edits: &[u8]) -> Vec<u8> {
        let mut bytes = self.bytes.to_vec();
        for edit in edits.chunks_exact(4) {
            let at = usize::from(u16::from_be_bytes([edit[0], edit[1]])) % bytes.len();
            bytes[at] = match edit[2] % 3 {
                0 => edit[3],
                1 => bytes[at] ^ edit[3],
                _ => bytes[at].wrapping_add(edit[3]),
            };
        }
        for region in &self.regions {
            let sum = checksum(&bytes[region.clone()]);
            bytes[region.end..][..4].copy_from_slice(&sum.to_be_bytes());
        }
        bytes
    }
}

pub(crate) fn checksum(bytes: &[u8]) -> u32 {
    crc32c::crc32c(bytes)
}

/// A big-endian number.
fn be(bytes: &[u8]) -> usize {
    bytes.iter().fold(0, |n, b| n << 8 | usize::from(*b))
}

/// What follows a length of four bytes.
fn counted(bytes: &[u8], at: usize) -> Range<usize> {
    at + 4..at + 4 + be(&bytes[at..][..4])
}

/// A number of seven bits a byte, and where it ends.
fn uvarint(bytes: &[u8], mut at: usize) -> (usize, usize) {
    let (mut number, mut shift) = (0, 0);
    loop {
        number |= usize::from(bytes[at] & 0x7f) << shift;
        shift += 7;
        at += 1;
        if bytes[at - 1] < 0x80 {
            return (number, at);
        }
    }
}

//! `chunks/`: segment files of encoded samples.
//!
//! A chunk consists of its length as a varint, the encoding byte, the data, and
//! a checksum of encoding and data (`tsdb/docs/format/chunks.md`). Blocks of Thanos's
//! Compactor also have downsampled chunks.

use std::cmp::Ordering;
use std::ops::Range;
use std::sync::Arc;

use quarrel_chunks::aggregate;
use quarrel_engine::storage::{Aggregates, Bytes, ChunkData, ChunkError, Encoding, StorageError};

use super::verified::Verified;
use crate::tsdb::data_path::DataPath;
use crate::tsdb::decbuf::{self, DecodeError};
use crate::tsdb::mmap::MappedFile;

const MAGIC: u32 = 0x85bd_40dd;
const VERSION: u8 = 1;
/// Bytes of a chunk's checksum.
const CHECKSUM: usize = 4;
/// Magic number, version, padding.
const HEADER: usize = 8;
/// Most bytes of a segment: 32 bits of offset, and a last chunk.
const MAX_FILE: u64 = 1 << 33;
/// Mask of the offset in a reference.
const OFFSET: u64 = u32::MAX as u64;
/// Granularity of advice to the system, bytes.
const ADVISED: usize = 1 << 20;
/// Bytes in which at most one chunk begins: the shortest has one sample of 22
/// bytes.
const SLOT: usize = 16;

/// A chunk in the bytes of a segment.
#[derive(Debug)]
pub(crate) struct ChunkFrame<'a> {
    /// Its encoding and data.
    pub content: &'a [u8],
    checksum: &'a [u8],
    /// Where its data is in the bytes.
    pub data: Range<usize>,
}

impl<'a> ChunkFrame<'a> {
    /// The chunk at `offset`.
    ///
    /// # Errors
    /// When the bytes end before it does.
    pub fn at(bytes: &'a [u8], offset: usize) -> Result<Self, DecodeError> {
        let mut buf = decbuf::at(bytes, offset as u64)?;
        let length = buf.uvarint32()? as usize;
        let start = bytes.len() - buf.len() + 1;
        let content = buf.bytes(length + 1)?;
        // What is verified is not touched at its end, which is not in a cache yet.
        let checksum = buf.bytes(CHECKSUM)?;
        Ok(ChunkFrame {
            content,
            checksum,
            data: start..start + length,
        })
    }

    /// # Errors
    /// When the content does not match its checksum.
    pub fn check(&self) -> Result<(), DecodeError> {
        match crc32c::crc32c(self.content).to_be_bytes() == self.checksum {
            true => Ok(()),
            false => Err(DecodeError("does not match its checksum")),
        }
    }
}

/// The chunk of this encoding and data.
///
/// # Errors
/// When nobody knows the encoding, or a downsampled chunk is corrupt.
pub(crate) fn chunk_data(encoding: u8, bytes: Bytes) -> Result<ChunkData, ChunkError> {
    if encoding == aggregate::ENCODING {
        let aggregates = Aggregates::decode(&bytes)?;
        return Ok(ChunkData::Aggregates(Arc::new(aggregates)));
    }
    let encoding = Encoding::try_from(encoding)?;
    Ok(ChunkData::Encoded { encoding, bytes })
}

#[derive(Debug)]
struct Segment {
    file: MappedFile,
    verified: Verified,
    /// The parts that the system has been advised of.
    advised: Verified,
}

/// The segments of one block.
#[derive(Debug)]
pub(crate) struct Segments {
    segments: Vec<Segment>,
}

impl Segments {
    /// Maps all segments in `dir`.
    ///
    /// # Errors
    /// When one cannot be mapped or has a wrong header.
    pub fn open(dir: &DataPath) -> Result<Segments, StorageError> {
        let io = |e| dir.io(e);
        let mut names = Vec::new();
        for entry in dir.entries().map_err(io)? {
            let name = entry.map_err(io)?.file_name();
            // References number the files in the order of their names.
            if name
                .to_str()
                .is_some_and(|n| n.bytes().all(|b| b.is_ascii_digit()))
            {
                names.push(name);
            }
        }
        names.sort_unstable();
        let segments = names.iter().map(|name| Segment::open(dir.join(name)));
        Ok(Segments {
            segments: segments.collect::<Result<_, _>>()?,
        })
    }

    /// The files.
    pub fn files(&self) -> impl Iterator<Item = &MappedFile> {
        self.segments.iter().map(|segment| &segment.file)
    }

    /// Advises the system that the chunks from one reference to another will be
    /// read.
    pub fn will_need(&self, first: u64, last: u64) {
        for (number, segment) in self.segments.iter().enumerate() {
            let number = number as u64;
            let from = match number.cmp(&(first >> 32)) {
                Ordering::Less => continue,
                Ordering::Equal => (first & OFFSET) as usize,
                Ordering::Greater => 0,
            };
            let to = match number.cmp(&(last >> 32)) {
                Ordering::Less => usize::MAX,
                Ordering::Equal => (last & OFFSET) as usize + 1,
                Ordering::Greater => return,
            };
            segment.will_need(from, to);
        }
    }

    /// The chunk at a reference. Its upper half is the number of the segment from
    /// 0 on, its lower half the offset.
    ///
    /// # Errors
    /// When the chunk does not exist or is corrupt.
    pub fn chunk(&self, reference: u64) -> Result<ChunkData, StorageError> {
        let number = (reference >> 32) as usize;
        let offset = (reference & OFFSET) as usize;
        let Some(segment) = self.segments.get(number) else {
            let Some(first) = self.segments.first() else {
                return Err(StorageError::Other(format!("there is no segment {number}")));
            };
            let detail = format!("there is no segment {number} beside it");
            return Err(first.file.corrupt(detail));
        };
        segment.chunk(offset)
    }
}

impl Segment {
    /// Advises the system once that some bytes will be read.
    fn will_need(&self, from: usize, to: usize) {
        let to = to.min(self.file.bytes().len());
        for part in (from - from % ADVISED..to).step_by(ADVISED) {
            if !self.advised.get(part) {
                self.advised.set(part);
                let end = (part + ADVISED).min(self.file.bytes().len());
                self.file.will_need(part..end);
            }
        }
    }

    fn open(path: DataPath) -> Result<Segment, StorageError> {
        let file = MappedFile::open(path, MAX_FILE)?;
        let bytes = file.bytes();
        let header = bytes.first_chunk::<HEADER>();
        let Some([a, b, c, d, version, ..]) = header else {
            return Err(file.corrupt("has no header"));
        };
        if u32::from_be_bytes([*a, *b, *c, *d]) != MAGIC {
            return Err(file.corrupt("has a wrong magic number"));
        }
        if *version != VERSION {
            return Err(file.corrupt(format!("has the unknown format version {version}")));
        }
        let verified = Verified::new(bytes.len(), SLOT);
        let advised = Verified::new(bytes.len(), ADVISED);
        Ok(Segment {
            file,
            verified,
            advised,
        })
    }

    fn chunk(&self, offset: usize) -> Result<ChunkData, StorageError> {
        let corrupt = |e: DecodeError| self.file.corrupt(format!("the chunk at {offset} {e}"));
        let frame = ChunkFrame::at(self.file.bytes(), offset).map_err(corrupt)?;
        if !self.verified.get(offset) {
            frame.check().map_err(corrupt)?;
            self.verified.set(offset);
        }
        let wrong = |e| self.file.corrupt(format!("the chunk at {offset}: {e}"));
        let bytes = self.file.slice(frame.data.clone());
        chunk_data(frame.content[0], bytes).map_err(wrong)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn chunk(encoding: u8, data: &[u8]) -> Vec<u8> {
        let mut bytes = vec![data.len() as u8, encoding];
        bytes.extend(data);
        bytes.extend(crc32c::crc32c(&bytes[1..]).to_be_bytes());
        bytes
    }

    fn encoded(segments: &Segments, reference: u64) -> (Encoding, bytes::Bytes) {
        match segments.chunk(reference) {
            Ok(ChunkData::Encoded { encoding, bytes }) => (encoding, bytes),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn downsampled_chunks_are_split() {
        let xor = || Some((Encoding::Xor, &b"abc"[..]));
        let bytes = aggregate::join([xor(), None, xor(), None, None]);
        let segments = open(&[("000001", &segment(&[chunk(0xff, &bytes)]))]).unwrap();
        let Ok(ChunkData::Aggregates(aggregates)) = segments.chunk(8) else {
            panic!("aggregates");
        };
        assert_eq!(aggregates.count.as_ref().unwrap().bytes, &b"abc"[..]);
        assert!(aggregates.sum.is_none() && aggregates.min.is_some());
        let cut = open(&[("000001", &segment(&[chunk(0xff, &bytes[..7])]))]).unwrap();
        let error = cut.chunk(8).unwrap_err().to_string();
        assert!(
            error.ends_with("the chunk at 8: downsampled chunk ends within aggregate 2 of 5"),
            "{error}"
        );
    }

    fn segment(chunks: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = MAGIC.to_be_bytes().to_vec();
        bytes.extend([VERSION, 0, 0, 0]);
        bytes.extend(chunks.concat());
        bytes
    }

    fn open(files: &[(&str, &[u8])]) -> Result<Segments, StorageError> {
        let dir = tempfile::tempdir().unwrap();
        for (name, bytes) in files {
            fs::write(dir.path().join(name), bytes).unwrap();
        }
        Segments::open(&DataPath::root(dir.path()))
    }

    #[test]
    fn chunks_are_found_in_their_segments() {
        let one = segment(&[chunk(1, &[7; 20]), chunk(4, &[8; 30])]);
        let two = segment(&[chunk(2, &[9; 25])]);
        let segments = open(&[("000002", &two), ("000001", &one), ("000003.tmp", b"x")]).unwrap();
        for _ in 0..2 {
            let (encoding, bytes) = encoded(&segments, 8);
            assert_eq!((encoding, &*bytes), (Encoding::Xor, &[7; 20][..]));
            let (encoding, bytes) = encoded(&segments, 8 + 26);
            assert_eq!((encoding, &*bytes), (Encoding::Xor2, &[8; 30][..]));
            let (encoding, bytes) = encoded(&segments, 1 << 32 | 8);
            assert_eq!((encoding, &*bytes), (Encoding::Histogram, &[9; 25][..]));
        }
        segments.will_need(20, 1 << 32 | 8);
        segments.will_need(1 << 32 | 8, 9 << 32);
        assert!(segments.chunk(2 << 32 | 8).is_err());
        assert!(segments.chunk(u64::from(u32::MAX)).is_err());
    }

    #[test]
    fn changed_bits_and_missing_bytes_are_detected() {
        let whole = segment(&[chunk(1, &[7; 20])]);
        let read = |bytes: &[u8]| open(&[("000001", bytes)])?.chunk(8);
        assert!(read(&whole).is_ok());
        // The padding after the version has no meaning.
        for bit in (0..whole.len() * 8).filter(|bit| !(40..64).contains(bit)) {
            let mut bytes = whole.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let error = read(&bytes).expect_err("an error").to_string();
            assert!(error.contains("000001"), "bit {bit}: {error}");
        }
        for length in 0..whole.len() {
            assert!(read(&whole[..length]).is_err(), "{length} bytes");
        }
        let unknown = segment(&[chunk(9, &[7; 20])]);
        assert!(
            read(&unknown)
                .unwrap_err()
                .to_string()
                .contains("encoding 9")
        );
    }
}

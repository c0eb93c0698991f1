//! Reads the records of a WAL or WBL segment.
//!
//! A segment consists of pages of 32 KiB. A record consists of fragments, none
//! of which crosses the end of a page. The file may grow while it is read, or be
//! cut by a crash. The caller tells by [`Tail`] what the end of the file means.

use std::fs::File;
use std::os::unix::fs::FileExt;

use super::error::HeadError;
use crate::tsdb::data_path::{DataPath, FileId};

const PAGE: u64 = 32 * 1024;
const HEADER: usize = 7;
const MAX_FRAGMENT: usize = PAGE as usize - HEADER;
/// Size of a read in bytes; two pages or more.
const READ_AHEAD: usize = 1 << 20;
/// Largest size of a record; those of Prometheus are much smaller.
const MAX_RECORD: usize = 1 << 30;
/// Largest size of a Zstandard frame whose memory is reserved at once.
const RESERVE_AT_ONCE: u64 = 16 << 20;

const SNAPPY: u8 = 0b0000_1000;
const ZSTD: u8 = 0b0001_0000;

/// What the end of the file means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tail {
    /// The segment may still grow: an incomplete record is not written yet.
    Growing,
    /// A later segment exists. As in Prometheus, the last page counts as filled
    /// with zeros, and an incomplete record is a corruption.
    Closed,
}

/// The result of [`SegmentReader::next`].
#[derive(Debug)]
pub(super) enum Step<'a> {
    /// A decompressed record.
    Record(&'a [u8]),
    /// The end of the file. Reading continues at [`SegmentReader::position`].
    End,
    /// Corrupt bytes at the position.
    Corrupt(String),
}

/// Reads the records of a segment from a position on.
#[derive(Debug)]
pub(super) struct SegmentReader {
    file: File,
    path: DataPath,
    id: FileId,
    tail: Tail,
    /// Bytes from this offset on are not read.
    limit: u64,
    /// `buffer[at..end]` are the bytes from `offset` on. The rest is kept for
    /// further reads, so that it need not be cleared again.
    buffer: Vec<u8>,
    end: usize,
    at: usize,
    offset: u64,
    /// Offset of the current record.
    record_start: u64,
    record: Vec<u8>,
    decoded: Vec<u8>,
    decompress: Decompress,
}

/// Why the bytes of a fragment cannot be read.
enum Short {
    /// The file ends.
    End,
    Failed(HeadError),
}

impl From<HeadError> for Short {
    fn from(e: HeadError) -> Self {
        Short::Failed(e)
    }
}

/// Why a record cannot be read.
enum Stop {
    End,
    Corrupt(String),
    Failed(HeadError),
}

impl From<Short> for Stop {
    fn from(short: Short) -> Self {
        match short {
            Short::End => Stop::End,
            Short::Failed(e) => Stop::Failed(e),
        }
    }
}

impl SegmentReader {
    /// Opens a segment at `position`, the beginning of a record.
    pub fn open(path: DataPath, position: u64, tail: Tail) -> Result<Self, HeadError> {
        let (file, metadata) = path.open().map_err(|e| HeadError::io(&path, e))?;
        Ok(SegmentReader {
            file,
            path,
            id: FileId::of(&metadata),
            tail,
            limit: u64::MAX,
            buffer: Vec::new(),
            end: 0,
            at: 0,
            offset: position,
            record_start: position,
            record: Vec::new(),
            decoded: Vec::new(),
            decompress: Decompress::default(),
        })
    }

    /// Reads as if the file ended at `limit`.
    pub fn set_limit(&mut self, limit: u64) {
        self.limit = limit;
    }

    /// Sets what the end means, and continues at the position.
    pub fn set_tail(&mut self, tail: Tail) {
        self.tail = tail;
        self.rewind();
    }

    /// Offset of the next record, in bytes.
    pub fn position(&self) -> u64 {
        self.record_start
    }

    pub fn path(&self) -> &DataPath {
        &self.path
    }

    pub fn id(&self) -> FileId {
        self.id
    }

    /// Returns to an earlier position, the beginning of a record.
    pub fn back_to(&mut self, position: u64) {
        self.record_start = position;
        self.rewind();
    }

    /// Drops the buffer, since the file may have grown.
    fn rewind(&mut self) {
        self.at = 0;
        self.end = 0;
        self.offset = self.record_start;
    }

    /// The next record. After `End` or `Corrupt` the position is unchanged and a
    /// further call reads again.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn next(&mut self) -> Result<Step<'_>, HeadError> {
        match self.assemble() {
            Ok(compression) => {
                let record_end = self.offset;
                match self
                    .decompress
                    .run(compression, &self.record, &mut self.decoded)
                {
                    Ok(()) => {
                        self.record_start = record_end;
                        Ok(Step::Record(if compression == 0 {
                            &self.record
                        } else {
                            &self.decoded
                        }))
                    }
                    Err(detail) => {
                        self.rewind();
                        Ok(Step::Corrupt(detail))
                    }
                }
            }
            Err(Stop::End) => {
                self.rewind();
                Ok(Step::End)
            }
            Err(Stop::Corrupt(detail)) => {
                self.rewind();
                Ok(Step::Corrupt(detail))
            }
            Err(Stop::Failed(e)) => Err(e),
        }
    }

    /// Assembles the fragments of a record. Returns its compression bits.
    fn assemble(&mut self) -> Result<u8, Stop> {
        self.record.clear();
        let mut fragments = 0;
        loop {
            let in_record = fragments > 0;
            let first = match in_record {
                true => self.take_or_torn(1)?[0],
                false => self.take(1)?[0],
            };
            let kind = first & 0b111;
            if kind == 0 {
                self.skip_padding()?;
                continue;
            }
            let header = self.take_or_torn(HEADER - 1)?;
            let length = usize::from(u16::from_be_bytes([header[0], header[1]]));
            let crc = u32::from_be_bytes([header[2], header[3], header[4], header[5]]);
            if length > MAX_FRAGMENT {
                return Err(Stop::Corrupt(format!("a fragment of {length} bytes")));
            }
            self.take_or_torn(length)?;
            let data = &self.buffer[self.at - length..self.at];
            if crc32c::crc32c(data) != crc {
                return Err(Stop::Corrupt("checksum does not match".into()));
            }
            match (kind, in_record) {
                (1 | 2, false) | (3 | 4, true) => {}
                _ => {
                    return Err(Stop::Corrupt(format!(
                        "fragment of type {kind} as number {fragments} of a record"
                    )));
                }
            }
            if self.record.len() + length > MAX_RECORD {
                return Err(Stop::Corrupt("a record of more than 1 GiB".into()));
            }
            self.record.extend_from_slice(data);
            if kind == 1 || kind == 4 {
                return Ok(first & (SNAPPY | ZSTD));
            }
            fragments += 1;
        }
    }

    /// Skips the remaining zeros up to the end of the page.
    fn skip_padding(&mut self) -> Result<(), Stop> {
        let rest = (PAGE - self.offset % PAGE) % PAGE;
        let zeros = self.take(rest as usize)?;
        if zeros.iter().any(|b| *b != 0) {
            return Err(Stop::Corrupt("padding is not zero".into()));
        }
        Ok(())
    }

    /// As `take`, inside a record.
    fn take_or_torn(&mut self, n: usize) -> Result<&[u8], Stop> {
        let closed = self.tail == Tail::Closed;
        self.take(n).map_err(|short| match short {
            Short::End if closed => Stop::Corrupt("last record is torn".into()),
            other => other.into(),
        })
    }

    /// Takes the next `n` bytes, at most a page.
    fn take(&mut self, n: usize) -> Result<&[u8], Short> {
        if self.end - self.at < n {
            self.fill(n)?;
        }
        if self.end - self.at < n {
            return Err(Short::End);
        }
        let from = self.at;
        self.at += n;
        self.offset += n as u64;
        Ok(&self.buffer[from..self.at])
    }

    /// Reads until the buffer has `n` bytes or the file ends. Pads the last page
    /// of a closed segment.
    fn fill(&mut self, n: usize) -> Result<(), HeadError> {
        self.buffer.resize(READ_AHEAD, 0);
        self.buffer.copy_within(self.at..self.end, 0);
        self.end -= self.at;
        self.at = 0;
        while self.end < n {
            let from = self.offset + self.end as u64;
            let room = (self.limit.saturating_sub(from)).min((READ_AHEAD - self.end) as u64);
            let room = &mut self.buffer[self.end..self.end + room as usize];
            let got = match self.file.read_at(room, from) {
                Ok(got) => got,
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(e) => return Err(HeadError::io(&self.path, e)),
            };
            self.end += got;
            if got == 0 {
                if self.tail == Tail::Closed {
                    let missing = ((PAGE - from % PAGE) % PAGE) as usize;
                    self.buffer[self.end..self.end + missing].fill(0);
                    self.end += missing;
                }
                break;
            }
        }
        Ok(())
    }
}

/// Decompressors, whose memory is reused.
#[derive(Default)]
struct Decompress {
    snappy: snap::raw::Decoder,
    zstd: Option<zstd::bulk::Decompressor<'static>>,
}

impl std::fmt::Debug for Decompress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Decompress")
    }
}

impl Decompress {
    /// Decompresses `from` into `to`. As in Prometheus, does nothing without a
    /// compression bit or without bytes.
    fn run(&mut self, compression: u8, from: &[u8], to: &mut Vec<u8>) -> Result<(), String> {
        to.clear();
        if from.is_empty() {
            return Ok(());
        }
        // As in Prometheus, Snappy takes precedence if both bits are set.
        if compression & SNAPPY != 0 {
            let length = snap::raw::decompress_len(from).map_err(|e| format!("snappy: {e}"))?;
            // A Snappy element makes at most 64 bytes from 2.
            if length > from.len().saturating_mul(64) {
                return Err(format!(
                    "snappy: {} bytes cannot become {length}",
                    from.len()
                ));
            }
            to.resize(length, 0);
            let got = self
                .snappy
                .decompress(from, to)
                .map_err(|e| format!("snappy: {e}"))?;
            to.truncate(got);
        } else if compression & ZSTD != 0 {
            self.zstd(from, to).map_err(|e| format!("zstd: {e}"))?;
        }
        Ok(())
    }

    fn zstd(&mut self, from: &[u8], to: &mut Vec<u8>) -> std::io::Result<()> {
        let promised = zstd::zstd_safe::get_frame_content_size(from).ok().flatten();
        if let Some(length) = promised.filter(|n| *n <= RESERVE_AT_ONCE) {
            if self.zstd.is_none() {
                self.zstd = Some(zstd::bulk::Decompressor::new()?);
            }
            if let Some(decoder) = &mut self.zstd {
                to.reserve(length as usize);
                if decoder.decompress_to_buffer(from, to).is_ok() {
                    return Ok(());
                }
                to.clear();
            }
        }
        // Frames without a size, large frames, or several frames.
        use std::io::Read;
        let stream = zstd::stream::read::Decoder::with_buffer(from)?;
        stream.take(MAX_RECORD as u64 + 1).read_to_end(to)?;
        if to.len() > MAX_RECORD {
            return Err(std::io::Error::other("a record of more than 1 GiB"));
        }
        Ok(())
    }
}

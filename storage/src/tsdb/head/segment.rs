//! Records of one WAL or WBL segment.
//!
//! A segment is a row of pages of 32 KiB; a record is one or more fragments,
//! none of which crosses a page's end. The file may be growing while it is
//! read, or be cut off by a crash, so the end of the bytes is not the end of
//! the log: what it means is for the caller to say, see [`Tail`].

use std::fs::File;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

use super::error::HeadError;

const PAGE: u64 = 32 * 1024;
const HEADER: usize = 7;
const MAX_FRAGMENT: usize = PAGE as usize - HEADER;
/// Bytes asked of the system at once; two pages or more.
const READ_AHEAD: usize = 1 << 20;
/// No record of Prometheus comes near; a header that promises more is wrong.
const MAX_RECORD: usize = 1 << 30;
/// Zstandard frames up to this size are decoded into memory reserved at once.
const RESERVE_AT_ONCE: u64 = 16 << 20;

const SNAPPY: u8 = 0b0000_1000;
const ZSTD: u8 = 0b0001_0000;

/// What the end of the bytes means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tail {
    /// The writer may still add to the segment: a record that is not whole
    /// is not there yet.
    Growing,
    /// A later segment exists. The last page counts as filled with zeros, as
    /// for Prometheus, and a record that is not whole is a corruption.
    Closed,
}

/// What [`SegmentReader::next`] found.
#[derive(Debug)]
pub(super) enum Step<'a> {
    /// A record, decompressed.
    Record(&'a [u8]),
    /// The end of the bytes; [`SegmentReader::position`] is where to go on.
    End,
    /// Bytes that no writer leaves behind, at the position.
    Corrupt(String),
}

/// Which file is open, so that a file put in its place can be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FileId {
    device: u64,
    inode: u64,
}

impl FileId {
    pub fn of(path: &Path) -> Result<FileId, HeadError> {
        let meta = std::fs::metadata(path).map_err(|e| HeadError::io(path, e))?;
        Ok(FileId {
            device: meta.dev(),
            inode: meta.ino(),
        })
    }
}

/// Reads the records of a segment from a position on.
#[derive(Debug)]
pub(super) struct SegmentReader {
    file: File,
    path: PathBuf,
    id: FileId,
    tail: Tail,
    /// Bytes beyond this offset are not looked at.
    limit: u64,
    /// `buffer[at..end]` are the bytes from `offset` on. The rest is room to
    /// read into, kept so that it need not be cleared again.
    buffer: Vec<u8>,
    end: usize,
    at: usize,
    offset: u64,
    /// Where the record that is being read begins.
    record_start: u64,
    record: Vec<u8>,
    decoded: Vec<u8>,
    decompress: Decompress,
}

/// How a fragment's bytes could not be had.
enum Short {
    /// The bytes end.
    End,
    Failed(HeadError),
}

impl From<HeadError> for Short {
    fn from(e: HeadError) -> Self {
        Short::Failed(e)
    }
}

/// Why a record stops.
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
    pub fn open(path: &Path, position: u64, tail: Tail) -> Result<Self, HeadError> {
        let file = File::open(path).map_err(|e| HeadError::io(path, e))?;
        let meta = file.metadata().map_err(|e| HeadError::io(path, e))?;
        Ok(SegmentReader {
            file,
            path: path.into(),
            id: FileId {
                device: meta.dev(),
                inode: meta.ino(),
            },
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

    /// Looks at no byte from `limit` on, as if the file ended there.
    pub fn set_limit(&mut self, limit: u64) {
        self.limit = limit;
    }

    /// Says anew what the end means, and reads again from the position on.
    pub fn set_tail(&mut self, tail: Tail) {
        self.tail = tail;
        self.rewind();
    }

    /// Where the next record begins, as far as it is known, in bytes.
    pub fn position(&self) -> u64 {
        self.record_start
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn id(&self) -> FileId {
        self.id
    }

    /// Goes back to an earlier position, the beginning of a record.
    pub fn back_to(&mut self, position: u64) {
        self.record_start = position;
        self.rewind();
    }

    /// Drops what was read ahead: the file may have grown since.
    fn rewind(&mut self) {
        self.at = 0;
        self.end = 0;
        self.offset = self.record_start;
    }

    /// The next record. After `End` or `Corrupt` the position is unchanged,
    /// and a further call looks again.
    ///
    /// # Errors
    /// When the system refuses to read.
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

    /// Puts a record's fragments together; its compression bits.
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

    /// Skips the zeros up to the page's end, of which one is taken.
    fn skip_padding(&mut self) -> Result<(), Stop> {
        let rest = (PAGE - self.offset % PAGE) % PAGE;
        let zeros = self.take(rest as usize)?;
        if zeros.iter().any(|b| *b != 0) {
            return Err(Stop::Corrupt("padding is not zero".into()));
        }
        Ok(())
    }

    /// Like `take`, inside a record.
    fn take_or_torn(&mut self, n: usize) -> Result<&[u8], Stop> {
        let closed = self.tail == Tail::Closed;
        self.take(n).map_err(|short| match short {
            Short::End if closed => Stop::Corrupt("last record is torn".into()),
            other => other.into(),
        })
    }

    /// The next `n` bytes, at most a page.
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

    /// Reads on until `n` bytes are there, or as many as there are; pads the
    /// last page of a closed segment.
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

/// Decompressors, kept for their memory.
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
    /// Decompresses `from` into `to`; does nothing without a compression bit
    /// or without bytes, as Prometheus does.
    fn run(&mut self, compression: u8, from: &[u8], to: &mut Vec<u8>) -> Result<(), String> {
        to.clear();
        if from.is_empty() {
            return Ok(());
        }
        // Snappy goes first where both bits are set, as in Prometheus.
        if compression & SNAPPY != 0 {
            let length = snap::raw::decompress_len(from).map_err(|e| format!("snappy: {e}"))?;
            // No Snappy element makes more than 64 bytes from 2.
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
        // Without a promise, with a big one, or with several frames.
        use std::io::Read;
        let stream = zstd::stream::read::Decoder::with_buffer(from)?;
        stream.take(MAX_RECORD as u64 + 1).read_to_end(to)?;
        if to.len() > MAX_RECORD {
            return Err(std::io::Error::other("a record of more than 1 GiB"));
        }
        Ok(())
    }
}

//! Head chunk files: complete chunks of the head.
//!
//! A file consists of a header and chunks, each with its series reference, time
//! range and checksum. The last file is written through a buffer of some
//! megabytes and preallocated with zeros, so it may end within a chunk.

use std::collections::BTreeMap;

use bytes::Bytes;
use quarrel_chunks::Encoding;
use rustc_hash::FxHashMap;

use super::dir::Numbered;
use super::error::{HeadError, HeadWarning};

const MAGIC: u32 = 0x0130_BC91;
const VERSION: u8 = 1;
const FILE_HEADER: usize = 8;
/// Series reference, first and last time, encoding.
const CHUNK_HEADER: usize = 25;
const MAX_LENGTH_FIELD: usize = 5;
const CRC: usize = 4;
/// Fewest bytes of a chunk.
const LEAST_CHUNK: usize = CHUNK_HEADER + MAX_LENGTH_FIELD + CRC;
const OUT_OF_ORDER: u8 = 0b1000_0000;
/// Largest size of a file; Prometheus writes at most 128 MiB.
const MAX_FILE: u64 = 1 << 30;

/// The reference of a head chunk: file number in the upper 32 bits, offset in
/// the lower ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ChunkRef(pub u64);

/// A chunk on disk.
#[derive(Clone, Debug)]
pub(super) struct DiskChunk {
    pub reference: ChunkRef,
    pub min_time: i64,
    pub max_time: i64,
    pub encoding: Encoding,
    pub bytes: Bytes,
}

/// All chunks of a head's files by series reference.
#[derive(Debug, Default)]
pub(super) struct DiskChunks {
    pub in_order: FxHashMap<u64, Vec<DiskChunk>>,
    pub out_of_order: FxHashMap<u64, Vec<DiskChunk>>,
    /// The last chunk in the files, kept or not.
    pub last: ChunkRef,
}

struct Corruption {
    offset: usize,
    detail: &'static str,
}

/// Reads all files in ascending order. Leaves out in-order chunks that end
/// before `min_valid_time` (ms).
///
/// Chunks after a corruption are left out; the WAL has their samples, too.
/// Prometheus deletes the whole file then. The last file may be in the middle of
/// a write, so a corruption there gives no warning.
///
/// # Errors
/// When a file is deleted meanwhile or cannot be read.
pub(super) fn read_all(
    listing: &Numbered,
    min_valid_time: i64,
    warnings: &mut Vec<HeadWarning>,
) -> Result<DiskChunks, HeadError> {
    let mut chunks = DiskChunks::default();
    for file in &listing.files {
        let path = listing.path(file);
        let bytes = path.read(MAX_FILE).map_err(|e| HeadError::io(&path, e))?;
        let bytes = Bytes::from(bytes);
        let is_last = Some(file.0) == listing.last();
        if is_last && is_empty_file(&bytes) {
            break;
        }
        match scan(file.0, &bytes, min_valid_time, &mut chunks) {
            Ok(()) => {}
            Err(Scan::OutOfSequence) => {
                // Prometheus cannot repair this and discards all files.
                warnings.push(HeadWarning::ChunksCorrupt {
                    path: path.shown().into(),
                    offset: chunks.last.0 & u64::from(u32::MAX),
                    detail: "chunks of a series overlap".into(),
                });
                return Ok(DiskChunks::default());
            }
            Err(Scan::Corrupt(at)) => {
                if !is_last {
                    warnings.push(HeadWarning::ChunksCorrupt {
                        path: path.shown().into(),
                        offset: at.offset as u64,
                        detail: at.detail.into(),
                    });
                }
                break;
            }
        }
    }
    Ok(chunks)
}

/// Whether the last file is new and still empty.
fn is_empty_file(bytes: &[u8]) -> bool {
    bytes.len() < 4 || bytes[..4] == [0; 4]
}

enum Scan {
    Corrupt(Corruption),
    OutOfSequence,
}

fn corrupt(offset: usize, detail: &'static str) -> Scan {
    Scan::Corrupt(Corruption { offset, detail })
}

fn be64(bytes: &[u8]) -> u64 {
    let mut word = [0; 8];
    word.copy_from_slice(&bytes[..8]);
    u64::from_be_bytes(word)
}

fn scan(
    number: u64,
    file: &Bytes,
    min_valid_time: i64,
    chunks: &mut DiskChunks,
) -> Result<(), Scan> {
    if file.len() < FILE_HEADER {
        return Err(corrupt(0, "file header is too short"));
    }
    if file[..4] != MAGIC.to_be_bytes() {
        return Err(corrupt(0, "wrong magic number"));
    }
    if file[4] != VERSION {
        return Err(corrupt(4, "unknown format version"));
    }
    let mut at = FILE_HEADER;
    while at < file.len() {
        let rest = &file[at..];
        if rest.len() < LEAST_CHUNK {
            if rest.iter().all(|b| *b == 0) {
                break;
            }
            return Err(corrupt(at, "chunk header is too short"));
        }
        let (series, min_time, max_time) = (
            be64(rest),
            be64(&rest[8..]) as i64,
            be64(&rest[16..]) as i64,
        );
        if series == 0 && min_time == 0 && max_time == 0 {
            break; // preallocated
        }
        let encoding = rest[24];
        let (length, width) = chunk_length(&rest[CHUNK_HEADER..CHUNK_HEADER + MAX_LENGTH_FIELD])
            .ok_or(corrupt(at, "chunk length is not a number"))?;
        let data = CHUNK_HEADER + width;
        let end = usize::try_from(length)
            .ok()
            .and_then(|n| data.checked_add(n));
        let Some(end) = end.filter(|e| rest.len() >= CRC && *e <= rest.len() - CRC) else {
            return Err(corrupt(at, "file ends within a chunk"));
        };
        if crc32c::crc32c(&rest[..end]).to_be_bytes() != rest[end..end + CRC] {
            return Err(corrupt(at, "checksum does not match"));
        }
        let reference = ChunkRef(number << 32 | at as u64);
        chunks.last = reference;
        let bytes = file.slice(at + data..at + end);
        let out_of_order = encoding & OUT_OF_ORDER != 0;
        // Unknown encodings are skipped, as in Prometheus.
        if let Ok(encoding) = Encoding::try_from(encoding & !OUT_OF_ORDER) {
            let chunk = DiskChunk {
                reference,
                min_time,
                max_time,
                encoding,
                bytes,
            };
            if out_of_order {
                chunks.out_of_order.entry(series).or_default().push(chunk);
            } else if max_time >= min_valid_time {
                let list = chunks.in_order.entry(series).or_default();
                if list.last().is_some_and(|last| last.max_time >= min_time) {
                    return Err(Scan::OutOfSequence);
                }
                list.push(chunk);
            }
        }
        at += end + CRC;
    }
    Ok(())
}

/// Reads a varint of at most five bytes. Returns its value and width.
fn chunk_length(bytes: &[u8]) -> Option<(u64, usize)> {
    let mut value = 0;
    for (i, byte) in bytes.iter().enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * i);
        if byte & 0x80 == 0 {
            return Some((value, i + 1));
        }
    }
    None
}

/// Merges the chunks of another reference into those of a series, for a second
/// series record with the same labels. In-order chunks are in order of time,
/// and the incoming chunks replace those that they overlap. Out-of-order chunks
/// are in order of their references.
pub(super) fn merge(
    existing: Vec<DiskChunk>,
    incoming: &[DiskChunk],
    out_of_order: bool,
) -> Vec<DiskChunk> {
    if existing.is_empty() {
        return incoming.to_vec();
    }
    if out_of_order {
        let all = existing.into_iter().chain(incoming.iter().cloned());
        return all
            .map(|c| (c.reference, c))
            .collect::<BTreeMap<_, _>>()
            .into_values()
            .collect();
    }
    let mut merged = Vec::with_capacity(existing.len() + incoming.len());
    let mut incoming = incoming.iter().peekable();
    for chunk in existing {
        while let Some(new) = incoming.next_if(|new| new.max_time < chunk.min_time) {
            merged.push(new.clone());
        }
        let overlaps =
            |new: &&&DiskChunk| chunk.reference == new.reference || chunk.max_time >= new.min_time;
        if incoming.peek().filter(overlaps).is_none() {
            merged.push(chunk);
        }
    }
    merged.extend(incoming.cloned());
    merged
}

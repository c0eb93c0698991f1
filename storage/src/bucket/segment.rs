//! Where the chunks of a series are, and the chunks in what was fetched of segments.

use std::ops::Range;

use bytes::Bytes;
use quarrel_engine::storage::{Chunk, StorageError, TimeRange};

use super::block::{BucketBlock, segment_name};
use super::index::FetchedIndex;
use super::pages::Pages;
use super::shared::Shared;
use crate::tsdb::block::index::{ChunkMeta, SeriesIndex as _};
use crate::tsdb::block::read::is_selected;
use crate::tsdb::block::segments::ChunkFrame;
use crate::tsdb::block::segments::chunk_data;
use crate::tsdb::decbuf::{Decbuf, DecodeError};

/// Bytes of a length as a varint, most of the time.
const LENGTH: u64 = 5;
/// Bytes of encoding and checksum.
const AROUND: u64 = 1 + 4;
/// Most bytes of a chunk: a damaged length must not fetch a whole segment.
const LONGEST: u64 = 16 << 20;

/// Where a chunk is.
#[derive(Clone, Copy, Debug)]
pub(super) struct ChunkPlace {
    meta: ChunkMeta,
    /// The number of its segment.
    pub segment: u32,
    pub offset: u64,
    /// Its bytes, or more; fewer if that is a guess.
    length: u64,
}

/// The places of the chunks of a series that overlap the range.
///
/// # Errors
/// When the entry is corrupt.
pub(super) fn places(
    block: &BucketBlock,
    index: &FetchedIndex,
    id: u32,
    range: TimeRange,
) -> Result<Vec<ChunkPlace>, StorageError> {
    let error = |e| index.series_error(id, e);
    let mut places: Vec<ChunkPlace> = Vec::new();
    let guess = block.most_chunk_bytes();
    let mut last_selected = false;
    for meta in index.series(id)?.chunks().map_err(error)? {
        let meta = meta.map_err(error)?;
        let (segment, offset) = (
            (meta.reference >> 32) as u32,
            meta.reference & u64::from(u32::MAX),
        );
        // A chunk ends where the next one of its series begins, at the latest.
        if last_selected
            && let Some(last) = places.last_mut()
            && last.segment == segment
            && last.offset < offset
        {
            last.length = last.length.min(offset - last.offset).max(1);
        }
        if meta.min_time > range.end {
            break;
        }
        last_selected = is_selected(&meta, range, None);
        if last_selected {
            places.push(ChunkPlace {
                meta,
                segment,
                offset,
                length: guess,
            });
        }
    }
    Ok(places)
}

impl ChunkPlace {
    /// The part of the segment that most likely has the chunk.
    pub fn guessed(&self) -> Range<u64> {
        self.offset..self.offset + self.length
    }

    /// The part of the segment that has it, as its length in `pages` says.
    pub fn whole(&self, pages: &Pages) -> Option<Range<u64>> {
        let whole = frame(self.offset, pages).ok()?;
        (whole.end - whole.start <= LONGEST).then_some(whole)
    }

    /// What `pages` have of it.
    pub fn state(&self, pages: &Pages) -> ChunkState {
        let Some(whole) = self.whole(pages) else {
            return ChunkState::Damaged;
        };
        let bytes = pages.bytes(whole.clone());
        if (bytes.len() as u64) < whole.end - whole.start {
            return ChunkState::Cut(whole);
        }
        match ChunkFrame::at(&bytes, 0).and_then(|frame| frame.check()) {
            Ok(()) => ChunkState::Whole,
            Err(_) => ChunkState::Damaged,
        }
    }
}

/// What was fetched of a chunk.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum ChunkState {
    /// All of it, and it matches its checksum.
    Whole,
    /// Not all: it is this part of the segment.
    Cut(Range<u64>),
    /// What is no chunk.
    Damaged,
}

/// The part of a segment that has the chunk at an offset, as its length there says.
fn frame(offset: u64, pages: &Pages) -> Result<Range<u64>, DecodeError> {
    let start = pages.bytes(offset..offset + LENGTH);
    let mut buf = Decbuf::new(&start);
    let length = u64::from(buf.uvarint32()?);
    Ok(offset..offset + (start.len() - buf.len()) as u64 + length + AROUND)
}

/// The bytes of the chunk at a place, of which nothing is known yet.
fn frame_at(
    shared: &Shared,
    block: &BucketBlock,
    place: &ChunkPlace,
    pages: &Pages,
) -> Result<Bytes, StorageError> {
    if !block.segments.contains_key(&place.segment) {
        return Err(corrupt(shared, block, place, "is missing".to_string()));
    }
    let whole = frame(place.offset, pages).map_err(|e| chunk_error(shared, block, place, e))?;
    Ok(pages.slice(whole.start..whole.end.min(whole.start + LONGEST)))
}

/// Whether the chunk at a place is whole and matches its checksum.
///
/// # Errors
/// When it does not, or is not there.
pub(super) fn check_chunk(
    shared: &Shared,
    block: &BucketBlock,
    place: &ChunkPlace,
    pages: &Pages,
) -> Result<(), StorageError> {
    let bytes = frame_at(shared, block, place, pages)?;
    let frame = ChunkFrame::at(&bytes, 0);
    let checked = frame.and_then(|frame| frame.check());
    checked.map_err(|e| chunk_error(shared, block, place, e))
}

/// The chunk at a place, which [`check_chunk`] has seen.
///
/// # Errors
/// When it is corrupt, or not there.
pub(super) fn chunk_at(
    shared: &Shared,
    block: &BucketBlock,
    place: &ChunkPlace,
    pages: &Pages,
) -> Result<Chunk, StorageError> {
    let bytes = frame_at(shared, block, place, pages)?;
    let frame = ChunkFrame::at(&bytes, 0).map_err(|e| chunk_error(shared, block, place, e))?;
    let data = chunk_data(frame.content[0], bytes.slice(frame.data.clone()));
    let at = place.offset;
    let wrong = |e| corrupt(shared, block, place, format!("the chunk at {at}: {e}"));
    let times = TimeRange {
        start: place.meta.min_time,
        end: place.meta.max_time,
    };
    Ok(Chunk::new(data.map_err(wrong)?, times))
}

fn chunk_error(
    shared: &Shared,
    block: &BucketBlock,
    place: &ChunkPlace,
    e: DecodeError,
) -> StorageError {
    let at = place.offset;
    corrupt(shared, block, place, format!("the chunk at {at} {e}"))
}

fn corrupt(
    shared: &Shared,
    block: &BucketBlock,
    place: &ChunkPlace,
    detail: String,
) -> StorageError {
    let object = segment_name(&block.ulid, place.segment.saturating_add(1));
    StorageError::Corrupt {
        file: shared.objects.shown(&object),
        detail,
    }
}

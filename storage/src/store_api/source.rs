//! The chunks of an answer.

use quarrel_engine::storage::{Chunk, SeriesSource, StorageError};

use super::chunk::SentChunk;

/// The chunks of an answer's rows, encoded.
#[derive(Debug, Default)]
pub(super) struct StoreSource {
    chunks: Vec<SentChunk>,
    /// The end of each row's chunks.
    ends: Vec<usize>,
    samples: u64,
    bytes: usize,
}

impl StoreSource {
    pub(super) fn with_capacity(rows: usize, chunks: usize) -> Self {
        StoreSource {
            chunks: Vec::with_capacity(chunks),
            ends: Vec::with_capacity(rows),
            samples: 0,
            bytes: 0,
        }
    }

    /// Bytes of room for so many rows and chunks.
    pub(super) fn room(rows: usize, chunks: usize) -> usize {
        chunks * size_of::<SentChunk>() + rows * size_of::<usize>()
    }

    /// Appends a row: chunks, with the number of the store that has sent each.
    pub(super) fn push(&mut self, row: impl IntoIterator<Item = (usize, SentChunk)>) {
        for (_, chunk) in row {
            self.samples += chunk.samples();
            self.bytes += chunk.bytes();
            self.chunks.push(chunk);
        }
        self.ends.push(self.chunks.len());
    }
}

impl SeriesSource for StoreSource {
    fn chunks(&self, row: u32, out: &mut Vec<Chunk>) -> Result<(), StorageError> {
        let at = row as usize;
        let Some(&end) = self.ends.get(at) else {
            let rows = self.ends.len();
            return Err(StorageError::Other(format!(
                "row {row} of {rows} selected series"
            )));
        };
        let start = at.checked_sub(1).map_or(0, |before| self.ends[before]);
        out.extend(self.chunks[start..end].iter().map(SentChunk::to_chunk));
        Ok(())
    }

    fn estimated_samples(&self) -> Option<u64> {
        Some(self.samples)
    }

    fn held_bytes(&self) -> usize {
        self.bytes + StoreSource::room(self.ends.capacity(), self.chunks.capacity())
    }
}

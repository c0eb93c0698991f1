//! The chunks of an answer.

use std::ops::Range;
use std::sync::Arc;

use quarrel_engine::storage::{Chunk, SeriesSource, StorageError};

use super::chunk::SentChunk;

/// The chunks of an answer's rows, encoded.
#[derive(Debug, Default)]
pub(crate) struct SentSource {
    chunks: Vec<SentChunk>,
    /// Which store has sent each chunk.
    stores: Vec<u32>,
    /// The end of each row's chunks.
    ends: Vec<usize>,
    /// The addresses of all stores.
    addresses: Vec<Arc<str>>,
    samples: u64,
    bytes: usize,
}

impl SentSource {
    /// A source of the stores at these addresses.
    pub(crate) fn with_capacity(addresses: Vec<Arc<str>>, rows: usize, chunks: usize) -> Self {
        SentSource {
            chunks: Vec::with_capacity(chunks),
            stores: Vec::with_capacity(chunks),
            ends: Vec::with_capacity(rows),
            addresses,
            samples: 0,
            bytes: 0,
        }
    }

    /// Bytes of room for so many rows and chunks.
    pub(crate) fn room(rows: usize, chunks: usize) -> usize {
        chunks * (size_of::<SentChunk>() + size_of::<u32>()) + rows * size_of::<usize>()
    }

    /// Appends a row: chunks, with the number of the store that has sent each.
    pub(crate) fn push(&mut self, row: impl IntoIterator<Item = (usize, SentChunk)>) {
        for (store, chunk) in row {
            self.stores.push(store as u32);
            self.samples += chunk.samples();
            self.bytes += chunk.bytes();
            self.chunks.push(chunk);
        }
        self.ends.push(self.chunks.len());
    }
}

impl SentSource {
    /// Where the chunks of a row are.
    fn of_row(&self, row: u32) -> Option<Range<usize>> {
        let end = *self.ends.get(row as usize)?;
        let before = (row as usize).checked_sub(1);
        Some(before.map_or(0, |before| self.ends[before])..end)
    }
}

impl SeriesSource for SentSource {
    fn chunks(&self, row: u32, out: &mut Vec<Chunk>) -> Result<(), StorageError> {
        let Some(of_row) = self.of_row(row) else {
            let rows = self.ends.len();
            return Err(StorageError::Other(format!(
                "row {row} of {rows} selected series"
            )));
        };
        out.extend(self.chunks[of_row].iter().map(SentChunk::to_chunk));
        Ok(())
    }

    fn origin(&self, row: u32) -> Option<String> {
        let mut stores = self.stores[self.of_row(row)?].to_vec();
        stores.sort_unstable();
        stores.dedup();
        let names = stores.iter().map(|&store| &*self.addresses[store as usize]);
        Some(names.collect::<Vec<_>>().join(", "))
    }

    fn estimated_samples(&self) -> Option<u64> {
        Some(self.samples)
    }

    fn held_bytes(&self) -> usize {
        self.bytes + SentSource::room(self.ends.capacity(), self.chunks.capacity())
    }
}

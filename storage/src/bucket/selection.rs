//! The rows of a select in some blocks, and where their chunks are.

use std::ops::Range;
use std::sync::Arc;

use futures::future::try_join_all;
use quarrel_engine::storage::{Chunk, StorageError, TimeRange};
use rustc_hash::FxHashMap;

use super::block::BucketBlock;
use super::index::FetchedIndex;
use super::pages::Pages;
use super::segment::{ChunkPlace, chunk_at, places};
use super::shared::Shared;
use crate::tsdb::merge::{Merged, Part};
use crate::tsdb::samples::combine;

/// The rows of a select in some blocks.
#[derive(Debug)]
pub(super) struct Selection {
    pub shared: Arc<Shared>,
    /// By the numbers of sources in `merged`.
    pub blocks: Vec<(Arc<BucketBlock>, Arc<FetchedIndex>)>,
    pub merged: Merged,
    pub rows: u32,
    pub range: TimeRange,
    pub samples: f64,
    /// Bytes of all chunks, guessed.
    pub chunk_bytes: u64,
}

/// A segment: the number of its block among those of the selection, and its own.
type FileKey = (u32, u32);

/// What was fetched for some rows, by block and segment.
#[derive(Debug, Default)]
pub(super) struct Fetched(FxHashMap<FileKey, Pages>);

impl Selection {
    /// The parts of a row.
    pub fn parts(&self, row: u32) -> Vec<Part> {
        match self.merged.only_part(row as usize) {
            Some(part) => vec![part],
            None => self.merged.parts(row as usize).to_vec(),
        }
    }

    /// Where the chunks of a part of a row are.
    fn places(&self, part: Part) -> Result<Vec<ChunkPlace>, StorageError> {
        let (block, index) = &self.blocks[part.source as usize];
        places(block, index, part.id, self.range)
    }

    /// Fetches the chunks of some rows.
    pub async fn fetch(
        &self,
        rows: impl IntoIterator<Item = u32>,
    ) -> Result<Fetched, StorageError> {
        let mut all: FxHashMap<FileKey, Vec<ChunkPlace>> = FxHashMap::default();
        for row in rows {
            for part in self.parts(row) {
                // Who reads the row gets the error of a corrupt entry.
                for place in self.places(part).unwrap_or_default() {
                    let key = (part.source, place.segment);
                    all.entry(key).or_default().push(place);
                }
            }
        }
        let mut fetched = Fetched::default();
        let whole = |places: &Vec<ChunkPlace>| -> Vec<Range<u64>> {
            places.iter().map(ChunkPlace::guessed).collect()
        };
        let wanted = all.iter().map(|(key, places)| (*key, whole(places)));
        self.fetch_ranges(wanted.collect(), &mut fetched).await?;
        // Chunks that are longer than was guessed.
        let longer = all.iter().filter_map(|(key, places)| {
            let pages = fetched.0.get(key)?;
            let longer = places.iter().filter_map(|place| place.longer(pages));
            let longer: Vec<Range<u64>> = longer.collect();
            (!longer.is_empty()).then_some((*key, longer))
        });
        let longer: Vec<_> = longer.collect();
        if !longer.is_empty() {
            self.fetch_ranges(longer, &mut fetched).await?;
        }
        Ok(fetched)
    }

    async fn fetch_ranges(
        &self,
        wanted: Vec<(FileKey, Vec<Range<u64>>)>,
        fetched: &mut Fetched,
    ) -> Result<(), StorageError> {
        let Shared { objects, pages, .. } = &*self.shared;
        let fetches = wanted.into_iter().filter_map(|(key, ranges)| {
            let block = &self.blocks[key.0 as usize].0;
            // Who reads such a row gets an error.
            let segment = block.segments.get(&key.1)?;
            Some(async move {
                match Pages::fetch(objects, pages, segment, ranges).await {
                    Ok(pages) => Ok((key, pages)),
                    Err(error) => Err(block.failed(&self.shared, error).await),
                }
            })
        });
        for (key, pages) in try_join_all(fetches).await? {
            fetched.0.entry(key).or_default().add(pages);
        }
        Ok(())
    }

    /// Appends the chunks of a row, in order of their first sample.
    ///
    /// # Errors
    /// When one is corrupt, or not there.
    pub fn chunks(
        &self,
        row: u32,
        fetched: &Fetched,
        out: &mut Vec<Chunk>,
    ) -> Result<(), StorageError> {
        match &self.parts(row)[..] {
            [only] => self.part_chunks(*only, fetched, out),
            parts => combine(parts.len(), self.range, out, |number, found| {
                self.part_chunks(parts[number], fetched, found)
            }),
        }
    }

    /// Appends the chunks of a part of a row.
    fn part_chunks(
        &self,
        part: Part,
        fetched: &Fetched,
        out: &mut Vec<Chunk>,
    ) -> Result<(), StorageError> {
        let block = &self.blocks[part.source as usize].0;
        let none = Pages::default();
        for place in self.places(part)? {
            let pages = fetched.0.get(&(part.source, place.segment));
            let chunk = chunk_at(&self.shared, block, &place, pages.unwrap_or(&none))?;
            out.push(chunk);
        }
        Ok(())
    }
}

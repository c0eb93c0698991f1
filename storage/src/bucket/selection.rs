//! The rows of a select in some blocks, and where their chunks are.

use std::ops::Range;
use std::sync::Arc;

use futures::future::join_all;
use parking_lot::Mutex;
use quarrel_engine::storage::{Chunk, StorageError, TimeRange};
use rustc_hash::{FxHashMap, FxHashSet};

use super::block::BucketBlock;
use super::downloads::Download;
use super::failure::OnFailure;
use super::file::File;
use super::index::FetchedIndex;
use super::pages::Pages;
use super::segment::{ChunkPlace, ChunkState, check_chunk, chunk_at, places};
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
    /// What becomes of chunks that cannot be read.
    pub on_failure: OnFailure,
    /// Segments that could not be fetched for some rows: nobody waits for them again.
    pub given_up: Mutex<FxHashSet<FileKey>>,
}

/// A segment: the number of its block among those of the selection, and its own.
pub(super) type FileKey = (u32, u32);

/// What was fetched for some rows.
#[derive(Debug, Default)]
pub(super) struct Fetched {
    /// By block and segment.
    pages: FxHashMap<FileKey, Pages>,
    /// Segments that cannot be fetched; the answer does without them.
    failed: FxHashSet<FileKey>,
    /// Chunks that are not whole, by their offsets. Who reads one gets an error, or none
    /// of it.
    damaged: FxHashSet<(FileKey, u64)>,
    /// What the user should know of it.
    pub warnings: Vec<String>,
}

/// Places of chunks, by block and segment.
type Places = FxHashMap<FileKey, Vec<ChunkPlace>>;

impl Fetched {
    /// Leaves those of some chunks that are not whole; the parts of segments that have
    /// such as are longer than what was fetched.
    fn retain_unread(&self, all: &mut Places) -> Vec<(FileKey, Vec<Range<u64>>)> {
        let none = Pages::default();
        let mut longer = Vec::new();
        all.retain(|key, places| {
            if self.failed.contains(key) {
                return false;
            }
            let pages = self.pages.get(key).unwrap_or(&none);
            let mut cut = Vec::new();
            places.retain(|place| match place.state(pages) {
                ChunkState::Whole => false,
                ChunkState::Cut(part) => {
                    cut.push(part);
                    true
                }
                ChunkState::Damaged => true,
            });
            if !cut.is_empty() {
                longer.push((*key, cut));
            }
            !places.is_empty()
        });
        longer
    }
}

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

    /// Begins to fetch the chunks of some rows, as long as the downloads are held: one
    /// request a segment, where chunks of neighbours lie together.
    pub fn begin(&self, rows: impl IntoIterator<Item = u32>) -> Vec<Arc<Download>> {
        let Shared { objects, pages, .. } = &*self.shared;
        let mut all: FxHashMap<FileKey, Vec<Range<u64>>> = FxHashMap::default();
        for (key, place) in self.places_of(rows) {
            let ranges = all.entry(key).or_default();
            let next = place.guessed();
            match ranges.last_mut() {
                Some(last) if last.contains(&next.start) => last.end = next.end.max(last.end),
                _ => ranges.push(next),
            }
        }
        let downloads = all.into_iter().filter_map(|(key, ranges)| {
            let segment = self.segment(key)?;
            Some(Pages::begin(objects, pages, segment, ranges))
        });
        downloads.flatten().collect()
    }

    /// Where the chunks of some rows are. Who reads a row gets the error of a corrupt
    /// entry.
    fn places_of(
        &self,
        rows: impl IntoIterator<Item = u32>,
    ) -> impl Iterator<Item = (FileKey, ChunkPlace)> {
        let parts = rows.into_iter().flat_map(|row| self.parts(row));
        parts.flat_map(|part| {
            let places = self.places(part).unwrap_or_default().into_iter();
            places.map(move |place| ((part.source, place.segment), place))
        })
    }

    /// Fetches the chunks of some rows, and compares them with their checksums.
    ///
    /// # Errors
    /// When one cannot be fetched, unless that is a warning.
    pub async fn fetch(
        &self,
        rows: impl IntoIterator<Item = u32>,
    ) -> Result<Fetched, StorageError> {
        let mut all = Places::default();
        for (key, place) in self.places_of(rows) {
            all.entry(key).or_default().push(place);
        }
        let mut fetched = Fetched::default();
        let damaged = self.fetch_places(all, &mut fetched).await?;
        if damaged.is_empty() {
            return Ok(fetched);
        }
        // What is not whole in memory or on disk, or was damaged on its way, may be whole
        // in the bucket.
        for (key, places) in &damaged {
            if let (Some(segment), Some(pages)) = (self.segment(*key), fetched.pages.get(key)) {
                let read = |place: &ChunkPlace| [Some(place.guessed()), place.whole(pages)];
                let read = places.iter().flat_map(read).flatten();
                self.shared.pages.forget(segment, read);
            }
        }
        for (key, places) in self.fetch_places(damaged, &mut fetched).await? {
            let offsets = places.iter().map(|place| (key, place.offset));
            fetched.damaged.extend(offsets);
            // One is told of each segment.
            if let Some(Err(error)) = places.first().map(|first| self.check(first, key, &fetched))
                && let Ok(warning) = self.on_failure.of(error)
            {
                fetched.warnings.push(warning);
            }
        }
        Ok(fetched)
    }

    fn segment(&self, key: FileKey) -> Option<&File> {
        self.blocks[key.0 as usize].0.segments.get(&key.1)
    }

    /// Fetches what most likely has the chunks, and more where one is longer; the chunks
    /// that are not whole then.
    async fn fetch_places(
        &self,
        mut all: Places,
        fetched: &mut Fetched,
    ) -> Result<Places, StorageError> {
        let guessed = |places: &Vec<ChunkPlace>| -> Vec<Range<u64>> {
            places.iter().map(ChunkPlace::guessed).collect()
        };
        let wanted = all.iter().map(|(key, places)| (*key, guessed(places)));
        self.fetch_ranges(wanted.collect(), fetched).await?;
        let longer = fetched.retain_unread(&mut all);
        if !longer.is_empty() {
            self.fetch_ranges(longer, fetched).await?;
            fetched.retain_unread(&mut all);
        }
        Ok(all)
    }

    async fn fetch_ranges(
        &self,
        wanted: Vec<(FileKey, Vec<Range<u64>>)>,
        fetched: &mut Fetched,
    ) -> Result<(), StorageError> {
        let Shared { objects, pages, .. } = &*self.shared;
        let given_up = self.given_up.lock().clone();
        fetched.failed.extend(&given_up);
        let wanted = wanted
            .into_iter()
            .filter(|(key, _)| !given_up.contains(key));
        let fetches = wanted.filter_map(|(key, ranges)| {
            // Chunks of a segment that is not there are found missing later.
            let segment = self.segment(key)?;
            let block = &self.blocks[key.0 as usize].0;
            Some(async move {
                match Pages::fetch(objects, pages, segment, ranges).await {
                    Ok(pages) => (key, Ok(pages)),
                    Err(error) => (key, Err(block.failed(&self.shared, error).await)),
                }
            })
        });
        for (key, answer) in join_all(fetches).await {
            match answer {
                Ok(pages) => fetched.pages.entry(key).or_default().add(pages),
                Err(error) => {
                    fetched.warnings.push(self.on_failure.of(error)?);
                    fetched.failed.insert(key);
                    self.given_up.lock().insert(key);
                }
            }
        }
        Ok(())
    }

    /// Whether the chunk at a place is whole in what was fetched.
    fn check(
        &self,
        place: &ChunkPlace,
        key: FileKey,
        fetched: &Fetched,
    ) -> Result<(), StorageError> {
        let block = &self.blocks[key.0 as usize].0;
        let none = Pages::default();
        let pages = fetched.pages.get(&key).unwrap_or(&none);
        check_chunk(&self.shared, block, place, pages)
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
            let key = (part.source, place.segment);
            if fetched.failed.contains(&key) {
                continue;
            }
            if fetched.damaged.contains(&(key, place.offset)) {
                // The warning was given.
                let checked = self.check(&place, key, fetched);
                checked.or_else(|error| self.on_failure.of(error).map(drop))?;
                continue;
            }
            let pages = fetched.pages.get(&key);
            let chunk = chunk_at(&self.shared, block, &place, pages.unwrap_or(&none))?;
            out.push(chunk);
        }
        Ok(())
    }
}

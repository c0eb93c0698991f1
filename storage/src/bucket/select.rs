//! Selects in one block: postings, then the entries of the series that they leave.

use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

use quarrel_engine::storage::{SelectControl, SelectRequest, StorageError};
use quarrel_matchers::Matcher;

use super::block::BucketBlock;
use super::header::IndexHeader;
use super::index::{Entries, FetchedIndex, entry_length, series_at};
use super::pages::Pages;
use super::postings::Plan;
use super::shared::Shared;
use crate::tsdb::block::labels::{matching_values, names_of, values_of};
use crate::tsdb::block::read::rows_of;
use crate::tsdb::block::{Candidates, Rows, Tombstones};

/// Series whose entries are fetched at a time.
const ENTRIES_AT_ONCE: usize = 64 << 10;
/// Series between two looks at the query.
const CHECK_EVERY: usize = 1024;
/// Bytes that are read of an entry of which nothing is known.
const SHORTEST_READ: u64 = 16;
/// Most bytes of an entry, as of a series with some million chunks: a damaged length must
/// not fetch a whole index.
const LONGEST_ENTRY: u64 = 64 << 20;

/// The rows of a block, with their entries.
#[derive(Debug)]
pub(super) struct BlockRows {
    pub block: Arc<BucketBlock>,
    pub index: Arc<FetchedIndex>,
    pub rows: Rows,
    /// Chunks of all rows in the range.
    pub chunks: u64,
}

/// What a select reads of a block.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a> {
    pub block: &'a Arc<BucketBlock>,
    pub shared: &'a Shared,
    pub control: &'a dyn SelectControl,
}

impl<'a> Reader<'a> {
    /// The rows that satisfy the matchers and have samples in the range. `alone` tells
    /// that no other block is read for the select.
    ///
    /// # Errors
    /// Those of the bucket, when the index is corrupt, and the end of the query.
    pub async fn rows(
        self,
        request: SelectRequest<'_>,
        alone: bool,
    ) -> Result<Option<BlockRows>, StorageError> {
        let Some((index, candidates)) = self.candidates(request.matchers).await? else {
            return Ok(None);
        };
        let index = Arc::new(index);
        let none = Arc::new(Tombstones::default());
        let reading = rows_of(&index, candidates, &none, request, alone);
        let (mut rows, chunks) = reading.await?;
        rows.samples = chunks.samples(self.block.meta.block.stats.samples_per_chunk());
        // The entries of candidates that did not match are not needed any more. Where
        // strings are lent, the query holds this index anyway.
        let entries = index.entries.only(&rows.ids);
        let header = Arc::clone(&index.header);
        Ok(Some(BlockRows {
            block: Arc::clone(self.block),
            index: Arc::new(FetchedIndex { header, entries }),
            rows,
            chunks: chunks.count,
        }))
    }

    /// The label names of the series that satisfy the matchers.
    ///
    /// # Errors
    /// As [`Reader::rows`].
    pub async fn label_names(self, matchers: &[Matcher]) -> Result<Vec<String>, StorageError> {
        match self.candidates(matchers).await? {
            Some((index, candidates)) => names_of(&index, candidates, self.control),
            None => Ok(Vec::new()),
        }
    }

    /// The label names of all series.
    ///
    /// # Errors
    /// As [`Reader::rows`].
    pub async fn all_label_names(self) -> Result<Vec<String>, StorageError> {
        self.header().await?.label_names()
    }

    /// The values of a label in the series that satisfy the matchers.
    ///
    /// # Errors
    /// As [`Reader::rows`].
    pub async fn label_values(
        self,
        name: &str,
        matchers: &[Matcher],
    ) -> Result<Vec<String>, StorageError> {
        // Matchers on this label alone are tested without reading series.
        if matchers.iter().all(|m| m.name() == name) {
            let header = self.header().await?;
            let Some(values) = header.values(name)? else {
                return Ok(Vec::new());
            };
            let text = |value: &[u8]| header.text(value);
            return matching_values(&values, matchers, self.control, text);
        }
        match self.candidates(matchers).await? {
            Some((index, candidates)) => values_of(&index, name, candidates, self.control),
            None => Ok(Vec::new()),
        }
    }

    async fn header(self) -> Result<Arc<IndexHeader>, StorageError> {
        let began = Instant::now();
        let header = self.block.header(self.shared).await;
        self.control.waited(began.elapsed());
        header
    }

    /// The series that may match, with their entries; `None` if there is none. What is
    /// corrupt is fetched anew, once: it may be whole in the bucket.
    async fn candidates<'m>(
        self,
        matchers: &'m [Matcher],
    ) -> Result<Option<(FetchedIndex, Candidates<'m>)>, StorageError> {
        match self.candidates_once(matchers).await {
            Err(StorageError::Corrupt { file, detail }) => {
                tracing::warn!(file, detail, "Fetching parts of an index anew");
                let index = &self.block.index;
                let whole = std::iter::once(0..index.size);
                self.shared.pages.forget(index, whole);
                self.candidates_once(matchers).await
            }
            answer => answer,
        }
    }

    async fn candidates_once<'m>(
        self,
        matchers: &'m [Matcher],
    ) -> Result<Option<(FetchedIndex, Candidates<'m>)>, StorageError> {
        let header = self.header().await?;
        let Some(plan) = Plan::new(&header, matchers, self.control)? else {
            return Ok(None);
        };
        let mut pages = self.fetch(plan.ranges()).await?;
        let candidates = loop {
            match plan.candidates(&header, &pages, self.control)? {
                Ok(candidates) => break candidates,
                Err(longer) => {
                    let index = &self.block.index;
                    if let Some(beyond) = longer.iter().find(|range| range.end > index.size) {
                        let what = format!("the postings list at {} ends too soon", beyond.start);
                        return Err(header.corrupt(what));
                    }
                    pages.add(self.fetch(longer).await?);
                }
            }
            self.control.check()?;
        };
        if candidates.ids.is_empty() {
            return Ok(None);
        }
        let entries = self.entries(&header, &candidates.ids).await?;
        Ok(Some((FetchedIndex { header, entries }, candidates)))
    }

    /// The entries of some series.
    async fn entries(self, header: &IndexHeader, ids: &[u32]) -> Result<Entries, StorageError> {
        let mut entries = Entries::default();
        let guess = self.block.series_bytes();
        for ids in ids.chunks(ENTRIES_AT_ONCE) {
            let held = entries.held();
            let ranges = ids.iter().map(|&id| series_at(id)..series_at(id) + guess);
            let mut pages = self.fetch(ranges).await?;
            let cut = self.cut(header, &pages, ids)?;
            if !cut.is_empty() {
                pages.add(self.fetch(cut).await?);
            }
            for (at, &id) in ids.iter().enumerate() {
                if at % CHECK_EVERY == 0 {
                    self.control.check()?;
                }
                self.push(header, &pages, id, &mut entries)?;
            }
            let grown = entries.held().saturating_sub(held);
            self.control.reserve(grown)?;
        }
        Ok(entries)
    }

    /// Where entries are that end behind the pages.
    fn cut(
        self,
        header: &IndexHeader,
        pages: &Pages,
        ids: &[u32],
    ) -> Result<Vec<Range<u64>>, StorageError> {
        let mut cut = Vec::new();
        for (at, &id) in ids.iter().enumerate() {
            if at % CHECK_EVERY == 0 {
                self.control.check()?;
            }
            let start = series_at(id);
            let known = pages.slice(start..start + self.block.series_bytes());
            let length = entry_length(&known).unwrap_or(SHORTEST_READ);
            if length <= known.len() as u64 {
                continue;
            }
            if length > LONGEST_ENTRY || start + length > self.block.index.size {
                return Err(header.corrupt(format!("series {id}: ends too soon")));
            }
            cut.push(start..start + length);
        }
        Ok(cut)
    }

    fn push(
        self,
        header: &IndexHeader,
        pages: &Pages,
        id: u32,
        entries: &mut Entries,
    ) -> Result<(), StorageError> {
        let start = series_at(id);
        let mut bytes = pages.slice(start..start + self.block.series_bytes());
        if let Some(length) = entry_length(&bytes)
            && length > bytes.len() as u64
        {
            bytes = pages.slice(start..start + length.min(LONGEST_ENTRY));
        }
        let pushed = entries.push(id, &bytes);
        pushed.map_err(|e| header.corrupt(format!("series {id}: {e}")))
    }

    async fn fetch(
        self,
        ranges: impl IntoIterator<Item = Range<u64>>,
    ) -> Result<Pages, StorageError> {
        let began = Instant::now();
        let Shared { objects, pages, .. } = self.shared;
        let fetched = Pages::fetch(objects, pages, &self.block.index, ranges).await;
        self.control.waited(began.elapsed());
        match fetched {
            Ok(pages) => {
                self.control.check()?;
                Ok(pages)
            }
            Err(error) => Err(self.block.failed(self.shared, error).await),
        }
    }
}

//! A block of a bucket.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use bytes::Bytes;
use quarrel_engine::storage::StorageError;

use super::disk;
use super::failure::{BlockVanished, ObjectError};
use super::file::File;
use super::header::{INDEX_START, IndexHeader, Tables, encode};
use super::meta::{CHUNKS, INDEX, META, ThanosMeta};
use super::shared::Shared;
use crate::tsdb::block::index::TOC_LENGTH;

/// Bytes at the end of an index that are read first: in a small one all tables are
/// there.
const END: u64 = 16 << 10;
/// The name of the tables' file.
const HEADER: &str = "index-header";

/// A block, as the listing and its `meta.json` tell of it.
#[derive(Debug)]
pub(super) struct BucketBlock {
    pub ulid: String,
    pub meta: ThanosMeta,
    /// Unique while the process lives.
    pub number: u64,
    pub index: File,
    /// By their number in references, which is one less than that in their names. One
    /// that is missing must not make another one take its place.
    pub segments: BTreeMap<u32, File>,
    /// One makes the tables, while others wait.
    making: tokio::sync::Mutex<()>,
}

/// The sizes of a block's objects, as listed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Sizes {
    pub index: Option<u64>,
    /// Of segments, by the numbers in their names.
    pub segments: BTreeMap<u32, u64>,
}

/// The object of the segment with this number in its name.
pub(super) fn segment_name(ulid: &str, number: u32) -> String {
    format!("{ulid}/{CHUNKS}/{number:06}")
}

impl Sizes {
    /// Takes in an object of the block, by its name there.
    pub fn add(&mut self, name: &str, size: u64) {
        if name == INDEX {
            self.index = Some(size);
        }
        let segment = name
            .strip_prefix(CHUNKS)
            .and_then(|name| name.strip_prefix('/'));
        let number = segment.filter(|name| name.bytes().all(|b| b.is_ascii_digit()));
        let number = number.and_then(|name| name.parse::<u32>().ok());
        if let Some(number @ 1..) = number
            && segment == Some(&*format!("{number:06}"))
        {
            self.segments.insert(number, size);
        }
    }
}

impl BucketBlock {
    /// A block with these objects; `None` if its index is not there.
    pub fn new(ulid: &str, meta: ThanosMeta, sizes: &Sizes) -> Option<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Relaxed);
        // A ULID has 26 characters.
        let mut name_of_block = [0; 26];
        for (to, byte) in name_of_block.iter_mut().zip(ulid.bytes()) {
            *to = byte;
        }
        let file = |name: String, at: u32, size| File {
            name: name.into(),
            key: (number, at),
            ulid: name_of_block,
            size,
        };
        let segments = sizes.segments.iter().map(|(&number, &size)| {
            let name = segment_name(ulid, number);
            (number - 1, file(name, number, size))
        });
        Some(BucketBlock {
            segments: segments.collect(),
            index: file(format!("{ulid}/{INDEX}"), 0, sizes.index?),
            ulid: ulid.to_string(),
            meta,
            number,
            making: tokio::sync::Mutex::default(),
        })
    }

    /// Whether it may have samples in a closed range, ms.
    pub fn overlaps(&self, start: i64, end: i64) -> bool {
        self.meta.block.overlaps(start, end)
    }

    /// The average bytes of a chunk.
    pub fn chunk_bytes(&self) -> u64 {
        let all: u64 = self.segments.values().map(|segment| segment.size).sum();
        let chunks = self.meta.block.stats.num_chunks;
        all.checked_div(chunks).unwrap_or(1024).max(32)
    }

    /// Bytes that the entry of a series most likely does not exceed.
    pub fn series_bytes(&self) -> u64 {
        const LABELS: u64 = 256;
        const A_CHUNK: u64 = 10;
        const MOST: u64 = 64 << 10;
        let known = self.meta.series_max_size;
        let stats = self.meta.block.stats;
        let chunks = stats.num_chunks.checked_div(stats.num_series).unwrap_or(1);
        let guess = LABELS.saturating_add(chunks.saturating_mul(A_CHUNK));
        let bytes = if known > 0 { known } else { guess };
        bytes.min(MOST)
    }

    /// Bytes that a chunk most likely does not exceed, with length and checksum.
    pub fn most_chunk_bytes(&self) -> u64 {
        // A chunk of 120 floats has at most some 2 KiB.
        const FLOATS: u64 = 2560;
        const MOST: u64 = 64 << 10;
        let guess = (4 * self.chunk_bytes()).max(FLOATS);
        match self.meta.chunk_max_size {
            0 => guess.min(MOST),
            known => known.saturating_add(16).min(guess.max(16 << 10)),
        }
    }

    /// What a failed request for an object of this block is to a query: whoever finds
    /// the block's own `meta.json` gone knows that it was deleted.
    pub async fn failed(&self, shared: &Shared, error: ObjectError) -> StorageError {
        if error.missing {
            let meta = format!("{}/{META}", self.ulid);
            let looked = shared.objects.get(&meta, u64::MAX).await;
            if looked.is_err_and(|error| error.missing) {
                return StorageError::external(BlockVanished {
                    ulid: self.ulid.clone(),
                    object: error.object,
                });
            }
        }
        error.into()
    }

    /// The tables of the index: from memory, from disk, or from the bucket.
    ///
    /// # Errors
    /// When they cannot be fetched, or are corrupt.
    pub async fn header(&self, shared: &Shared) -> Result<Arc<IndexHeader>, StorageError> {
        if let Some(header) = shared.headers.get(self.number) {
            return Ok(header);
        }
        let _making = self.making.lock().await;
        if let Some(header) = shared.headers.get(self.number) {
            return Ok(header);
        }
        let shown = shared.objects.shown(&self.index.name);
        let file = self.header_file(shared);
        let kept = match &file {
            Some(file) => disk::read(shared.objects.runtime(), file.clone()).await,
            None => None,
        };
        let kept = kept.and_then(|bytes| {
            let decoded = IndexHeader::decode(bytes, shown.clone(), self.index.size);
            decoded
                .inspect_err(|error| {
                    let file = file.as_deref().unwrap_or(Path::new("")).display();
                    tracing::warn!(%file, %error, "Making the tables of an index anew");
                })
                .ok()
        });
        let header = match kept {
            Some(header) => header,
            None => {
                let (header, bytes) = self.make_header(shared, &shown).await?;
                shared.counters.headers_built.fetch_add(1, Relaxed);
                if let Some(file) = file {
                    disk::write(shared.objects.runtime(), file, bytes).await;
                }
                header
            }
        };
        let header = Arc::new(header);
        shared.headers.put(self.number, Arc::clone(&header));
        Ok(header)
    }

    fn header_file(&self, shared: &Shared) -> Option<PathBuf> {
        let dir = shared.options.cache_dir.as_ref()?;
        Some(dir.join(&self.ulid).join(HEADER))
    }

    /// Makes the tables, and their file. What is corrupt is fetched once more: it may have
    /// been damaged on its way.
    async fn make_header(
        &self,
        shared: &Shared,
        shown: &str,
    ) -> Result<(IndexHeader, Bytes), StorageError> {
        let once = || async {
            let bytes = self.fetch_header(shared, shown).await?;
            let decoded = IndexHeader::decode(bytes.clone(), shown.to_string(), self.index.size);
            Ok((decoded?, bytes))
        };
        match once().await {
            Err(StorageError::Corrupt { file, detail }) => {
                tracing::warn!(file, detail, "Fetching the tables of an index anew");
                once().await
            }
            answer => answer,
        }
    }

    /// Makes a header of parts of the index: its end, which has the table of contents,
    /// and what of the tables is not there already.
    async fn fetch_header(&self, shared: &Shared, shown: &str) -> Result<Bytes, StorageError> {
        let length = self.index.size;
        let corrupt = |detail: String| StorageError::Corrupt {
            file: shown.to_string(),
            detail,
        };
        if length < INDEX_START + TOC_LENGTH as u64 {
            return Err(corrupt(format!("has {length} bytes")));
        }
        let end_at = length.saturating_sub(END);
        let end = self.fetch(shared, end_at..length).await?;
        let tables =
            Tables::read(&end, length).map_err(|e| corrupt(format!("table of contents: {e}")))?;
        let part = |range: std::ops::Range<u64>| {
            let known = (range.start >= end_at && range.end <= length).then(|| {
                let (from, to) = (range.start - end_at, range.end - end_at);
                end.slice(from as usize..to as usize)
            });
            async move {
                match known {
                    Some(bytes) => Ok(bytes),
                    None => self.fetch(shared, range).await,
                }
            }
        };
        let (table_start, table_end) = tables.table;
        let (start, table) =
            futures::try_join!(part(0..tables.symbols_end), part(table_start..table_end))?;
        encode(&tables, length, &start, &table).map_err(|e| corrupt(e.to_string()))
    }

    /// A part of the index, past the cache of pages.
    async fn fetch(
        &self,
        shared: &Shared,
        range: std::ops::Range<u64>,
    ) -> Result<Bytes, StorageError> {
        match shared.objects.get_range(&self.index.name, range).await {
            Ok(bytes) => Ok(bytes),
            Err(error) => Err(self.failed(shared, error).await),
        }
    }
}

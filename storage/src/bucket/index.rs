//! The index of a block, as far as a select has fetched it.

use std::sync::Arc;

use quarrel_engine::labels::Dictionary;
use quarrel_engine::storage::StorageError;

use super::header::IndexHeader;
use crate::tsdb::block::index::{SERIES_ALIGN, SeriesEntry, SeriesIndex};
use crate::tsdb::decbuf::{Decbuf, DecodeError, Framed};

/// Entries of series, one after the other.
#[derive(Debug, Default)]
pub(super) struct Entries {
    /// Ascending.
    ids: Vec<u32>,
    /// Where the entry of each ends in `bytes`.
    ends: Vec<usize>,
    bytes: Vec<u8>,
}

impl Entries {
    /// Adds series `id`, whose entry begins with `bytes` of the index. Those before it
    /// are less.
    ///
    /// # Errors
    /// When the bytes end too soon, or do not match their checksum.
    pub fn push(&mut self, id: u32, bytes: &[u8]) -> Result<(), DecodeError> {
        let content = Framed::uvarint_at(bytes, 0)?.checked()?;
        self.bytes.extend_from_slice(content);
        self.ids.push(id);
        self.ends.push(self.bytes.len());
        Ok(())
    }

    /// The entry of a series.
    fn get(&self, id: u32) -> Option<&[u8]> {
        let at = self.ids.binary_search(&id).ok()?;
        let start = at.checked_sub(1).map_or(0, |before| self.ends[before]);
        self.bytes.get(start..self.ends[at])
    }

    /// The entries of some of the series alone; `ids` ascend.
    pub fn only(&self, ids: &[u32]) -> Entries {
        let mut kept = Entries {
            ids: Vec::with_capacity(ids.len()),
            ends: Vec::with_capacity(ids.len()),
            bytes: Vec::new(),
        };
        for &id in ids {
            if let Some(entry) = self.get(id) {
                kept.bytes.extend_from_slice(entry);
                kept.ids.push(id);
                kept.ends.push(kept.bytes.len());
            }
        }
        kept
    }

    /// Bytes of memory.
    pub fn held(&self) -> usize {
        self.bytes.capacity()
            + self.ids.capacity() * size_of::<u32>()
            + self.ends.capacity() * size_of::<usize>()
    }
}

/// The bytes of an entry with its length and checksum, as its beginning says; `None` if
/// there is not enough of that.
pub(super) fn entry_length(bytes: &[u8]) -> Option<u64> {
    let mut buf = Decbuf::new(bytes);
    let before = buf.len();
    let content = u64::from(buf.uvarint32().ok()?);
    Some((before - buf.len()) as u64 + content + 4)
}

/// Where a series stands in an index.
pub(super) fn series_at(id: u32) -> u64 {
    u64::from(id) * SERIES_ALIGN
}

/// The tables of an index, and some of its series.
#[derive(Debug)]
pub(super) struct FetchedIndex {
    pub header: Arc<IndexHeader>,
    pub entries: Entries,
}

impl SeriesIndex for FetchedIndex {
    fn series(&self, id: u32) -> Result<SeriesEntry<'_>, StorageError> {
        let entry = self.entries.get(id).map(SeriesEntry);
        entry.ok_or_else(|| self.series_error(id, DecodeError("was not fetched")))
    }

    #[cold]
    fn series_error(&self, id: u32, e: DecodeError) -> StorageError {
        self.header.corrupt(format!("series {id}: {e}"))
    }

    fn symbol(&self, reference: u32) -> Result<&str, StorageError> {
        self.header.symbol(reference)
    }

    fn symbol_count(&self) -> Result<Option<usize>, StorageError> {
        Ok(self.header.symbol_count())
    }

    fn is_dictionary(&self) -> Result<bool, StorageError> {
        Ok(self.header.is_sorted())
    }
}

impl Dictionary for FetchedIndex {
    fn len(&self) -> usize {
        Dictionary::len(&*self.header)
    }

    fn get(&self, number: u32) -> &str {
        Dictionary::get(&*self.header, number)
    }
}

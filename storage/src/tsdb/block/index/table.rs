//! The postings offset table: the offset of the postings of each label pair.
//!
//! The table is sorted by name, then value (in version 1 it may be unsorted). Its
//! entries differ in length, so the offset of every 32nd entry of a name is kept
//! and a search scans from there, as in Prometheus. The values of a name are
//! copied into one piece when a pattern is tested on all of them ([`Values`]).

use std::ops::Range;

use quarrel_engine::storage::StorageError;
use quarrel_matchers::{Contiguous, SortedValues};

use super::file::IndexFile;
use crate::tsdb::decbuf::{Decbuf, DecodeError, Framed};

/// Of this number of entries the offset of one is kept.
const STEP: usize = 32;

/// A label name in the table.
#[derive(Debug)]
pub(crate) struct Name {
    /// The bytes of the name in the table.
    text: Range<u32>,
    /// The number of values.
    pub count: u32,
    /// The kept offsets, in `offsets`.
    offsets: Range<u32>,
}

/// The table, by name.
#[derive(Debug)]
pub(crate) struct OffsetTable {
    /// The table's content in the file.
    content: Range<usize>,
    /// Sorted.
    names: Vec<Name>,
    /// Kept offsets of entries in the content.
    offsets: Vec<u32>,
    /// 1 or [`STEP`].
    step: usize,
}

/// An entry of the table.
#[derive(Clone, Copy, Debug)]
struct Entry<'a> {
    name: &'a [u8],
    value: &'a [u8],
    postings: u64,
}

fn entry<'a>(buf: &mut Decbuf<'a>) -> Result<Entry<'a>, DecodeError> {
    if buf.uvarint64()? != 2 {
        return Err(DecodeError("has an entry of other than two keys"));
    }
    let (name, value) = (buf.uvarint_bytes()?, buf.uvarint_bytes()?);
    Ok(Entry {
        name,
        value,
        postings: buf.uvarint64()?,
    })
}

/// The position of `part` in `whole`.
fn position(whole: &[u8], part: &[u8]) -> Range<u32> {
    let start = (part.as_ptr() as usize - whole.as_ptr() as usize) as u32;
    start..start + part.len() as u32
}

impl OffsetTable {
    /// Reads the table at `offset`.
    pub fn read(file: &impl IndexFile, offset: u64, version: u8) -> Result<Self, StorageError> {
        let corrupt = |e: DecodeError| file.corrupt(format!("postings offset table: {e}"));
        let content = Framed::be32_at(file.bytes(), offset)
            .and_then(Framed::checked)
            .map_err(corrupt)?;
        let start = offset as usize + 4;
        let mut table = OffsetTable {
            content: start..start + content.len(),
            names: Vec::new(),
            offsets: Vec::new(),
            step: if version == 1 { 1 } else { STEP },
        };
        let read = if version == 1 {
            table.read_unsorted(content)
        } else {
            table.scan(content)
        };
        read.map_err(corrupt)?;
        Ok(table)
    }

    fn scan(&mut self, content: &[u8]) -> Result<(), DecodeError> {
        let mut buf = Decbuf::new(content);
        let entries = buf.be32()?;
        let mut last: Option<Entry<'_>> = None;
        for _ in 0..entries {
            let at = (content.len() - buf.len()) as u32;
            let this = entry(&mut buf)?;
            self.add(content, at, this, last)?;
            last = Some(this);
        }
        Ok(())
    }

    fn read_unsorted(&mut self, content: &[u8]) -> Result<(), DecodeError> {
        let mut buf = Decbuf::new(content);
        let count = buf.be32()? as usize;
        let mut entries = Vec::with_capacity(count.min(content.len()));
        for _ in 0..count {
            let at = (content.len() - buf.len()) as u32;
            entries.push((at, entry(&mut buf)?));
        }
        entries.sort_by_key(|(_, e)| (e.name, e.value));
        let mut last = None;
        for (at, this) in entries {
            self.add(content, at, this, last)?;
            last = Some(this);
        }
        Ok(())
    }

    /// Takes the next entry in order.
    fn add(
        &mut self,
        content: &[u8],
        at: u32,
        this: Entry<'_>,
        last: Option<Entry<'_>>,
    ) -> Result<(), DecodeError> {
        let is_new = last.is_none_or(|last| last.name != this.name);
        let ascends = |last: Entry<'_>| match is_new {
            true => last.name < this.name,
            false => last.value < this.value,
        };
        if !last.is_none_or(ascends) {
            return Err(DecodeError("is not sorted"));
        }
        let offsets = self.offsets.len() as u32;
        if is_new {
            let text = position(content, this.name);
            self.names.push(Name {
                text,
                count: 0,
                offsets: offsets..offsets,
            });
        }
        let Some(name) = self.names.last_mut() else {
            return Ok(());
        };
        if (name.count as usize).is_multiple_of(self.step) {
            self.offsets.push(at);
            name.offsets.end += 1;
        }
        name.count += 1;
        Ok(())
    }

    fn content<'a>(&self, file: &'a impl IndexFile) -> &'a [u8] {
        file.bytes().get(self.content.clone()).unwrap_or_default()
    }

    /// All names. The empty name has the list of all series.
    pub fn names<'a>(&'a self, file: &'a impl IndexFile) -> impl Iterator<Item = &'a [u8]> {
        let content = self.content(file);
        self.names.iter().map(move |n| text(content, n))
    }

    /// A label name, if a series has it.
    pub fn name(&self, file: &impl IndexFile, name: &str) -> Option<&Name> {
        let content = self.content(file);
        let found = self
            .names
            .binary_search_by(|n| text(content, n).cmp(name.as_bytes()));
        self.names.get(found.ok()?)
    }

    /// The offset of the postings of a label pair, if a series has it.
    pub fn postings(
        &self,
        file: &impl IndexFile,
        name: &Name,
        value: &[u8],
    ) -> Result<Option<u64>, StorageError> {
        let found = self.find(file, name, value)?;
        Ok(found.map(|(postings, _)| postings))
    }

    /// The same, and the offset of the next pair's postings, if there is one.
    #[cfg(feature = "bucket")]
    pub fn postings_until(
        &self,
        file: &impl IndexFile,
        name: &Name,
        value: &[u8],
    ) -> Result<Option<(u64, Option<u64>)>, StorageError> {
        let Some((postings, mut rest)) = self.find(file, name, value)? else {
            return Ok(None);
        };
        if rest.is_empty() {
            return Ok(Some((postings, None)));
        }
        let next = entry(&mut rest);
        let next = next.map_err(|e| file.corrupt(format!("postings offset table: {e}")))?;
        Ok(Some((postings, Some(next.postings))))
    }

    /// The offset of the postings of a label pair, and what follows in the table.
    fn find<'a>(
        &self,
        file: &'a impl IndexFile,
        name: &Name,
        value: &[u8],
    ) -> Result<Option<(u64, Decbuf<'a>)>, StorageError> {
        let content = self.content(file);
        let find = || -> Result<Option<(u64, Decbuf<'a>)>, DecodeError> {
            let offsets = &self.offsets[name.offsets.start as usize..name.offsets.end as usize];
            let mut failed = None;
            // The kept entries up to the value; the scan begins at the last one.
            let before = offsets.partition_point(|offset| {
                let value_at = entry_at(content, *offset).map(|e| e.value);
                value_at.map(|v| v <= value).unwrap_or_else(|e| {
                    failed = Some(e);
                    false
                })
            });
            if let Some(e) = failed {
                return Err(e);
            }
            let Some(from) = before.checked_sub(1) else {
                return Ok(None);
            };
            let left = (name.count as usize - from * self.step).min(self.step);
            let mut buf = Decbuf::new(content.get(offsets[from] as usize..).unwrap_or_default());
            for _ in 0..left {
                let this = entry(&mut buf)?;
                if this.value >= value {
                    return Ok((this.value == value).then_some((this.postings, buf)));
                }
            }
            Ok(None)
        };
        find().map_err(|e| file.corrupt(format!("postings offset table: {e}")))
    }

    /// About the bytes of all values of a label; not fewer, if the table is sorted.
    fn text_of(&self, content: &[u8], name: &Name) -> usize {
        let offset = |at: u32| self.offsets.get(at as usize).map(|offset| *offset as usize);
        let start = offset(name.offsets.start).unwrap_or(content.len());
        let end = offset(name.offsets.end).unwrap_or(content.len());
        // The number of keys, the name, and at least a byte each for two lengths and
        // the offset of the postings.
        let beside = name.count as usize * (name.text.len() + 4);
        end.saturating_sub(start).saturating_sub(beside)
    }

    /// All values of a label.
    pub fn values(&self, file: &impl IndexFile, name: &Name) -> Result<Values, StorageError> {
        let content = self.content(file);
        let mut values = Values::with_capacity(name.count as usize, self.text_of(content, name));
        let mut read = || -> Result<(), DecodeError> {
            let offsets = &self.offsets[name.offsets.start as usize..name.offsets.end as usize];
            for (i, offset) in offsets.iter().enumerate() {
                let left = (name.count as usize - i * self.step).min(self.step);
                let mut buf = Decbuf::new(content.get(*offset as usize..).unwrap_or_default());
                for _ in 0..left {
                    let this = entry(&mut buf)?;
                    values.push(this.value, this.postings)?;
                }
            }
            Ok(())
        };
        read().map_err(|e| file.corrupt(format!("postings offset table: {e}")))?;
        Ok(values)
    }
}

fn text<'a>(content: &'a [u8], name: &Name) -> &'a [u8] {
    content
        .get(name.text.start as usize..name.text.end as usize)
        .unwrap_or_default()
}

fn entry_at(content: &[u8], offset: u32) -> Result<Entry<'_>, DecodeError> {
    entry(&mut Decbuf::new(
        content.get(offset as usize..).unwrap_or_default(),
    ))
}

/// All values of a label in one piece, and the offsets of their postings.
#[derive(Debug)]
pub(crate) struct Values {
    text: Vec<u8>,
    ends: Vec<u32>,
    postings: Vec<u64>,
}

impl Values {
    fn with_capacity(count: usize, text: usize) -> Values {
        let mut ends = Vec::with_capacity(count + 1);
        ends.push(0);
        Values {
            text: Vec::with_capacity(text),
            ends,
            postings: Vec::with_capacity(count),
        }
    }

    fn push(&mut self, value: &[u8], postings: u64) -> Result<(), DecodeError> {
        self.text.extend_from_slice(value);
        let end = u32::try_from(self.text.len());
        self.ends
            .push(end.map_err(|_| DecodeError("has over 4 GiB of values for one name"))?);
        self.postings.push(postings);
        Ok(())
    }

    /// The values for a search.
    pub fn texts(&self) -> Contiguous<'_> {
        Contiguous {
            bytes: &self.text,
            offsets: &self.ends,
        }
    }

    /// The values as text.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let texts = self.texts();
        (0..self.postings.len())
            .map(move |i| &texts.bytes[texts.offsets[i] as usize..texts.offsets[i + 1] as usize])
    }

    /// The number of values.
    pub fn len(&self) -> usize {
        self.texts().len()
    }

    /// The offsets of the postings of some values.
    pub fn postings(&self, range: Range<u32>) -> &[u64] {
        &self.postings[range.start as usize..range.end as usize]
    }

    /// The offset of the postings of value `number`, if there is one.
    #[cfg(feature = "bucket")]
    pub fn after(&self, number: u32) -> Option<u64> {
        self.postings.get(number as usize).copied()
    }

    /// The memory of the values, bytes.
    pub fn bytes(&self) -> usize {
        self.text.capacity() + self.ends.capacity() * 4 + self.postings.capacity() * 8
    }
}

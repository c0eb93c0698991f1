//! The tables of a block's index: symbols, postings offsets, table of contents.
//!
//! They are fetched once and kept on disk, as Thanos's store gateway does, in a form of
//! our own:
//!
//! | part | bytes |
//! | --- | --- |
//! | `QIDX`, version | 4, 1 |
//! | version of the index | 1 |
//! | length of the index, of symbols, of postings offsets | 8 each |
//! | table of contents as in the index | 52 |
//! | symbols as in the index: length, content, CRC-32C | |
//! | postings offsets as in the index: length, content, CRC-32C | |
//! | CRC-32C of all before | 4 |
//!
//! Numbers are big-endian. What does not fit in any way is made anew.

use std::fmt;
use std::ops::Range;

use bytes::Bytes;
use quarrel_engine::labels::Dictionary;
use quarrel_engine::storage::StorageError;

use crate::tsdb::block::index::{
    IndexFile, MAGIC, Name, OffsetTable, Symbols, TOC_LENGTH, Toc, Values,
};
use crate::tsdb::decbuf::{Decbuf, DecodeError};

const OURS: &[u8; 4] = b"QIDX";
const VERSION: u8 = 1;
/// Bytes before the symbols.
const FIXED: usize = 4 + 1 + 1 + 3 * 8 + TOC_LENGTH;
/// Bytes of the checksum.
const CHECKSUM: usize = 4;
/// Bytes that are read of postings if nobody knows where they end.
const GUESS: u64 = 4 << 10;
/// Bytes at the beginning of an index: magic number and version.
pub(super) const INDEX_START: u64 = 5;
/// Most bytes of a table; lengths have 32 bits.
const MAX_TABLE: u64 = (1 << 32) + 8;

/// The tables of an index, in memory.
pub(super) struct IndexHeader {
    file: HeaderFile,
    symbols: Symbols,
    table: OffsetTable,
    /// The table of contents of the index.
    pub toc: Toc,
}

impl fmt::Debug for IndexHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IndexHeader")
            .field("index", &self.file.index)
            .field("bytes", &self.file.bytes.len())
            .finish_non_exhaustive()
    }
}

/// The bytes of a header, and what errors call the index that they are of.
#[derive(Debug)]
struct HeaderFile {
    bytes: Bytes,
    index: String,
}

impl IndexFile for HeaderFile {
    fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn corrupt(&self, detail: impl Into<String>) -> StorageError {
        StorageError::Corrupt {
            file: self.index.clone(),
            detail: detail.into(),
        }
    }
}

/// Where the tables are in an index, as its table of contents says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tables {
    toc: [u8; TOC_LENGTH],
    /// The symbols end, and the series begin.
    pub symbols_end: u64,
    pub table: (u64, u64),
}

impl Tables {
    /// Reads them of the end of an index of `length` bytes.
    ///
    /// # Errors
    /// When it is no such end.
    pub fn read(end: &[u8], length: u64) -> Result<Self, DecodeError> {
        let Some((_, toc)) = end.split_last_chunk::<TOC_LENGTH>() else {
            return Err(DecodeError("ends too soon"));
        };
        let Toc {
            symbols,
            series,
            postings_table,
        } = Toc::read(toc)?;
        let toc_at = length.checked_sub(TOC_LENGTH as u64);
        let toc_at = toc_at.ok_or(DecodeError("ends too soon"))?;
        let in_order = symbols == INDEX_START && symbols < series && postings_table < toc_at;
        if !in_order || series > toc_at {
            return Err(DecodeError("has sections in an unknown order"));
        }
        if series > MAX_TABLE || toc_at - postings_table > MAX_TABLE {
            return Err(DecodeError("has a table that is too long"));
        }
        Ok(Tables {
            toc: *toc,
            symbols_end: series,
            table: (postings_table, toc_at),
        })
    }
}

/// Makes a header of an index: `start` has its bytes up to the series, `table` those of
/// the postings offsets.
///
/// # Errors
/// When they are not those of an index of a known version.
pub(super) fn encode(
    tables: &Tables,
    index_length: u64,
    start: &[u8],
    table: &[u8],
) -> Result<Bytes, DecodeError> {
    let mut buf = Decbuf::new(start);
    if buf.be32()? != MAGIC {
        return Err(DecodeError("has a wrong magic number"));
    }
    let version = buf.u8()?;
    let symbols = framed(buf.rest())?;
    let table = framed(table)?;
    let length = FIXED + symbols.len() + table.len() + CHECKSUM;
    let mut out = Vec::with_capacity(length);
    out.extend_from_slice(OURS);
    out.extend_from_slice(&[VERSION, version]);
    for number in [index_length, symbols.len() as u64, table.len() as u64] {
        out.extend_from_slice(&number.to_be_bytes());
    }
    out.extend_from_slice(&tables.toc);
    out.extend_from_slice(symbols);
    out.extend_from_slice(table);
    let sum = crc32c::crc32c(&out);
    out.extend_from_slice(&sum.to_be_bytes());
    Ok(out.into())
}

/// The frame at the beginning of some bytes: length, content, checksum.
fn framed(bytes: &[u8]) -> Result<&[u8], DecodeError> {
    let length = Decbuf::new(bytes).be32()? as usize;
    let whole = bytes.get(..4 + length + CHECKSUM);
    whole.ok_or(DecodeError("has a table that ends too soon"))
}

impl IndexHeader {
    /// Reads a header; `index` is what errors call the index, `length` its bytes.
    ///
    /// # Errors
    /// When it is not one, or of an index of another length.
    pub fn decode(bytes: Bytes, index: String, length: u64) -> Result<Self, StorageError> {
        let file = HeaderFile { bytes, index };
        let wrong = |e: DecodeError| file.corrupt(e.to_string());
        let (version, symbols_length, toc) = checked(&file.bytes, length).map_err(wrong)?;
        if version == 1 {
            let what = format!("{}: index version 1", file.index);
            return Err(StorageError::Unsupported(what));
        }
        if !(2..=3).contains(&version) {
            return Err(file.corrupt(format!("has the unknown version {version}")));
        }
        let symbols = Symbols::read(&file, FIXED as u64, version)?;
        let table = OffsetTable::read(&file, (FIXED + symbols_length) as u64, version)?;
        Ok(IndexHeader {
            file,
            symbols,
            table,
            toc,
        })
    }

    /// Bytes of memory.
    pub fn bytes(&self) -> usize {
        let symbols = self.symbols.count().unwrap_or(0) * size_of::<u32>();
        self.file.bytes.len() + symbols + size_of::<Self>()
    }

    /// The error for corrupt bytes of the index.
    pub fn corrupt(&self, detail: impl Into<String>) -> StorageError {
        self.file.corrupt(detail)
    }

    /// The string that a series entry refers to.
    pub fn symbol(&self, reference: u32) -> Result<&str, StorageError> {
        self.symbols.get(&self.file, reference)
    }

    /// The number of symbols.
    pub fn symbol_count(&self) -> Option<usize> {
        self.symbols.count()
    }

    /// Whether the symbols are text and ascend.
    pub fn is_sorted(&self) -> bool {
        self.symbols.are_sorted(&self.file)
    }

    fn name(&self, name: &str) -> Option<&Name> {
        self.table.name(&self.file, name)
    }

    /// Where the postings of a label pair are, if a series has it. The end is a guess
    /// where nothing follows.
    pub fn postings(&self, name: &str, value: &[u8]) -> Result<Option<Range<u64>>, StorageError> {
        let Some(name) = self.name(name) else {
            return Ok(None);
        };
        let found = self.table.postings_until(&self.file, name, value)?;
        Ok(found.map(|(start, next)| self.postings_range(start, next)))
    }

    /// Where postings are that begin at `start`, if others begin at `next`.
    pub fn postings_range(&self, start: u64, next: Option<u64>) -> Range<u64> {
        match next {
            // Lists stand in the order of the table.
            Some(next) if next > start && next <= self.toc.postings_table => start..next,
            _ => start..start.saturating_add(GUESS),
        }
    }

    /// All values of a label; `None` if no series has it.
    pub fn values(&self, name: &str) -> Result<Option<Values>, StorageError> {
        let name = self.name(name);
        name.map(|name| self.table.values(&self.file, name))
            .transpose()
    }

    /// The names of all labels, sorted.
    pub fn label_names(&self) -> Result<Vec<String>, StorageError> {
        let names = self.table.names(&self.file).filter(|n| !n.is_empty());
        names.map(|name| self.text(name)).collect()
    }

    /// A label name or value as text.
    pub fn text(&self, bytes: &[u8]) -> Result<String, StorageError> {
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(text.to_owned()),
            Err(_) => {
                let shown = bytes.escape_ascii().to_string();
                Err(self.corrupt(format!("{shown:?} is not UTF-8")))
            }
        }
    }
}

/// The version of the index, the length of its symbols and its table of contents, in a
/// header whose lengths and checksum are right.
fn checked(bytes: &[u8], length: u64) -> Result<(u8, usize, Toc), DecodeError> {
    let Some((content, sum)) = bytes.split_last_chunk::<CHECKSUM>() else {
        return Err(DecodeError("ends too soon"));
    };
    let mut buf = Decbuf::new(content);
    if buf.bytes(4)? != OURS || buf.u8()? != VERSION {
        return Err(DecodeError("is not a header of this version"));
    }
    let version = buf.u8()?;
    let (index, symbols, table) = (buf.be64()?, buf.be64()?, buf.be64()?);
    let toc = buf.bytes(TOC_LENGTH)?;
    let tables = symbols.checked_add(table);
    if index != length || tables != Some(buf.len() as u64) {
        return Err(DecodeError("is not of this index"));
    }
    if crc32c::crc32c(content) != u32::from_be_bytes(*sum) {
        return Err(DecodeError("checksum does not match"));
    }
    Ok((version, symbols as usize, Toc::read(toc)?))
}

/// The symbols of a header.
impl Dictionary for IndexHeader {
    fn len(&self) -> usize {
        self.symbols.count().unwrap_or(0)
    }

    fn get(&self, number: u32) -> &str {
        self.symbol(number).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::tsdb::testblock::write_block;

    fn index() -> Vec<u8> {
        let dir = tempfile::tempdir().unwrap();
        let label = |n: &str, v: &str| (n.to_string(), v.to_string());
        let series: Vec<_> = (0..9)
            .map(|i| {
                let labels = vec![label("__name__", "up"), label("job", &format!("j{i}"))];
                (labels, vec![(i, 1.0)])
            })
            .collect();
        let block = write_block(dir.path(), 1, &series).unwrap();
        std::fs::read(block.join("index")).unwrap()
    }

    fn made(index: &[u8]) -> Result<Bytes, DecodeError> {
        let length = index.len() as u64;
        let tables = Tables::read(index, length)?;
        let start = &index[..tables.symbols_end as usize];
        let table = &index[tables.table.0 as usize..tables.table.1 as usize];
        encode(&tables, length, start, table)
    }

    fn decode(bytes: impl Into<Bytes>, length: u64) -> Result<IndexHeader, StorageError> {
        IndexHeader::decode(bytes.into(), "b/index".into(), length)
    }

    #[test]
    fn a_header_has_the_tables_of_its_index() {
        let index = index();
        let length = index.len() as u64;
        let header = decode(made(&index).unwrap(), length).unwrap();
        assert_eq!(header.label_names().unwrap(), ["__name__", "job"]);
        assert_eq!(header.values("job").unwrap().unwrap().len(), 9);
        assert!(header.values("no").unwrap().is_none());
        assert!(header.postings("job", b"j3").unwrap().is_some());
        assert!(header.postings("job", b"j33").unwrap().is_none());
        assert!(header.is_sorted());
        assert_eq!(header.symbol(0).unwrap(), "");
        assert!(header.symbol(99).is_err());
    }

    #[test]
    fn changed_bits_and_missing_bytes_are_detected() {
        let index = index();
        let length = index.len() as u64;
        let whole = made(&index).unwrap();
        for bit in 0..whole.len() * 8 {
            let mut bytes = whole.to_vec();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(decode(bytes, length).is_err(), "bit {bit}");
        }
        for cut in 0..whole.len() {
            assert!(decode(whole.slice(..cut), length).is_err(), "{cut} bytes");
        }
        assert!(decode(whole, length + 1).is_err());
    }

    #[test]
    fn changed_indexes_make_no_header_or_the_same() {
        let index = index();
        let length = index.len() as u64;
        let whole = made(&index).unwrap();
        for bit in 0..index.len() * 8 {
            let mut bytes = index.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let header = made(&bytes).map_err(|e| e.to_string());
            let read = header.clone().and_then(|header| {
                let read = decode(header, length);
                read.map(|_| ()).map_err(|e| e.to_string())
            });
            // Series and postings are not a part of it.
            assert!(
                read.is_err() || header == Ok(whole.clone()) || bit / 8 == 4,
                "bit {bit}"
            );
        }
        for cut in 0..index.len() {
            assert!(made(&index[..cut]).is_err(), "{cut} bytes");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(bytes: Vec<u8>, length: u64) {
            let _ = Tables::read(&bytes, length);
            let _ = decode(bytes, length);
        }
    }
}

//! `index`: the series of a block, their labels, and the references of their
//! chunks.
//!
//! Prometheus describes the format in `tsdb/docs/format/index.md`. Versions 1 to
//! 3 are read; Prometheus 3.16 writes version 2 and reads version 3 alike.
//! Opening reads only the table of contents. The first select that needs them
//! scans the symbol table and the postings offset table. The checksum of a part
//! is verified when it is first read.

mod file;
mod ids;
mod lookup;
mod series;
mod symbols;
mod table;

use std::sync::Arc;

use quarrel_engine::labels::Dictionary;
use quarrel_engine::storage::{SelectControl, StorageError};

use super::verified::Verified;
use crate::tsdb::data_path::DataPath;
use crate::tsdb::decbuf::{Decbuf, DecodeError, Framed};
use crate::tsdb::lazy::Lazy;
use crate::tsdb::mmap::MappedFile;

#[cfg(feature = "bucket")]
pub(crate) use file::IndexFile;
pub(crate) use ids::{Ids, Postings, union};
pub(crate) use lookup::SeriesIndex;
pub(crate) use series::{ChunkMeta, SeriesEntry};
pub(crate) use symbols::Symbols;
pub(crate) use table::{Name, OffsetTable, Values};

pub(crate) const MAGIC: u32 = 0xbaaa_d700;
/// Most bytes of the file: references of series have 32 bits, in units of
/// [`SERIES_ALIGN`].
const MAX_FILE: u64 = SERIES_ALIGN << 32;
/// Six offsets and a checksum.
pub(crate) const TOC_LENGTH: usize = 6 * 8 + 4;
/// How many tables are read before a select: postings offsets and symbols.
pub(crate) const TABLES: usize = 2;
/// Bytes of a file whose tables are worth reading on two threads.
const LOAD_FROM: usize = 4 << 20;
/// Alignment of series entries from version 2 on.
pub(crate) const SERIES_ALIGN: u64 = 16;
/// Alignment of all parts with a checksum from version 2 on.
const ALIGN: usize = 4;

/// Offsets of the sections.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Toc {
    /// The symbol table.
    pub symbols: u64,
    /// The series, which the symbols end before.
    #[cfg_attr(
        not(feature = "bucket"),
        expect(dead_code, reason = "tables are read in place")
    )]
    pub series: u64,
    /// The postings offset table.
    pub postings_table: u64,
}

impl Toc {
    /// Reads that at the end of `bytes`.
    ///
    /// # Errors
    /// When they are too few, or do not match their checksum.
    pub fn read(bytes: &[u8]) -> Result<Toc, DecodeError> {
        let Some((_, toc)) = bytes.split_last_chunk::<TOC_LENGTH>() else {
            return Err(DecodeError("ends too soon"));
        };
        let (content, checksum) = toc.split_at(TOC_LENGTH - 4);
        if crc32c::crc32c(content) != Decbuf::new(checksum).be32()? {
            return Err(DecodeError("checksum does not match"));
        }
        let mut buf = Decbuf::new(content);
        let symbols = buf.be64()?;
        let series = buf.be64()?;
        // Postings are found by their offset table; label indices are not used.
        buf.bytes(3 * 8)?;
        Ok(Toc {
            symbols,
            series,
            postings_table: buf.be64()?,
        })
    }
}

/// An index file.
#[derive(Debug)]
pub(crate) struct Index {
    file: MappedFile,
    version: u8,
    toc: Toc,
    symbols: Lazy<Symbols>,
    table: Lazy<OffsetTable>,
    verified: Verified,
}

impl Index {
    /// Maps the file and reads its table of contents. `version` is known from
    /// elsewhere if that of the file is wrong.
    ///
    /// # Errors
    /// When it cannot be mapped, or is not an index of a known version.
    pub fn open(path: DataPath, version: Option<u8>) -> Result<Index, StorageError> {
        let file = MappedFile::open(path, MAX_FILE)?;
        let Some([a, b, c, d, own]) = file.bytes().first_chunk() else {
            return Err(file.corrupt("has no header"));
        };
        if u32::from_be_bytes([*a, *b, *c, *d]) != MAGIC {
            return Err(file.corrupt("has a wrong magic number"));
        }
        let version = version.unwrap_or(*own);
        if !(1..=3).contains(&version) {
            return Err(file.corrupt(format!("has the unknown version {version}")));
        }
        let toc =
            Toc::read(file.bytes()).map_err(|e| file.corrupt(format!("table of contents: {e}")))?;
        let verified = Verified::new(file.bytes().len(), ALIGN);
        Ok(Index {
            file,
            version,
            toc,
            symbols: Lazy::default(),
            table: Lazy::default(),
            verified,
        })
    }

    /// The file.
    pub fn file(&self) -> &MappedFile {
        &self.file
    }

    /// The error for corrupt bytes.
    pub fn corrupt(&self, detail: impl Into<String>) -> StorageError {
        self.file.corrupt(detail)
    }

    fn symbols(&self) -> Result<&Symbols, StorageError> {
        self.symbols
            .get_or_try(|| Symbols::read(&self.file, self.toc.symbols, self.version))
    }

    fn table(&self) -> Result<&OffsetTable, StorageError> {
        self.table
            .get_or_try(|| OffsetTable::read(&self.file, self.toc.postings_table, self.version))
    }

    /// Reads symbol table and postings offset table, if they are large and not read
    /// yet, side by side.
    ///
    /// # Errors
    /// When one is corrupt, and the end of the query.
    pub async fn load(self: &Arc<Self>, control: &dyn SelectControl) -> Result<(), StorageError> {
        if self.is_loaded() || self.file.bytes().len() < LOAD_FROM {
            return Ok(());
        }
        let index = Arc::clone(self);
        let load = move |table| index.load_table(table);
        control.run_pieces(TABLES, Arc::new(load)).await
    }

    /// Whether both tables are read.
    pub fn is_loaded(&self) -> bool {
        self.symbols.get().is_some() && self.table.get().is_some()
    }

    /// Reads one of [`TABLES`] tables, by number.
    ///
    /// # Errors
    /// When it is corrupt.
    pub fn load_table(&self, number: usize) -> Result<(), StorageError> {
        match number {
            0 => self.table().map(|_| ()),
            _ => self.symbols().map(|_| ()),
        }
    }

    /// A number above those of all series.
    pub fn end_of_series(&self) -> usize {
        let length = self.file.bytes().len();
        if self.version == 1 {
            length
        } else {
            length / SERIES_ALIGN as usize + 1
        }
    }

    fn framed<'a>(
        &'a self,
        offset: u64,
        read: impl Fn(&'a [u8], u64) -> Result<Framed<'a>, DecodeError>,
    ) -> Result<&'a [u8], DecodeError> {
        let framed = read(self.file.bytes(), offset)?;
        let at = offset as usize;
        // An unaligned part has no bit of its own.
        let has_bit = at.is_multiple_of(ALIGN);
        if has_bit && self.verified.get(at) {
            return Ok(framed.unchecked());
        }
        let content = framed.checked()?;
        if has_bit {
            self.verified.set(at);
        }
        Ok(content)
    }

    /// The list of series at `offset`.
    fn postings_at(&self, offset: u64) -> Result<Postings<'_>, StorageError> {
        let read = || Postings::decode(self.framed(offset, Framed::be32_at)?);
        read().map_err(|e| self.corrupt(format!("the postings list at {offset} {e}")))
    }

    /// All series.
    pub fn all(&self) -> Result<Ids<'_>, StorageError> {
        self.equal("", b"")
    }

    /// The series with this label pair.
    pub fn equal(&self, name: &str, value: &[u8]) -> Result<Ids<'_>, StorageError> {
        self.any_of(name, std::iter::once(value))
    }

    /// The series with one of some values of a label.
    pub fn any_of<'v>(
        &self,
        name: &str,
        values: impl Iterator<Item = &'v [u8]>,
    ) -> Result<Ids<'_>, StorageError> {
        let table = self.table()?;
        let mut lists = Vec::new();
        if let Some(name) = table.name(&self.file, name) {
            for value in values {
                if let Some(offset) = table.postings(&self.file, name, value)? {
                    lists.push(self.postings_at(offset)?);
                }
            }
        }
        Ok(union(&lists, self.end_of_series()))
    }

    /// The series with a value in some ranges of `values`.
    pub fn of_ranges(
        &self,
        values: &Values,
        ranges: &[std::ops::Range<u32>],
    ) -> Result<Ids<'_>, StorageError> {
        let offsets = ranges.iter().flat_map(|r| values.postings(r.clone()));
        let lists = offsets.map(|offset| self.postings_at(*offset));
        let lists = lists.collect::<Result<Vec<_>, _>>()?;
        Ok(union(&lists, self.end_of_series()))
    }

    fn name(&self, name: &str) -> Result<Option<&Name>, StorageError> {
        Ok(self.table()?.name(&self.file, name))
    }

    /// The number of values of a label; 0 if no series has it.
    pub fn value_count(&self, name: &str) -> Result<usize, StorageError> {
        Ok(self.name(name)?.map_or(0, |n| n.count as usize))
    }

    /// All values of a label; `None` if no series has it.
    pub fn values(&self, name: &str) -> Result<Option<Values>, StorageError> {
        match self.name(name)? {
            Some(name) => self.table()?.values(&self.file, name).map(Some),
            None => Ok(None),
        }
    }

    /// The names of all labels, sorted.
    pub fn label_names(&self) -> Result<Vec<String>, StorageError> {
        let names = self.table()?.names(&self.file).filter(|n| !n.is_empty());
        names.map(|name| self.text(name)).collect()
    }

    /// A label name or value as text.
    pub fn text(&self, bytes: &[u8]) -> Result<String, StorageError> {
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(text.to_owned()),
            Err(_) => Err(self.corrupt(format!(
                "{:?} is not UTF-8",
                bytes.escape_ascii().to_string()
            ))),
        }
    }
}

/// The symbols, once they are read.
impl Dictionary for Index {
    fn len(&self) -> usize {
        self.symbols.get().and_then(Symbols::count).unwrap_or(0)
    }

    fn get(&self, number: u32) -> &str {
        let symbols = self.symbols.get();
        let text = symbols.and_then(|symbols| symbols.get(&self.file, number).ok());
        text.unwrap_or_default()
    }
}

impl SeriesIndex for Index {
    #[inline]
    fn series(&self, id: u32) -> Result<SeriesEntry<'_>, StorageError> {
        let offset = if self.version == 1 {
            u64::from(id)
        } else {
            u64::from(id) * SERIES_ALIGN
        };
        self.framed(offset, Framed::uvarint_at)
            .map(SeriesEntry)
            .map_err(|e| self.series_error(id, e))
    }

    #[cold]
    fn series_error(&self, id: u32, e: DecodeError) -> StorageError {
        self.corrupt(format!("series {id}: {e}"))
    }

    fn symbol(&self, reference: u32) -> Result<&str, StorageError> {
        self.symbols()?.get(&self.file, reference)
    }

    fn symbol_count(&self) -> Result<Option<usize>, StorageError> {
        Ok(self.symbols()?.count())
    }

    fn is_dictionary(&self) -> Result<bool, StorageError> {
        Ok(self.symbols()?.are_sorted(&self.file))
    }
}

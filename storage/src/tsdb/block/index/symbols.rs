//! The symbol table: the sorted strings of all labels.

use std::sync::OnceLock;

use quarrel_engine::storage::StorageError;

use super::file::IndexFile;
use crate::tsdb::decbuf::{self, Framed};

/// The positions of the strings in the file. Series refer to them by number from
/// version 2 on, by offset in version 1.
#[derive(Debug)]
pub(crate) enum Symbols {
    ByOffset,
    ByNumber {
        /// Offset of the table's content in the file.
        start: usize,
        /// Offset of each string's length in the content.
        offsets: Vec<u32>,
        /// Whether the strings are text and ascend, once that was looked at.
        sorted: OnceLock<bool>,
    },
}

impl Symbols {
    /// Reads the table at `offset`.
    pub fn read(file: &impl IndexFile, offset: u64, version: u8) -> Result<Self, StorageError> {
        let corrupt = |e| file.corrupt(format!("symbol table: {e}"));
        let content = Framed::be32_at(file.bytes(), offset)
            .and_then(Framed::checked)
            .map_err(corrupt)?;
        if version == 1 {
            return Ok(Symbols::ByOffset);
        }
        let mut buf = decbuf::Decbuf::new(content);
        let count = buf.be32().map_err(corrupt)? as usize;
        // Each string takes at least a byte, so a wrong count reserves little.
        let mut offsets = Vec::with_capacity(count.min(content.len()));
        for _ in 0..count {
            offsets.push((content.len() - buf.len()) as u32);
            buf.uvarint_bytes().map_err(corrupt)?;
        }
        let start = offset as usize + 4;
        Ok(Symbols::ByNumber {
            start,
            offsets,
            sorted: OnceLock::new(),
        })
    }

    /// The number of strings, if references are numbers.
    pub fn count(&self) -> Option<usize> {
        match self {
            Symbols::ByOffset => None,
            Symbols::ByNumber { offsets, .. } => Some(offsets.len()),
        }
    }

    /// Whether the strings are numbered, text, and ascend. The first call reads
    /// them all.
    pub fn are_sorted(&self, file: &impl IndexFile) -> bool {
        let Symbols::ByNumber {
            offsets, sorted, ..
        } = self
        else {
            return false;
        };
        *sorted.get_or_init(|| {
            let mut last = None;
            (0..offsets.len() as u32).all(|number| {
                let Ok(text) = self.get(file, number) else {
                    return false;
                };
                last.replace(text).is_none_or(|last| last < text)
            })
        })
    }

    /// The string that a series refers to.
    pub fn get<'a>(
        &self,
        file: &'a impl IndexFile,
        reference: u32,
    ) -> Result<&'a str, StorageError> {
        let offset = match self {
            Symbols::ByOffset => Some(reference as usize),
            Symbols::ByNumber { start, offsets, .. } => {
                offsets.get(reference as usize).map(|o| start + *o as usize)
            }
        };
        let Some(offset) = offset else {
            return Err(file.corrupt(format!("there is no symbol {reference}")));
        };
        let bytes = decbuf::at(file.bytes(), offset as u64)
            .and_then(|mut buf| buf.uvarint_bytes())
            .map_err(|e| file.corrupt(format!("symbol {reference}: {e}")))?;
        std::str::from_utf8(bytes)
            .map_err(|_| file.corrupt(format!("symbol {reference} is not UTF-8")))
    }
}

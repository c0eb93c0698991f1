//! Entries of the series section: the labels and chunks of a series.

use crate::tsdb::decbuf::{Decbuf, DecodeError};

/// The metadata of a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ChunkMeta {
    /// Time of the first sample, ms.
    pub min_time: i64,
    /// Time of the last sample, ms.
    pub max_time: i64,
    /// Segment and offset, the argument of `Segments::chunk`.
    pub reference: u64,
}

/// The content of an entry with a verified checksum.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SeriesEntry<'a>(pub(crate) &'a [u8]);

impl<'a> SeriesEntry<'a> {
    /// Appends names and values as references to symbols. Returns the chunks.
    ///
    /// # Errors
    /// When the entry is corrupt.
    pub fn labels(self, out: &mut Vec<(u32, u32)>) -> Result<ChunkMetas<'a>, DecodeError> {
        let mut buf = Decbuf::new(self.0);
        let count = buf.uvarint64()?;
        let mut last = None;
        for _ in 0..count {
            let (name, value) = (buf.uvarint32()?, buf.uvarint32()?);
            // Symbols are sorted, so labels sorted by name have ascending names.
            if last.is_some_and(|last| name <= last) {
                return Err(DecodeError("has labels that are not sorted"));
            }
            last = Some(name);
            out.push((name, value));
        }
        ChunkMetas::new(buf)
    }

    /// The chunks; skips the labels.
    ///
    /// # Errors
    /// When the entry is corrupt.
    pub fn chunks(self) -> Result<ChunkMetas<'a>, DecodeError> {
        let mut buf = Decbuf::new(self.0);
        for _ in 0..buf.uvarint64()? {
            buf.uvarint64()?;
            buf.uvarint64()?;
        }
        ChunkMetas::new(buf)
    }
}

/// The chunks of a series, in order of time.
#[derive(Clone, Debug)]
pub(crate) struct ChunkMetas<'a> {
    buf: Decbuf<'a>,
    left: u64,
    last: Option<ChunkMeta>,
}

impl<'a> ChunkMetas<'a> {
    fn new(mut buf: Decbuf<'a>) -> Result<Self, DecodeError> {
        let left = buf.uvarint64()?;
        Ok(ChunkMetas {
            buf,
            left,
            last: None,
        })
    }

    fn read(&mut self) -> Result<ChunkMeta, DecodeError> {
        let too_late = DecodeError("has a chunk whose times overflow");
        // The writer computed all differences without overflow.
        let after = |t: i64, d: u64| t.checked_add_unsigned(d).ok_or(too_late);
        let (min_time, reference_base) = match self.last {
            None => (self.buf.varint64()?, None),
            Some(last) => (
                after(last.max_time, self.buf.uvarint64()?)?,
                Some(last.reference),
            ),
        };
        let max_time = after(min_time, self.buf.uvarint64()?)?;
        let reference = match reference_base {
            None => self.buf.uvarint64()?,
            Some(base) => base.wrapping_add_signed(self.buf.varint64()?),
        };
        Ok(ChunkMeta {
            min_time,
            max_time,
            reference,
        })
    }
}

impl Iterator for ChunkMetas<'_> {
    type Item = Result<ChunkMeta, DecodeError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let meta = self.read();
        match &meta {
            Ok(meta) => self.last = Some(*meta),
            Err(_) => self.left = 0,
        }
        Some(meta)
    }
}

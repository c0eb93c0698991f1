//! Series in the form that `samples.rs` reads, for callers who hand over columns and
//! chunks by calls of their own.

use crate::message::{MessageError, Writer};

/// Where the fields of a series stand that are known at its end.
const BYTES: usize = 0;
const CHUNKS: usize = 8;
const SAMPLES: usize = 12;

/// Writes the series of a select.
#[derive(Debug, Default)]
pub(crate) struct SeriesWriter {
    out: Vec<u8>,
    /// Where the current series begins and where its chunks do.
    current: Option<(usize, usize)>,
    chunks: u32,
    samples: u32,
}

impl SeriesWriter {
    /// Begins a series.
    ///
    /// # Errors
    /// When a text is too long.
    pub fn begin(&mut self, labels: &[(&[u8], &[u8])]) -> Result<(), MessageError> {
        self.end();
        let start = self.out.len();
        let mut header = Writer::default();
        header.u64(0);
        header.u64(0);
        header.len(labels.len())?;
        self.out.extend(header.into_bytes());
        for (name, value) in labels {
            let mut lengths = Writer::default();
            lengths.len(name.len())?;
            lengths.len(value.len())?;
            self.out.extend(lengths.into_bytes());
            self.out.extend_from_slice(name);
            self.out.extend_from_slice(value);
        }
        self.align();
        self.current = Some((start, self.out.len()));
        Ok(())
    }

    /// Adds floats to the current series, of which there is one: columns of equal
    /// length, in order of time.
    ///
    /// # Errors
    /// When there are too many.
    pub fn floats(
        &mut self,
        timestamps: &[i64],
        values: &[f64],
        starts: Option<&[i64]>,
    ) -> Result<(), MessageError> {
        let (Some(&first), Some(&last)) = (timestamps.first(), timestamps.last()) else {
            return Ok(());
        };
        let flags = u8::from(starts.is_some());
        self.header(
            (0, flags),
            timestamps.len(),
            (first, last),
            timestamps.len(),
        )?;
        let columns = [starts.unwrap_or_default(), timestamps];
        for time in columns.into_iter().flatten() {
            self.out.extend_from_slice(&time.to_ne_bytes());
        }
        for value in values {
            self.out.extend_from_slice(&value.to_ne_bytes());
        }
        Ok(())
    }

    /// Adds a chunk of so many samples to the current series, of which there is
    /// one.
    ///
    /// # Errors
    /// When it is too long.
    pub fn chunk(
        &mut self,
        encoding: u8,
        bytes: &[u8],
        times: (i64, i64),
    ) -> Result<(), MessageError> {
        // Prometheus's chunks begin with the number of their samples.
        let samples = bytes.first_chunk().map_or(0, |&n| u16::from_be_bytes(n));
        self.header((encoding, 0), bytes.len(), times, usize::from(samples))?;
        self.out.extend_from_slice(bytes);
        self.align();
        Ok(())
    }

    /// Whether there is a series to add to.
    pub fn has_begun(&self) -> bool {
        self.current.is_some()
    }

    /// All series that were written.
    pub fn finish(&mut self) -> Vec<u8> {
        self.end();
        std::mem::take(&mut self.out)
    }

    fn header(
        &mut self,
        (encoding, flags): (u8, u8),
        len: usize,
        times: (i64, i64),
        samples: usize,
    ) -> Result<(), MessageError> {
        let mut header = Writer::default();
        header.u8(encoding);
        header.u8(flags);
        header.u8(0);
        header.u8(0);
        header.len(len)?;
        header.i64(times.0);
        header.i64(times.1);
        self.out.extend(header.into_bytes());
        self.chunks += 1;
        let samples = u32::try_from(samples).map_err(|_| MessageError::TooLong)?;
        self.samples = self.samples.saturating_add(samples);
        Ok(())
    }

    fn end(&mut self) {
        let Some((start, body)) = self.current.take() else {
            return;
        };
        let bytes = (self.out.len() - body) as u64;
        let mut set = |at: usize, field: &[u8]| {
            self.out[start + at..][..field.len()].copy_from_slice(field);
        };
        set(BYTES, &bytes.to_le_bytes());
        set(CHUNKS, &self.chunks.to_le_bytes());
        set(SAMPLES, &self.samples.to_le_bytes());
        (self.chunks, self.samples) = (0, 0);
    }

    fn align(&mut self) {
        self.out.resize(self.out.len().next_multiple_of(8), 0);
    }
}

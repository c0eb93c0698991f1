//! Reads and writes the start timestamps of histogram chunks.

use crate::bits::{BitReader, BitWriter};
use crate::xor2::{FIRST_START_CHANGE, FIRST_START_KNOWN};

/// Reads start timestamps.
pub(super) struct StartReader {
    /// Whether the first sample has a start timestamp.
    first_known: bool,
    /// The first sample whose start timestamp is stored; 0 for none.
    from: usize,
    /// The last start timestamp.
    start: i64,
    /// Its distance from the timestamp of the sample before.
    diff: i64,
}

impl StartReader {
    pub(super) fn new(header: u8) -> Self {
        StartReader {
            first_known: header & FIRST_START_KNOWN != 0,
            from: usize::from(header & FIRST_START_CHANGE),
            start: 0,
            diff: 0,
        }
    }

    /// Reads the start timestamp of sample `sample` at `timestamp`. `before` is
    /// the timestamp of the previous sample.
    pub(super) fn read(
        &mut self,
        reader: &mut BitReader<'_>,
        sample: usize,
        timestamp: i64,
        before: i64,
    ) -> Option<i64> {
        if sample == 0 {
            if self.first_known {
                self.start = timestamp.wrapping_sub(reader.varint()?);
            }
        } else if self.from > 0 && sample >= self.from {
            // The first is stored as a difference, the others as its changes.
            let base = if sample == self.from { 0 } else { self.diff };
            self.diff = base.wrapping_add(reader.varbit_int());
            self.start = before.wrapping_sub(self.diff);
        }
        Some(self.start)
    }
}

/// Writes start timestamps.
#[derive(Clone, Debug, Default)]
pub(super) struct StartWriter {
    from: usize,
    start: i64,
    diff: i64,
}

impl StartWriter {
    /// Writes the start timestamp of sample `sample`, with the arguments of
    /// [`StartReader::read`]. Returns the bits to set in the header.
    pub(super) fn write(
        &mut self,
        out: &mut BitWriter,
        sample: usize,
        timestamp: i64,
        before: i64,
        start: i64,
    ) -> u8 {
        let mut header = 0;
        let diff = before.wrapping_sub(start);
        if sample == 0 {
            if start != 0 {
                out.varint(timestamp.wrapping_sub(start));
                header = FIRST_START_KNOWN;
            }
        } else if self.from > 0 {
            out.varbit_int(diff.wrapping_sub(self.diff));
            self.diff = diff;
        } else if start != self.start || sample == usize::from(FIRST_START_CHANGE) {
            // The header cannot hold the number of a later sample.
            self.from = sample;
            out.varbit_int(diff);
            self.diff = diff;
            header = sample as u8;
        }
        self.start = start;
        header
    }
}

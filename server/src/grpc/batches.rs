//! Series in frames, as the answers of the Query and the Store API have them: one
//! alone, or several in a batch.

use quarrel_proto::encoded::Encoded;

use crate::wire;

/// A frame of several series is full with so many bytes.
pub(super) const FRAME: usize = 1 << 20;

/// The field of a batch, in answers of both APIs, and that of the series in a batch.
const BATCH: u32 = 4;
const BATCH_SERIES: u32 = 1;

/// Puts series into frames.
pub(super) struct Batches {
    /// The field of a series without a batch.
    single: u32,
    most: usize,
    done: Vec<Encoded>,
    /// A batch that is being written, and its series.
    open: Vec<u8>,
    series: usize,
}

impl Batches {
    /// Frames of at most `most` series each; of one, without a batch in the field
    /// `single`, if that is less than two.
    pub(super) fn new(single: u32, most: usize) -> Self {
        Batches {
            single,
            most,
            done: Vec::new(),
            open: Vec::new(),
            series: 0,
        }
    }

    /// Adds a series that is written already.
    pub(super) fn push(&mut self, series: &[u8]) {
        if self.most < 2 {
            self.done.push(wire::wrapped(self.single, series));
            return;
        }
        if self.series > 0 && self.open.len() + series.len() > FRAME {
            self.close();
        }
        wire::bytes(&mut self.open, BATCH_SERIES, series);
        self.series += 1;
        if self.series == self.most {
            self.close();
        }
    }

    fn close(&mut self) {
        self.done.push(wire::wrapped(BATCH, &self.open));
        self.open.clear();
        self.series = 0;
    }

    /// All frames.
    pub(super) fn finish(mut self) -> Vec<Encoded> {
        if self.series > 0 {
            self.close();
        }
        self.done
    }
}

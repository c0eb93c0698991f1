//! Prometheus chunks of native histograms and of floats with start timestamps,
//! which plain columns cannot hold.

use quarrel_chunks::histogram::{Count, EncodeError, Histogram, HistogramBuilder};
use quarrel_chunks::{FloatEncoder, Xor2Encoder};
use quarrel_engine::storage::{Chunk, TimeRange};

/// Number of floats in a chunk.
const CHUNK_LEN: usize = 120;

/// A float with its start timestamp.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FloatSample {
    /// Timestamp, ms since the epoch.
    pub timestamp: i64,
    /// Start timestamp, ms since the epoch; 0 for none.
    pub start_timestamp: i64,
    /// The value.
    pub value: f64,
}

/// A native histogram with its timestamps.
#[derive(Clone, Debug, PartialEq)]
pub struct HistogramSample<C> {
    /// Timestamp, ms since the epoch.
    pub timestamp: i64,
    /// Start timestamp, ms since the epoch; 0 for none.
    pub start_timestamp: i64,
    /// The histogram.
    pub histogram: Histogram<C>,
}

/// Encoded samples in order of time.
#[derive(Clone, Debug, Default)]
pub(super) struct EncodedChunks {
    /// Disjoint, ascending.
    chunks: Vec<Chunk>,
    len: usize,
}

impl EncodedChunks {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn first(&self) -> Option<i64> {
        self.chunks.first().map(|c| c.min_time)
    }

    pub(super) fn last(&self) -> Option<i64> {
        self.chunks.last().map(|c| c.max_time)
    }

    /// Appends floats in order of time, later than all samples.
    pub(super) fn extend_floats(&mut self, samples: &[FloatSample]) {
        let chunks = samples.chunks(CHUNK_LEN).map(|part| {
            let mut encoder = Xor2Encoder::new();
            for sample in part {
                encoder.append_with_start(sample.start_timestamp, sample.timestamp, sample.value);
            }
            let times = TimeRange {
                start: part[0].timestamp,
                end: part[part.len() - 1].timestamp,
            };
            Chunk::encoded(encoder.encoding(), encoder.bytes().to_vec(), times)
        });
        self.chunks.extend(chunks);
        self.len += samples.len();
    }

    /// Appends histograms in order of time, later than all samples.
    pub(super) fn extend<C: Count>(
        &mut self,
        samples: &[HistogramSample<C>],
    ) -> Result<(), EncodeError> {
        self.chunks.extend(chunks_of(samples)?);
        self.len += samples.len();
        Ok(())
    }

    /// Appends the chunks that overlap a range.
    pub(super) fn chunks(&self, range: TimeRange, out: &mut Vec<Chunk>) {
        let overlaps = |c: &&Chunk| range.overlaps(c.min_time, c.max_time);
        out.extend(self.chunks.iter().filter(overlaps).cloned());
    }
}

fn chunks_of<C: Count>(
    samples: &[HistogramSample<C>],
) -> Result<impl Iterator<Item = Chunk>, EncodeError> {
    let mut builder = HistogramBuilder::new(samples.iter().any(|s| s.start_timestamp != 0));
    for sample in samples {
        builder.push(sample.start_timestamp, sample.timestamp, &sample.histogram)?;
    }
    Ok(builder.finish()?.into_iter().map(Chunk::from))
}

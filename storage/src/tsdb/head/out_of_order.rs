//! The out-of-order samples of a series.

use std::sync::Arc;

use super::chunk::{HeadChunk, HeadChunkData, HistogramSample, Kind, Stored, encode_with_start};
use super::chunk_file::{self, DiskChunk};
use super::histogram::WalHistogram;

/// Default number of samples in an out-of-order chunk of Prometheus. It decides
/// which of two samples at one time is kept.
const CAPACITY: usize = 32;

/// The value of an out-of-order sample.
#[derive(Clone, Debug)]
pub(super) enum OutOfOrderValue {
    Float(f64),
    Histogram(Arc<WalHistogram>),
}

impl OutOfOrderValue {
    fn kind(&self) -> Kind {
        match self {
            OutOfOrderValue::Float(_) => Kind::Float,
            OutOfOrderValue::Histogram(h) => Kind::of(h),
        }
    }
}

#[derive(Clone, Debug)]
pub(super) struct OutOfOrderSample {
    pub start: i64,
    pub timestamp: i64,
    pub value: OutOfOrderValue,
}

/// The out-of-order samples of a series.
#[derive(Clone, Debug, Default)]
pub(super) struct OutOfOrder {
    disk: Vec<DiskChunk>,
    full: Vec<Arc<Vec<OutOfOrderSample>>>,
    open: Vec<OutOfOrderSample>,
}

impl OutOfOrder {
    pub fn is_empty(&self) -> bool {
        self.disk.is_empty() && self.full.is_empty() && self.open.is_empty()
    }

    /// Adds the chunks on disk of another reference.
    pub fn merge(&mut self, incoming: &[DiskChunk]) {
        self.disk = chunk_file::merge(std::mem::take(&mut self.disk), incoming, true);
    }

    /// Adds a sample; drops it if the open samples have one at its time.
    pub fn insert(&mut self, sample: OutOfOrderSample) {
        if self.open.len() == CAPACITY {
            self.full.push(Arc::new(std::mem::take(&mut self.open)));
        }
        let at = self
            .open
            .partition_point(|s| s.timestamp < sample.timestamp);
        if self
            .open
            .get(at)
            .is_none_or(|s| s.timestamp != sample.timestamp)
        {
            self.open.insert(at, sample);
        }
    }

    /// Number of its chunks.
    pub fn chunk_count(&self) -> usize {
        self.disk.len() + self.full.len() + usize::from(self.has_open())
    }

    /// Whether there are samples in no chunk yet.
    pub fn has_open(&self) -> bool {
        !self.open.is_empty()
    }

    /// Drops the open samples, which are now in a chunk on disk.
    pub fn clear_open(&mut self) {
        self.open.clear();
    }

    /// Appends all chunks from the oldest on.
    pub fn chunks(&self, out: &mut Vec<HeadChunk>) {
        out.extend(self.disk.iter().map(|c| Stored::Disk(c.clone()).view(true)));
        self.full.iter().for_each(|run| split_by_kind(run, out));
        split_by_kind(&self.open, out);
    }

    /// Calls `widen` with the times of the first and last sample of each chunk.
    pub fn ranges(&self, mut widen: impl FnMut((i64, i64))) {
        self.disk
            .iter()
            .for_each(|c| widen((c.min_time, c.max_time)));
        for run in self
            .full
            .iter()
            .map(|r| r.as_slice())
            .chain([self.open.as_slice()])
        {
            if let (Some(first), Some(last)) = (run.first(), run.last()) {
                widen((first.timestamp, last.timestamp));
            }
        }
    }
}

/// Appends a chunk for each run of samples of one type.
fn split_by_kind(samples: &[OutOfOrderSample], out: &mut Vec<HeadChunk>) {
    for run in samples.chunk_by(|a, b| a.value.kind() == b.value.kind()) {
        let (Some(first), Some(last)) = (run.first(), run.last()) else {
            continue;
        };
        let floats = || {
            run.iter().filter_map(|s| match s.value {
                OutOfOrderValue::Float(v) => Some((s.start, s.timestamp, v)),
                OutOfOrderValue::Histogram(_) => None,
            })
        };
        let histograms = run.iter().filter_map(|s| match &s.value {
            OutOfOrderValue::Float(_) => None,
            OutOfOrderValue::Histogram(histogram) => Some(HistogramSample {
                start: s.start,
                timestamp: s.timestamp,
                histogram: histogram.clone(),
            }),
        });
        let data = match first.value.kind() {
            Kind::Float if run.iter().any(|s| s.start != 0) => {
                let (encoding, bytes) = encode_with_start(floats());
                HeadChunkData::Encoded { encoding, bytes }
            }
            Kind::Float => {
                let (timestamps, values) = floats().map(|(_, t, v)| (t, v)).unzip();
                HeadChunkData::Samples { timestamps, values }
            }
            _ => HeadChunkData::Histograms(Arc::new(histograms.collect())),
        };
        out.push(HeadChunk {
            min_time: first.timestamp,
            max_time: last.timestamp,
            data,
            out_of_order: true,
        });
    }
}

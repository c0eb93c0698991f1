//! Chunks of the head, and their form in a view.

use std::sync::Arc;

use bytes::Bytes;
use quarrel_chunks::{Encoding, FloatEncoder, Xor2Encoder, XorEncoder};

use super::chunk_file::DiskChunk;
use super::column::OpenFloats;
use super::histogram::WalHistogram;

/// A histogram with its timestamps.
#[derive(Clone, Debug, PartialEq)]
pub struct HistogramSample {
    /// Start timestamp, ms; 0 for none.
    pub start: i64,
    /// Timestamp, ms.
    pub timestamp: i64,
    /// The histogram.
    pub histogram: Arc<WalHistogram>,
}

/// The samples of a [`HeadChunk`], in order of time.
#[derive(Clone, Debug, PartialEq)]
pub enum HeadChunkData {
    /// A Prometheus chunk.
    Encoded {
        /// The encoding of the bytes.
        encoding: Encoding,
        /// The bytes.
        bytes: Bytes,
    },
    /// Float columns of equal length.
    Samples {
        /// Milliseconds, ascending.
        timestamps: Vec<i64>,
        /// Values; stale markers as Prometheus's NaN.
        values: Vec<f64>,
    },
    /// Histograms, all integer or all float.
    Histograms(Arc<Vec<HistogramSample>>),
}

impl HeadChunkData {
    /// Whether the samples are histograms.
    pub fn is_histogram(&self) -> bool {
        match self {
            HeadChunkData::Encoded { encoding, .. } => encoding.is_histogram(),
            HeadChunkData::Samples { .. } => false,
            HeadChunkData::Histograms(_) => true,
        }
    }
}

/// Samples of one series in order of time.
#[derive(Clone, Debug, PartialEq)]
pub struct HeadChunk {
    /// Time of the first sample, ms.
    pub min_time: i64,
    /// Time of the last sample, ms.
    pub max_time: i64,
    /// The samples.
    pub data: HeadChunkData,
    /// Whether the samples are out of order, so that the chunk may overlap
    /// others.
    pub out_of_order: bool,
}

/// A complete chunk.
#[derive(Clone, Debug)]
pub(super) enum Stored {
    Disk(DiskChunk),
    /// Floats that are not encoded yet.
    Plain(OpenFloats),
    Floats {
        min_time: i64,
        max_time: i64,
        encoding: Encoding,
        bytes: Bytes,
    },
    Histograms(Arc<Vec<HistogramSample>>),
}

impl Stored {
    pub fn range(&self) -> (i64, i64) {
        match self {
            Stored::Disk(c) => (c.min_time, c.max_time),
            Stored::Plain(open) => open.range(),
            Stored::Floats {
                min_time, max_time, ..
            } => (*min_time, *max_time),
            Stored::Histograms(samples) => ends(samples),
        }
    }

    pub fn kind(&self) -> Kind {
        let encoding = match self {
            Stored::Disk(c) => c.encoding,
            Stored::Floats { encoding, .. } => *encoding,
            Stored::Plain(_) => return Kind::Float,
            Stored::Histograms(samples) => return kind_of(samples),
        };
        match encoding {
            Encoding::Xor | Encoding::Xor2 => Kind::Float,
            Encoding::Histogram | Encoding::HistogramSt => Kind::Histogram,
            Encoding::FloatHistogram | Encoding::FloatHistogramSt => Kind::FloatHistogram,
        }
    }

    pub fn compress(&mut self) {
        if let Stored::Plain(open) = self {
            let (min_time, max_time) = open.range();
            let (encoding, bytes) = encode(open);
            *self = Stored::Floats {
                min_time,
                max_time,
                encoding,
                bytes,
            };
        }
    }

    pub fn view(&self, out_of_order: bool) -> HeadChunk {
        let (min_time, max_time) = self.range();
        let data = match self {
            Stored::Disk(DiskChunk {
                encoding, bytes, ..
            })
            | Stored::Floats {
                encoding, bytes, ..
            } => HeadChunkData::Encoded {
                encoding: *encoding,
                bytes: bytes.clone(),
            },
            Stored::Plain(open) => return view_floats(open),
            Stored::Histograms(samples) => HeadChunkData::Histograms(samples.clone()),
        };
        HeadChunk {
            min_time,
            max_time,
            data,
            out_of_order,
        }
    }
}

pub(super) fn ends(samples: &[HistogramSample]) -> (i64, i64) {
    match (samples.first(), samples.last()) {
        (Some(first), Some(last)) => (first.timestamp, last.timestamp),
        _ => (i64::MAX, i64::MIN),
    }
}

/// The type of a sample's value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Kind {
    #[default]
    Float,
    Histogram,
    FloatHistogram,
}

impl Kind {
    pub fn of(histogram: &WalHistogram) -> Kind {
        if histogram.is_float() {
            Kind::FloatHistogram
        } else {
            Kind::Histogram
        }
    }
}

pub(super) fn kind_of(samples: &[HistogramSample]) -> Kind {
    samples
        .first()
        .map_or(Kind::Float, |s| Kind::of(&s.histogram))
}

pub(super) fn view_floats(open: &OpenFloats) -> HeadChunk {
    let (min_time, max_time) = open.range();
    let data = if open.has_start() {
        let (encoding, bytes) = encode(open);
        HeadChunkData::Encoded { encoding, bytes }
    } else {
        HeadChunkData::Samples {
            timestamps: open.timestamps(),
            values: open.values(),
        }
    };
    HeadChunk {
        min_time,
        max_time,
        data,
        out_of_order: false,
    }
}

fn encode(open: &OpenFloats) -> (Encoding, Bytes) {
    if open.has_start() {
        return encode_with_start(open.iter());
    }
    let mut encoder = XorEncoder::new();
    for (_, timestamp, value) in open.iter() {
        encoder.append(timestamp, value);
    }
    (encoder.encoding(), Bytes::copy_from_slice(encoder.bytes()))
}

pub(super) fn encode_with_start(
    samples: impl Iterator<Item = (i64, i64, f64)>,
) -> (Encoding, Bytes) {
    let mut encoder = Xor2Encoder::new();
    for (start, timestamp, value) in samples {
        encoder.append_with_start(start, timestamp, value);
    }
    (encoder.encoding(), Bytes::copy_from_slice(encoder.bytes()))
}

//! Chunks for tests.

use arrow_buffer::NullBuffer;
use quarrel_chunks::histogram::{Histogram, HistogramBuilder};
use quarrel_chunks::{Encoding, FloatEncoder as _, Xor2Encoder, XorEncoder};
use quarrel_engine::storage::histogram_chunks::{HistogramLayout, Span};
use quarrel_engine::storage::{Chunk, TimeRange};

pub(crate) fn range(start: i64, end: i64) -> TimeRange {
    TimeRange { start, end }
}

pub(crate) fn histogram(count: u64) -> Histogram<u64> {
    Histogram {
        layout: HistogramLayout {
            schema: 0,
            zero_threshold: 0.001,
            positive_spans: vec![Span {
                offset: 0,
                length: 2,
            }],
            ..HistogramLayout::default()
        },
        count: 3 * count,
        sum: count as f64,
        buckets: vec![count, 2 * count],
        ..Histogram::default()
    }
}

pub(crate) fn floats_of(histogram: &Histogram<u64>) -> Histogram<f64> {
    Histogram {
        counter_reset: histogram.counter_reset,
        layout: histogram.layout.clone(),
        count: histogram.count as f64,
        zero_count: histogram.zero_count as f64,
        sum: histogram.sum,
        buckets: histogram.buckets.iter().map(|&n| n as f64).collect(),
    }
}

/// What tests make chunks of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kind {
    Xor,
    Xor2,
    Floats,
    Grid,
    Histogram,
    HistogramSt,
    FloatHistogram,
}

pub(crate) const KINDS: [Kind; 7] = [
    Kind::Xor,
    Kind::Xor2,
    Kind::Floats,
    Kind::Grid,
    Kind::Histogram,
    Kind::HistogramSt,
    Kind::FloatHistogram,
];

pub(crate) fn is_histogram(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Histogram | Kind::HistogramSt | Kind::FloatHistogram
    )
}

/// A chunk of small whole numbers at ascending times.
pub(crate) fn chunk(kind: Kind, samples: &[(i64, u64)]) -> Chunk {
    let times = range(samples[0].0, samples[samples.len() - 1].0);
    let timestamps: Vec<i64> = samples.iter().map(|s| s.0).collect();
    let values: Vec<f64> = samples.iter().map(|s| s.1 as f64).collect();
    match kind {
        Kind::Floats => Chunk::floats(timestamps, values),
        Kind::Grid => {
            // A gap behind each sample that leaves room for one.
            let (mut grid, mut column, mut valid) = (Vec::new(), Vec::new(), Vec::new());
            for (i, (&t, &v)) in timestamps.iter().zip(&values).enumerate() {
                grid.push(t);
                column.push(v);
                valid.push(true);
                if timestamps.get(i + 1).is_none_or(|&next| next > t + 1) {
                    grid.push(t + 1);
                    column.push(f64::NAN);
                    valid.push(false);
                }
            }
            Chunk::float_grid(grid, column, NullBuffer::from(valid))
        }
        Kind::Xor | Kind::Xor2 => {
            let mut xor = XorEncoder::new();
            let mut xor2 = Xor2Encoder::new();
            for (t, v) in timestamps.iter().zip(&values) {
                xor.append(*t, *v);
                xor2.append(*t, *v);
            }
            match kind {
                Kind::Xor => Chunk::encoded(Encoding::Xor, xor.bytes().to_vec(), times),
                _ => Chunk::encoded(Encoding::Xor2, xor2.bytes().to_vec(), times),
            }
        }
        Kind::FloatHistogram => {
            let all: Vec<_> = samples
                .iter()
                .map(|s| (s.0, floats_of(&histogram(s.1))))
                .collect();
            let chunks = Chunk::histograms(all.iter().map(|(t, h)| (*t, h))).unwrap();
            chunks.into_iter().next().unwrap()
        }
        Kind::Histogram | Kind::HistogramSt => {
            let mut builder = HistogramBuilder::new(kind == Kind::HistogramSt);
            for &(t, count) in samples {
                builder.push(t - 5, t, &histogram(count)).unwrap();
            }
            Chunk::from(builder.finish().unwrap().swap_remove(0))
        }
    }
}

//! Samples downsampled by plain definitions, as Thanos's Compactor does it.

use quarrel_chunks::{FloatEncoder, XorEncoder};
use quarrel_engine::storage::{Aggregates, Chunk, EncodedChunk, Encoding, TimeRange};

pub const MINUTE: i64 = 60_000;
pub const FINE: i64 = 5 * MINUTE;
pub const HOUR: i64 = 60 * MINUTE;

pub type Samples = Vec<(i64, f64)>;

/// The last millisecond of the window that a time lies in.
pub fn window_end(time: i64, resolution: i64) -> i64 {
    time - time.rem_euclid(resolution) + resolution - 1
}

/// Windows of one chunk, and its counter.
#[derive(Clone, Debug, Default)]
pub struct Downsampled {
    pub count: Samples,
    pub sum: Samples,
    pub min: Samples,
    pub max: Samples,
    pub counter: Samples,
}

/// The samples of one chunk, some at least, downsampled.
pub fn downsample(samples: &[(i64, f64)], resolution: i64) -> Downsampled {
    let mut out = Downsampled::default();
    let (first, last) = (samples[0], samples[samples.len() - 1]);
    out.counter.push(first);
    let mut total = first.1;
    let mut before = first.1;
    let same =
        |a: &(i64, f64), b: &(i64, f64)| window_end(a.0, resolution) == window_end(b.0, resolution);
    for window in samples.chunk_by(same) {
        let end = window_end(window[0].0, resolution).min(last.0);
        let values = || window.iter().map(|s| s.1);
        for value in values() {
            total += if value < before {
                value
            } else {
                value - before
            };
            before = value;
        }
        out.count.push((end, window.len() as f64));
        out.sum.push((end, values().sum()));
        out.min.push((end, values().fold(f64::INFINITY, f64::min)));
        out.max
            .push((end, values().fold(f64::NEG_INFINITY, f64::max)));
        out.counter.push((end, total));
    }
    let end = out.counter[out.counter.len() - 1].0;
    out.counter.push((end, last.1));
    out
}

/// The samples in chunks of at least so many samples, each of whole windows.
pub fn in_chunks(samples: &[(i64, f64)], resolution: i64, sizes: &[usize]) -> Vec<Samples> {
    let (mut out, mut rest) = (Vec::new(), samples);
    let mut sizes = sizes.iter().cycle();
    while !rest.is_empty() {
        let size = sizes.next().map_or(1, |&size| size.clamp(1, rest.len()));
        let end = window_end(rest[size - 1].0, resolution);
        let (chunk, others) = rest.split_at(rest.partition_point(|s| s.0 <= end));
        out.push(chunk.to_vec());
        rest = others;
    }
    out
}

/// As the Compactor's bytes.
pub fn encode(samples: &[(i64, f64)]) -> EncodedChunk {
    let mut encoder = XorEncoder::new();
    for &(t, v) in samples {
        assert!(encoder.append(t, v));
    }
    EncodedChunk {
        encoding: Encoding::Xor,
        bytes: encoder.bytes().to_vec().into(),
    }
}

/// A chunk as a store gives it.
pub fn chunk(downsampled: &Downsampled) -> Chunk {
    let windows = &downsampled.count;
    let times = TimeRange {
        start: windows[0].0,
        end: windows[windows.len() - 1].0,
    };
    let aggregates = Aggregates {
        count: Some(encode(&downsampled.count)),
        sum: Some(encode(&downsampled.sum)),
        min: Some(encode(&downsampled.min)),
        max: Some(encode(&downsampled.max)),
        counter: Some(encode(&downsampled.counter)),
    };
    Chunk::aggregates(aggregates, times)
}

/// The samples in downsampled chunks.
pub fn chunks(samples: &[(i64, f64)], resolution: i64, sizes: &[usize]) -> Vec<Chunk> {
    let parts = in_chunks(samples, resolution, sizes);
    let chunks = parts
        .iter()
        .map(|part| chunk(&downsample(part, resolution)));
    chunks.collect()
}

/// Samples as they are.
pub fn raw(samples: &[(i64, f64)]) -> Chunk {
    let (timestamps, values): (Vec<i64>, Vec<f64>) = samples.iter().copied().unzip();
    Chunk::floats(timestamps, values)
}

//! A storage's chunks as messages.

use std::collections::BTreeMap;

use prost::Message as _;
use prost::encoding::{WireType, encode_key, encode_varint};
use quarrel_chunks::histogram::Histogram;
use quarrel_chunks::{
    Encoding, FloatEncoder as _, HistogramColumns, XorEncoder, decode_floats, decode_histograms,
};
use quarrel_engine::storage::{Chunk, ChunkData, TimeRange};
use quarrel_proto::labels::Label;
use quarrel_proto::remote_read::{Chunk as Message, ChunkEncoding};
use quarrel_proto::samples::{Sample, TimeSeries};

use crate::remote_read::histograms;

/// Samples of a chunk, as Prometheus cuts them.
const SAMPLES: usize = 120;

/// The messages of a chunk.
pub(super) fn chunks(chunk: &Chunk) -> Vec<Message> {
    let ChunkData::Encoded { encoding, bytes } = &chunk.data else {
        let (times, values) = floats(chunk);
        let parts = times.chunks(SAMPLES).zip(values.chunks(SAMPLES));
        return parts.map(|(times, values)| xor(times, values)).collect();
    };
    let kind = match encoding {
        Encoding::Xor => ChunkEncoding::Xor,
        Encoding::Xor2 => ChunkEncoding::Xor2,
        Encoding::Histogram => ChunkEncoding::Histogram,
        Encoding::HistogramSt => ChunkEncoding::HistogramSt,
        Encoding::FloatHistogram => ChunkEncoding::FloatHistogram,
        Encoding::FloatHistogramSt => ChunkEncoding::FloatHistogramSt,
    };
    vec![Message {
        min_time_ms: chunk.min_time,
        max_time_ms: chunk.max_time,
        r#type: kind as i32,
        data: bytes.clone(),
    }]
}

fn xor(times: &[i64], values: &[f64]) -> Message {
    let mut encoder = XorEncoder::new();
    for (&time, &value) in times.iter().zip(values) {
        encoder.append(time, value);
    }
    Message {
        min_time_ms: times[0],
        max_time_ms: times[times.len() - 1],
        r#type: ChunkEncoding::Xor as i32,
        data: encoder.bytes().to_vec().into(),
    }
}

/// The floats of a chunk; none of one with histograms.
fn floats(chunk: &Chunk) -> (Vec<i64>, Vec<f64>) {
    match &chunk.data {
        ChunkData::Floats {
            timestamps, values, ..
        } => (timestamps.to_vec(), values.to_vec()),
        ChunkData::FloatGrid {
            timestamps,
            values,
            validity,
        } => {
            let valid = validity.valid_indices();
            valid.map(|at| (timestamps[at], values[at])).unzip()
        }
        ChunkData::Encoded { encoding, bytes } if !encoding.is_histogram() => {
            let (mut times, mut values) = (Vec::new(), Vec::new());
            decode_floats(*encoding, bytes, &mut times, &mut values).expect("a chunk");
            (times, values)
        }
        _ => (Vec::new(), Vec::new()),
    }
}

/// The message of a series. Values stand there even if they are zero, so that a negative
/// zero stays one.
pub(super) fn written(mut series: TimeSeries) -> Vec<u8> {
    let samples = std::mem::take(&mut series.samples);
    let mut out = series.encode_to_vec();
    for Sample { value, timestamp } in samples {
        let mut sample = Vec::new();
        encode_key(1, WireType::SixtyFourBit, &mut sample);
        sample.extend_from_slice(&value.to_le_bytes());
        encode_key(2, WireType::Varint, &mut sample);
        encode_varint(timestamp as u64, &mut sample);
        encode_key(2, WireType::LengthDelimited, &mut out);
        encode_varint(sample.len() as u64, &mut out);
        out.extend_from_slice(&sample);
    }
    out
}

/// The samples of chunks in a range; of those at one time, that of the first chunk.
pub(super) fn samples(labels: Vec<Label>, chunks: &[Chunk], range: TimeRange) -> TimeSeries {
    let within = |time: i64| range.start <= time && time <= range.end;
    let (mut all_floats, mut all_histograms) = (BTreeMap::new(), BTreeMap::new());
    for chunk in chunks {
        let (times, values) = floats(chunk);
        for (time, value) in times.into_iter().zip(values).filter(|(t, _)| within(*t)) {
            all_floats.entry(time).or_insert(value);
        }
        for (time, message) in histograms_of(chunk) {
            if within(time) {
                all_histograms.entry(time).or_insert(message);
            }
        }
    }
    let sample = |(timestamp, value)| Sample { value, timestamp };
    TimeSeries {
        labels,
        samples: all_floats.into_iter().map(sample).collect(),
        histograms: all_histograms.into_values().collect(),
        ..TimeSeries::default()
    }
}

fn histograms_of(chunk: &Chunk) -> Vec<(i64, quarrel_proto::samples::Histogram)> {
    let ChunkData::Encoded { encoding, bytes } = &chunk.data else {
        return Vec::new();
    };
    if !encoding.is_histogram() {
        return Vec::new();
    }
    let mut columns = HistogramColumns::default();
    decode_histograms(*encoding, bytes, &mut columns).expect("a chunk");
    let is_float = matches!(
        encoding,
        Encoding::FloatHistogram | Encoding::FloatHistogramSt
    );
    let row = |(row, &time): (usize, &i64)| {
        if columns.is_stale(row) {
            return (time, histograms::of_floats(time, &Histogram::stale()));
        }
        let floats = Histogram {
            counter_reset: columns.counter_reset.of_sample(row),
            layout: columns.layout.clone(),
            count: columns.counts[row],
            zero_count: columns.zero_counts[row],
            sum: columns.sums[row],
            buckets: columns.row(row).to_vec(),
        };
        let message = match is_float {
            true => histograms::of_floats(time, &floats),
            false => histograms::of_integers(
                time,
                &Histogram {
                    counter_reset: floats.counter_reset,
                    layout: floats.layout.clone(),
                    count: floats.count as u64,
                    zero_count: floats.zero_count as u64,
                    sum: floats.sum,
                    buckets: floats.buckets.iter().map(|&n| n as u64).collect(),
                },
            ),
        };
        (time, message)
    };
    columns.timestamps.iter().enumerate().map(row).collect()
}

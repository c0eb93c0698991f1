//! Samples of a head as digests, series by series.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::sync::Arc;

use quarrel_chunks::decode_floats_with_start;
use quarrel_engine::storage::Unlimited;
use quarrel_peer_tests::{Fnv, label_line};
use quarrel_storage::tsdb::head::{
    Counts, Head, HeadChunk, HeadChunkData, HistogramSample, Span, WalHistogram, merge_overlapping,
};

/// Bits of Prometheus's stale marker.
const STALE: u64 = 0x7ff0_0000_0000_0002;

/// By labels: number of samples and their digest.
pub type Digests = BTreeMap<String, (usize, u64)>;

/// The number of samples of a series whose samples are not compared.
const UNDECODED: usize = usize::MAX;

fn add_floats(fnv: &mut Fnv, floats: &[f64]) {
    fnv.word(floats.len() as u64);
    floats.iter().for_each(|f| fnv.word(f.to_bits()));
}

fn add_spans(fnv: &mut Fnv, spans: &[Span]) {
    fnv.word(spans.len() as u64);
    for span in spans {
        fnv.word(i64::from(span.offset) as u64);
        fnv.word(u64::from(span.length));
    }
}

fn add_histogram(fnv: &mut Fnv, h: &WalHistogram) {
    fnv.word(h.sum.to_bits());
    if h.sum.to_bits() == STALE {
        return;
    }
    fnv.word(i64::from(h.schema) as u64);
    fnv.word(h.zero_threshold.to_bits());
    let (count, zero_count) = match &h.counts {
        Counts::Integer {
            count, zero_count, ..
        } => (*count, *zero_count),
        Counts::Float {
            count, zero_count, ..
        } => (count.to_bits(), zero_count.to_bits()),
    };
    fnv.word(zero_count);
    fnv.word(count);
    add_spans(fnv, &h.positive_spans);
    add_spans(fnv, &h.negative_spans);
    match &h.counts {
        Counts::Integer {
            positive, negative, ..
        } => {
            for buckets in [positive, negative] {
                fnv.word(buckets.len() as u64);
                buckets.iter().for_each(|b| fnv.word(*b as u64));
            }
        }
        Counts::Float {
            positive, negative, ..
        } => {
            add_floats(fnv, positive);
            add_floats(fnv, negative);
        }
    }
    add_floats(fnv, &h.custom_values);
}

fn deleted(tombstones: &[(i64, i64)], t: i64) -> bool {
    tombstones.iter().any(|r| (r.0..=r.1).contains(&t))
}

/// The digests of all series. A series with encoded histograms has
/// [`UNDECODED`] samples.
pub fn digests(head: &Head) -> Digests {
    digests_of(head, |_| true)
}

/// As [`digests`], of some chunks.
pub fn digests_of(head: &Head, wanted: impl Fn(&HeadChunk) -> bool) -> Digests {
    let mut all = Digests::new();
    for id in head.select(&[], &Unlimited).unwrap() {
        let series = head.series(id);
        let line = label_line(series.labels());
        let mut chunks = Vec::new();
        series.chunks(i64::MIN, i64::MAX, &mut chunks);
        chunks.retain(&wanted);
        let undecoded = |c: &HeadChunk| match &c.data {
            HeadChunkData::Encoded { encoding, .. } => encoding.is_histogram(),
            _ => false,
        };
        if chunks.iter().any(undecoded) {
            all.insert(line, (UNDECODED, 0));
            continue;
        }
        let mut fnv = Fnv::default();
        let mut samples = 0;
        for (timestamp, (start, value)) in samples_of(merge_overlapping(chunks).unwrap()) {
            if deleted(series.tombstones(), timestamp) {
                continue;
            }
            samples += 1;
            fnv.word(timestamp as u64);
            fnv.word(start as u64);
            match value {
                Value::Float(value) => fnv.word(value.to_bits()),
                Value::Histogram(h) => add_histogram(&mut fnv, &h),
            }
        }
        if samples > 0 {
            all.insert(line, (samples, fnv.digest()));
        }
    }
    all
}

enum Value {
    Float(f64),
    Histogram(Arc<WalHistogram>),
}

/// All samples by timestamp, with their start timestamps. In the scenarios
/// with histograms no two samples have the same timestamp.
fn samples_of(chunks: Vec<HeadChunk>) -> BTreeMap<i64, (i64, Value)> {
    let mut all = BTreeMap::new();
    for chunk in chunks {
        match chunk.data {
            HeadChunkData::Encoded { encoding, bytes } => {
                let (mut start_timestamps, mut times, mut values) = (vec![], vec![], vec![]);
                let out = (&mut start_timestamps, &mut times, &mut values);
                decode_floats_with_start(encoding, &bytes, out.0, out.1, out.2).unwrap();
                let pairs = start_timestamps
                    .into_iter()
                    .zip(values.into_iter().map(Value::Float));
                all.extend(times.into_iter().zip(pairs));
            }
            HeadChunkData::Samples { timestamps, values } => {
                let pairs = values.into_iter().map(|v| (0, Value::Float(v)));
                all.extend(timestamps.into_iter().zip(pairs));
            }
            HeadChunkData::Histograms(samples) => {
                let value = |s: &HistogramSample| Value::Histogram(s.histogram.clone());
                all.extend(samples.iter().map(|s| (s.timestamp, (s.start, value(s)))));
            }
        }
    }
    all
}

/// The timestamps of all samples.
pub fn timestamps(chunks: Vec<HeadChunk>) -> Vec<i64> {
    samples_of(chunks).into_keys().collect()
}

/// Panics with the first few differences.
pub fn assert_same(what: &str, got: &Digests, expected: &Digests) {
    let mut text = String::new();
    let keys: BTreeSet<_> = got.keys().chain(expected.keys()).collect();
    let same = |key: &String| match (got.get(key), expected.get(key)) {
        (Some((UNDECODED, _)), there) => there.is_some(),
        (got, expected) => got == expected,
    };
    let differ = keys.into_iter().filter(|k| !same(k));
    let differ: Vec<_> = differ.collect();
    for key in differ.iter().take(5) {
        let _ = writeln!(
            text,
            "{key}: {:x?}, expected {:x?}",
            got.get(*key),
            expected.get(*key)
        );
    }
    assert!(
        differ.is_empty(),
        "{what}: {} series differ\n{text}",
        differ.len()
    );
}

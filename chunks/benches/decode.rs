//! Decoding speed: samples of float chunks, buckets of histogram chunks.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use quarrel_chunks::histogram::{
    Count, CounterReset, HistogramEncoder, HistogramLayout, HistogramSample, Span,
};
use quarrel_chunks::{
    FloatEncoder, HistogramColumns, Xor2Encoder, XorEncoder, decode_floats, decode_histograms,
};

/// A counter scraped every 15 s with a little jitter, as most series are.
fn fill(encoder: &mut impl FloatEncoder) {
    let (mut t, mut v, mut seed) = (1_700_000_000_000i64, 1000.0f64, 1u64);
    for _ in 0..120 {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        t += 15_000 + (seed >> 62) as i64;
        v += ((seed >> 40) & 63) as f64;
        encoder.append(t, v);
    }
}

fn decode(c: &mut Criterion) {
    let mut group = c.benchmark_group("decode");
    group.throughput(Throughput::Elements(120));
    let (mut xor, mut xor2) = (XorEncoder::new(), Xor2Encoder::new());
    fill(&mut xor);
    fill(&mut xor2);
    let chunks = [
        ("xor", xor.encoding(), xor.bytes()),
        ("xor2", xor2.encoding(), xor2.bytes()),
    ];
    for (name, encoding, bytes) in chunks {
        let (mut t, mut v) = (Vec::new(), Vec::new());
        group.bench_function(name, |b| {
            b.iter(|| {
                t.clear();
                v.clear();
                decode_floats(encoding, bytes, &mut t, &mut v)
            });
        });
    }
    group.finish();
}

/// Samples of a histogram of 60 buckets, each of which grows now and then.
fn histograms<C: Count>(count: impl Fn(u64) -> C) -> HistogramEncoder<C> {
    let span = Span {
        offset: -20,
        length: 60,
    };
    let layout = HistogramLayout {
        schema: 3,
        positive_spans: vec![span],
        ..HistogramLayout::default()
    };
    let mut encoder = HistogramEncoder::new(layout, CounterReset::Unknown, false).unwrap();
    let (mut buckets, mut seed, mut total) = (vec![0u64; 60], 1u64, 0);
    for sample in 0..120 {
        for bucket in &mut buckets {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let grown = (seed >> 60).saturating_sub(10);
            *bucket += grown;
            total += grown;
        }
        let counts: Vec<C> = buckets.iter().map(|&c| count(c)).collect();
        let sample_of = HistogramSample {
            count: count(total),
            zero_count: count(0),
            sum: total as f64 * 0.37,
            buckets: &counts,
        };
        encoder.append(0, 15_000 * sample, sample_of).unwrap();
    }
    encoder
}

fn decode_buckets(c: &mut Criterion) {
    let mut group = c.benchmark_group("decode_buckets");
    group.throughput(Throughput::Elements(120 * 60));
    let integers = histograms(|c| c);
    let floats = histograms(|c| c as f64);
    let chunks = [
        ("integer", integers.encoding(), integers.bytes()),
        ("float", floats.encoding(), floats.bytes()),
    ];
    for (name, encoding, bytes) in chunks {
        let mut columns = HistogramColumns::default();
        group.bench_function(name, |b| {
            b.iter(|| decode_histograms(encoding, bytes, &mut columns));
        });
    }
    group.finish();
}

criterion_group!(benches, decode, decode_buckets);
criterion_main!(benches);

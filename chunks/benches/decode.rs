//! Decoding speed: samples of float chunks, buckets of histogram chunks.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use quarrel_chunks::histogram::{
    Count, CounterReset, HistogramEncoder, HistogramLayout, HistogramSample, Span,
};
use quarrel_chunks::{
    Encoding, FloatEncoder, HistogramColumns, Xor2Encoder, XorEncoder, decode_floats,
    decode_histogram_totals, decode_histograms,
};

/// Random bits.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// Between 0 and 1.
    fn float(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// What a value is made of, from the value before it.
type Next = fn(&mut Random, f64) -> f64;

const KINDS: [(&str, Next); 4] = [
    ("gauge", |random, _| 0.2 + random.float() * 0.6),
    ("counter", |random, before| before + random.float() * 30.0),
    ("small_integers", |random, before| {
        before + (random.next() % 60) as f64
    }),
    ("constant", |_, before| before),
];

/// Chunks of a series that is scraped every 30 s, so many that the processor
/// does not learn them by heart. `jitter` moves timestamps by up to 5 ms.
fn chunks<E: FloatEncoder>(new: impl Fn() -> E, next: Next, jitter: bool) -> Vec<E> {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let (mut t, mut v) = (1_700_000_000_000i64, 1000.25f64);
    let mut chunk = || {
        let mut encoder = new();
        for _ in 0..120 {
            t += 30_000;
            v = next(&mut random, v);
            let off = if jitter { random.next() % 11 } else { 0 };
            encoder.append(t + off as i64, v);
        }
        encoder
    };
    (0..240).map(|_| chunk()).collect()
}

fn decode(c: &mut Criterion) {
    for (kind, next) in KINDS {
        for jitter in [false, true] {
            let kind = format!("{kind}{}", if jitter { "_jitter" } else { "" });
            decode_chunks(c, "xor", &kind, &chunks(XorEncoder::new, next, jitter));
            decode_chunks(c, "xor2", &kind, &chunks(Xor2Encoder::new, next, jitter));
        }
    }
}

fn decode_chunks<E: FloatEncoder>(c: &mut Criterion, encoding: &str, kind: &str, chunks: &[E]) {
    let mut group = c.benchmark_group(format!("decode_{encoding}"));
    group.throughput(Throughput::Elements(120 * chunks.len() as u64));
    let (mut t, mut v) = (Vec::new(), Vec::new());
    group.bench_function(kind, |b| {
        b.iter(|| {
            for chunk in chunks {
                t.clear();
                v.clear();
                decode_floats(chunk.encoding(), chunk.bytes(), &mut t, &mut v).unwrap();
            }
        });
    });
    group.finish();
}

const BUCKETS: usize = 100;

/// By how much a bucket grows from one sample to the next.
type Growth = fn(&mut Random) -> u64;

const GROWTHS: [(&str, Growth); 3] = [
    ("sparse", |random| {
        u64::from(random.next().is_multiple_of(20))
    }),
    ("small", |random| random.next() % 4),
    ("large", |random| random.next() % 1000),
];

/// 120 samples of a histogram.
fn histograms<C: Count>(
    seed: u64,
    growth: Growth,
    count: impl Fn(u64) -> C,
) -> HistogramEncoder<C> {
    let span = Span {
        offset: -20,
        length: BUCKETS as u32,
    };
    let layout = HistogramLayout {
        schema: 3,
        positive_spans: vec![span],
        ..HistogramLayout::default()
    };
    let mut encoder = HistogramEncoder::new(layout, CounterReset::Unknown, false).unwrap();
    let (mut random, mut buckets, mut total) = (Random(seed), [0u64; BUCKETS], 0);
    for sample in 0..120 {
        for bucket in &mut buckets {
            let grown = growth(&mut random);
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
    for (name, growth) in GROWTHS {
        let integers: Vec<_> = (1..11).map(|i| histograms(i, growth, |c| c)).collect();
        let floats: Vec<_> = (1..11)
            .map(|i| histograms(i, growth, |c| c as f64))
            .collect();
        decode_histogram_chunks(c, &format!("integer_{name}"), &integers);
        decode_histogram_chunks(c, &format!("float_{name}"), &floats);
    }
}

fn decode_histogram_chunks<C: Count>(
    c: &mut Criterion,
    name: &str,
    chunks: &[HistogramEncoder<C>],
) {
    let mut group = c.benchmark_group(format!("decode_buckets_{name}"));
    group.throughput(Throughput::Elements((chunks.len() * 120 * BUCKETS) as u64));
    let [mut columns, mut ends] = [(); 2].map(|()| HistogramColumns::default());
    let mut bench = |name: &str, decode: &mut dyn FnMut(Encoding, &[u8])| {
        group.bench_function(name, |b| {
            b.iter(|| {
                for chunk in chunks {
                    decode(chunk.encoding(), chunk.bytes());
                }
            });
        });
    };
    bench("whole", &mut |encoding, bytes| {
        decode_histograms(encoding, bytes, &mut columns).unwrap();
    });
    bench("totals", &mut |encoding, bytes| {
        decode_histogram_totals(encoding, bytes, &mut columns, None).unwrap();
    });
    bench("totals_with_ends", &mut |encoding, bytes| {
        decode_histogram_totals(encoding, bytes, &mut columns, Some(&mut ends)).unwrap();
    });
    group.finish();
}

criterion_group!(benches, decode, decode_buckets);
criterion_main!(benches);

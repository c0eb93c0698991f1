//! Decoding speed of float chunks, ns a sample.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use quarrel_chunks::{FloatEncoder, Xor2Encoder, XorEncoder, decode_floats};

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

criterion_group!(benches, decode);
criterion_main!(benches);

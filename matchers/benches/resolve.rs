//! Resolves matchers over 1,000,000 sorted pod names of 26 bytes, which share
//! about 22 with their neighbour: the table of `docs/architecture.md`.
//!
//! `cargo bench -p quarrel-matchers` runs it. `resolve` resolves the dictionary
//! at once, `each` tests the matcher on every value.

use std::fmt::Write;
use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use quarrel_matchers::{Contiguous, MatchOp, Matcher, SortedValues, Strategy, resolve};

struct Names {
    bytes: Vec<u8>,
    offsets: Vec<u32>,
}

impl Names {
    /// `api-0123456789abcd-0000010` and so on.
    fn new() -> Self {
        let apps = [
            "api", "cdn", "dbs", "etl", "fes", "log", "mon", "sql", "web", "zoo",
        ];
        let mut text = String::new();
        let mut offsets = vec![0];
        for app in apps {
            for set in 0..100u64 {
                let hash = (set + 1).wrapping_mul(0x00a3_b195_354a_39b7) & 0x00ff_ffff_ffff_ffff;
                // Ascending, though it looks random.
                let hash = (set << 49 | hash >> 7) & 0x00ff_ffff_ffff_ffff;
                for pod in 0..1000 {
                    let _ = write!(text, "{app}-{hash:014x}-{:07}", pod * 37);
                    offsets.push(text.len() as u32);
                }
            }
        }
        let names = Names {
            bytes: text.into_bytes(),
            offsets,
        };
        let values = names.values();
        assert!((1..values.len()).all(|i| values.get(i - 1) < values.get(i)));
        assert_eq!(values.bytes.len(), 26_000_000);
        names
    }

    fn values(&self) -> Contiguous<'_> {
        Contiguous {
            bytes: &self.bytes,
            offsets: &self.offsets,
        }
    }
}

fn cases(names: &Names) -> Vec<(&'static str, MatchOp, String)> {
    let values = names.values();
    let literals = (0..1000).map(|i| String::from_utf8_lossy(values.get(i * 997)).into_owned());
    let literals = literals.collect::<Vec<_>>().join("|");
    let regex = |name, pattern: &str| (name, MatchOp::Regex, pattern.to_string());
    vec![
        regex("1000 literals", &literals),
        regex("prefix", "web-.*"),
        regex("suffix", ".*-0012345|.*1"),
        regex("suffix, one", ".*0012321"),
        regex("contains", ".*4a39.*"),
        regex("contains, any case", "(?i).*4A39.*"),
        regex("contains, any case, long", "(?i).*web-00.*"),
        regex("contains any of", ".*(4a39|b195|354a).*"),
        ("not contains", MatchOp::NotRegex, ".*4a39.*".into()),
        regex("anchored general", "(api|web)-[0-9a-f]+-0{2}[0-9]+"),
        regex("non-empty", ".+"),
        regex("unanchored, nasty", ".*[0-9a-f]{3}b.*-0{2}[0-9]*7"),
        regex("unanchored, no literal", ".*[02468][13579]a[bcd].*[05]"),
        regex("rare literal inside", ".*4a39.*-00[0-9]*1"),
    ]
}

fn bench(c: &mut Criterion) {
    let names = Names::new();
    let values = names.values();
    let mut group = c.benchmark_group("resolve");
    for (name, op, pattern) in cases(&names) {
        let matcher = Matcher::new(op, "pod", &pattern).expect("a good pattern");
        let found: usize = resolve(&matcher, &values).iter().map(|r| r.len()).sum();
        eprintln!(
            "{name}: {found} match, by {}",
            Strategy::of(&matcher, &values)
        );
        group.bench_function(BenchmarkId::new(name, "all"), |b| {
            b.iter(|| black_box(resolve(&matcher, &values)));
        });
        group.bench_function(BenchmarkId::new(name, "each"), |b| {
            b.iter(|| {
                let all = 0..values.len();
                black_box(
                    all.filter(|&i| matcher.matches_bytes(values.get(i)))
                        .count(),
                )
            });
        });
    }
    group.finish();
    let mut group = c.benchmark_group("build");
    for (name, op, pattern) in cases(&names) {
        group.bench_function(name, |b| {
            b.iter(|| {
                let matcher = Matcher::new(op, "pod", &pattern).expect("a good pattern");
                black_box(matcher.matches("web-00000000000000-0000000"))
            });
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(600));
    targets = bench
}
criterion_main!(benches);

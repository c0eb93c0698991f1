//! The series of the stores under test.

use super::harness::TestSeries;

/// A minute, ms.
pub(super) const MINUTE: i64 = 60_000;
/// The end of all samples, ms.
pub(super) const END: i64 = 120 * MINUTE;
/// Prometheus's stale marker.
pub(super) const STALE: u64 = 0x7ff0_0000_0000_0002;

/// A series of one part.
pub(super) fn series(labels: &[(&str, &str)], samples: Vec<(i64, f64)>) -> TestSeries {
    let mut labels: Vec<(String, String)> = labels
        .iter()
        .map(|(n, v)| (n.to_string(), v.to_string()))
        .collect();
    labels.sort();
    TestSeries {
        labels,
        parts: vec![samples],
    }
}

/// `count` samples from `start` on, one a minute, with different values.
pub(super) fn minutes(start: i64, count: i64) -> Vec<(i64, f64)> {
    (0..count)
        .map(|i| (start + i * MINUTE, (start / MINUTE + i) as f64 * 1.5))
        .collect()
}

/// Series with various labels and few samples each.
pub(super) fn labelled() -> Vec<TestSeries> {
    let sets: &[&[(&str, &str)]] = &[
        &[("__name__", "up"), ("instance", "a:9090"), ("job", "api")],
        &[("__name__", "up"), ("instance", "b:9090"), ("job", "api")],
        &[("__name__", "up"), ("instance", "a:9090"), ("job", "web")],
        &[("__name__", "up"), ("job", "web")],
        &[("__name__", "up")],
        &[("__name__", "up2"), ("job", "api")],
        &[
            ("__name__", "requests_total"),
            ("code", "200"),
            ("job", "api"),
        ],
        &[
            ("__name__", "requests_total"),
            ("code", "500"),
            ("job", "api"),
        ],
        &[
            ("__name__", "requests_total"),
            ("code", "404"),
            ("env", "prod"),
        ],
        // Values are ordered by bytes.
        &[("__name__", "order"), ("v", "a")],
        &[("__name__", "order"), ("v", "a0")],
        &[("__name__", "order"), ("v", "aa")],
        &[("__name__", "order"), ("v", "B")],
        &[("__name__", "order"), ("v", "~")],
        &[("__name__", "order"), ("v", "é")],
        &[("__name__", "order"), ("v", "\u{10348}")],
        // A label set that another one begins with, and UTF-8 names.
        &[("__name__", "order"), ("v", "a"), ("w", "1")],
        &[("__name__", "order"), ("v.w", "x y")],
        &[("__name__", "http.requests"), ("größe", "\"quoted\"\n")],
        // No metric name.
        &[("job", "nameless")],
    ];
    let samples = |i: usize| vec![(i as i64 * 1000, i as f64), (END / 2 + i as i64, 0.5)];
    sets.iter()
        .enumerate()
        .map(|(i, labels)| series(labels, samples(i)))
        .collect()
}

/// Special values and various patterns of timestamps.
pub(super) fn values() -> Vec<TestSeries> {
    let specials = [
        0.0,
        -0.0,
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::NAN,
        f64::from_bits(0x7ff8_0000_0000_1234),
        f64::from_bits(STALE),
        f64::MIN_POSITIVE,
        5e-324,
        f64::MAX,
        0.1 + 0.2,
        -1e-300,
    ];
    let special = specials
        .iter()
        .enumerate()
        .map(|(i, &v)| (i as i64 * MINUTE, v))
        .collect();
    let jitter = (0..500i64)
        .map(|i| (i * 13_001 + (i * i) % 997, (i as f64).sqrt()))
        .collect();
    vec![
        series(&[("__name__", "special")], special),
        series(&[("__name__", "jitter")], jitter),
        series(&[("__name__", "one")], vec![(7, 1.0)]),
        series(
            &[("__name__", "dense")],
            (0..1000).map(|i| (i, i as f64)).collect(),
        ),
        series(
            &[("__name__", "gap")],
            vec![(0, 1.0), (1, 2.0), (END - 1, 3.0)],
        ),
    ]
}

/// A series that ends and returns, one that ends, one that begins late, and one
/// with nothing but a stale marker.
pub(super) fn with_stale_markers() -> Vec<TestSeries> {
    let stale = f64::from_bits(STALE);
    let mut comes_back = minutes(0, 10);
    comes_back.push((10 * MINUTE, stale));
    comes_back.extend(minutes(20 * MINUTE, 10));
    let mut ends = minutes(0, 30);
    ends.push((30 * MINUTE, stale));
    vec![
        series(&[("__name__", "s"), ("kind", "comes back")], comes_back),
        series(&[("__name__", "s"), ("kind", "ends")], ends),
        series(
            &[("__name__", "s"), ("kind", "late")],
            minutes(60 * MINUTE, 60),
        ),
        series(
            &[("__name__", "s"), ("kind", "always stale")],
            vec![(MINUTE, stale)],
        ),
    ]
}

/// Series that share their timestamps, a minute apart, with gaps: what stores
/// on a shared time grid hold as one column with a validity mask.
pub(super) fn gridded() -> Vec<TestSeries> {
    /// A name, and whether there is a sample at a minute.
    type Kind = (&'static str, fn(i64) -> bool);
    let kinds: [Kind; 6] = [
        ("all", |_| true),
        ("even", |i| i % 2 == 0),
        ("most", |i| i % 7 != 3),
        ("middle", |i| (20..30).contains(&i)),
        ("edges", |i| i == 0 || i == 59),
        ("one", |i| i == 20),
    ];
    kinds
        .iter()
        .map(|(kind, has)| {
            let mut samples = minutes(0, 60);
            samples.retain(|sample| has(sample.0 / MINUTE));
            series(&[("__name__", "grid"), ("kind", kind)], samples)
        })
        .collect()
}

/// Series whose parts overlap in time.
pub(super) fn overlapping() -> Vec<TestSeries> {
    let labels = |kind: &str| {
        vec![
            ("__name__".to_string(), "o".to_string()),
            ("kind".to_string(), kind.to_string()),
        ]
    };
    let even: Vec<_> = (0..50).map(|i| (i * 2 * MINUTE, i as f64)).collect();
    let odd: Vec<_> = (0..50)
        .map(|i| ((i * 2 + 1) * MINUTE, -(i as f64)))
        .collect();
    let parts = |kind, parts: Vec<Vec<(i64, f64)>>| TestSeries {
        labels: labels(kind),
        parts,
    };
    vec![
        parts("interleaved", vec![even.clone(), odd.clone()]),
        parts(
            "inside",
            vec![
                minutes(0, 5),
                minutes(60 * MINUTE, 5),
                minutes(30 * MINUTE, 3),
            ],
        ),
        parts("before", vec![minutes(60 * MINUTE, 20), minutes(0, 20)]),
        parts(
            "the same again",
            vec![minutes(0, 20), minutes(10 * MINUTE, 20)],
        ),
        parts(
            "three",
            vec![even, odd, vec![(MINUTE / 2, 7.0), (END - 1, 8.0)]],
        ),
        parts("plain", vec![minutes(0, 20)]),
    ]
}

/// Many series of one sample, with label values that are not in order.
pub(super) fn many(count: usize) -> Vec<TestSeries> {
    let one = |i: usize| {
        let pod = format!("pod-{}", (i * 7919) % count);
        let shard = format!("{}", i % 7);
        let labels = [
            ("__name__", "many"),
            ("pod", pod.as_str()),
            ("shard", shard.as_str()),
        ];
        series(&labels, vec![(i as i64 % END, i as f64)])
    };
    (0..count).map(one).collect()
}

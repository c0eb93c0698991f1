//! What operators hold is what they have reserved: an allocator that counts
//! beside the accounts of a query.
//!
//! A test binary of its own, with one test, since the allocator counts all that
//! the process does.

#[path = "it/support.rs"]
#[allow(dead_code)]
mod support;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use futures::executor::block_on;
use quarrel_engine::storage::Storage;
use quarrel_engine::storage::histogram_chunks::{CounterReset, Histogram, HistogramLayout, Span};
use quarrel_engine::{EngineOptions, MemoryPool, ParserOptions, QueryOptions, QueryTimes};
use quarrel_storage::memory::{HistogramSample, MemoryStorage};

use crate::support::{at_secs, over_secs};

/// The system's allocator, which counts.
struct Counting;

static LIVE: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

fn more(bytes: usize) {
    let live = LIVE.fetch_add(bytes, SeqCst) + bytes;
    PEAK.fetch_max(live, SeqCst);
}

// SAFETY: all calls go to the system's allocator as they are.
#[expect(unsafe_code, reason = "a global allocator is unsafe")]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        more(layout.size());
        // SAFETY: the caller's promises are those of this call.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), SeqCst);
        // SAFETY: as above.
        unsafe { System.dealloc(memory, layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        more(size);
        LIVE.fetch_sub(layout.size(), SeqCst);
        // SAFETY: as above.
        unsafe { System.realloc(memory, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// A store of `x` and `y`, 300 series of 300 floats each, `b`, 30 classic
/// histograms, and `h`, 40 series of 300 native histograms with 20 buckets; a
/// sample each 30 s.
fn filled() -> Arc<dyn Storage> {
    let memory = MemoryStorage::new();
    let times = || -> Vec<i64> { (0..300).map(|s| s * 30_000).collect() };
    let values = |i: i64| -> Vec<f64> {
        let value = |s| ((i * 7919) % 1009) as f64 + f64::from(s) * 0.25;
        (0..300).map(value).collect()
    };
    for name in ["x", "y"] {
        for i in 0..300 {
            let number = format!("{i:04}");
            let zone = format!("z{}", i % 7);
            let labels = [("__name__", name), ("i", &number), ("zone", &zone)];
            memory.append_series(labels, times(), values(i)).unwrap();
        }
    }
    for i in 0..30 {
        for le in ["1", "2", "4", "+Inf"] {
            let number = i.to_string();
            let labels = [("__name__", "b"), ("i", &number), ("le", le)];
            memory.append_series(labels, times(), values(i)).unwrap();
        }
    }
    for i in 0..40 {
        let number = format!("{i:04}");
        let samples: Vec<_> = (0..300).map(|s| histogram(i, s)).collect();
        let labels = [("__name__", "h"), ("i", number.as_str())];
        memory.append_histograms(labels, &samples).unwrap();
    }
    Arc::new(memory)
}

fn histogram(series: u64, sample: u64) -> HistogramSample<u64> {
    let buckets: Vec<u64> = (0..20).map(|b| (sample + 1) * (b + series)).collect();
    let count = buckets.iter().sum();
    HistogramSample {
        timestamp: sample as i64 * 30_000,
        start_timestamp: 0,
        histogram: Histogram {
            counter_reset: CounterReset::Unknown,
            layout: HistogramLayout {
                schema: 3,
                zero_threshold: 1e-9,
                positive_spans: vec![Span {
                    offset: 0,
                    length: 20,
                }],
                ..HistogramLayout::default()
            },
            count,
            zero_count: 0,
            sum: count as f64,
            buckets,
        },
    }
}

const INSTANT: &[&str] = &[
    "x[2h]",
    "h[2h]",
    "h[2h:100ms]",
    "x[2h:1s]",
    "max_over_time(x[2h:1s])",
    "sum_over_time(h[30m:1s])",
    "rate(h[2h:5s])",
    "sort(x)",
    "count_values(\"v\", x)",
    "topk(5, x)",
];

const RANGE: &[&str] = &[
    "x",
    "h",
    "x + y",
    "x + ignoring (zone) y",
    "x * on (zone) group_left () sum by (zone) (y)",
    "x and y",
    "x or y or b",
    "x unless y{i!~\"00..\"}",
    "h + h",
    "h / 2",
    "-h",
    "sum(h)",
    "avg by (i) (h)",
    "sum by (i) (x)",
    "stddev by (zone) (x)",
    "topk(200, x)",
    "bottomk by (i) (1, x)",
    "limitk(100, x)",
    "limitk(10, h)",
    "limit_ratio(0.5, h)",
    "quantile(0.5, x)",
    "quantile by (i) (0.5, x)",
    "count_values(\"v\", x)",
    "count_values(\"v\", h)",
    "sort(x)",
    "rate(x[5m])",
    "rate(h[5m])",
    "sum_over_time(h[5m])",
    "last_over_time(h[5m])",
    "quantile_over_time(0.5, x[1h])",
    "mad_over_time(x[1h])",
    "delta(x[5m] smoothed)",
    "increase(x[5m] anchored)",
    "max_over_time(x[1h:10s])",
    "rate(h[10m:5s])",
    "label_replace(x, \"a\", \"$1-$1\", \"i\", \"(.*)\")",
    "label_join(h, \"a\", \"-\", \"i\", \"i\")",
    "x @ 60",
    "h @ 60",
    "absent(x) or x",
    "abs(x)",
    "x > bool 5",
    "x + fill(0) y",
    "scalar(sum(x)) + x",
    "vector(1) + on () group_right () x",
    "histogram_quantile(0.9, h)",
    "histogram_quantile(0.9, b)",
    "histogram_quantile(0.9, sum by (le) (b))",
    "histogram_quantiles(h, \"q\", 0.1, 0.5, 0.9)",
    "histogram_fraction(0, 5, h)",
    "histogram_sum(h)",
    "sum(rate(x[5m])) by (zone) / sum(rate(y[5m])) by (zone)",
    "(x + x) * (x + x)",
    "x{i=~\"0.*\"} + x",
    "start_timestamp(x)",
    "sort_by_label(x, \"i\")",
];

/// More may be held than was reserved: half of that, and this much.
const SLACK: usize = 1 << 20;

#[test]
fn operators_hold_what_they_have_reserved() {
    let store = filled();
    let times = |range: bool| -> QueryTimes {
        if range {
            over_secs((0, 8970, 30)).into()
        } else {
            at_secs(8970).into()
        }
    };
    let instant = INSTANT.iter().map(|text| (text, false));
    let mut failures = Vec::new();
    for (text, range) in instant.chain(RANGE.iter().map(|text| (text, true))) {
        let pool = MemoryPool::default();
        let engine = EngineOptions::new()
            .threads(2)
            .memory_pool(pool.clone())
            .parser(ParserOptions::all())
            .build()
            .unwrap();
        let query = engine.query(text, Arc::clone(&store), times(range), QueryOptions::new());
        let before = LIVE.load(SeqCst);
        PEAK.store(before, SeqCst);
        let result = block_on(query.execute());
        let held = PEAK.load(SeqCst).saturating_sub(before);
        let reserved = pool.peak() as usize;
        let result = result.unwrap_or_else(|error| panic!("{text}: {error}"));
        if held > reserved + reserved / 2 + SLACK {
            failures.push(format!("{text}: held {held}, reserved {reserved}"));
        }
        // What the answer holds once the query has ended.
        let answer = LIVE.load(SeqCst).saturating_sub(before);
        let kept = pool.reserved() as usize;
        if answer > kept + kept / 2 + SLACK {
            failures.push(format!(
                "{text}: the answer holds {answer}, reserved {kept}"
            ));
        }
        drop(result);
        drop(engine);
        assert_eq!(pool.reserved(), 0, "{text}");
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

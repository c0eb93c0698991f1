//! What is counted of the requests to stores.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// Upper bounds of the buckets of durations, seconds: those that Thanos's gRPC
/// clients have.
pub const DURATION_BUCKETS: [f64; 17] = [
    0.001, 0.01, 0.1, 0.3, 0.6, 1.0, 3.0, 6.0, 9.0, 20.0, 30.0, 60.0, 90.0, 120.0, 240.0, 360.0,
    720.0,
];

/// A method of the StoreAPI.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StoreMethod {
    /// `Series`
    Series,
    /// `LabelNames`
    LabelNames,
    /// `LabelValues`
    LabelValues,
}

impl StoreMethod {
    /// All methods.
    pub const ALL: [StoreMethod; 3] = [
        StoreMethod::Series,
        StoreMethod::LabelNames,
        StoreMethod::LabelValues,
    ];

    /// The name that it has in gRPC.
    pub fn name(self) -> &'static str {
        match self {
            StoreMethod::Series => "Series",
            StoreMethod::LabelNames => "LabelNames",
            StoreMethod::LabelValues => "LabelValues",
        }
    }

    /// The same with its service.
    pub(super) fn full_name(self) -> &'static str {
        match self {
            StoreMethod::Series => "thanos.Store/Series",
            StoreMethod::LabelNames => "thanos.Store/LabelNames",
            StoreMethod::LabelValues => "thanos.Store/LabelValues",
        }
    }
}

/// What was counted of one store since it came into the set.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct StoreMetrics {
    /// Its address.
    pub address: String,
    /// Its type, such as `sidecar`; empty if it has not said.
    pub component: String,
    /// Its external labels, printed as `{a="1"},{a="2"}`.
    pub external_labels: String,
    /// Whether it is healthy: `thanos_store_nodes_grpc_connections` counts these.
    pub healthy: bool,
    /// Requests, by method.
    pub methods: Vec<MethodMetrics>,
    /// Messages of streams of series.
    pub messages: u64,
    /// Bytes of labels and chunks.
    pub bytes: u64,
    /// Series.
    pub series: u64,
    /// Chunks.
    pub chunks: u64,
    /// Samples, by the headers of their chunks.
    pub samples: u64,
}

/// What was counted of a method.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct MethodMetrics {
    /// The method.
    pub method: StoreMethod,
    /// Requests that were begun.
    pub requests: u64,
    /// Requests that have failed; those of queries that ended are not among them.
    pub errors: u64,
    /// How long those took that came to an end.
    pub durations: DurationHistogram,
}

/// A histogram of durations.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct DurationHistogram {
    /// How many were at most as long as each bound of [`DURATION_BUCKETS`].
    pub cumulative: [u64; DURATION_BUCKETS.len()],
    /// How many there were.
    pub count: u64,
    /// Seconds, in all.
    pub sum: f64,
}

/// The counters behind [`StoreMetrics`].
#[derive(Debug, Default)]
pub(super) struct Counters {
    methods: [MethodCounters; 3],
    pub(super) messages: AtomicU64,
    pub(super) bytes: AtomicU64,
    pub(super) series: AtomicU64,
    pub(super) chunks: AtomicU64,
    pub(super) samples: AtomicU64,
}

#[derive(Debug, Default)]
pub(super) struct MethodCounters {
    requests: AtomicU64,
    errors: AtomicU64,
    buckets: [AtomicU64; DURATION_BUCKETS.len()],
    count: AtomicU64,
    nanoseconds: AtomicU64,
}

impl Counters {
    pub(super) fn of(&self, method: StoreMethod) -> &MethodCounters {
        &self.methods[method as usize]
    }

    pub(super) fn methods(&self) -> Vec<MethodMetrics> {
        let of = |method| self.of(method).metrics(method);
        StoreMethod::ALL.into_iter().map(of).collect()
    }
}

impl MethodCounters {
    pub(super) fn begin(&self) {
        self.requests.fetch_add(1, Relaxed);
    }

    pub(super) fn end(&self, took: Duration, failed: bool) {
        let seconds = took.as_secs_f64();
        if let Some(at) = DURATION_BUCKETS.iter().position(|&bound| seconds <= bound) {
            self.buckets[at].fetch_add(1, Relaxed);
        }
        self.count.fetch_add(1, Relaxed);
        let nanoseconds = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.nanoseconds.fetch_add(nanoseconds, Relaxed);
        self.errors.fetch_add(u64::from(failed), Relaxed);
    }

    fn metrics(&self, method: StoreMethod) -> MethodMetrics {
        let mut total = 0;
        let cumulative = std::array::from_fn(|at| {
            total += self.buckets[at].load(Relaxed);
            total
        });
        MethodMetrics {
            method,
            requests: self.requests.load(Relaxed),
            errors: self.errors.load(Relaxed),
            durations: DurationHistogram {
                cumulative,
                count: self.count.load(Relaxed),
                sum: self.nanoseconds.load(Relaxed) as f64 / 1e9,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_counted_cumulatively() {
        let counters = Counters::default();
        let of = counters.of(StoreMethod::LabelNames);
        for (milliseconds, failed) in [(1, false), (50, true), (2_000_000, false)] {
            of.begin();
            of.end(Duration::from_millis(milliseconds), failed);
        }
        let metrics = &counters.methods()[1];
        assert_eq!((metrics.requests, metrics.errors), (3, 1));
        assert_eq!(metrics.durations.cumulative[..4], [1, 1, 2, 2]);
        assert_eq!(metrics.durations.cumulative[16], 2);
        assert_eq!(metrics.durations.count, 3);
        assert!((metrics.durations.sum - 2_000.051).abs() < 1e-9);
        assert_eq!(counters.methods()[0].requests, 0);
    }
}

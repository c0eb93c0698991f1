//! What is counted of the requests to a server.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use crate::sent::collect::Taken;

/// Upper bounds of the buckets of durations, seconds: those of Prometheus.
pub const REQUEST_BUCKETS: [f64; 13] = [
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 25.0, 60.0,
];

/// The form of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AnswerKind {
    Samples,
    Chunks,
    None,
}

impl AnswerKind {
    const ALL: [AnswerKind; 3] = [AnswerKind::Samples, AnswerKind::Chunks, AnswerKind::None];

    /// As Prometheus calls it.
    fn name(self) -> &'static str {
        match self {
            AnswerKind::Samples => "sampled",
            AnswerKind::Chunks => "chunked",
            AnswerKind::None => "unsupported",
        }
    }
}

/// What was counted of one server.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct RemoteReadMetrics {
    /// Its name.
    pub name: String,
    /// Its URL, without what is secret in it.
    pub url: String,
    /// Requests under way.
    pub running: i64,
    /// Requests that have ended, by the form of the answer.
    pub answers: Vec<AnswerCount>,
    /// Series.
    pub series: u64,
    /// Samples; of chunks by their headers.
    pub samples: u64,
    /// Bytes of labels, chunks and samples.
    pub bytes: u64,
}

/// Requests whose answers had a form.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct AnswerCount {
    /// `sampled`, `chunked`, or `unsupported` where there was none.
    pub kind: &'static str,
    /// Those that were answered.
    pub successes: u64,
    /// Those that failed.
    pub failures: u64,
    /// How long they took.
    pub durations: RequestDurations,
}

/// A histogram of durations.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct RequestDurations {
    /// How many were at most as long as each bound of [`REQUEST_BUCKETS`].
    pub cumulative: [u64; REQUEST_BUCKETS.len()],
    /// How many there were.
    pub count: u64,
    /// Seconds, in all.
    pub sum: f64,
}

/// The counters behind [`RemoteReadMetrics`].
#[derive(Debug, Default)]
pub(super) struct Counters {
    running: AtomicI64,
    answers: [KindCounters; 3],
    series: AtomicU64,
    samples: AtomicU64,
    bytes: AtomicU64,
}

#[derive(Debug, Default)]
struct KindCounters {
    successes: AtomicU64,
    failures: AtomicU64,
    buckets: [AtomicU64; REQUEST_BUCKETS.len()],
    nanoseconds: AtomicU64,
}

/// A request under way; one that is dropped before its end has lost its query, and counts
/// no more.
pub(super) struct Running<'c>(&'c Counters);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Relaxed);
    }
}

impl Running<'_> {
    /// The request has ended.
    pub(super) fn end(self, kind: AnswerKind, is_ok: bool, took: Duration) {
        let counters = &self.0.answers[kind as usize];
        let total = match is_ok {
            true => &counters.successes,
            false => &counters.failures,
        };
        total.fetch_add(1, Relaxed);
        let seconds = took.as_secs_f64();
        if let Some(at) = REQUEST_BUCKETS.iter().position(|&bound| seconds <= bound) {
            counters.buckets[at].fetch_add(1, Relaxed);
        }
        let nanoseconds = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        counters.nanoseconds.fetch_add(nanoseconds, Relaxed);
    }
}

impl Counters {
    /// A request begins.
    pub(super) fn begin(&self) -> Running<'_> {
        self.running.fetch_add(1, Relaxed);
        Running(self)
    }

    /// Something has come.
    pub(super) fn take(&self, taken: &Taken) {
        self.series.fetch_add(taken.series, Relaxed);
        self.samples.fetch_add(taken.samples, Relaxed);
        self.bytes.fetch_add(taken.sent as u64, Relaxed);
    }

    /// What was counted so far of the server with this name and URL.
    pub(super) fn metrics(&self, name: &str, url: &str) -> RemoteReadMetrics {
        let of = |kind: AnswerKind| self.answers[kind as usize].count(kind);
        RemoteReadMetrics {
            name: name.to_string(),
            url: url.to_string(),
            running: self.running.load(Relaxed),
            answers: AnswerKind::ALL.map(of).to_vec(),
            series: self.series.load(Relaxed),
            samples: self.samples.load(Relaxed),
            bytes: self.bytes.load(Relaxed),
        }
    }
}

impl KindCounters {
    fn count(&self, kind: AnswerKind) -> AnswerCount {
        let (successes, failures) = (self.successes.load(Relaxed), self.failures.load(Relaxed));
        let mut total = 0;
        let cumulative = std::array::from_fn(|at| {
            total += self.buckets[at].load(Relaxed);
            total
        });
        AnswerCount {
            kind: kind.name(),
            successes,
            failures,
            durations: RequestDurations {
                cumulative,
                count: successes + failures,
                sum: self.nanoseconds.load(Relaxed) as f64 / 1e9,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_counted_by_form() {
        let counters = Counters::default();
        let lost = counters.begin();
        counters
            .begin()
            .end(AnswerKind::Chunks, true, Duration::from_millis(20));
        counters
            .begin()
            .end(AnswerKind::Chunks, false, Duration::from_secs(100));
        let metrics = counters.metrics("a", "http://a");
        assert_eq!(metrics.running, 1);
        let chunked = &metrics.answers[1];
        assert_eq!(
            (chunked.kind, chunked.successes, chunked.failures),
            ("chunked", 1, 1)
        );
        assert_eq!(chunked.durations.cumulative[2..4], [1, 1]);
        assert_eq!(
            (chunked.durations.cumulative[12], chunked.durations.count),
            (1, 2)
        );
        drop(lost);
        assert_eq!(counters.metrics("", "").running, 0);
    }
}

//! Numbers for people.

use quarrel_planner::format_duration;

use super::record::{Record, Times};
use super::statistics::Interval;

/// A time in seconds, in three digits.
pub(super) fn span(seconds: f64) -> String {
    let (value, unit) = match seconds {
        s if s >= 120.0 => (s / 60.0, "min"),
        s if s >= 1.0 => (s, "s"),
        s if s >= 1e-3 => (s * 1e3, "ms"),
        s => (s * 1e6, "µs"),
    };
    format!("{} {unit}", digits(value))
}

pub(super) fn span_or_none(seconds: Option<f64>) -> String {
    seconds.map_or_else(|| "-".into(), span)
}

/// Bytes, in three digits.
pub(super) fn bytes(bytes: f64) -> String {
    let units = ["B", "KiB", "MiB", "GiB"];
    let mut value = bytes;
    for unit in &units[..3] {
        if value < 1024.0 {
            return format!("{} {unit}", digits(value));
        }
        value /= 1024.0;
    }
    format!("{} {}", digits(value), units[3])
}

/// A ratio and where it lies: `1.25 (1.20 to 1.31)`.
pub(super) fn ratio(ratio: Option<f64>, interval: Option<Interval>) -> String {
    match (ratio, interval) {
        (None, _) => "-".into(),
        (Some(ratio), None) => digits(ratio),
        (Some(ratio), Some(Interval { low, high })) => {
            format!("{} ({} to {})", digits(ratio), digits(low), digits(high))
        }
    }
}

/// Three digits, of large numbers all.
pub(super) fn digits(value: f64) -> String {
    match value.abs() {
        v if v >= 99.95 => format!("{value:.0}"),
        v if v >= 9.995 => format!("{value:.1}"),
        v if v >= 0.1 || v == 0.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

/// The evaluation times of a query in few words.
pub(super) fn times(times: Times) -> String {
    match times {
        Times::Instant { .. } => "instant".into(),
        Times::Range {
            start_ms,
            end_ms,
            step_ms,
        } => {
            let length = format_duration(end_ms.saturating_sub(start_ms));
            format!("{length} by {}", format_duration(step_ms))
        }
    }
}

/// A query on one line of at most so many characters.
pub(super) fn short(query: &str, most: usize) -> String {
    let line = query.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= most {
        return line;
    }
    let mut cut: String = line.chars().take(most.saturating_sub(1)).collect();
    cut.push('…');
    cut
}

/// What the run was.
pub(super) fn headline(record: &Record) -> String {
    let plural = |count: usize, one: &str, many: &str| match count {
        1 => format!("1 {one}"),
        count => format!("{count} {many}"),
    };
    format!(
        "{}, {}, a cold round and up to {} warm ones: {} requests in {}, {} at a time",
        plural(record.endpoints.len(), "endpoint", "endpoints"),
        plural(record.queries.len(), "query", "queries"),
        record.rounds,
        record.requests(),
        span(record.seconds),
        record.jobs,
    )
}

/// How the numbers come about.
pub(super) const METHOD: &str = "Times of an endpoint are geometric means over queries of the medians of \
warm rounds; ratios are those to the first endpoint, over queries and rounds that both have answered. \
Intervals have 95% confidence: of a query's median by order statistics, of a mean ratio by a bootstrap \
over rounds.";

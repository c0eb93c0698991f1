//! Answers as texts that differ if any bit differs.

use std::fmt::Write;

use quarrel_engine::histogram::HistogramRef;
use quarrel_engine::{QueryResult, SampleValue, Series, Value};

/// A result without its statistics.
pub(super) fn text(result: &QueryResult) -> String {
    let mut out = match &result.value {
        Value::Scalar { timestamp, value } => format!("{:x} @{timestamp}", value.to_bits()),
        Value::String { timestamp, value } => format!("{value:?} @{timestamp}"),
        Value::Vector(set) | Value::Matrix(set) => {
            let lines: Vec<String> = set.to_series().iter().map(series).collect();
            lines.join("\n")
        }
    };
    // Writing into a string cannot fail.
    let _ = write!(out, "\n{:?} {:?}", result.warnings, result.infos);
    out
}

fn series(series: &Series<'_>) -> String {
    let mut out = format!("{:?}", series.labels);
    for point in &series.points {
        let _ = match point.value {
            SampleValue::Float(value) => write!(out, " {:x}", value.to_bits()),
            SampleValue::Histogram(h) => write!(out, " {}", histogram(&h)),
        };
        let _ = write!(out, "@{}", point.timestamp);
    }
    out
}

fn histogram(h: &HistogramRef<'_>) -> String {
    let h = h.to_histogram();
    let layout = h.layout();
    let bits: Vec<u64> = h.buckets().iter().map(|count| count.to_bits()).collect();
    format!(
        "{{{:?} {} {:x} {:?} {:?} {:?} {:x} {:x} {:x} {bits:x?}}}",
        h.counter_reset,
        layout.schema(),
        layout.zero_threshold().to_bits(),
        layout.positive(),
        layout.negative(),
        layout.custom_values(),
        h.zero_count.to_bits(),
        h.count.to_bits(),
        h.sum.to_bits(),
    )
}

//! A query's answer as a message: statistics, warnings, infos, and the value.

use quarrel_engine::histogram::{CounterReset, HistogramRef};
use quarrel_engine::labels::Symbols;
use quarrel_engine::{QueryResult, QueryStats, SampleValue, SeriesRef, SeriesSet, Value};

use crate::message::{MessageError, Writer};

const SCALAR: u8 = 0;
const STRING: u8 = 1;
const VECTOR: u8 = 2;
const MATRIX: u8 = 3;

/// The answer as `answer.go` reads it.
pub(crate) fn encode(result: &QueryResult) -> Result<Vec<u8>, MessageError> {
    let mut out = Writer::default();
    encode_stats(&result.stats, &mut out)?;
    out.texts(&result.warnings)?;
    out.texts(&result.infos)?;
    match &result.value {
        Value::Scalar { timestamp, value } => {
            out.u8(SCALAR);
            out.i64(*timestamp);
            out.f64(*value);
        }
        Value::String { timestamp, value } => {
            out.u8(STRING);
            out.i64(*timestamp);
            out.text(value)?;
        }
        Value::Vector(set) => {
            out.u8(VECTOR);
            encode_set(set, &mut out)?;
        }
        Value::Matrix(set) => {
            out.u8(MATRIX);
            encode_set(set, &mut out)?;
        }
    }
    Ok(out.into_bytes())
}

fn encode_stats(stats: &QueryStats, out: &mut Writer) -> Result<(), MessageError> {
    out.u64(stats.total_queryable_samples);
    out.u64(stats.peak_samples);
    out.u64(stats.decoded_samples);
    out.u64(stats.series);
    out.u8(u8::from(stats.per_step.is_some()));
    if let Some(steps) = &stats.per_step {
        out.i64(steps.start_ms);
        out.i64(steps.step_ms);
        for counts in [&steps.total_queryable_samples, &steps.samples_read] {
            out.len(counts.len())?;
            counts.iter().for_each(|&count| out.u64(count));
        }
    }
    Ok(())
}

fn encode_set(set: &SeriesSet, out: &mut Writer) -> Result<(), MessageError> {
    let symbols = set.symbols().read();
    let mut scratch = Points::default();
    out.len(set.len())?;
    for series in set.iter() {
        encode_series(series, &symbols, &mut scratch, out)?;
    }
    Ok(())
}

/// The samples of one series by their kind.
#[derive(Default)]
struct Points {
    floats: Writer,
    float_count: usize,
    histograms: Writer,
    histogram_count: usize,
}

fn encode_series(
    series: SeriesRef<'_>,
    symbols: &Symbols<'_>,
    points: &mut Points,
    out: &mut Writer,
) -> Result<(), MessageError> {
    out.len(series.labels().len())?;
    for label in series.labels() {
        out.text(symbols.get(label.name))?;
        out.text(symbols.get(label.value))?;
    }
    points.floats.clear();
    points.histograms.clear();
    (points.float_count, points.histogram_count) = (0, 0);
    for point in series.points() {
        match point.value {
            SampleValue::Float(value) => {
                points.float_count += 1;
                points.floats.i64(point.timestamp);
                points.floats.f64(value);
            }
            SampleValue::Histogram(histogram) => {
                points.histogram_count += 1;
                points.histograms.i64(point.timestamp);
                encode_histogram(&histogram, &mut points.histograms)?;
            }
        }
    }
    out.len(points.float_count)?;
    out.append(&points.floats);
    out.len(points.histogram_count)?;
    out.append(&points.histograms);
    Ok(())
}

fn encode_histogram(h: &HistogramRef<'_>, out: &mut Writer) -> Result<(), MessageError> {
    // The numbers of Go's histogram.CounterResetHint.
    out.u8(match h.counter_reset {
        CounterReset::Unknown => 0,
        CounterReset::Reset => 1,
        CounterReset::NoReset => 2,
        CounterReset::Gauge => 3,
    });
    out.i32(h.layout.schema());
    for number in [h.layout.zero_threshold(), h.zero_count, h.count, h.sum] {
        out.f64(number);
    }
    let positive = h.layout.positive();
    let (above, below) = h.buckets.split_at(positive.len().min(h.buckets.len()));
    encode_buckets(positive, above, h.compact, out)?;
    encode_buckets(h.layout.negative(), below, h.compact, out)?;
    out.len(h.layout.custom_values().len())?;
    h.layout.custom_values().iter().for_each(|&v| out.f64(v));
    Ok(())
}

/// Indices and counts of the buckets on one side of zero. Empty buckets of a
/// compact histogram are left out.
fn encode_buckets(
    indices: &[i32],
    counts: &[f64],
    compact: bool,
    out: &mut Writer,
) -> Result<(), MessageError> {
    let there = |count: &f64| !compact || *count != 0.0;
    out.len(counts.iter().filter(|count| there(count)).count())?;
    for (&index, &count) in indices.iter().zip(counts) {
        if there(&count) {
            out.i32(index);
            out.f64(count);
        }
    }
    Ok(())
}

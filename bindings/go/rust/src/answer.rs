//! A query's answer as a message: statistics, warnings, infos, and the value.

use quarrel_engine::histogram::{CounterReset, HistogramRef};
use quarrel_engine::{QueryResult, QueryStats, SeriesRef, SeriesSet, Value};

use crate::failure::Failure;
use crate::message::{MessageError, Writer};
use crate::storage::Answered;

const SCALAR: u8 = 0;
const STRING: u8 = 1;
const VECTOR: u8 = 2;
const MATRIX: u8 = 3;

/// The answer as `answer.go` reads it; `selected` are the labels that its selects
/// brought.
pub(crate) fn encode(result: &QueryResult, selected: &[Answered]) -> Result<Vec<u8>, MessageError> {
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
            encode_set(set, selected, &mut out)?;
        }
        Value::Matrix(set) => {
            out.u8(MATRIX);
            encode_set(set, selected, &mut out)?;
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

/// The series of an answer, as columns: how many floats each has, whose labels it
/// has unchanged, the other labels, and the histograms. The floats themselves are
/// written by [`write_floats`].
fn encode_set(
    set: &SeriesSet,
    selected: &[Answered],
    out: &mut Writer,
) -> Result<(), MessageError> {
    out.len(set.len())?;
    let mut floats = 0;
    for series in set.iter() {
        let count = series.float_count();
        floats += count as u64;
        out.len(count)?;
    }
    out.u64(floats);
    let unchanged = |select: &Answered| {
        let labels = select.labels.as_ref();
        labels.is_some_and(|labels| labels.shares(set.labels()))
    };
    let origin = selected.iter().position(unchanged);
    encode_origins(set, origin, selected, out)?;
    encode_labels(set, origin, selected, out)?;
    out.u8(u8::from(set.has_histograms()));
    if set.has_histograms() {
        set.iter()
            .try_for_each(|series| encode_histograms(series, out))?;
    }
    Ok(())
}

/// Whether a series has the labels that it had when it was selected. Lists may
/// share their memory although one has no names.
fn is_unchanged(series: SeriesRef<'_>, origin: Option<usize>, selected: &[Answered]) -> bool {
    let labels = origin.and_then(|select| selected[select].labels.as_ref());
    labels.is_some_and(|labels| labels.get(series.row() as usize).len() == series.labels().len())
}

/// The select whose labels series have, and for each series 1 more than the row
/// there; 0 for other labels.
fn encode_origins(
    set: &SeriesSet,
    origin: Option<usize>,
    selected: &[Answered],
    out: &mut Writer,
) -> Result<(), MessageError> {
    out.len(origin.unwrap_or_default())?;
    for series in set.iter() {
        match is_unchanged(series, origin, selected) {
            true => out.len(series.row() as usize + 1)?,
            false => out.u32(0),
        }
    }
    Ok(())
}

/// The labels that are not those of a select: all texts, and for each such series
/// their number, and how many bytes names and values have.
fn encode_labels(
    set: &SeriesSet,
    origin: Option<usize>,
    selected: &[Answered],
    out: &mut Writer,
) -> Result<(), MessageError> {
    let symbols = set.symbols().read();
    let (mut texts, mut lengths) = (String::new(), Writer::default());
    for series in set.iter() {
        if is_unchanged(series, origin, selected) {
            continue;
        }
        lengths.len(series.labels().len())?;
        for label in series.labels() {
            for text in [symbols.get(label.name), symbols.get(label.value)] {
                lengths.len(text.len())?;
                texts.push_str(text);
            }
        }
    }
    out.text(&texts)?;
    out.append(&lengths);
    Ok(())
}

/// How many histograms a series has, and these with their times.
fn encode_histograms(series: SeriesRef<'_>, out: &mut Writer) -> Result<(), MessageError> {
    let histograms = || {
        let points = series.points();
        points.filter_map(|point| Some((point.timestamp, point.value.as_histogram()?)))
    };
    out.len(histograms().count())?;
    for (timestamp, histogram) in histograms() {
        out.i64(timestamp);
        encode_histogram(&histogram, out)?;
    }
    Ok(())
}

/// A float at a time, as Go's `promql.FPoint` lies in memory.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(C)]
pub struct FloatPoint {
    /// Milliseconds.
    pub timestamp: i64,
    /// The number.
    pub value: f64,
}

/// Writes the floats of all series of an answer, one series after the other.
///
/// # Errors
/// When there is not room for exactly these.
pub(crate) fn write_floats(result: &QueryResult, points: &mut [FloatPoint]) -> Result<(), Failure> {
    let other = Failure::Misuse("the answer has another number of floats");
    let mut rest = points;
    for series in result.value.iter() {
        let Some((own, behind)) = rest.split_at_mut_checked(series.float_count()) else {
            return Err(other);
        };
        let mut places = own.iter_mut();
        series.for_each_float(|timestamp, value| {
            if let Some(place) = places.next() {
                *place = FloatPoint { timestamp, value };
            }
        });
        rest = behind;
    }
    match rest.is_empty() {
        true => Ok(()),
        false => Err(other),
    }
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

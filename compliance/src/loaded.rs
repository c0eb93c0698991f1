//! The samples of a `load`, one by one.

use std::collections::BTreeMap;

use quarrel_functions::histogram::native::Histogram;
use quarrel_storage::memory::AppendError;

use crate::histogram::{Sequence, of_literal};
use crate::nhcb;
use crate::script::{Load, Point};

/// Why a `load` failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The store refuses a sample.
    #[error(transparent)]
    Append(#[from] AppendError),
    /// A sample is earlier than one that an earlier `load` brought.
    #[error("out of order sample: {series} at {timestamp} ms")]
    OutOfOrder {
        /// The series' labels.
        series: String,
        /// The sample's time, ms.
        timestamp: i64,
    },
    /// A time that 64 bits cannot hold.
    #[error("the time of value {index} overflows")]
    Time {
        /// The index of the sample in its line, from 0.
        index: usize,
    },
    /// Histograms that cannot be added, or invalid classic histograms.
    #[error("{0}")]
    Histogram(String),
}

/// A series with its samples.
#[derive(Clone, Debug)]
pub(crate) struct LoadedSeries {
    /// Its line, from 1.
    pub(crate) line: usize,
    /// Names and values, sorted by name.
    pub(crate) labels: Vec<(String, String)>,
    /// In order of time.
    pub(crate) samples: Vec<LoadedSample>,
}

/// A sample with its times.
#[derive(Clone, Debug)]
pub(crate) struct LoadedSample {
    /// ms since the epoch.
    pub(crate) time_ms: i64,
    /// Its start timestamp, ms since the epoch; 0 for none.
    pub(crate) start_ms: i64,
    /// The value.
    pub(crate) value: LoadedValue,
}

/// What a sample holds.
#[derive(Clone, Debug)]
pub(crate) enum LoadedValue {
    /// A float.
    Float(f64),
    /// A native histogram.
    Histogram(Histogram),
}

/// The samples of a `load` whose first ones are at a time, ms, those of converted
/// classic histograms included.
///
/// # Errors
/// When a value cannot be made, with the line.
pub(crate) fn expand(load: &Load, start_ms: i64) -> Result<Vec<LoadedSeries>, (usize, LoadError)> {
    // Of a repeated series the last one counts.
    let latest: BTreeMap<_, _> = load
        .series
        .iter()
        .map(|s| (&s.description.labels, s))
        .collect();
    let mut out = Vec::new();
    let mut classic = nhcb::Collector::default();
    for series in latest.values() {
        let failed = |e| (series.line, e);
        let points = series.description.points();
        let points = points.map_err(LoadError::Histogram).map_err(failed)?;
        let offsets = series.start_offsets.as_deref().unwrap_or_default();
        let samples = samples(points, start_ms, load.step_ms, offsets).map_err(failed)?;
        let labels = series.description.labels.clone();
        if load.with_nhcb {
            let floats = samples.iter().filter_map(|sample| match sample.value {
                LoadedValue::Float(value) => Some((sample.time_ms, value)),
                LoadedValue::Histogram(_) => None,
            });
            let taken = classic.take(&labels, floats);
            taken.map_err(LoadError::Histogram).map_err(failed)?;
        }
        out.push(LoadedSeries {
            line: series.line,
            labels,
            samples,
        });
    }
    let line = load.series.first().map_or(0, |s| s.line);
    let failed = |e| (line, LoadError::Histogram(e));
    for (labels, literals) in classic.finish().map_err(failed)? {
        let samples = literals.iter().map(|(time_ms, literal)| {
            Ok(LoadedSample {
                time_ms: *time_ms,
                start_ms: 0,
                value: LoadedValue::Histogram(of_literal(literal)?),
            })
        });
        out.push(LoadedSeries {
            line,
            labels,
            samples: samples.collect::<Result<_, String>>().map_err(failed)?,
        });
    }
    Ok(out)
}

fn samples(
    points: Vec<Point>,
    begin_ms: i64,
    step_ms: i64,
    offsets: &[Option<i64>],
) -> Result<Vec<LoadedSample>, LoadError> {
    let mut out = Vec::new();
    let mut histograms = Sequence::default();
    for (index, point) in points.into_iter().enumerate() {
        let time = i64::try_from(index).ok();
        let time = time.and_then(|index| index.checked_mul(step_ms)?.checked_add(begin_ms));
        let time_ms = time.ok_or(LoadError::Time { index })?;
        let offset = offsets.get(index).copied().flatten();
        let value = match point {
            Point::Omitted => continue,
            Point::Float(value) => LoadedValue::Float(value),
            Point::Histogram(point) => {
                LoadedValue::Histogram(histograms.next(&point).map_err(LoadError::Histogram)?)
            }
        };
        out.push(LoadedSample {
            time_ms,
            start_ms: offset.map_or(0, |offset| time_ms + offset),
            value,
        });
    }
    Ok(out)
}

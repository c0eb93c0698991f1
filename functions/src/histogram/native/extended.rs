//! Growth over a window whose ends are not samples: `anchored` takes the
//! samples at or before them, `smoothed` interpolates.

use std::ops::RangeInclusive;

use super::add::IncompatibleSchemas;
use super::rate::{Growth, GrowthAnnotations};
use super::value::{CounterReset, Histogram, HistogramRef};

/// A window over samples that reach beyond its ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExtendedWindow {
    /// Its beginning, ms, exclusive.
    pub start: i64,
    /// Its end, ms, inclusive.
    pub end: i64,
    /// Whether values at its ends are interpolated.
    pub smoothed: bool,
}

/// The growth from the window's beginning to its end, compacted, as a gauge.
/// `None` if the samples do not reach into the window, and where schemas are
/// mixed. `times` are those of the samples, ms, ascending.
pub fn extended_growth(
    points: &[HistogramRef<'_>],
    times: &[i64],
    window: ExtendedWindow,
    kind: Growth,
) -> (Option<Histogram>, GrowthAnnotations) {
    let mut annotations = GrowthAnnotations::default();
    let samples = Samples {
        points,
        times,
        kind,
    };
    let Some(range) = samples.range(&window) else {
        return (None, annotations);
    };
    match samples.growth(range, &window, &mut annotations) {
        Ok(grown) => (Some(grown), annotations),
        Err(IncompatibleSchemas) => {
            annotations.mixed_schemas = true;
            (None, annotations)
        }
    }
}

struct Samples<'a> {
    points: &'a [HistogramRef<'a>],
    times: &'a [i64],
    kind: Growth,
}

impl<'a> Samples<'a> {
    /// The samples that the window's ends are made of.
    fn range(&self, window: &ExtendedWindow) -> Option<RangeInclusive<usize>> {
        let times = self.times;
        let mut last = self.points.len().min(times.len()).checked_sub(1)?;
        let first = times[..last].partition_point(|&t| t <= window.start);
        let first = first.saturating_sub(1);
        if window.smoothed {
            last = times[..last].partition_point(|&t| t < window.end);
        }
        let misses = times[last] <= window.start || (window.smoothed && times[first] > window.end);
        (!misses).then_some(first..=last)
    }

    fn growth(
        &self,
        range: RangeInclusive<usize>,
        window: &ExtendedWindow,
        annotations: &mut GrowthAnnotations,
    ) -> Result<Histogram, IncompatibleSchemas> {
        let (first, last) = (*range.start(), *range.end());
        self.check(&self.points[range], annotations)?;
        let left = match window.smoothed && self.times[first] < window.start {
            true => self.interpolate(first, window.start, annotations)?,
            false => self.points[first].to_histogram(),
        };
        let right = match window.smoothed && last > 0 && self.times[last] > window.end {
            true => self.interpolate(last - 1, window.end, annotations)?,
            false => self.points[last].to_histogram(),
        };
        let is_gauge = |h: &Histogram| h.counter_reset == CounterReset::Gauge;
        annotations.not_gauge =
            self.kind == Growth::Gauge && !(is_gauge(&left) && is_gauge(&right));
        let mut grown = right.clone();
        let found = grown.subtract(&left.view())?;
        annotations.subtraction_reconciled |= found.bounds_reconciled;
        if self.kind == Growth::Counter
            && let Some(lost) = self.lost(first..=last, [&left, &right], window, annotations)?
        {
            let found = grown.add(&lost.view())?;
            annotations.addition_reconciled |= found.bounds_reconciled;
        }
        grown.counter_reset = CounterReset::Gauge;
        grown.compact();
        Ok(grown)
    }

    /// Whether exponential and custom buckets are mixed; remembers gauges before
    /// that.
    fn check(
        &self,
        points: &[HistogramRef<'_>],
        annotations: &mut GrowthAnnotations,
    ) -> Result<(), IncompatibleSchemas> {
        let custom = points.first().is_some_and(|h| h.layout.is_custom());
        for h in points {
            if h.layout.is_custom() != custom {
                return Err(IncompatibleSchemas);
            }
            let gauge = h.counter_reset == CounterReset::Gauge;
            annotations.not_counter |= gauge && self.kind == Growth::Counter;
        }
        Ok(())
    }

    /// The histogram at a time between sample `before` and the next one.
    fn interpolate(
        &self,
        before: usize,
        time: i64,
        annotations: &mut GrowthAnnotations,
    ) -> Result<Histogram, IncompatibleSchemas> {
        let [left, right] = [before, before + 1].map(|i| (self.points[i], self.times[i]));
        interpolate([left, right], time, self.kind, annotations)
    }

    /// What was counted before resets between the ends.
    fn lost(
        &self,
        range: RangeInclusive<usize>,
        [left, right]: [&Histogram; 2],
        window: &ExtendedWindow,
        annotations: &mut GrowthAnnotations,
    ) -> Result<Option<Histogram>, IncompatibleSchemas> {
        let (first, last) = (*range.start(), *range.end());
        let left = left.view();
        let (mut before, mut next) = (left, first + 1);
        let interpolated = window.smoothed && self.times[first] < window.start;
        if interpolated && self.points[next].is_reset_from(&self.points[first]) {
            // The interpolation has already taken that reset in.
            before = self.points[next];
            next += 1;
        }
        if next > last {
            return Ok(None);
        }
        let mut lost: Option<Histogram> = None;
        // The last sample is represented by the right end.
        let right = right.view();
        for h in self.points[next..last].iter().chain([&right]) {
            if h.is_reset_from(&before) {
                match &mut lost {
                    None => lost = Some(before.to_histogram()),
                    Some(lost) => {
                        annotations.addition_reconciled |= lost.add(&before)?.bounds_reconciled;
                    }
                }
            }
            before = *h;
        }
        Ok(lost)
    }
}

/// The histogram at a time between two samples, which are there with their
/// times, ms; a counter that was reset between them has grown from zero.
///
/// # Errors
/// If one has exponential and the other one custom buckets.
pub fn interpolate(
    [left, right]: [(HistogramRef<'_>, i64); 2],
    time: i64,
    kind: Growth,
    annotations: &mut GrowthAnnotations,
) -> Result<Histogram, IncompatibleSchemas> {
    if time == left.1 {
        return Ok(left.0.to_histogram());
    }
    let mut at = right.0.to_histogram();
    if time == right.1 {
        return Ok(at);
    }
    let passed = time.wrapping_sub(left.1) as f64;
    let fraction = passed / right.1.wrapping_sub(left.1) as f64;
    if kind == Growth::Counter && right.0.is_reset_from(&left.0) {
        at.scale(fraction);
        return Ok(at);
    }
    annotations.subtraction_reconciled |= at.subtract(&left.0)?.bounds_reconciled;
    at.scale(fraction);
    annotations.addition_reconciled |= at.add(&left.0)?.bounds_reconciled;
    Ok(at)
}

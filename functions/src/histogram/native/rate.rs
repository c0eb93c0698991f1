//! The growth of a counter or gauge of histograms over a window.

use super::add::{Found, IncompatibleSchemas};
use super::layout::Layout;
use super::value::{CounterReset, Histogram, HistogramRef};

/// Annotations on a growth.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct GrowthAnnotations {
    /// A counter was asked for, and a gauge was there.
    pub not_counter: bool,
    /// A gauge was asked for, and the first or last histogram is none.
    pub not_gauge: bool,
    /// Exponential and custom buckets are mixed; then there is no result.
    pub mixed_schemas: bool,
    /// Custom bounds differed in the subtraction of the first from the last.
    pub subtraction_reconciled: bool,
    /// Custom bounds differed in adding what was there before a reset.
    pub addition_reconciled: bool,
}

impl GrowthAnnotations {
    const MIXED: GrowthAnnotations = GrowthAnnotations {
        not_counter: false,
        not_gauge: false,
        mixed_schemas: true,
        subtraction_reconciled: false,
        addition_reconciled: false,
    };
}

/// Whether histograms count up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Growth {
    /// They do, and begin anew after a reset: `rate`, `increase`.
    Counter,
    /// They go up and down: `delta`.
    Gauge,
}

/// The growth from the first to the last of two or more histograms, compacted,
/// as a gauge; without extrapolation. `None` for less than two and where
/// schemas are mixed.
///
/// `starts_anew(i)` is whether start timestamps show a reset between
/// histogram `i` and the next one.
pub fn growth(
    points: &[HistogramRef<'_>],
    kind: Growth,
    starts_anew: impl Fn(usize) -> bool,
) -> (Option<Histogram>, GrowthAnnotations) {
    let is_reset = |i: usize| starts_anew(i) || points[i + 1].is_reset_from(&points[i]);
    growth_between(points, kind, &starts_anew, is_reset)
}

/// As [`growth`], where it is known whether there is a reset between histogram
/// `i` and the next one, by their start timestamps or by what they count.
pub(crate) fn growth_between(
    points: &[HistogramRef<'_>],
    kind: Growth,
    starts_anew: impl Fn(usize) -> bool,
    is_reset: impl Fn(usize) -> bool,
) -> (Option<Histogram>, GrowthAnnotations) {
    let mut annotations = GrowthAnnotations::default();
    let [first, middle @ .., last] = points else {
        return (None, annotations);
    };
    let is_gauge = |h: &HistogramRef<'_>| h.counter_reset == CounterReset::Gauge;
    match kind {
        Growth::Counter => annotations.not_counter = points.iter().any(is_gauge),
        Growth::Gauge => annotations.not_gauge = !is_gauge(first) || !is_gauge(last),
    }
    // With a reset behind the first histogram its layout does not matter.
    let second = middle.first().unwrap_or(last);
    let begun = kind == Growth::Counter && is_reset(0);
    let empty = begun.then(|| nothing_like(second));
    let before = match &empty {
        Some(empty) => empty.view(),
        None => *first,
    };
    let custom = before.layout.is_custom();
    if last.layout.is_custom() != custom {
        let not_counter = annotations.not_counter && (is_gauge(first) || is_gauge(last));
        let mixed = GrowthAnnotations {
            not_counter,
            ..GrowthAnnotations::MIXED
        };
        return (None, mixed);
    }
    let mut schema = last.layout.schema().min(before.layout.schema());
    if kind == Growth::Counter {
        if middle.iter().any(|h| h.layout.is_custom() != custom) {
            return (None, GrowthAnnotations::MIXED);
        }
        let schemas = middle.iter().map(|h| h.layout.schema());
        schema = schemas.fold(schema, i32::min);
    }
    // Behind a first reset, the second one is compared with nothing.
    let is_reset = |i: usize| match (i, begun) {
        (0, true) => starts_anew(0) || second.is_reset_from(&before),
        (0, false) => false,
        _ => is_reset(i),
    };
    match grown(points, before, schema, kind, is_reset, &mut annotations) {
        Ok(grown) => (Some(grown), annotations),
        Err(IncompatibleSchemas) => (None, GrowthAnnotations::MIXED),
    }
}

fn grown<'a>(
    points: &[HistogramRef<'a>],
    mut before: HistogramRef<'a>,
    schema: i32,
    kind: Growth,
    is_reset: impl Fn(usize) -> bool,
    annotations: &mut GrowthAnnotations,
) -> Result<Histogram, IncompatibleSchemas> {
    let reconciled = |found: Found| found.bounds_reconciled;
    let Some(last) = points.last() else {
        return Err(IncompatibleSchemas);
    };
    let mut grown = last.to_histogram();
    grown.reduce_to(schema);
    annotations.subtraction_reconciled = reconciled(grown.subtract(&before)?);
    if kind == Growth::Counter {
        for (number, h) in points[1..].iter().enumerate() {
            if is_reset(number) {
                annotations.addition_reconciled |= reconciled(grown.add(&before)?);
            }
            before = *h;
        }
    }
    grown.counter_reset = CounterReset::Gauge;
    grown.compact();
    Ok(grown)
}

/// The growth from one histogram to the next, compacted, as a gauge: `irate`
/// and `idelta`, the former without the division by the time between them.
/// `anew` is whether start timestamps show a reset between them.
pub fn last_growth(
    before: &HistogramRef<'_>,
    now: &HistogramRef<'_>,
    kind: Growth,
    anew: bool,
) -> (Option<Histogram>, GrowthAnnotations) {
    let gauges = [before, now].map(|h| h.counter_reset == CounterReset::Gauge);
    let mut annotations = GrowthAnnotations {
        not_counter: kind == Growth::Counter && gauges != [false, false],
        not_gauge: kind == Growth::Gauge && gauges != [true, true],
        ..GrowthAnnotations::default()
    };
    let mut grown = now.to_histogram();
    if kind == Growth::Gauge || !(anew || now.is_reset_from(before)) {
        match grown.subtract(before) {
            Ok(found) => annotations.subtraction_reconciled = found.bounds_reconciled,
            Err(IncompatibleSchemas) => {
                annotations.mixed_schemas = true;
                return (None, annotations);
            }
        }
    }
    grown.counter_reset = CounterReset::Gauge;
    grown.compact();
    (Some(grown), annotations)
}

/// No observations, in the schema or custom bounds of another histogram.
fn nothing_like(h: &HistogramRef<'_>) -> Histogram {
    let layout = h.layout.with_buckets(vec![], vec![]);
    let layout = match layout.zero_threshold() {
        0.0 => layout,
        _ => Layout::with_threshold(&layout, 0.0),
    };
    Histogram {
        counter_reset: CounterReset::Unknown,
        layout,
        zero_count: 0.0,
        count: 0.0,
        sum: 0.0,
        buckets: vec![],
    }
}

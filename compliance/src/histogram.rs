//! Converts native histograms of scripts to those of the engine and the store.

use std::sync::Arc;

use quarrel_chunks::histogram as chunks;
use quarrel_functions::histogram::native::{CounterReset, Histogram, HistogramRef, Layout};

use crate::almost::almost_equal;
use crate::answer;
use crate::script::{HistogramLiteral, HistogramPoint, ResetHint};

/// The histogram of a literal. It keeps empty buckets that are written.
///
/// # Errors
/// When the buckets are invalid.
pub(crate) fn of_literal(literal: &HistogramLiteral) -> Result<Histogram, String> {
    let side = |offset: i32, counts: &[f64]| (offset, counts.len() as u32);
    let layout = Layout::from_spans(
        literal.schema,
        literal.zero_threshold,
        [side(literal.offset, &literal.buckets)],
        [side(literal.negative_offset, &literal.negative_buckets)],
        Arc::from(&literal.custom_values[..]),
    );
    let layout = layout.map_err(|e| format!("{literal}: {e}"))?;
    let counts = [&literal.buckets[..], &literal.negative_buckets].concat();
    let mut h = Histogram::new(layout, counts).map_err(|e| format!("{literal}: {e}"))?;
    h.counter_reset = match literal.hint {
        None | Some(ResetHint::Unknown) => CounterReset::Unknown,
        Some(ResetHint::Reset) => CounterReset::Reset,
        Some(ResetHint::NotReset) => CounterReset::NoReset,
        Some(ResetHint::Gauge) => CounterReset::Gauge,
    };
    (h.count, h.sum, h.zero_count) = (literal.count, literal.sum, literal.zero_count);
    Ok(h)
}

/// The histograms of a sequence, each made from the one before.
#[derive(Default)]
pub(crate) struct Sequence {
    last: Option<(HistogramPoint, Histogram)>,
}

impl Sequence {
    /// The histogram of a point. The caller asks for the points of one sequence
    /// in order.
    ///
    /// # Errors
    /// When the histogram is invalid.
    pub(crate) fn next(&mut self, point: &HistogramPoint) -> Result<Histogram, String> {
        let h = match (&self.last, &point.increment) {
            (_, None) => of_literal(&point.first)?,
            (Some((before, h)), Some(_)) if follows(before, point) => one_more(h.clone(), point)?,
            _ => {
                let mut h = of_literal(&point.first)?;
                for _ in 0..point.times {
                    h = one_more(h, point)?;
                }
                h
            }
        };
        self.last = Some((point.clone(), h.clone()));
        Ok(h)
    }
}

fn follows(before: &HistogramPoint, point: &HistogramPoint) -> bool {
    Arc::ptr_eq(&before.first, &point.first)
        && before.increment == point.increment
        && before.times + 1 == point.times
}

fn one_more(mut h: Histogram, point: &HistogramPoint) -> Result<Histogram, String> {
    let Some(increment) = &point.increment else {
        return Ok(h);
    };
    let term = of_literal(&increment.histogram)?;
    let (own, other) = (h.layout().schema(), term.layout().schema());
    if own > other {
        return Err(format!(
            "error combining histograms: cannot merge from schema {other} to {own}"
        ));
    }
    let combined = match increment.subtract {
        true => h.subtract(&term.view()),
        false => h.add(&term.view()),
    };
    combined.map_err(|e| e.to_string())?;
    Ok(h)
}

/// The histogram of a chunk.
pub(crate) fn for_chunks(h: &Histogram) -> chunks::Histogram<f64> {
    let layout = h.layout();
    chunks::Histogram {
        counter_reset: match h.counter_reset {
            CounterReset::Unknown => chunks::CounterReset::Unknown,
            CounterReset::Reset => chunks::CounterReset::Reset,
            CounterReset::NoReset => chunks::CounterReset::NoReset,
            CounterReset::Gauge => chunks::CounterReset::Gauge,
        },
        layout: chunks::HistogramLayout {
            schema: layout.schema(),
            zero_threshold: layout.zero_threshold(),
            positive_spans: spans(layout.positive()),
            negative_spans: spans(layout.negative()),
            custom_values: layout.custom_values().to_vec(),
        },
        count: h.count,
        zero_count: h.zero_count,
        sum: h.sum,
        buckets: h.buckets().to_vec(),
    }
}

fn spans(indices: &[i32]) -> Vec<chunks::Span> {
    let mut spans: Vec<chunks::Span> = Vec::new();
    let mut next = 0;
    for &index in indices {
        match spans.last_mut() {
            Some(span) if index == next => span.length += 1,
            _ => spans.push(chunks::Span {
                offset: index - next,
                length: 1,
            }),
        }
        next = index + 1;
    }
    spans
}

/// Whether two histograms are equal apart from empty buckets and rounding.
/// `hint` is whether counter-reset hints are compared.
pub(crate) fn almost_same(want: &HistogramRef<'_>, got: &HistogramRef<'_>, hint: bool) -> bool {
    let totals = |h: &HistogramRef<'_>| [h.count, h.sum, h.zero_count];
    let (a, b) = (want.layout, got.layout);
    a.schema() == b.schema()
        && a.zero_threshold() == b.zero_threshold()
        && a.custom_values() == b.custom_values()
        && (!hint || want.counter_reset == got.counter_reset)
        && totals(want)
            .iter()
            .zip(totals(got))
            .all(|(a, b)| almost_equal(*a, b))
        && same_buckets(&populated(want), &populated(got))
}

/// Whether a histogram is shown by the HTTP API as another one, apart from
/// rounding. The API shows no counter-reset hints.
pub(crate) fn almost_shown(want: &HistogramRef<'_>, got: &answer::Histogram) -> bool {
    let buckets: Vec<_> = want.shown_buckets().collect();
    almost_equal(want.count, got.count)
        && almost_equal(want.sum, got.sum)
        && buckets.len() == got.buckets.len()
        && buckets.iter().zip(&got.buckets).all(|(want, got)| {
            let bounds = match (want.lower_inclusive, want.upper_inclusive) {
                (false, true) => 0,
                (true, false) => 1,
                (false, false) => 2,
                (true, true) => 3,
            };
            bounds == got.bounds
                && almost_equal(want.lower, got.lower)
                && almost_equal(want.upper, got.upper)
                && almost_equal(want.count, got.count)
        })
}

fn same_buckets(want: &[(bool, i32, f64)], got: &[(bool, i32, f64)]) -> bool {
    want.len() == got.len()
        && want
            .iter()
            .zip(got)
            .all(|(a, b)| (a.0, a.1) == (b.0, b.1) && almost_equal(a.2, b.2))
}

/// The buckets that are not empty: whether negative, index, and count.
fn populated(h: &HistogramRef<'_>) -> Vec<(bool, i32, f64)> {
    let positive = h.layout.positive().iter().map(|i| (false, *i));
    let negative = h.layout.negative().iter().map(|i| (true, *i));
    positive
        .chain(negative)
        .zip(h.buckets)
        .filter(|(_, count)| **count != 0.0)
        .map(|((side, index), &count)| (side, index, count))
        .collect()
}

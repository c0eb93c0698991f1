//! Values in scripts: `1 2+3x4 _ _x5 stale {{schema:0 sum:1}}x2`.

use std::sync::Arc;

use quarrel_functions::window::STALE_NAN_BITS;

use super::histogram::{HistogramLiteral, parse_histogram};
use super::scan::{ScanError, Scanner};

/// Values that one line may stand for; a longer line is refused.
const MOST_VALUES: u64 = 10_000_000;

/// A part of a value notation.
#[derive(Clone, Debug, PartialEq)]
pub enum SequenceItem {
    /// `_` and `_xN`: no value at `N` times.
    Omitted {
        /// How many.
        count: u64,
    },
    /// `1`, `1xN`, `1+2xN`, `stale`.
    Float {
        /// The first value.
        first: f64,
        /// The difference of each value from the one before.
        increment: f64,
        /// How many values; one more than the number after `x`.
        count: u64,
    },
    /// `{{...}}`, `{{...}}xN`, `{{...}}+{{...}}xN`.
    Histogram {
        /// The first value.
        first: Arc<HistogramLiteral>,
        /// The difference of each histogram from the one before.
        increment: Option<HistogramIncrement>,
        /// How many values; one more than the number after `x`.
        count: u64,
    },
}

/// The difference of successive histograms.
#[derive(Clone, Debug, PartialEq)]
pub struct HistogramIncrement {
    /// The histogram that is added or subtracted.
    pub histogram: Arc<HistogramLiteral>,
    /// Whether it is subtracted.
    pub subtract: bool,
}

/// One value.
#[derive(Clone, Debug, PartialEq)]
pub enum Point {
    /// Nothing.
    Omitted,
    /// A float, stale markers as their NaN.
    Float(f64),
    /// A native histogram.
    Histogram(HistogramPoint),
}

/// A native histogram of a sequence.
#[derive(Clone, Debug, PartialEq)]
pub struct HistogramPoint {
    /// The first of its sequence.
    pub first: Arc<HistogramLiteral>,
    /// The difference of successive histograms of the sequence.
    pub increment: Option<HistogramIncrement>,
    /// How often it is added or subtracted.
    pub times: u64,
    /// Whether the reset hint was written, and so is compared.
    pub hint_is_set: bool,
}

impl SequenceItem {
    fn count(&self) -> u64 {
        match self {
            SequenceItem::Omitted { count }
            | SequenceItem::Float { count, .. }
            | SequenceItem::Histogram { count, .. } => *count,
        }
    }

    /// Appends the values one by one. Floats are added step by step, as in
    /// Prometheus, not multiplied.
    pub(super) fn expand(&self, out: &mut Vec<Point>) -> Result<(), String> {
        match self {
            SequenceItem::Omitted { count } => {
                out.extend((0..*count).map(|_| Point::Omitted));
            }
            SequenceItem::Float {
                first,
                increment,
                count,
            } => {
                let mut value = *first;
                for _ in 0..*count {
                    out.push(Point::Float(value));
                    value += increment;
                }
            }
            SequenceItem::Histogram {
                first,
                increment,
                count,
            } => {
                if let Some(increment) = increment
                    && *count > 1
                    && first.schema > increment.histogram.schema
                {
                    let (from, to) = (increment.histogram.schema, first.schema);
                    return Err(format!(
                        "error combining histograms: cannot merge from schema {from} to {to}"
                    ));
                }
                let hint = increment
                    .as_ref()
                    .map_or(first, |i| &i.histogram)
                    .hint
                    .is_some();
                out.extend((0..*count).map(|times| {
                    Point::Histogram(HistogramPoint {
                        first: first.clone(),
                        increment: increment.clone(),
                        times,
                        hint_is_set: hint,
                    })
                }));
            }
        }
        Ok(())
    }
}

/// The values after a metric, each after a space.
pub(super) fn sequence(scanner: &mut Scanner<'_>) -> Result<Vec<SequenceItem>, ScanError> {
    let mut items = Vec::new();
    let mut total = 0u64;
    while !scanner.is_done() {
        if !scanner.skip_space() {
            return Err(scanner.unexpected("series values"));
        }
        if scanner.is_done() {
            break;
        }
        let item = item(scanner)?;
        total = total.saturating_add(item.count());
        if total > MOST_VALUES {
            return Err(scanner.error(format!("more than {MOST_VALUES} values in one series")));
        }
        items.push(item);
    }
    Ok(items)
}

fn item(scanner: &mut Scanner<'_>) -> Result<SequenceItem, ScanError> {
    if scanner.eat("_") {
        let count = if scanner.eat("x") {
            scanner.count()?
        } else {
            1
        };
        return Ok(SequenceItem::Omitted { count });
    }
    if scanner.rest().starts_with("{{") {
        return histograms(scanner);
    }
    let first = first_float(scanner)?;
    let mut increment = 0.0;
    let signed = matches!(scanner.peek(), Some('+' | '-'));
    if signed {
        increment = scanner.signed_number()?;
    }
    let count = match scanner.eat("x") {
        true => scanner.count()?.saturating_add(1),
        false if signed => return Err(scanner.unexpected("series values, expected \"x\"")),
        false => 1,
    };
    Ok(SequenceItem::Float {
        first,
        increment,
        count,
    })
}

fn first_float(scanner: &mut Scanner<'_>) -> Result<f64, ScanError> {
    if scanner.peek() == Some('s') {
        let word = scanner.take_while(|c| c.is_ascii_alphanumeric() || c == '_');
        return match word {
            "stale" => Ok(f64::from_bits(STALE_NAN_BITS)),
            _ => Err(scanner.error(format!(
                "unexpected {word:?} in series values, expected number or \"stale\""
            ))),
        };
    }
    scanner.signed_number()
}

fn histograms(scanner: &mut Scanner<'_>) -> Result<SequenceItem, ScanError> {
    let first = Arc::new(parse_histogram(scanner)?);
    let mut increment = None;
    if let Some(sign @ ('+' | '-')) = scanner.peek() {
        scanner.eat(if sign == '+' { "+" } else { "-" });
        let histogram = Arc::new(parse_histogram(scanner)?);
        increment = Some(HistogramIncrement {
            histogram,
            subtract: sign == '-',
        });
    }
    let count = match scanner.eat("x") {
        true => scanner.count()?.saturating_add(1),
        false if increment.is_some() => {
            return Err(scanner.unexpected("series values, expected \"x\""));
        }
        false => 1,
    };
    Ok(SequenceItem::Histogram {
        first,
        increment,
        count,
    })
}

//! The values of the replicas of a counter.

use std::cmp::Ordering;

use quarrel_functions::histogram::native::{CounterReset, HistogramRef};
use quarrel_functions::replicas::{CounterValues, Place};

use super::super::samples::SampleColumns;
use super::times::{Sample, Times, in_order};

/// The samples of the replicas.
#[derive(Clone, Copy)]
pub(super) struct Values<'a> {
    pub columns: &'a [SampleColumns],
    pub times: &'a [Times],
}

pub(super) enum Value<'a> {
    Float(f64),
    Histogram(HistogramRef<'a>),
}

impl<'a> Values<'a> {
    fn value(&self, place: Place) -> Value<'a> {
        let columns = &self.columns[place.replica];
        match self.times[place.replica].sample(place.index) {
            Sample::Float(i) => Value::Float(columns.values[i as usize]),
            Sample::Histogram(i) => Value::Histogram(columns.histograms.column.get(i as usize)),
        }
    }

    /// All samples of each replica, stale markers included.
    pub fn with_stale(&self) -> Vec<Vec<(i64, Sample)>> {
        let columns = self.columns.iter();
        columns.map(|columns| in_order(columns).collect()).collect()
    }
}

impl CounterValues for Values<'_> {
    fn is_reset(&self, place: Place) -> bool {
        let before = Place {
            index: place.index - 1,
            ..place
        };
        match (self.value(place), self.value(before)) {
            (Value::Float(value), Value::Float(before)) => is_less(value, before),
            (Value::Histogram(value), Value::Histogram(before)) => value.is_reset_from(&before),
            // Nobody could tell.
            _ => true,
        }
    }

    fn is_below(&self, place: Place, earlier: Place) -> bool {
        match (self.value(place), self.value(earlier)) {
            (Value::Float(value), Value::Float(earlier)) => is_less(value, earlier),
            // What is known of a reset is known of neighbours alone.
            (Value::Histogram(value), Value::Histogram(earlier)) => {
                value.counter_reset != CounterReset::Gauge
                    && (HistogramRef {
                        counter_reset: CounterReset::Unknown,
                        ..value
                    })
                    .is_reset_from(&earlier)
            }
            _ => false,
        }
    }
}

fn is_less(value: f64, before: f64) -> bool {
    value.partial_cmp(&before) == Some(Ordering::Less)
}

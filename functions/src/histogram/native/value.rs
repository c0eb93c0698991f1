//! A histogram, owned and borrowed.

use std::sync::Arc;

use super::layout::{Layout, same, spans_of};

/// What is known about a counter reset between a histogram and the one before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum CounterReset {
    /// Nothing; counts have to be compared.
    #[default]
    Unknown,
    /// There was one.
    Reset,
    /// There was none.
    NoReset,
    /// The histogram is a gauge, which has no resets.
    Gauge,
}

impl CounterReset {
    /// What is still known where the histograms before may be others: whether
    /// there are resets at all.
    pub fn out_of_order(self) -> Self {
        match self {
            CounterReset::Gauge => CounterReset::Gauge,
            _ => CounterReset::Unknown,
        }
    }
}

/// A histogram that owns its counts.
#[derive(Clone, Debug)]
pub struct Histogram {
    /// What is known about a counter reset before it.
    pub counter_reset: CounterReset,
    pub(super) layout: Arc<Layout>,
    /// Observations in the zero bucket.
    pub zero_count: f64,
    /// All observations.
    pub count: f64,
    /// The sum of observations.
    pub sum: f64,
    /// One count a column.
    pub(super) buckets: Vec<f64>,
}

/// A histogram whose counts lie elsewhere, such as a row of a matrix.
#[derive(Clone, Copy, Debug)]
pub struct HistogramRef<'a> {
    /// What is known about a counter reset before it.
    pub counter_reset: CounterReset,
    /// Where its buckets are.
    pub layout: &'a Arc<Layout>,
    /// Observations in the zero bucket.
    pub zero_count: f64,
    /// All observations.
    pub count: f64,
    /// The sum of observations.
    pub sum: f64,
    /// One count a column of `layout`.
    pub buckets: &'a [f64],
    /// Whether empty buckets count as absent.
    pub compact: bool,
}

/// Bytes of a histogram in Prometheus beside its spans and buckets.
const STRUCT_BYTES: u64 = 168;

/// Another number of counts than the layout has columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{got} bucket counts for {expected} buckets")]
pub struct WrongWidth {
    /// Columns of the layout.
    pub expected: usize,
    /// Counts.
    pub got: usize,
}

impl Histogram {
    /// A histogram with the given counts, one for each column of the layout,
    /// and no zero bucket, total or sum yet.
    ///
    /// # Errors
    /// If there are more or fewer.
    pub fn new(layout: Arc<Layout>, buckets: Vec<f64>) -> Result<Self, WrongWidth> {
        let (expected, got) = (layout.width(), buckets.len());
        if expected != got {
            return Err(WrongWidth { expected, got });
        }
        Ok(Histogram {
            counter_reset: CounterReset::Unknown,
            layout,
            zero_count: 0.0,
            count: 0.0,
            sum: 0.0,
            buckets,
        })
    }

    /// A view of it.
    pub fn view(&self) -> HistogramRef<'_> {
        HistogramRef {
            counter_reset: self.counter_reset,
            layout: &self.layout,
            zero_count: self.zero_count,
            count: self.count,
            sum: self.sum,
            buckets: &self.buckets,
            compact: false,
        }
    }

    /// Where its buckets are.
    pub fn layout(&self) -> &Arc<Layout> {
        &self.layout
    }

    /// One count a column.
    pub fn buckets(&self) -> &[f64] {
        &self.buckets
    }

    /// Multiplies all counts and the sum. A negative factor makes a gauge.
    pub fn scale(&mut self, factor: f64) {
        self.zero_count *= factor;
        self.count *= factor;
        self.sum *= factor;
        self.buckets.iter_mut().for_each(|count| *count *= factor);
        if factor < 0.0 {
            self.counter_reset = CounterReset::Gauge;
        }
    }

    /// Divides all counts and the sum. A negative divisor makes a gauge, zero
    /// removes all buckets.
    pub fn divide(&mut self, divisor: f64) {
        self.zero_count /= divisor;
        self.count /= divisor;
        self.sum /= divisor;
        if divisor == 0.0 {
            self.layout = self.layout.with_buckets(vec![], vec![]);
            self.buckets.clear();
            return;
        }
        self.buckets.iter_mut().for_each(|count| *count /= divisor);
        if divisor < 0.0 {
            self.counter_reset = CounterReset::Gauge;
        }
    }

    /// Takes over another histogram, with its own memory if that suffices.
    pub(super) fn copy_from(&mut self, other: &Histogram) {
        self.counter_reset = other.counter_reset;
        if !Arc::ptr_eq(&self.layout, &other.layout) {
            self.layout = Arc::clone(&other.layout);
        }
        (self.zero_count, self.count, self.sum) = (other.zero_count, other.count, other.sum);
        self.buckets.clone_from(&other.buckets);
    }

    /// Whether any number of it is infinite, custom bounds included.
    pub fn has_overflow(&self) -> bool {
        let totals = [self.zero_count, self.count, self.sum];
        let mut numbers = totals
            .iter()
            .chain(&self.buckets)
            .chain(self.layout.custom_values().iter());
        numbers.any(|number| number.is_infinite())
    }
}

impl HistogramRef<'_> {
    /// How many floats' worth of memory Prometheus takes it for.
    pub fn size_in_samples(&self) -> u64 {
        let (positive, negative) = (self.layout.positive(), self.layout.negative());
        let spans = spans_of(positive).count() + spans_of(negative).count();
        let values = positive.len() + negative.len() + self.layout.custom_values().len();
        (STRUCT_BYTES + (spans + values) as u64 * 8 + 8) / 16
    }

    /// A copy that owns its counts. Empty buckets of a compact histogram are
    /// left out.
    pub fn to_histogram(&self) -> Histogram {
        let mut copy = Histogram {
            counter_reset: self.counter_reset,
            layout: Arc::clone(self.layout),
            zero_count: self.zero_count,
            count: self.count,
            sum: self.sum,
            buckets: self.buckets.to_vec(),
        };
        if self.compact {
            copy.compact();
        }
        copy
    }

    /// Whether both are the same to the bit, hints aside; the `==` of
    /// histograms.
    pub fn equals(&self, other: &HistogramRef<'_>) -> bool {
        let totals = |h: &HistogramRef<'_>| [h.zero_count, h.count, h.sum].map(f64::to_bits);
        if totals(self) != totals(other) {
            return false;
        }
        if same(self.layout, other.layout) && self.compact == other.compact {
            let bits = |h: &HistogramRef<'_>, i: usize| match h.buckets[i] {
                // Both zeros are empty.
                0.0 if h.compact => 0,
                count => count.to_bits(),
            };
            return (0..self.buckets.len()).all(|i| bits(self, i) == bits(other, i));
        }
        self.layout.schema() == other.layout.schema()
            && self.layout.zero_threshold() == other.layout.zero_threshold()
            && self.layout.custom_values() == other.layout.custom_values()
            && self.populated(0).eq(other.populated(0))
            && self.populated(1).eq(other.populated(1))
    }

    /// Indices and bits of the buckets that are there, on one side of zero.
    fn populated(&self, side: usize) -> impl Iterator<Item = (i32, u64)> + '_ {
        let (positive, negative) = (self.layout.positive(), self.layout.negative());
        let (indices, counts) = match side {
            0 => (positive, &self.buckets[..positive.len()]),
            _ => (negative, &self.buckets[positive.len()..]),
        };
        let buckets = indices.iter().zip(counts);
        let buckets = buckets.filter(|(_, count)| !self.compact || **count != 0.0);
        buckets.map(|(index, count)| (*index, count.to_bits()))
    }

    /// The mean of observations, NaN without any.
    pub fn average(&self) -> f64 {
        self.sum / self.count
    }
}

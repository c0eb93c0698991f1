//! Walking over all buckets in the order of their bounds.

use super::layout::Bounds;
use super::value::HistogramRef;

/// A bucket with its bounds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Bucket {
    pub(super) lower: f64,
    pub(super) upper: f64,
    pub(super) count: f64,
}

/// A bucket as it is shown.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ShownBucket {
    /// Its lower bound.
    pub lower: f64,
    /// Its upper bound.
    pub upper: f64,
    /// Whether the lower bound itself lies in it.
    pub lower_inclusive: bool,
    /// Whether the upper bound itself lies in it.
    pub upper_inclusive: bool,
    /// Observations in it.
    pub count: f64,
}

/// Which bucket of a histogram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Zero,
    Column(usize),
}

impl HistogramRef<'_> {
    /// Whether the bucket of a column is there.
    fn has(&self, column: usize) -> bool {
        !self.compact || self.buckets[column] != 0.0
    }

    /// Whether there is any positive bucket, and any negative one, populated
    /// or not.
    pub(super) fn sides(&self) -> [bool; 2] {
        let positive = self.layout.positive().len();
        let any = |mut columns: std::ops::Range<usize>| columns.any(|column| self.has(column));
        [any(0..positive), any(positive..self.buckets.len())]
    }

    /// All populated buckets from the lowest to the highest. What overlaps with
    /// the zero bucket begins where that one ends.
    pub fn shown_buckets(&self) -> impl Iterator<Item = ShownBucket> + '_ {
        self.ascending()
            .filter(|(_, count)| *count != 0.0)
            .map(|(place, count)| {
                let Bucket { lower, upper, .. } = self.bucket(place);
                let [lower_inclusive, upper_inclusive] = self.closed(place);
                ShownBucket {
                    lower,
                    upper,
                    lower_inclusive,
                    upper_inclusive,
                    count,
                }
            })
    }

    /// Whether the bounds of a bucket lie in it.
    pub(super) fn closed(&self, place: Place) -> [bool; 2] {
        let Place::Column(column) = place else {
            return [true, true];
        };
        if self.layout.is_custom() {
            return [self.layout.positive()[column] == 0, true];
        }
        let bucket = self.plain_bucket(column);
        [bucket.lower < 0.0, bucket.upper > 0.0]
    }

    /// All buckets from the lowest to the highest with their counts; the zero
    /// bucket only if it is populated.
    pub(super) fn ascending(&self) -> impl Iterator<Item = (Place, f64)> + '_ {
        let positive = self.layout.positive().len();
        let columns = |columns: std::ops::Range<usize>| {
            let columns = columns.filter(|&column| self.has(column));
            columns.map(|column| (Place::Column(column), self.buckets[column]))
        };
        let zero = (self.zero_count > 0.0).then_some((Place::Zero, self.zero_count));
        columns(positive..self.buckets.len())
            .rev()
            .chain(zero)
            .chain(columns(0..positive))
    }

    /// The same from the highest to the lowest.
    pub(super) fn descending(&self) -> impl Iterator<Item = (Place, f64)> + '_ {
        let positive = self.layout.positive().len();
        let columns = |columns: std::ops::Range<usize>| {
            let columns = columns.filter(|&column| self.has(column));
            columns.map(|column| (Place::Column(column), self.buckets[column]))
        };
        let zero = (self.zero_count > 0.0).then_some((Place::Zero, self.zero_count));
        columns(0..positive)
            .rev()
            .chain(zero)
            .chain(columns(positive..self.buckets.len()))
    }

    /// The bucket at a place, as it is drawn: one that overlaps with the zero
    /// bucket begins where that one ends.
    pub(super) fn bucket(&self, place: Place) -> Bucket {
        let threshold = self.layout.zero_threshold();
        let column = match place {
            Place::Zero => {
                return Bucket {
                    lower: -threshold,
                    upper: threshold,
                    count: self.zero_count,
                };
            }
            Place::Column(column) => column,
        };
        let mut bucket = self.plain_bucket(column);
        if bucket.upper < 0.0 && bucket.upper > -threshold {
            bucket.upper = -threshold;
        } else if bucket.lower > 0.0 && bucket.lower < threshold {
            bucket.lower = threshold;
        }
        bucket
    }

    /// The bucket of a column, whatever the zero bucket is.
    pub(super) fn plain_bucket(&self, column: usize) -> Bucket {
        let Bounds { near, far } = self.layout.bounds()[column];
        let count = self.buckets[column];
        if column < self.layout.positive().len() {
            return Bucket {
                lower: near,
                upper: far,
                count,
            };
        }
        Bucket {
            lower: -far,
            upper: -near,
            count,
        }
    }
}

impl Bucket {
    /// The part of the bucket's width that lies below a value inside of it,
    /// on a linear scale.
    pub(super) fn linear_part(&self, value: f64) -> f64 {
        (value - self.lower) / (self.upper - self.lower)
    }

    /// The same on a logarithmic scale, on which exponential buckets are of
    /// one width.
    pub(super) fn logarithmic_part(&self, value: f64) -> f64 {
        use crate::elementwise::math::log2;
        let [lower, upper, log] = [self.lower, self.upper, value].map(|v| log2(v.abs()));
        if value > 0.0 {
            (log - lower) / (upper - lower)
        } else {
            1.0 - (log - upper) / (lower - upper)
        }
    }
}

//! `histogram_fraction` of native histograms.

use super::buckets::{Bucket, Place};
use super::value::HistogramRef;

/// Annotations on a fraction.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum FractionAnnotation {
    /// Nothing to annotate.
    #[default]
    None,
    /// There are NaN observations, which are in no fraction.
    NanExcluded,
}

impl HistogramRef<'_> {
    /// The estimated fraction of observations between two bounds, with the
    /// same assumptions as [`HistogramRef::quantile`]. NaN without
    /// observations and for NaN bounds.
    pub fn fraction(&self, lower: f64, upper: f64) -> (f64, FractionAnnotation) {
        if self.count == 0.0 || lower.is_nan() || upper.is_nan() {
            return (f64::NAN, FractionAnnotation::None);
        }
        if lower >= upper {
            return (0.0, FractionAnnotation::None);
        }
        let (mut lower, mut upper) = (Limit::at(lower), Limit::at(upper));
        let (mut below, mut found) = (0.0, 0.0);
        let mut buckets = self.ascending();
        for (place, count) in buckets.by_ref() {
            found += count;
            let bucket = self.around(place);
            let linear = self.layout.is_custom() || bucket.is_around_zero();
            lower.look(&bucket, linear, below);
            upper.look(&bucket, linear, below);
            if lower.rank.is_some() && upper.rank.is_some() {
                break;
            }
            below += count;
        }
        let mut annotation = FractionAnnotation::None;
        let mut total = self.count;
        if self.sum.is_nan() {
            total = buckets.fold(found, |sum, (_, count)| sum + count);
            if total < self.count {
                annotation = FractionAnnotation::NanExcluded;
            }
        }
        let part = upper.rank_of(total) - lower.rank_of(total);
        (part / self.count, annotation)
    }

    /// The bucket as observations may lie in it.
    fn around(&self, place: Place) -> Bucket {
        let mut bucket = self.bucket(place);
        if self.layout.is_custom() {
            if bucket.lower == f64::NEG_INFINITY && bucket.upper > 0.0 {
                bucket.lower = 0.0;
            }
        } else if bucket.is_around_zero() {
            self.cut_at_zero(&mut bucket);
        }
        bucket
    }
}

impl Bucket {
    fn is_around_zero(&self) -> bool {
        self.lower <= 0.0 && self.upper >= 0.0
    }
}

/// One end of the range, and how many observations lie below it.
struct Limit {
    value: f64,
    rank: Option<f64>,
}

impl Limit {
    fn at(value: f64) -> Self {
        Limit { value, rank: None }
    }

    /// Looks whether the limit is at the bucket's lower bound or inside of it;
    /// `below` are the observations in the buckets before.
    fn look(&mut self, bucket: &Bucket, linear: bool, below: f64) {
        if self.rank.is_some() {
            return;
        }
        if bucket.lower >= self.value {
            self.rank = Some(below);
        } else if bucket.upper > self.value {
            self.rank = Some(match linear {
                // Nothing can be said about where they lie.
                true if bucket.lower == f64::NEG_INFINITY => bucket.count,
                true => below + bucket.count * bucket.linear_part(self.value),
                false => below + bucket.count * bucket.logarithmic_part(self.value),
            });
        }
    }

    fn rank_of(&self, total: f64) -> f64 {
        match self.rank {
            Some(rank) if rank <= total || rank.is_nan() => rank,
            _ => total,
        }
    }
}

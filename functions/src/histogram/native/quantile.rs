//! `histogram_quantile` of native histograms.

use super::buckets::{Bucket, Place};
use super::value::HistogramRef;
use crate::elementwise::math::log2;

/// Annotations on a quantile.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum QuantileAnnotation {
    /// Nothing to annotate.
    #[default]
    None,
    /// NaN observations made the quantile NaN.
    NanResult,
    /// NaN observations, which count as the highest, moved the quantile up.
    NanSkew,
}

impl HistogramRef<'_> {
    /// The `q`-quantile of the observations. In exponential buckets they are
    /// taken to be spread evenly on a logarithmic scale, in the zero bucket
    /// and in custom ones on a linear scale. NaN without observations and for
    /// a NaN `q`; minus and plus infinity for a `q` outside of [0, 1].
    pub fn quantile(&self, q: f64) -> (f64, QuantileAnnotation) {
        if q < 0.0 {
            return (f64::NEG_INFINITY, QuantileAnnotation::None);
        }
        if q > 1.0 {
            return (f64::INFINITY, QuantileAnnotation::None);
        }
        if self.count == 0.0 || q.is_nan() {
            return (f64::NAN, QuantileAnnotation::None);
        }
        // NaN observations are in no bucket, but they are the highest.
        let has_nan = self.sum.is_nan();
        if has_nan || q < 0.5 {
            let rank = q * self.count;
            self.at_rank(self.ascending(), rank, |rank, below, _| rank - below)
        } else {
            let rank = (1.0 - q) * self.count;
            self.at_rank(self.descending(), rank, |rank, _, with| with - rank)
        }
    }

    /// The value at a rank, counted along `buckets`. `inside` gives the rank
    /// inside of its bucket by the rank and the observations before and with
    /// that bucket.
    fn at_rank(
        &self,
        mut buckets: impl Iterator<Item = (Place, f64)>,
        rank: f64,
        inside: impl Fn(f64, f64, f64) -> f64,
    ) -> (f64, QuantileAnnotation) {
        let has_nan = self.sum.is_nan();
        let (mut reached, mut last) = (0.0, None);
        for (place, count) in buckets.by_ref() {
            last = Some((place, count));
            if count == 0.0 {
                continue;
            }
            reached += count;
            if reached >= rank {
                break;
            }
        }
        let none = Bucket {
            lower: 0.0,
            upper: 0.0,
            count: 0.0,
        };
        let bucket = match self.limited(last.map_or(none, |(place, _)| self.bucket(place))) {
            Ok(bucket) => bucket,
            Err(bound) => return (bound, QuantileAnnotation::None),
        };
        // Rounding may have found more than there are.
        if reached > self.count {
            reached = self.count;
        }
        if reached < rank {
            return match has_nan {
                true => (f64::NAN, QuantileAnnotation::NanResult),
                // Counts that contradict the total.
                false => (bucket.upper, QuantileAnnotation::None),
            };
        }
        let rank = inside(rank, reached - bucket.count, reached);
        let mut annotation = QuantileAnnotation::None;
        if has_nan {
            buckets.for_each(|(_, count)| reached += count);
            if reached < self.count {
                annotation = QuantileAnnotation::NanSkew;
            }
        }
        (self.interpolate(&bucket, rank / bucket.count), annotation)
    }

    /// The bucket as observations may lie in it: if it is around zero, on one
    /// side alone if there are no observations on the other. A bound, if there
    /// is nothing to interpolate.
    fn limited(&self, mut bucket: Bucket) -> Result<Bucket, f64> {
        if self.layout.is_custom() {
            if bucket.lower == f64::NEG_INFINITY {
                if bucket.upper <= 0.0 {
                    return Err(bucket.upper);
                }
                bucket.lower = 0.0;
            } else if bucket.upper == f64::INFINITY {
                return Err(bucket.lower);
            }
        } else if bucket.lower < 0.0 && bucket.upper > 0.0 {
            self.cut_at_zero(&mut bucket);
        }
        Ok(bucket)
    }

    /// Limits a bucket around zero to the side that has buckets, if only one
    /// has.
    pub(super) fn cut_at_zero(&self, bucket: &mut Bucket) {
        match self.sides() {
            [true, false] => bucket.lower = 0.0,
            [false, true] => bucket.upper = 0.0,
            _ => {}
        }
    }

    fn interpolate(&self, bucket: &Bucket, fraction: f64) -> f64 {
        let &Bucket { lower, upper, .. } = bucket;
        if self.layout.is_custom() || (lower <= 0.0 && upper >= 0.0) {
            return lower + (upper - lower) * fraction;
        }
        let (log_lower, log_upper) = (log2(lower.abs()), log2(upper.abs()));
        if lower > 0.0 {
            return (log_lower + (log_upper - log_lower) * fraction).exp2();
        }
        -(log_upper + (log_lower - log_upper) * (1.0 - fraction)).exp2()
    }
}

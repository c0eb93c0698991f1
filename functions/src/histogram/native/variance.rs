//! `histogram_stdvar` and `histogram_stddev`.

use super::value::HistogramRef;
use crate::kahan;

impl HistogramRef<'_> {
    /// The variance of observations, each taken to lie at the geometric mean
    /// of its bucket's bounds; at zero in the zero bucket, at the arithmetic
    /// mean in custom buckets. NaN without observations.
    pub fn variance(&self) -> f64 {
        let mean = self.average();
        let mut sum = kahan::Sum::default();
        for (place, count) in self.ascending() {
            if count == 0.0 {
                continue;
            }
            let bucket = self.bucket(place);
            let value = if self.layout.is_custom() {
                (bucket.upper + bucket.lower) / 2.0
            } else if bucket.lower <= 0.0 && bucket.upper >= 0.0 {
                0.0
            } else {
                let mean = (bucket.upper * bucket.lower).sqrt();
                if bucket.upper < 0.0 { -mean } else { mean }
            };
            let delta = value - mean;
            sum.add(count * delta * delta);
        }
        (sum.sum + sum.compensation) / self.count
    }

    /// The standard deviation of observations, see [`HistogramRef::variance`].
    pub fn standard_deviation(&self) -> f64 {
        self.variance().sqrt()
    }
}

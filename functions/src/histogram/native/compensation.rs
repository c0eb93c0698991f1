//! The rounding errors of compensated sums of histograms.

/// Rounding errors of a sum of histograms, column by column.
#[derive(Clone, Debug, Default)]
pub(super) struct Compensation {
    pub(super) zero_count: f64,
    pub(super) count: f64,
    pub(super) sum: f64,
    pub(super) buckets: Vec<f64>,
}

impl Compensation {
    /// Nothing yet.
    pub(super) fn none(columns: usize) -> Self {
        Compensation {
            buckets: vec![0.0; columns],
            ..Compensation::default()
        }
    }

    pub(super) fn map(&mut self, f: impl Fn(f64) -> f64) {
        let totals = [&mut self.zero_count, &mut self.count, &mut self.sum];
        let all = totals.into_iter().chain(&mut self.buckets);
        all.for_each(|value| *value = f(*value));
    }
}

//! `avg`: compensated, and safe from overflow of the sum.
//!
//! A step keeps the sum until it would overflow, from then on incremental
//! means. Hardly any data gets there, so the flags are allocated when needed,
//! and without them adding a series is as plain a pass as for `sum`.

use super::widen::widen;
use crate::kahan::{Mean, Sum};

#[derive(Clone, Debug, Default)]
pub(super) struct MeanRow {
    /// The sums; of steps marked `incremental` the means.
    sums: Vec<f64>,
    compensations: Vec<f64>,
    /// Empty as long as no step is.
    incremental: Vec<bool>,
}

impl MeanRow {
    /// Covers no step.
    pub(super) fn clear(&mut self) {
        self.sums.clear();
        self.compensations.clear();
        self.incremental.clear();
    }

    pub(super) fn widen(&mut self, before: usize, after: usize) {
        widen(&mut self.sums, before, after, 0.0);
        widen(&mut self.compensations, before, after, 0.0);
        if !self.incremental.is_empty() {
            widen(&mut self.incremental, before, after, false);
        }
    }

    pub(super) fn add(
        &mut self,
        first_step: usize,
        values: &[f64],
        present: Option<&[bool]>,
        counts: &[u32],
    ) {
        let range = first_step..first_step + values.len();
        let overflows = |(sum, value): (&f64, &f64)| (sum + value).is_infinite();
        let mut pairs = self.sums[range.clone()].iter().zip(values);
        // An absent item may overflow too; then this is slower, not wrong.
        if self.incremental.is_empty() && !pairs.any(overflows) {
            let sums = self.sums[range.clone()].iter_mut();
            let state = sums.zip(&mut self.compensations[range]);
            return super::sum::add_row(state, values, present);
        }
        for (i, &value) in values.iter().enumerate() {
            if present.is_none_or(|p| p[i]) {
                let mut mean = self.mean(first_step + i, counts[i]);
                mean.add(value);
                self.set(first_step + i, &mean);
            }
        }
    }

    /// Merges the means of later series, whose first step is here the one at
    /// `at`; `counts` are those of the same steps.
    pub(super) fn merge(
        &mut self,
        at: usize,
        later: &MeanRow,
        counts: &[u32],
        later_counts: &[u32],
    ) {
        for (i, (&count, &later_count)) in counts.iter().zip(later_counts).enumerate() {
            let theirs = later.mean(i, later_count);
            if count == 0 {
                self.set(at + i, &theirs);
            } else if later_count > 0 {
                let mut mean = self.mean(at + i, count);
                mean.merge(&theirs);
                self.set(at + i, &mean);
            }
        }
    }

    pub(super) fn finish(&self, counts: &[u32], out: &mut [f64]) {
        for (i, (out, &count)) in out.iter_mut().zip(counts).enumerate() {
            *out = self.mean(i, count).value();
        }
    }

    fn mean(&self, step: usize, count: u32) -> Mean {
        Mean {
            count: f64::from(count),
            state: Sum {
                sum: self.sums[step],
                compensation: self.compensations[step],
            },
            incremental: self.incremental.get(step).is_some_and(|&i| i),
        }
    }

    fn set(&mut self, step: usize, mean: &Mean) {
        self.sums[step] = mean.state.sum;
        self.compensations[step] = mean.state.compensation;
        if mean.incremental && self.incremental.is_empty() {
            self.incremental = vec![false; self.sums.len()];
        }
        if let Some(mark) = self.incremental.get_mut(step) {
            *mark = mean.incremental;
        }
    }
}

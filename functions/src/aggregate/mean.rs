//! `avg`: compensated, and safe from overflow of the sum.
//!
//! A step keeps the sum until it would overflow, from then on incremental
//! means. Hardly any data gets there, so the flags are allocated when needed,
//! and without them adding a series is as plain a pass as for `sum`.

use crate::kahan::{Mean, Sum};

#[derive(Clone, Debug)]
pub(super) struct MeanRow {
    /// The sums; of steps marked `incremental` the means.
    sums: Vec<f64>,
    compensations: Vec<f64>,
    /// Empty as long as no step is.
    incremental: Vec<bool>,
}

impl MeanRow {
    pub(super) fn new(steps: usize) -> Self {
        MeanRow {
            sums: vec![0.0; steps],
            compensations: vec![0.0; steps],
            incremental: Vec::new(),
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

    pub(super) fn merge(&mut self, later: &MeanRow, counts: &[u32], later_counts: &[u32]) {
        for i in 0..self.sums.len() {
            let theirs = later.mean(i, later_counts[i]);
            if counts[i] == 0 {
                self.set(i, &theirs);
            } else if later_counts[i] > 0 {
                let mut mean = self.mean(i, counts[i]);
                mean.merge(&theirs);
                self.set(i, &mean);
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

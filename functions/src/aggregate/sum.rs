//! `sum`, compensated.

use super::widen::widen;
use crate::kahan::add;

#[derive(Clone, Debug, Default)]
pub(super) struct SumRow {
    sums: Vec<f64>,
    compensations: Vec<f64>,
}

impl SumRow {
    /// Covers no step.
    pub(super) fn clear(&mut self) {
        self.sums.clear();
        self.compensations.clear();
    }

    pub(super) fn widen(&mut self, before: usize, after: usize) {
        widen(&mut self.sums, before, after, 0.0);
        widen(&mut self.compensations, before, after, 0.0);
    }

    pub(super) fn add(&mut self, first_step: usize, values: &[f64], present: Option<&[bool]>) {
        let range = first_step..first_step + values.len();
        let sums = self.sums[range.clone()].iter_mut();
        add_row(sums.zip(&mut self.compensations[range]), values, present);
    }

    /// Merges the sums of later series, whose first step is here the one at `at`.
    pub(super) fn merge(&mut self, at: usize, later: &SumRow) {
        let ours = self.sums[at..]
            .iter_mut()
            .zip(&mut self.compensations[at..]);
        let theirs = later.sums.iter().zip(&later.compensations);
        for ((sum, compensation), (&later, &later_compensation)) in ours.zip(theirs) {
            let (total, rest) = add(later, *sum, *compensation);
            *sum = total;
            let both = rest + later_compensation;
            *compensation = if total.is_infinite() { 0.0 } else { both };
        }
    }

    pub(super) fn finish(&self, out: &mut [f64]) {
        for ((o, sum), compensation) in out.iter_mut().zip(&self.sums).zip(&self.compensations) {
            *o = sum + compensation;
        }
    }
}

/// Adds a row to the sums and compensations of its steps.
pub(super) fn add_row<'a>(
    state: impl Iterator<Item = (&'a mut f64, &'a mut f64)>,
    values: &[f64],
    present: Option<&[bool]>,
) {
    match present {
        None => {
            for ((sum, compensation), &value) in state.zip(values) {
                (*sum, *compensation) = add(value, *sum, *compensation);
            }
        }
        Some(present) => {
            for (((sum, compensation), &value), &p) in state.zip(values).zip(present) {
                let next = add(value, *sum, *compensation);
                // A select, not a branch, so that the loop stays SIMD.
                *sum = if p { next.0 } else { *sum };
                *compensation = if p { next.1 } else { *compensation };
            }
        }
    }
}

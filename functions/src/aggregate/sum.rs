//! `sum`, compensated.

use crate::kahan::add;

#[derive(Clone, Debug)]
pub(super) struct SumRow {
    sums: Vec<f64>,
    compensations: Vec<f64>,
}

impl SumRow {
    pub(super) fn new(steps: usize) -> Self {
        SumRow {
            sums: vec![0.0; steps],
            compensations: vec![0.0; steps],
        }
    }

    pub(super) fn add(&mut self, first_step: usize, values: &[f64], present: Option<&[bool]>) {
        let range = first_step..first_step + values.len();
        let sums = self.sums[range.clone()].iter_mut();
        add_row(sums.zip(&mut self.compensations[range]), values, present);
    }

    pub(super) fn merge(&mut self, later: &SumRow) {
        for i in 0..self.sums.len() {
            let (sum, compensation) = add(later.sums[i], self.sums[i], self.compensations[i]);
            self.sums[i] = sum;
            let both = compensation + later.compensations[i];
            self.compensations[i] = if sum.is_infinite() { 0.0 } else { both };
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

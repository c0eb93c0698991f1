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
        let state = self.sums[range.clone()]
            .iter_mut()
            .zip(&mut self.compensations[range]);
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

    pub(super) fn merge(&mut self, later: &SumRow) {
        for i in 0..self.sums.len() {
            let (sum, compensation) = add(later.sums[i], self.sums[i], self.compensations[i]);
            self.sums[i] = sum;
            self.compensations[i] = if sum.is_infinite() {
                0.0
            } else {
                compensation + later.compensations[i]
            };
        }
    }

    pub(super) fn finish(&self, out: &mut [f64]) {
        for ((o, sum), compensation) in out.iter_mut().zip(&self.sums).zip(&self.compensations) {
            *o = sum + compensation;
        }
    }
}

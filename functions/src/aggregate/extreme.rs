//! `min` and `max`: NaN only where all samples are.

use super::widen::widen;

#[derive(Clone, Debug)]
pub(super) struct Extreme {
    /// NaN where no sample was seen, which any sample replaces.
    values: Vec<f64>,
    largest: bool,
}

impl Extreme {
    pub(super) fn new(largest: bool) -> Self {
        Extreme {
            values: Vec::new(),
            largest,
        }
    }

    /// Covers no step.
    pub(super) fn clear(&mut self) {
        self.values.clear();
    }

    pub(super) fn widen(&mut self, before: usize, after: usize) {
        widen(&mut self.values, before, after, f64::NAN);
    }

    pub(super) fn add(&mut self, first_step: usize, values: &[f64], present: Option<&[bool]>) {
        let best = &mut self.values[first_step..first_step + values.len()];
        match self.largest {
            true => add_row(best, values, present, |value, best| value > best),
            false => add_row(best, values, present, |value, best| value < best),
        }
    }

    /// Merges later series, whose first step is here the one at `at`.
    pub(super) fn merge(&mut self, at: usize, later: &Extreme) {
        self.add(at, &later.values, None);
    }

    pub(super) fn finish(&self, out: &mut [f64]) {
        out.copy_from_slice(&self.values);
    }
}

#[inline]
fn add_row(
    best: &mut [f64],
    values: &[f64],
    present: Option<&[bool]>,
    wins: impl Fn(f64, f64) -> bool,
) {
    let better = |best: f64, value: f64| wins(value, best) | best.is_nan();
    match present {
        None => {
            for (best, &value) in best.iter_mut().zip(values) {
                *best = if better(*best, value) { value } else { *best };
            }
        }
        Some(present) => {
            for ((best, &value), &p) in best.iter_mut().zip(values).zip(present) {
                *best = if p & better(*best, value) {
                    value
                } else {
                    *best
                };
            }
        }
    }
}

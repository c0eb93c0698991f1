//! `min` and `max`: NaN only where all samples are.

#[derive(Clone, Debug)]
pub(super) struct Extreme {
    values: Vec<f64>,
    largest: bool,
}

impl Extreme {
    pub(super) fn new(steps: usize, largest: bool) -> Self {
        Extreme {
            values: vec![0.0; steps],
            largest,
        }
    }

    pub(super) fn add(
        &mut self,
        first_step: usize,
        values: &[f64],
        present: Option<&[bool]>,
        counts: &[u32],
    ) {
        let best = &mut self.values[first_step..first_step + values.len()];
        for (i, (best, &value)) in best.iter_mut().zip(values).enumerate() {
            let wins = if self.largest {
                value > *best
            } else {
                value < *best
            };
            let takes = wins || best.is_nan() || counts[i] == 0;
            *best = if takes && present.is_none_or(|p| p[i]) {
                value
            } else {
                *best
            };
        }
    }

    pub(super) fn merge(&mut self, later: &Extreme, counts: &[u32], later_counts: &[u32]) {
        for i in 0..self.values.len() {
            if later_counts[i] > 0 {
                let counts = &counts[i..=i];
                self.add(i, &later.values[i..=i], None, counts);
            }
        }
    }

    pub(super) fn finish(&self, out: &mut [f64]) {
        out.copy_from_slice(&self.values);
    }
}

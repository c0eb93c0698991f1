//! `avg`: compensated, and safe from overflow of the sum.

use crate::kahan::Mean;

#[derive(Clone, Debug)]
pub(super) struct MeanRow {
    means: Vec<Mean>,
}

impl MeanRow {
    pub(super) fn new(steps: usize) -> Self {
        MeanRow {
            means: vec![Mean::default(); steps],
        }
    }

    pub(super) fn add(&mut self, first_step: usize, values: &[f64], present: Option<&[bool]>) {
        let means = &mut self.means[first_step..first_step + values.len()];
        for (i, (mean, &value)) in means.iter_mut().zip(values).enumerate() {
            if present.is_none_or(|p| p[i]) {
                mean.add(value);
            }
        }
    }

    pub(super) fn merge(&mut self, later: &MeanRow, counts: &[u32], later_counts: &[u32]) {
        for i in 0..self.means.len() {
            match (counts[i], later_counts[i]) {
                (_, 0) => {}
                (0, _) => self.means[i] = later.means[i],
                _ => self.means[i].merge(&later.means[i]),
            }
        }
    }

    pub(super) fn finish(&self, out: &mut [f64]) {
        for (o, mean) in out.iter_mut().zip(&self.means) {
            *o = mean.value();
        }
    }
}

//! `stdvar` and `stddev` by Welford's method, as plain as Prometheus has
//! it; parts are joined by the method of Chan, Golub and LeVeque.
//!
//! Where the values are large and close together, Prometheus's own
//! rounding errors show in its answer; joined parts have fewer of them.

#[derive(Clone, Debug)]
pub(super) struct Variance {
    means: Vec<f64>,
    squares: Vec<f64>,
}

impl Variance {
    pub(super) fn new(steps: usize) -> Self {
        Variance {
            means: vec![0.0; steps],
            squares: vec![0.0; steps],
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
        let state = self.means[range.clone()]
            .iter_mut()
            .zip(&mut self.squares[range]);
        for (i, (((mean, squares), &value), &count)) in state.zip(values).zip(counts).enumerate() {
            if present.is_none_or(|p| p[i]) {
                let delta = value - *mean;
                *mean += delta / (f64::from(count) + 1.0);
                // From a first value that is not finite on, this is NaN.
                *squares += delta * (value - *mean);
            }
        }
    }

    pub(super) fn merge(&mut self, later: &Variance, counts: &[u32], later_counts: &[u32]) {
        for i in 0..self.means.len() {
            let (a, b) = (f64::from(counts[i]), f64::from(later_counts[i]));
            if b == 0.0 {
                continue;
            }
            if a == 0.0 {
                (self.means[i], self.squares[i]) = (later.means[i], later.squares[i]);
                continue;
            }
            let delta = later.means[i] - self.means[i];
            self.squares[i] += later.squares[i] + delta * delta * (a * b / (a + b));
            self.means[i] += delta * (b / (a + b));
        }
    }

    pub(super) fn finish(&self, root: bool, counts: &[u32], out: &mut [f64]) {
        for ((out, squares), &count) in out.iter_mut().zip(&self.squares).zip(counts) {
            let variance = squares / f64::from(count);
            *out = if root { variance.sqrt() } else { variance };
        }
    }
}

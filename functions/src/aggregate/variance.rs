//! `stdvar` and `stddev` by Welford's method; parts are joined by the method
//! of Chan, Golub and LeVeque.

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
        for (i, &value) in values.iter().enumerate() {
            if present.is_some_and(|p| !p[i]) {
                continue;
            }
            let (mean, squares) = (
                &mut self.means[first_step + i],
                &mut self.squares[first_step + i],
            );
            if counts[i] == 0 {
                *mean = value;
                *squares = if value.is_finite() { 0.0 } else { f64::NAN };
                continue;
            }
            let delta = value - *mean;
            *mean += delta / (f64::from(counts[i]) + 1.0);
            *squares += delta * (value - *mean);
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
            self.squares[i] += later.squares[i] + delta * delta * a * b / (a + b);
            self.means[i] += delta * b / (a + b);
        }
    }

    pub(super) fn finish(&self, root: bool, counts: &[u32], out: &mut [f64]) {
        for (i, o) in out.iter_mut().enumerate() {
            let variance = self.squares[i] / f64::from(counts[i]);
            *o = if root { variance.sqrt() } else { variance };
        }
    }
}

//! `stdvar` and `stddev` by Welford's method, as plain as Prometheus has
//! it; parts are joined by the method of Chan, Golub and LeVeque.
//!
//! Where the values are large and close together, Prometheus's own
//! rounding errors show in its answer; joined parts have fewer of them.

use super::widen::widen;

#[derive(Clone, Debug, Default)]
pub(super) struct Variance {
    means: Vec<f64>,
    squares: Vec<f64>,
}

impl Variance {
    /// Covers no step.
    pub(super) fn clear(&mut self) {
        self.means.clear();
        self.squares.clear();
    }

    pub(super) fn widen(&mut self, before: usize, after: usize) {
        widen(&mut self.means, before, after, 0.0);
        widen(&mut self.squares, before, after, 0.0);
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

    /// Merges later series, whose first step is here the one at `at`; `counts`
    /// are those of the same steps.
    pub(super) fn merge(
        &mut self,
        at: usize,
        later: &Variance,
        counts: &[u32],
        later_counts: &[u32],
    ) {
        let ours = self.means[at..].iter_mut().zip(&mut self.squares[at..]);
        let theirs = later.means.iter().zip(&later.squares);
        let counts = counts.iter().zip(later_counts);
        for (((mean, squares), (&later_mean, &later_squares)), (&a, &b)) in
            ours.zip(theirs).zip(counts)
        {
            let (a, b) = (f64::from(a), f64::from(b));
            if b == 0.0 {
                continue;
            }
            if a == 0.0 {
                (*mean, *squares) = (later_mean, later_squares);
                continue;
            }
            let delta = later_mean - *mean;
            *squares += later_squares + delta * delta * (a * b / (a + b));
            *mean += delta * (b / (a + b));
        }
    }

    pub(super) fn finish(&self, root: bool, counts: &[u32], out: &mut [f64]) {
        for ((out, squares), &count) in out.iter_mut().zip(&self.squares).zip(counts) {
            let variance = squares / f64::from(count);
            *out = if root { variance.sqrt() } else { variance };
        }
    }
}

//! Means of histograms.

use super::add::{Found, IncompatibleSchemas};
use super::compensation::Compensation;
use super::kahan::Seen;
use super::value::{Histogram, HistogramRef};

/// The mean of histograms, as `avg` and `avg_over_time` build it: a
/// compensated sum, and incremental means once that would overflow.
#[derive(Clone, Debug)]
pub struct MeanOfHistograms {
    count: f64,
    /// The sum, or the mean once `incremental`.
    state: Histogram,
    lost: Option<Compensation>,
    incremental: bool,
    seen: Seen,
    /// Memory for the next state.
    scratch: Histogram,
}

impl MeanOfHistograms {
    /// The mean of one histogram.
    pub fn new(first: &HistogramRef<'_>) -> Self {
        let mut seen = Seen::default();
        seen.hint(first.counter_reset);
        let state = first.to_histogram();
        MeanOfHistograms {
            count: 1.0,
            scratch: state.clone(),
            state,
            lost: None,
            incremental: false,
            seen,
        }
    }

    /// The findings so far.
    pub(super) fn found(&self) -> super::add::Found {
        self.seen.found()
    }

    /// A mean that was begun elsewhere, with the sum of `count` histograms.
    pub(super) fn from_state(
        count: f64,
        sum: Histogram,
        lost: Option<Compensation>,
        seen: Seen,
    ) -> Self {
        MeanOfHistograms {
            count,
            scratch: sum.clone(),
            state: sum,
            lost,
            incremental: false,
            seen,
        }
    }

    /// Adds another histogram.
    ///
    /// # Errors
    /// If it has exponential buckets and the others custom ones, or the other
    /// way round; then there is no mean.
    pub fn add(&mut self, h: &HistogramRef<'_>) -> Result<(), IncompatibleSchemas> {
        self.seen.hint(h.counter_reset);
        self.count += 1.0;
        if !self.incremental {
            if self.add_to_sum(h)? {
                return Ok(());
            }
            let before = self.count - 1.0;
            self.incremental = true;
            self.state.divide(before);
            if let Some(lost) = &mut self.lost {
                lost.map(|value| value / before);
            }
        }
        let share = (self.count - 1.0) / self.count;
        if let Some(lost) = &mut self.lost {
            lost.map(|value| value * share);
        }
        let mut term = h.to_histogram();
        term.divide(self.count);
        self.state.scale(share);
        let columns = self.state.buckets.len();
        let lost = self.lost.get_or_insert_with(|| Compensation::none(columns));
        let found = self.state.kahan_add(&term.view(), lost)?;
        self.seen.addition(found);
        Ok(())
    }

    /// False if the sum would overflow, and then it stays as it is.
    fn add_to_sum(&mut self, h: &HistogramRef<'_>) -> Result<bool, IncompatibleSchemas> {
        self.scratch.copy_from(&self.state);
        let mut lost = match &self.lost {
            Some(lost) => lost.clone(),
            None => Compensation::none(self.state.buckets.len()),
        };
        let found = self.scratch.kahan_add(h, &mut lost)?;
        self.seen.addition(found);
        if self.scratch.has_overflow() {
            return Ok(false);
        }
        std::mem::swap(&mut self.scratch, &mut self.state);
        self.lost = Some(lost);
        Ok(true)
    }

    /// The mean, not compacted, and the findings.
    pub fn finish(mut self) -> (Histogram, Found) {
        let count = self.count;
        if !self.incremental {
            self.state.divide(count);
        }
        if let Some(mut lost) = self.lost {
            if !self.incremental {
                lost.map(|value| value / count);
            }
            self.state.add_compensation(&lost);
        }
        (self.state, self.seen.found())
    }
}

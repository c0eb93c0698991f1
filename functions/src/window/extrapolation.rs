//! How a growth between two samples is stretched to its window, for floats and
//! for native histograms.

/// A length of time as Go gives it in seconds, to the last bit.
#[inline]
pub(super) fn seconds(ms: i64) -> f64 {
    (ms / 1000) as f64 + (ms % 1000 * 1_000_000) as f64 / 1e9
}

/// Where the samples of a window lie, in seconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Extent {
    /// From the window's beginning to the first sample.
    pub to_start: f64,
    /// From the last sample to the window's end.
    pub to_end: f64,
    /// From the first sample to the last.
    pub sampled: f64,
    /// Samples but one.
    pub gaps: f64,
}

impl Extent {
    /// By what the gain between the first and the last sample is stretched
    /// towards the window's ends. `first` is the value of the first sample.
    #[inline]
    pub fn factor(&self, counter: bool, first: f64, gained: f64) -> f64 {
        // Samples about where they were expected reach the window's end; else
        // the series is taken to begin or end half an interval beyond the
        // sample.
        let average = self.sampled / self.gaps;
        let threshold = average * 1.1;
        let half = average / 2.0;
        let mut to_start = if self.to_start >= threshold {
            half
        } else {
            self.to_start
        };
        if counter {
            // A counter is not extrapolated below zero.
            let rises = (gained > 0.0) & (first >= 0.0);
            let to_zero = self.sampled * (first / gained);
            to_start = if rises & (to_zero < to_start) {
                to_zero
            } else {
                to_start
            };
        }
        let to_end = if self.to_end >= threshold {
            half
        } else {
            self.to_end
        };
        let stretched = (self.sampled + to_start + to_end) / self.sampled;
        if self.sampled == 0.0 { 1.0 } else { stretched }
    }

    /// As [`Extent::factor`], for a counter that is known to have begun from
    /// zero, `since` seconds before the last sample.
    #[inline]
    pub fn factor_since(&self, since: f64) -> f64 {
        let average = if self.gaps > 0.0 {
            self.sampled / self.gaps
        } else {
            0.0
        };
        let to_end = if self.to_end >= average * 1.1 {
            average / 2.0
        } else {
            self.to_end
        };
        if since == 0.0 {
            1.0
        } else {
            (since + to_end) / since
        }
    }
}

//! Start timestamps: when a counter began to count, as far as that is known.
//! 0 says that it is not; one that is that of its own sample says the same.

use super::bounds::Bounds;
use super::input::WindowInput;

/// A sample's start timestamp and timestamp, ms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Started {
    pub start: i64,
    pub at: i64,
}

impl Started {
    /// Whether the counter began anew between the sample before and this one.
    #[inline]
    pub fn anew_since(self, before: Started) -> bool {
        let known = self.start != 0 && self.start < self.at;
        if !known || self.start == before.start || self.start < before.at {
            return false;
        }
        // A start right at the sample before is that of a delta, or of a
        // counter whose start nobody knows. The latter never had one.
        self.start > before.at || (before.start != 0 && before.start < before.at)
    }

    /// Whether the counter began anew behind a time.
    #[inline]
    pub fn anew_behind(self, time: i64) -> bool {
        let unknown = Started {
            start: time,
            at: time,
        };
        self.start > time && self.at > time && self.anew_since(unknown)
    }

    /// Whether this sample counts from before the one before, though not from
    /// where that one does, so that something is counted twice.
    pub fn overlaps(self, before: Started) -> bool {
        self.start != 0 && self.start < before.at && self.start != before.start
    }
}

impl WindowInput<'_> {
    /// When sample `i` is from, and since when it counts.
    #[inline]
    pub(super) fn started(&self, i: usize) -> Started {
        Started {
            start: self
                .start_timestamps
                .map_or(0, |start_timestamps| start_timestamps[i]),
            at: self.timestamps[i],
        }
    }

    /// Whether the start of sample `i` tells that the counter was reset since
    /// the sample before it.
    #[inline]
    pub(super) fn starts_anew(&self, i: usize) -> bool {
        self.start_timestamps.is_some() && self.started(i).anew_since(self.started(i - 1))
    }

    /// How many of the `wanted` windows, by step, hold two samples of which the
    /// later one counts from before the other: two sources write to one series.
    pub fn start_overlaps(&self, wanted: impl Fn(usize) -> bool) -> usize {
        if self.start_timestamps.is_none() {
            return 0;
        }
        let used = self.used();
        let overlaps = |&i: &usize| self.started(i).overlaps(self.started(i - 1));
        let mut overlaps = (used.start + 1..used.end).filter(overlaps).peekable();
        if overlaps.peek().is_none() {
            return 0;
        }
        let mut has_overlap = |bounds: &&Bounds| {
            while overlaps.next_if(|&i| i <= bounds.first()).is_some() {}
            overlaps.peek().is_some_and(|&i| i < bounds.hi as usize)
        };
        let windows = self.bounds.iter().enumerate();
        windows
            .filter(|(step, bounds)| has_overlap(bounds) && wanted(*step))
            .count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(start: i64, at: i64) -> Started {
        Started { start, at }
    }

    #[test]
    fn counters_begin_anew() {
        let anew = |before: (i64, i64), now: (i64, i64)| {
            sample(now.0, now.1).anew_since(sample(before.0, before.1))
        };
        assert!(anew((5, 10), (15, 20)));
        assert!(anew((0, 10), (15, 20)), "its start was not known");
        assert!(anew((5, 10), (10, 20)), "a delta");
        assert!(!anew((0, 10), (10, 20)) && !anew((10, 10), (10, 20)));
        assert!(!anew((12, 10), (10, 20)), "an invalid start before");
        assert!(!anew((5, 10), (5, 20)) && !anew((5, 10), (0, 20)));
        assert!(!anew((5, 10), (8, 20)), "an overlap");
        assert!(!anew((5, 10), (20, 20)) && !anew((5, 10), (25, 20)));
    }

    #[test]
    fn starts_overlap() {
        let overlaps = |before: (i64, i64), now: (i64, i64)| {
            sample(now.0, now.1).overlaps(sample(before.0, before.1))
        };
        assert!(overlaps((5, 10), (8, 20)) && overlaps((0, 10), (8, 20)));
        assert!(!overlaps((5, 10), (5, 20)) && !overlaps((5, 10), (10, 20)));
        assert!(!overlaps((5, 10), (0, 20)));
    }
}

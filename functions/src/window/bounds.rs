//! The samples of each window, as ranges of indices.

use crate::grid::Grid;

/// A window's samples: the indices `lo..hi`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bounds {
    /// The first sample.
    pub lo: u32,
    /// One behind the last sample.
    pub hi: u32,
}

impl Bounds {
    /// How many samples.
    #[inline]
    pub fn len(&self) -> usize {
        self.hi.saturating_sub(self.lo) as usize
    }

    /// Whether there is none.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.lo >= self.hi
    }

    /// The first sample's index.
    #[inline]
    pub fn first(&self) -> usize {
        self.lo as usize
    }

    /// The last sample's index, of a window that has one.
    #[inline]
    pub fn last(&self) -> usize {
        self.hi as usize - 1
    }

    /// As a range of indices.
    #[inline]
    pub fn range(&self) -> std::ops::Range<usize> {
        self.lo as usize..self.hi as usize
    }
}

/// Samples that are looked over at once where steps are far apart.
const STRIDE: usize = 8;

/// Fills `bounds` with the samples inside each window `(end - range_ms, end]`,
/// in one merge of the timestamps with the ends. `timestamps` must ascend.
///
/// # Panics
/// If there are 2^32 samples or more.
pub fn compute_bounds(timestamps: &[i64], ends: Grid, range_ms: i64, bounds: &mut Vec<Bounds>) {
    assert!(
        u32::try_from(timestamps.len()).is_ok(),
        "fewer than 2^32 samples of one series"
    );
    // Samples may begin far before the first window: jump there.
    let begin = ends.at(0).saturating_sub(range_ms);
    let mut lo = timestamps.partition_point(|&t| t <= begin);
    let mut hi = lo;
    bounds.clear();
    bounds.extend((0..ends.len).map(|i| {
        let end = ends.at(i);
        hi = advance(timestamps, hi, end);
        // A range below 0 has no samples.
        lo = advance(timestamps, lo, end.saturating_sub(range_ms)).min(hi);
        Bounds {
            lo: lo as u32,
            hi: hi as u32,
        }
    }));
}

/// The first sample from `at` on that is later than `time`.
#[inline]
fn advance(timestamps: &[i64], mut at: usize, time: i64) -> usize {
    while timestamps.get(at + STRIDE - 1).is_some_and(|&t| t <= time) {
        at += STRIDE;
    }
    while timestamps.get(at).is_some_and(|&t| t <= time) {
        at += 1;
    }
    at
}

//! Which samples lie in which window.

use super::Times;

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
        (self.hi - self.lo) as usize
    }

    /// Whether there is none.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.lo == self.hi
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

/// Fills `bounds` with the windows `(end - range_ms, end]` for `steps` ends,
/// in one merge of the timestamps with the ends.
pub fn compute_bounds(
    timestamps: &[i64],
    ends: Times,
    range_ms: i64,
    steps: usize,
    bounds: &mut Vec<Bounds>,
) {
    bounds.clear();
    bounds.reserve(steps);
    let n = timestamps.len();
    if n == 0 {
        bounds.resize(steps, Bounds::default());
        return;
    }
    // A long chunk may begin far before the first window: jump there.
    let first_end = ends.at(0);
    let mut lo = timestamps.partition_point(|&t| t <= first_end.saturating_sub(range_ms));
    let mut hi = lo + timestamps[lo..].partition_point(|&t| t <= first_end);
    for i in 0..steps {
        let end = ends.at(i);
        let begin = end.saturating_sub(range_ms);
        while hi < n && timestamps[hi] <= end {
            hi += 1;
        }
        while lo < hi && timestamps[lo] <= begin {
            lo += 1;
        }
        bounds.push(Bounds {
            lo: lo as u32,
            hi: hi as u32,
        });
    }
}

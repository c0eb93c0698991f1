//! Which samples lie in which window.

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

/// Fills `bounds` with the samples inside each window `(end - range_ms, end]`,
/// in one merge of the timestamps with the ends, or by arithmetic where all
/// samples have the same distance. `timestamps` must ascend.
///
/// # Panics
/// If there are 2^32 samples or more.
pub fn compute_bounds(timestamps: &[i64], ends: Grid, range_ms: i64, bounds: &mut Vec<Bounds>) {
    let count = u32::try_from(timestamps.len()).expect("fewer than 2^32 samples of one series");
    bounds.clear();
    if count == 0 {
        return bounds.resize(ends.len, Bounds::default());
    }
    bounds.reserve(ends.len);
    match even_distance(timestamps) {
        Some(distance) if fits(timestamps, ends, range_ms) => {
            by_arithmetic(timestamps[0], distance, count, ends, range_ms, bounds);
        }
        _ => by_merge(timestamps, ends, range_ms, bounds),
    }
}

/// The distance of neighbours, where it is the same for all.
fn even_distance(timestamps: &[i64]) -> Option<i64> {
    let (first, last) = (*timestamps.first()?, *timestamps.last()?);
    let distance = timestamps.get(1)?.checked_sub(first)?;
    let gaps = i64::try_from(timestamps.len() - 1).ok()?;
    // Most series that are not even show it in their ends already.
    if distance <= 0 || distance.checked_mul(gaps)? != last.checked_sub(first)? {
        return None;
    }
    let even = timestamps
        .windows(2)
        .fold(true, |even, w| even & (w[1].wrapping_sub(w[0]) == distance));
    even.then_some(distance)
}

/// Whether no difference of the times that are compared overflows.
fn fits(timestamps: &[i64], ends: Grid, range_ms: i64) -> bool {
    const FAR: u64 = 1 << 60;
    let near = |t: i64| t.unsigned_abs() < FAR;
    let last = timestamps[timestamps.len() - 1];
    near(timestamps[0])
        && near(last)
        && near(range_ms)
        && near(ends.start_ms)
        && near(ends.at(ends.len))
        && ends.step_ms >= 0
        && near(ends.step_ms)
}

fn by_merge(timestamps: &[i64], ends: Grid, range_ms: i64, bounds: &mut Vec<Bounds>) {
    let count = timestamps.len();
    // Samples may begin far before the first window: jump there.
    let begin = ends.at(0).saturating_sub(range_ms);
    let mut lo = timestamps.partition_point(|&t| t <= begin);
    let mut hi = lo + timestamps[lo..].partition_point(|&t| t <= ends.at(0));
    for i in 0..ends.len {
        let end = ends.at(i);
        let begin = end.saturating_sub(range_ms);
        while hi < count && timestamps[hi] <= end {
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

/// How many evenly spaced samples lie at or before a time that moves on.
struct Counter {
    count: i64,
    rest: i64,
    count_step: i64,
    rest_step: i64,
    distance: i64,
}

impl Counter {
    fn new(time: i64, first: i64, distance: i64, step: i64) -> Counter {
        let passed = time - first;
        Counter {
            count: passed.div_euclid(distance) + 1,
            rest: passed.rem_euclid(distance),
            count_step: step / distance,
            rest_step: step % distance,
            distance,
        }
    }

    #[inline]
    fn clamped(&self, most: i64) -> u32 {
        self.count.clamp(0, most) as u32
    }

    #[inline]
    fn advance(&mut self) {
        let rest = self.rest + self.rest_step;
        let carry = rest >= self.distance;
        self.rest = if carry { rest - self.distance } else { rest };
        self.count += self.count_step + i64::from(carry);
    }
}

fn by_arithmetic(
    first: i64,
    distance: i64,
    count: u32,
    ends: Grid,
    range_ms: i64,
    bounds: &mut Vec<Bounds>,
) {
    let mut hi = Counter::new(ends.start_ms, first, distance, ends.step_ms);
    let mut lo = Counter::new(ends.start_ms - range_ms, first, distance, ends.step_ms);
    let most = i64::from(count);
    bounds.extend((0..ends.len).map(|_| {
        let window = Bounds {
            lo: lo.clamped(most),
            hi: hi.clamped(most),
        };
        lo.advance();
        hi.advance();
        // A negative range has no samples, but also no order of its bounds.
        Bounds {
            lo: window.lo.min(window.hi),
            hi: window.hi,
        }
    }));
}

//! The samples of each window, as ranges of indices.
//!
//! Samples of a scrape lie almost evenly: a line through some of them says
//! where a window ends, but for a sample that is some ms early or late. So
//! ends are guessed for a block of steps at a time, and each is corrected by
//! two comparisons, without a branch. A block in which a guess is farther off,
//! for a missing sample or so, goes by a merge of timestamps and ends.

use std::cell::Cell;

use crate::grid::Grid;
use crate::paths::takes_fast;

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

/// Steps whose ends are guessed at once. A longer block costs more where its
/// guess fails.
const BLOCK: usize = 64;

/// Samples that a line is laid through: enough that jitter of some ms does not
/// move its end by a sample.
const FIT: usize = 16;

/// Where guesses fail, so many blocks are merged at most before the next one.
const PATIENCE: usize = 8;

/// Fills `bounds` with the samples inside each window `(end - range_ms, end]`.
/// `timestamps` must ascend.
///
/// # Panics
/// If there are 2^32 samples or more.
pub fn compute_bounds(timestamps: &[i64], ends: Grid, range_ms: i64, bounds: &mut Vec<Bounds>) {
    assert!(
        u32::try_from(timestamps.len()).is_ok(),
        "fewer than 2^32 samples of one series"
    );
    bounds.resize(ends.len, Bounds::default());
    if let [alone] = &mut bounds[..] {
        let begin = ends.start_ms.saturating_sub(range_ms);
        let hi = timestamps.partition_point(|&t| t <= ends.start_ms);
        let lo = timestamps.partition_point(|&t| t <= begin).min(hi);
        *alone = Bounds {
            lo: lo as u32,
            hi: hi as u32,
        };
        return;
    }
    // `None` where the time line ends within the grid.
    let begins = |steps: usize| {
        let last = i64::try_from(ends.len).ok()?.checked_mul(ends.step_ms)?;
        ends.start_ms.checked_add(last)?.checked_sub(range_ms)?;
        let start_ms = ends.start_ms.checked_sub(range_ms)?;
        Some(Grid {
            start_ms,
            len: steps.min(ends.len),
            ..ends
        })
    };
    // Where a window is some steps long, it begins behind an earlier one's end.
    let steps = if ends.step_ms > 0 && range_ms % ends.step_ms == 0 {
        usize::try_from(range_ms / ends.step_ms).unwrap_or(usize::MAX)
    } else {
        usize::MAX
    };
    match begins(steps) {
        Some(begins) if range_ms >= 0 && ends.step_ms > 0 => {
            count_until(timestamps, ends, bounds, |b, count| b.hi = count);
            count_until(timestamps, begins, bounds, |b, count| b.lo = count);
            let bounds = Cell::from_mut(&mut bounds[..]).as_slice_of_cells();
            for (earlier, now) in bounds.iter().zip(&bounds[begins.len..]) {
                let (lo, hi) = (earlier.get().hi, now.get().hi);
                now.set(Bounds { lo, hi });
            }
        }
        _ => merge(timestamps, ends, range_ms, bounds),
    }
}

/// Merges timestamps with the windows' beginnings and ends.
fn merge(timestamps: &[i64], ends: Grid, range_ms: i64, bounds: &mut [Bounds]) {
    // Samples may begin far before the first window: jump there.
    let begin = ends.at(0).saturating_sub(range_ms);
    let mut lo = timestamps.partition_point(|&t| t <= begin);
    let mut hi = lo;
    for (i, bounds) in bounds.iter_mut().enumerate() {
        let end = ends.at(i);
        hi = advance(timestamps, hi, end);
        // A range below 0 has no samples.
        lo = advance(timestamps, lo, end.saturating_sub(range_ms)).min(hi);
        *bounds = Bounds {
            lo: lo as u32,
            hi: hi as u32,
        };
    }
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

/// Tells `set` how many samples there are until each time of a grid, whose
/// step is above 0 and whose times are all on the time line.
#[inline]
fn count_until(
    timestamps: &[i64],
    grid: Grid,
    bounds: &mut [Bounds],
    set: impl Fn(&mut Bounds, u32),
) {
    let mut at = timestamps.partition_point(|&t| t <= grid.start_ms);
    let mut counts = [0; BLOCK];
    // Blocks to merge before the next guess, and after another wrong one.
    let (mut merged, mut patience) = (0, 1);
    let mut rest = &mut bounds[..grid.len];
    let mut start_ms = grid.start_ms;
    while !rest.is_empty() {
        at = advance(timestamps, at, start_ms);
        let block = Grid {
            start_ms,
            len: rest.len().min(BLOCK),
            ..grid
        };
        let guessed = match takes_fast(merged == 0) {
            true => guess(timestamps, at, block, &mut counts),
            false => None,
        };
        (merged, patience) = match (merged, guessed) {
            (0, None) => (patience, (patience * 2).min(PATIENCE)),
            (0, Some(_)) => (0, 1),
            (merged, _) => (merged - 1, patience),
        };
        let known = guessed.unwrap_or_else(|| {
            for (i, count) in counts[..block.len].iter_mut().enumerate() {
                at = advance(timestamps, at, block.at(i));
                *count = at as u32;
            }
            block.len
        });
        let (block, later) = rest.split_at_mut(known);
        for (bounds, &count) in block.iter_mut().zip(&counts) {
            set(bounds, count);
        }
        at = counts[known - 1] as usize;
        start_ms = start_ms.wrapping_add(grid.step_ms * known as i64);
        rest = later;
    }
}

/// Guesses how many samples there are until each time of a grid of at most
/// [`BLOCK`] steps, and how many of these guesses hold from the first one on;
/// `None` if one is wrong. `at` is the count of the first time.
#[inline]
fn guess(timestamps: &[i64], at: usize, grid: Grid, counts: &mut [u32; BLOCK]) -> Option<usize> {
    let from = at.checked_sub(2)?;
    let (before, to) = (at - 1, timestamps.len().checked_sub(1)?.min(at - 1 + FIT));
    let fitted = timestamps[to].checked_sub(timestamps[before])?;
    // Samples, in units of 2^-32, by which a step and the first time go on.
    let unit = (1u64 << 32) as f64 * (to - before) as f64 / fitted as f64;
    let per_step = (grid.step_ms as f64 * unit) as u64;
    let phase = (grid.start_ms.checked_sub(timestamps[before])? as f64 * unit) as u64;
    // Of each guess, two samples before and two behind it are compared.
    let room = (timestamps.len() as u64).checked_sub(from as u64 + 3)? << 32;
    if per_step == 0 || per_step >= room || phase >= room {
        return None;
    }
    let len = grid.len.min((room - phase).div_ceil(per_step) as usize);
    let samples = &timestamps[from..];
    let base = from as u32 + 1;
    let last = (phase + per_step * (len as u64 - 1)) >> 32;
    let is_even = phase >> 32 == 0 && last == BLOCK as u64 - 1;
    if is_even && let Some(near) = samples.first_chunk().and_then(|s| Near::new(s, grid)) {
        // There may be fewer times than the block has, if steps are a little
        // longer than the gaps between samples.
        return near.count(base, counts).then_some(len);
    }
    let mut holds = true;
    let (mut end, mut at) = (grid.start_ms, phase);
    for count in &mut counts[..len] {
        let guess = (at >> 32) as usize;
        let near = &samples[guess..guess + 4];
        holds &= (near[0] <= end) & (end < near[3]);
        *count = base + guess as u32 + u32::from(near[1] <= end) + u32::from(near[2] <= end);
        end = end.wrapping_add(grid.step_ms);
        at = at.wrapping_add(per_step);
    }
    holds.then_some(len)
}

/// The samples near a block with a sample a step.
const NEAR: usize = BLOCK + 3;

/// A block with a sample a step, most often: the samples that are compared
/// with its times, from the first time on, in 32 bits, which vectorizes.
struct Near {
    samples: [i32; NEAR],
    step_ms: i32,
}

impl Near {
    /// `None` if the times do not fit.
    #[inline]
    fn new(samples: &[i64; NEAR], grid: Grid) -> Option<Near> {
        let fits = |t: i64| i32::try_from(t.checked_sub(grid.start_ms)?).ok();
        fits(samples[0])?;
        fits(samples[NEAR - 1])?;
        let step_ms = i32::try_from(grid.step_ms).ok()?;
        step_ms.checked_mul(BLOCK as i32)?;
        Some(Near {
            samples: samples.map(|t| t.wrapping_sub(grid.start_ms) as i32),
            step_ms,
        })
    }

    /// Counts the samples until each time; whether these counts hold.
    #[inline]
    fn count(&self, base: u32, counts: &mut [u32; BLOCK]) -> bool {
        let (near, mut wrong) = (&self.samples, false);
        for i in 0..BLOCK {
            let end = i as i32 * self.step_ms;
            wrong |= (near[i] > end) | (end >= near[i + 3]);
            counts[i] =
                base + i as u32 + u32::from(near[i + 1] <= end) + u32::from(near[i + 2] <= end);
        }
        !wrong
    }
}

//! `rate`, `increase`, `delta`, `irate`, `idelta`.
//!
//! A counter that falls was reset; the value before the fall is added to what
//! the window gained. The positions of resets are found once for the series,
//! and only those inside a window are added, in order, as the reference does:
//! with few resets a window costs the same whatever its length. (Differences
//! of running sums would not give the same bits, and an infinite value before
//! a reset would poison all that follows.)
//!
//! What each window needs is gathered for some steps at a time into small
//! arrays, over which the extrapolation is branch-free arithmetic.

use super::{WindowInput, WindowScratch};

/// Steps that are gathered before they are computed: five arrays of this
/// length stay in L1.
const LANES: usize = 64;

/// `rate` (`COUNTER`, `PER_SECOND`), `increase` (`COUNTER`), `delta`.
pub fn extrapolated<const COUNTER: bool, const PER_SECOND: bool>(
    input: &WindowInput<'_>,
    scratch: &mut WindowScratch,
    out: &mut [f64],
    present: &mut [bool],
) {
    scratch.indices.clear();
    if COUNTER {
        find_resets(input, &mut scratch.indices);
    }
    let mut resets = Resets::new(&scratch.indices);
    let divisor = if PER_SECOND {
        seconds(input.range_ms)
    } else {
        1.0
    };
    let mut lanes = Lanes::new();
    let steps = out.chunks_mut(LANES).zip(present.chunks_mut(LANES));
    for (chunk, (out, present)) in steps.enumerate() {
        let from = chunk * LANES;
        if resets.at.is_empty() {
            gather(input, from, present, &mut lanes, |_, _, gained| gained);
        } else {
            gather(input, from, present, &mut lanes, |first, last, gained| {
                resets.correct(input.values, first, last, gained)
            });
        }
        lanes.extrapolate::<COUNTER, PER_SECOND>(divisor, out);
    }
    if COUNTER && let Some(start_timestamps) = input.start_timestamps {
        let mut resets = Resets::new(&scratch.indices);
        for (i, (out, present)) in out.iter_mut().zip(present).enumerate() {
            if let Some((gained, factor)) = since_start(input, start_timestamps, i, &mut resets) {
                *present = true;
                *out = gained * if PER_SECOND { factor / divisor } else { factor };
            }
        }
    }
}

/// A window in which the counter began to count: it was zero then, so that
/// nothing is to be guessed before the first sample, which may be the only one.
/// Gives what was gained, and by how much it is stretched.
fn since_start(
    input: &WindowInput<'_>,
    start_timestamps: &[i64],
    step: usize,
    resets: &mut Resets<'_>,
) -> Option<(f64, f64)> {
    let bounds = input.bounds[step];
    if bounds.is_empty() {
        return None;
    }
    let (first, last) = (bounds.first(), bounds.last());
    let (first_t, last_t) = (input.timestamps[first], input.timestamps[last]);
    let (begin, end) = input.edges(step);
    let start = start_timestamps[first];
    if start == 0 || start <= begin || start >= first_t {
        return None;
    }
    let (first_value, last_value) = (input.values[first], input.values[last]);
    let gained = resets.correct(input.values, first, last, last_value - first_value) + first_value;
    let between = |from: i64, to: i64| to.wrapping_sub(from) as f64 / 1000.0;
    let extent = Extent {
        to_start: 0.0,
        to_end: between(last_t, end),
        sampled: between(first_t, last_t),
        gaps: (bounds.len() - 1) as f64,
    };
    let factor = extent.factor_since(between(start, last_t));
    Some((gained, factor))
}

/// A length of time as Go gives it in seconds, to the last bit.
pub(super) fn seconds(ms: i64) -> f64 {
    (ms / 1000) as f64 + (ms % 1000 * 1_000_000) as f64 / 1e9
}

/// The indices of samples at which a counter had been reset: that are less
/// than the one before, or whose start says so.
pub(super) fn find_resets(input: &WindowInput<'_>, resets: &mut Vec<u32>) {
    let used = input.used();
    let values = &input.values[used.clone()];
    let offset = used.start as u32;
    if input.start_timestamps.is_some() {
        let reset = |&i: &usize| input.values[i] < input.values[i - 1] || input.starts_anew(i);
        resets.extend((used.start + 1..used.end).filter(reset).map(|i| i as u32));
        return;
    }
    // Most series have none: a branch-free pass tells.
    let any = values.windows(2).fold(false, |any, w| any | (w[1] < w[0]));
    if any {
        let pairs = (offset + 1..).zip(values.windows(2));
        resets.extend(pairs.filter(|(_, w)| w[1] < w[0]).map(|(at, _)| at));
    }
}

pub(super) struct Resets<'a> {
    at: &'a [u32],
    /// The first reset behind a window's first sample. Windows only move
    /// forward, so this does too.
    next: usize,
}

impl<'a> Resets<'a> {
    /// Resets at these samples, in order.
    pub(super) fn new(at: &'a [u32]) -> Self {
        Resets { at, next: 0 }
    }

    /// What a window gained, with the values before its resets.
    #[inline]
    pub(super) fn correct(
        &mut self,
        values: &[f64],
        first: usize,
        last: usize,
        mut gained: f64,
    ) -> f64 {
        while self
            .at
            .get(self.next)
            .is_some_and(|&at| at as usize <= first)
        {
            self.next += 1;
        }
        for &at in &self.at[self.next..] {
            if at as usize > last {
                break;
            }
            gained += values[at as usize - 1];
        }
        gained
    }
}

/// What the extrapolation of some steps needs. Times are ms.
struct Lanes {
    gained: [f64; LANES],
    first_value: [f64; LANES],
    to_start: [f64; LANES],
    to_end: [f64; LANES],
    sampled: [f64; LANES],
    gaps: [f64; LANES],
}

#[inline]
fn gather(
    input: &WindowInput<'_>,
    from: usize,
    present: &mut [bool],
    lanes: &mut Lanes,
    mut correct: impl FnMut(usize, usize, f64) -> f64,
) {
    let bounds = &input.bounds[from..from + present.len()];
    for (i, (bounds, present)) in bounds.iter().zip(present).enumerate() {
        *present = bounds.len() >= 2;
        if !*present {
            continue;
        }
        let (first, last) = (bounds.first(), bounds.last());
        let (first_t, last_t) = (input.timestamps[first], input.timestamps[last]);
        let (first_value, last_value) = (input.values[first], input.values[last]);
        let (begin, end) = input.edges(from + i);
        lanes.gained[i] = correct(first, last, last_value - first_value);
        lanes.first_value[i] = first_value;
        lanes.to_start[i] = first_t.wrapping_sub(begin) as f64;
        lanes.to_end[i] = end.wrapping_sub(last_t) as f64;
        lanes.sampled[i] = last_t.wrapping_sub(first_t) as f64;
        lanes.gaps[i] = (bounds.len() - 1) as f64;
    }
}

impl Lanes {
    fn new() -> Lanes {
        let ones = [1.0; LANES];
        Lanes {
            gained: ones,
            first_value: ones,
            to_start: ones,
            to_end: ones,
            sampled: ones,
            gaps: ones,
        }
    }

    /// Stretches what was gained between the first and the last sample
    /// towards the window's ends.
    #[inline]
    fn extrapolate<const COUNTER: bool, const PER_SECOND: bool>(
        &self,
        divisor: f64,
        out: &mut [f64],
    ) {
        for (i, out) in out.iter_mut().enumerate().take(LANES) {
            let gained = self.gained[i];
            let extent = Extent {
                to_start: self.to_start[i] / 1000.0,
                to_end: self.to_end[i] / 1000.0,
                sampled: self.sampled[i] / 1000.0,
                gaps: self.gaps[i],
            };
            let factor = extent.factor(COUNTER, self.first_value[i], gained);
            *out = gained * if PER_SECOND { factor / divisor } else { factor };
        }
    }
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

    /// As [`Extent::factor`], for a counter of which it is known that it began
    /// from zero so many seconds before the last sample.
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

/// `irate` (`COUNTER`) and `idelta`: the last two samples of each window.
pub fn last_two<const COUNTER: bool>(
    input: &WindowInput<'_>,
    out: &mut [f64],
    present: &mut [bool],
) {
    for ((bounds, out), present) in input.bounds.iter().zip(out).zip(present) {
        *present = false;
        if bounds.len() < 2 {
            continue;
        }
        let last = bounds.last();
        let interval = input.timestamps[last].wrapping_sub(input.timestamps[last - 1]);
        let (before, value) = (input.values[last - 1], input.values[last]);
        *present = interval != 0;
        *out = if !COUNTER {
            value - before
        } else {
            let gained = if value < before || input.starts_anew(last) {
                value
            } else {
                value - before
            };
            gained / (interval as f64 / 1000.0)
        };
    }
}

//! Resets and changes between neighbouring samples.

use super::bounds::Bounds;
use super::input::WindowInput;

/// Whether a counter was reset between two values.
#[inline]
pub(super) fn is_reset(before: f64, value: f64) -> bool {
    value < before
}

/// Whether two values differ.
#[inline]
pub(super) fn is_change(before: f64, value: f64) -> bool {
    value != before && !(value.is_nan() && before.is_nan())
}

/// The indices of samples at which a counter had been reset: that are less
/// than the one before, or whose start timestamp shows a reset.
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
    pub(super) at: &'a [u32],
    /// The first reset behind a window's first sample. Windows only move
    /// forward, so this does too.
    next: usize,
}

impl<'a> Resets<'a> {
    /// Resets at these samples, in order.
    #[inline]
    pub(super) fn new(at: &'a [u32]) -> Self {
        Resets { at, next: 0 }
    }

    /// Whether there may be a reset in any of some windows, which come next.
    #[inline]
    pub(super) fn any(&mut self, windows: &[Bounds]) -> bool {
        let (Some(first), Some(last)) = (windows.first(), windows.last()) else {
            return false;
        };
        while self.at.get(self.next).is_some_and(|&at| at <= first.lo) {
            self.next += 1;
        }
        self.at.get(self.next).is_some_and(|&at| at < last.hi)
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

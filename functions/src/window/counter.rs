//! `rate`, `increase`, `delta`, `irate`, `idelta`.
//!
//! A counter that falls was reset; the value before the fall is added to what
//! the window gained. The positions of resets are found once for the series,
//! and only those inside a window are added, in order, as the reference does:
//! with few resets a window costs the same whatever its length. (Differences
//! of running sums would not give the same bits, and an infinite value before
//! a reset would poison all that follows.)

use super::{Bounds, WindowInput};

/// `rate` (`counter`, `per_second`), `increase` (`counter`), `delta`.
pub fn extrapolated(
    input: &WindowInput<'_>,
    counter: bool,
    per_second: bool,
    out: &mut [f64],
    present: &mut [bool],
) {
    let resets = if counter {
        find_resets(input.values)
    } else {
        Vec::new()
    };
    let range_seconds = input.range_ms as f64 / 1000.0;
    // Index of the first reset behind the window's first sample; windows only
    // move forward, so the scan does too.
    let mut next_reset = 0;
    for (i, bounds) in input.bounds.iter().enumerate() {
        if bounds.len() < 2 {
            present[i] = false;
            continue;
        }
        let (first, last) = (bounds.first(), bounds.last());
        let mut gained = input.values[last] - input.values[first];
        if !resets.is_empty() {
            while next_reset < resets.len() && resets[next_reset] as usize <= first {
                next_reset += 1;
            }
            for &reset in &resets[next_reset..] {
                if reset as usize > last {
                    break;
                }
                gained += input.values[reset as usize - 1];
            }
        }
        let factor = factor(input, i, *bounds, counter, gained);
        let factor = if per_second {
            factor / range_seconds
        } else {
            factor
        };
        out[i] = gained * factor;
        present[i] = true;
    }
}

/// The indices of samples that are less than the one before.
fn find_resets(values: &[f64]) -> Vec<u32> {
    // Most series have none: a branch-free pass tells.
    let any = values.windows(2).fold(false, |any, w| any | (w[1] < w[0]));
    if !any {
        return Vec::new();
    }
    (1..values.len())
        .filter(|&i| values[i] < values[i - 1])
        .map(|i| i as u32)
        .collect()
}

/// By how much the gain between the first and the last sample is stretched
/// towards the window's ends.
#[inline]
fn factor(input: &WindowInput<'_>, step: usize, bounds: Bounds, counter: bool, gained: f64) -> f64 {
    let (first, last) = (bounds.first(), bounds.last());
    let (first_t, last_t) = (input.timestamps[first], input.timestamps[last]);
    let end = input.ends.at(step);
    let begin = end.wrapping_sub(input.range_ms);
    let mut to_start = first_t.wrapping_sub(begin) as f64 / 1000.0;
    let mut to_end = end.wrapping_sub(last_t) as f64 / 1000.0;
    let sampled = last_t.wrapping_sub(first_t) as f64 / 1000.0;
    let average = sampled / (bounds.len() - 1) as f64;
    // Samples about where they were expected reach the window's end; else the
    // series is taken to begin or end half an interval beyond the sample.
    let threshold = average * 1.1;
    if to_start >= threshold {
        to_start = average / 2.0;
    }
    let first_value = input.values[first];
    if counter && gained > 0.0 && first_value >= 0.0 {
        // A counter is not extrapolated below zero.
        to_start = to_start.min(sampled * (first_value / gained));
    }
    if to_end >= threshold {
        to_end = average / 2.0;
    }
    if sampled == 0.0 {
        1.0
    } else {
        (sampled + to_start + to_end) / sampled
    }
}

/// `irate` (`counter`) and `idelta`: the last two samples of each window.
pub fn last_two(input: &WindowInput<'_>, counter: bool, out: &mut [f64], present: &mut [bool]) {
    for (i, bounds) in input.bounds.iter().enumerate() {
        present[i] = false;
        if bounds.len() < 2 {
            continue;
        }
        let last = bounds.last();
        let interval = input.timestamps[last].wrapping_sub(input.timestamps[last - 1]);
        if interval == 0 {
            continue;
        }
        let (previous, value) = (input.values[last - 1], input.values[last]);
        let gained = if counter && value < previous {
            value
        } else {
            value - previous
        };
        out[i] = if counter {
            gained / (interval as f64 / 1000.0)
        } else {
            gained
        };
        present[i] = true;
    }
}

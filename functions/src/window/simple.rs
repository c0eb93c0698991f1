//! Functions of a window's bounds or of neighbouring samples.

use super::extended::anchored;
use super::{Bounds, WindowInput, WindowScratch};

/// A number for each window that has a sample.
#[inline]
pub fn of_window(
    input: &WindowInput<'_>,
    out: &mut [f64],
    present: &mut [bool],
    mut number: impl FnMut(Bounds) -> f64,
) {
    for ((&bounds, out), present) in input.bounds.iter().zip(out).zip(present) {
        *present = !bounds.is_empty();
        if *present {
            *out = number(bounds);
        }
    }
}

/// How often a sample is less than the one before.
pub fn resets(
    input: &WindowInput<'_>,
    scratch: &mut WindowScratch,
    out: &mut [f64],
    present: &mut [bool],
) {
    count_pairs(input, scratch, out, present, |i| {
        is_reset(input.values[i - 1], input.values[i]) || input.starts_anew(i)
    });
}

/// How often the value changes; NaN equals NaN here.
pub fn changes(
    input: &WindowInput<'_>,
    scratch: &mut WindowScratch,
    out: &mut [f64],
    present: &mut [bool],
) {
    count_pairs(input, scratch, out, present, |i| {
        is_change(input.values[i - 1], input.values[i])
    });
}

/// Whether a counter was reset between two values.
pub(super) fn is_reset(before: f64, value: f64) -> bool {
    value < before
}

/// Whether two values differ.
pub(super) fn is_change(before: f64, value: f64) -> bool {
    value != before && !(value.is_nan() && before.is_nan())
}

/// Counts samples for which `hit` holds, which looks at them and those before.
/// Counts are integers, so a running count over the series serves windows of
/// any length.
fn count_pairs(
    input: &WindowInput<'_>,
    scratch: &mut WindowScratch,
    out: &mut [f64],
    present: &mut [bool],
    hit: impl Fn(usize) -> bool,
) {
    let used = input.used();
    let running = &mut scratch.indices;
    running.clear();
    running.reserve(used.len());
    let mut count = 0u32;
    running.push(count);
    for i in used.clone().skip(1) {
        count += u32::from(hit(i));
        running.push(count);
    }
    let between =
        |b: Bounds| f64::from(running[b.last() - used.start] - running[b.first() - used.start]);
    if input.extension.is_none() {
        return of_window(input, out, present, between);
    }
    for (i, (out, present)) in out.iter_mut().zip(present).enumerate() {
        let bounds = anchored(input, i);
        *present = bounds.is_some();
        *out = bounds.map_or(0.0, between);
    }
}

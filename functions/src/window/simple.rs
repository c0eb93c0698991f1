//! Functions of a window's bounds or of neighbouring samples.

use super::{Bounds, WindowInput};

/// A number for each window that has a sample.
pub fn of_window(
    input: &WindowInput<'_>,
    out: &mut [f64],
    present: &mut [bool],
    number: impl Fn(Bounds) -> f64,
) {
    for (i, &bounds) in input.bounds.iter().enumerate() {
        present[i] = !bounds.is_empty();
        if present[i] {
            out[i] = number(bounds);
        }
    }
}

/// How often a sample is less than the one before.
pub fn resets(input: &WindowInput<'_>, out: &mut [f64], present: &mut [bool]) {
    count_pairs(input, out, present, |before, value| value < before);
}

/// How often the value changes; NaN equals NaN here.
pub fn changes(input: &WindowInput<'_>, out: &mut [f64], present: &mut [bool]) {
    count_pairs(input, out, present, |before, value| {
        value != before && !(value.is_nan() && before.is_nan())
    });
}

/// Counts neighbours for which `hit` holds. Counts are integers, so a
/// running count over the series serves windows of any length.
fn count_pairs(
    input: &WindowInput<'_>,
    out: &mut [f64],
    present: &mut [bool],
    hit: impl Fn(f64, f64) -> bool,
) {
    let mut running = Vec::with_capacity(input.values.len());
    let mut count = 0u32;
    for i in 0..input.values.len() {
        count += u32::from(i > 0 && hit(input.values[i - 1], input.values[i]));
        running.push(count);
    }
    of_window(input, out, present, |b| {
        f64::from(running[b.last()] - running[b.first()])
    });
}

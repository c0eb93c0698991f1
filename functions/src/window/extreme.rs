//! `min_over_time`, `max_over_time`, and the times of the extremes.

use super::WindowInput;
use super::simple::of_window;

/// From this many samples in a window on, blocks pay.
const LONG_WINDOW: usize = 32;

/// `min_over_time`; NaN only if all samples are.
pub fn min(input: &WindowInput<'_>, out: &mut [f64], present: &mut [bool]) {
    extreme(
        input,
        out,
        present,
        |a, b| if b < a || a.is_nan() { b } else { a },
    );
}

/// `max_over_time`; NaN only if all samples are.
pub fn max(input: &WindowInput<'_>, out: &mut [f64], present: &mut [bool]) {
    extreme(
        input,
        out,
        present,
        |a, b| if b > a || a.is_nan() { b } else { a },
    );
}

/// Directly, or for long windows in constant work a step by block-wise
/// prefixes and suffixes (van Herk, Gil and Werman).
fn extreme(
    input: &WindowInput<'_>,
    out: &mut [f64],
    present: &mut [bool],
    better: impl Fn(f64, f64) -> f64 + Copy,
) {
    let values = input.values;
    let direct = |from: usize, to: usize| {
        values[from + 1..=to]
            .iter()
            .copied()
            .fold(values[from], better)
    };
    let longest = input.bounds.iter().map(|b| b.len()).max().unwrap_or(0);
    let work: usize = input.bounds.iter().map(|b| b.len()).sum();
    if longest < LONG_WINDOW || work <= 2 * values.len() {
        of_window(input, out, present, |b| direct(b.first(), b.last()));
        return;
    }
    let (mut prefix, mut suffix) = (values.to_vec(), values.to_vec());
    for block in prefix.chunks_mut(longest) {
        for i in 1..block.len() {
            block[i] = better(block[i - 1], block[i]);
        }
    }
    for block in suffix.chunks_mut(longest) {
        for i in (0..block.len() - 1).rev() {
            block[i] = better(block[i], block[i + 1]);
        }
    }
    of_window(input, out, present, |b| {
        let (first, last) = (b.first(), b.last());
        if first / longest != last / longest {
            better(suffix[first], prefix[last])
        } else if first % longest == 0 {
            prefix[last]
        } else {
            direct(first, last)
        }
    });
}

/// The time, in seconds, of the last sample for which `beats` holds against
/// the best before it.
pub fn time_of(
    input: &WindowInput<'_>,
    beats: impl Fn(f64, f64) -> bool,
    out: &mut [f64],
    present: &mut [bool],
) {
    of_window(input, out, present, |b| {
        let (mut best, mut at) = (input.values[b.first()], b.first());
        for i in b.range() {
            if beats(input.values[i], best) || best.is_nan() {
                (best, at) = (input.values[i], i);
            }
        }
        input.timestamps[at] as f64 / 1000.0
    });
}

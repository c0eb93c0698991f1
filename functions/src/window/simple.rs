//! Functions of a window's bounds or of neighbouring samples.

use super::bounds::Bounds;
use super::extended::anchored;
use super::function::FloatKernel::{Buffered, Samples};
use super::function::{HistogramKernel, WindowFunction};
use super::input::WindowInput;
use super::native::pairs::{self, Pairs};
use super::native::simple as native;
use super::neighbours::{is_change, is_reset};
use super::scratch::WindowScratch;

/// `count_over_time`
pub static COUNT: WindowFunction = WindowFunction::new(
    Samples(|input, out, present| of_window(input, out, present, |b| b.len() as f64)),
    HistogramKernel::Corrects(native::count),
);

/// `present_over_time`
pub static PRESENT: WindowFunction = WindowFunction::new(
    Samples(|input, out, present| of_window(input, out, present, |_| 1.0)),
    HistogramKernel::Corrects(native::present),
);

/// `first_over_time`
pub static FIRST: WindowFunction = WindowFunction::new(
    Samples(|input, out, present| of_window(input, out, present, |b| input.values[b.first()])),
    HistogramKernel::Corrects(native::first),
);

/// `last_over_time`
pub static LAST: WindowFunction = WindowFunction::new(
    Samples(|input, out, present| of_window(input, out, present, |b| input.values[b.last()])),
    HistogramKernel::Corrects(native::last),
);

/// `ts_of_first_over_time`
pub static TS_OF_FIRST: WindowFunction = WindowFunction::new(
    Samples(|input, out, present| of_window(input, out, present, |b| seconds_at(input, b.first()))),
    HistogramKernel::Corrects(native::time_of_first),
);

/// `ts_of_last_over_time`
pub static TS_OF_LAST: WindowFunction = WindowFunction::new(
    Samples(|input, out, present| of_window(input, out, present, |b| seconds_at(input, b.last()))),
    HistogramKernel::Corrects(native::time_of_last),
);

/// `resets`
pub static RESETS: WindowFunction = WindowFunction::new(
    Buffered(resets),
    HistogramKernel::Replaces(|series, scratch, out| {
        pairs::count(series, Pairs::Resets, scratch, out);
    }),
)
.extended(|input, _, scratch, out, present| resets(input, scratch, out, present));

/// `changes`
pub static CHANGES: WindowFunction = WindowFunction::new(
    Buffered(changes),
    HistogramKernel::Replaces(|series, scratch, out| {
        pairs::count(series, Pairs::Changes, scratch, out);
    }),
)
.extended(|input, _, scratch, out, present| changes(input, scratch, out, present));

/// The time of a sample, in seconds.
#[inline]
fn seconds_at(input: &WindowInput<'_>, sample: usize) -> f64 {
    input.timestamps[sample] as f64 / 1000.0
}

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
fn resets(
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
fn changes(
    input: &WindowInput<'_>,
    scratch: &mut WindowScratch,
    out: &mut [f64],
    present: &mut [bool],
) {
    count_pairs(input, scratch, out, present, |i| {
        is_change(input.values[i - 1], input.values[i])
    });
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

//! The instant selector as a window function: the latest sample within the
//! lookback, unless it is stale.

use super::input::WindowInput;

/// Bits of the NaN that marks a series as stale.
pub const STALE_NAN_BITS: u64 = 0x7ff0_0000_0000_0002;

/// The latest sample's value. Here `input.values` may hold stale markers.
///
/// # Panics
/// If `out` and `present` have not one item for each of `input.bounds`, or
/// bounds lie outside of the samples.
pub fn latest(input: &WindowInput<'_>, out: &mut [f64], present: &mut [bool]) {
    of_latest(input, out, present, |_, value| value);
}

/// The latest sample's time, in seconds, where [`latest`] has a value.
///
/// # Panics
/// As [`latest`].
pub fn latest_timestamp(input: &WindowInput<'_>, out: &mut [f64], present: &mut [bool]) {
    of_latest(input, out, present, |at, _| {
        input.timestamps[at] as f64 / 1000.0
    });
}

/// The latest sample's start timestamp, in seconds, where [`latest`] has a
/// value; no value where the query does not want start timestamps.
///
/// # Panics
/// As [`latest`].
pub fn latest_start(input: &WindowInput<'_>, out: &mut [f64], present: &mut [bool]) {
    match input.start_timestamps {
        Some(start_timestamps) => of_latest(input, out, present, |at, _| {
            start_timestamps[at] as f64 / 1000.0
        }),
        None => present.fill(false),
    }
}

fn of_latest(
    input: &WindowInput<'_>,
    out: &mut [f64],
    present: &mut [bool],
    number: impl Fn(usize, f64) -> f64,
) {
    assert_eq!(input.bounds.len(), out.len(), "one item a step");
    assert_eq!(input.bounds.len(), present.len(), "one flag a step");
    for ((bounds, out), present) in input.bounds.iter().zip(out).zip(present) {
        *present = false;
        if !bounds.is_empty() {
            let value = input.values[bounds.last()];
            *present = value.to_bits() != STALE_NAN_BITS;
            *out = number(bounds.last(), value);
        }
    }
}

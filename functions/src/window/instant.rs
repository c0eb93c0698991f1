//! The instant selector as a window function: the latest sample within the
//! lookback, unless it is stale.

use super::WindowInput;

/// Bits of the NaN that marks a series as stale.
pub const STALE_NAN: u64 = 0x7ff0_0000_0000_0002;

/// The latest sample's value. Here alone `values` may hold stale markers.
pub fn latest(input: &WindowInput<'_>, out: &mut [f64], present: &mut [bool]) {
    for (i, bounds) in input.bounds.iter().enumerate() {
        present[i] = false;
        if !bounds.is_empty() {
            let value = input.values[bounds.last()];
            out[i] = value;
            present[i] = value.to_bits() != STALE_NAN;
        }
    }
}

/// The latest sample's time, in seconds.
pub fn latest_timestamp(input: &WindowInput<'_>, out: &mut [f64], present: &mut [bool]) {
    latest(input, out, present);
    for (i, bounds) in input.bounds.iter().enumerate() {
        if present[i] {
            out[i] = input.timestamps[bounds.last()] as f64 / 1000.0;
        }
    }
}

//! Functions of a window's order: `quantile_over_time`, `mad_over_time`.

use super::{Param, WindowInput};
use crate::quantile::quantile as quantile_of;

/// The quantile of each window.
pub fn quantile(input: &WindowInput<'_>, q: Param<'_>, out: &mut [f64], present: &mut [bool]) {
    let mut scratch = Vec::new();
    for (i, bounds) in input.bounds.iter().enumerate() {
        present[i] = !bounds.is_empty();
        if present[i] {
            scratch.clear();
            scratch.extend_from_slice(&input.values[bounds.range()]);
            out[i] = quantile_of(q.at(i), &mut scratch);
        }
    }
}

/// The median of the distances from the median; NaN if a sample is NaN.
pub fn mad(input: &WindowInput<'_>, out: &mut [f64], present: &mut [bool]) {
    let mut scratch = Vec::new();
    for (i, bounds) in input.bounds.iter().enumerate() {
        present[i] = !bounds.is_empty();
        if !present[i] {
            continue;
        }
        scratch.clear();
        scratch.extend_from_slice(&input.values[bounds.range()]);
        if scratch.iter().any(|v| v.is_nan()) {
            out[i] = f64::NAN;
            continue;
        }
        let median = quantile_of(0.5, &mut scratch);
        for value in &mut scratch {
            *value = (*value - median).abs();
        }
        out[i] = quantile_of(0.5, &mut scratch);
    }
}

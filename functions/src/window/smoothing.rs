//! `double_exponential_smoothing`.

use super::{Param, ParamError, WindowInput};

/// The last smoothed value of each window with two samples or more.
///
/// # Errors
/// When a factor is not inside (0, 1) at a step whose window has a sample.
pub fn double_exponential(
    input: &WindowInput<'_>,
    smoothing: Param<'_>,
    trend: Param<'_>,
    out: &mut [f64],
    present: &mut [bool],
) -> Result<(), ParamError> {
    for (i, bounds) in input.bounds.iter().enumerate() {
        present[i] = false;
        if bounds.is_empty() {
            continue;
        }
        let (sf, tf) = (smoothing.at(i), trend.at(i));
        if sf <= 0.0 || sf >= 1.0 {
            return Err(ParamError::SmoothingFactor(sf));
        }
        if tf <= 0.0 || tf >= 1.0 {
            return Err(ParamError::TrendFactor(tf));
        }
        if bounds.len() < 2 {
            continue;
        }
        out[i] = smooth(&input.values[bounds.range()], sf, tf);
        present[i] = true;
    }
    Ok(())
}

fn smooth(values: &[f64], sf: f64, tf: f64) -> f64 {
    let mut before = 0.0;
    let mut level = values[0];
    let mut slope = values[1] - values[0];
    for (i, &value) in values.iter().enumerate().skip(1) {
        if i > 1 {
            slope = tf * (level - before) + (1.0 - tf) * slope;
        }
        let next = sf * value + (1.0 - sf) * (level + slope);
        (before, level) = (level, next);
    }
    level
}

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
        let [sf, tf] = factors([smoothing, trend], i)?;
        if bounds.len() < 2 {
            continue;
        }
        out[i] = smooth(&input.values[bounds.range()], sf, tf);
        present[i] = true;
    }
    Ok(())
}

/// The two factors at a step.
///
/// # Errors
/// When one is not inside (0, 1).
pub fn factors(params: [Param<'_>; 2], step: usize) -> Result<[f64; 2], ParamError> {
    let [sf, tf] = params.map(|param| param.at(step));
    if sf <= 0.0 || sf >= 1.0 {
        return Err(ParamError::SmoothingFactor(sf));
    }
    if tf <= 0.0 || tf >= 1.0 {
        return Err(ParamError::TrendFactor(tf));
    }
    Ok([sf, tf])
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

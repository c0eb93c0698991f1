//! `double_exponential_smoothing`.

use super::function::FloatKernel::WithParams;
use super::function::{HistogramKernel, WindowFunction};
use super::input::{ParamError, WindowInput, required};
use super::native::series::Series;
use crate::grid::Param;

/// `double_exponential_smoothing`
pub static DOUBLE_EXPONENTIAL: WindowFunction = WindowFunction::new(
    WithParams(|input, params, _, out, present| {
        double_exponential(input, both(params)?, out, present)
    }),
    HistogramKernel::IgnoredAfter(|series, params| check_factors(series, both(params)?)),
);

/// The smoothing and the trend factor.
fn both<'a>(params: &[Param<'a>]) -> Result<[Param<'a>; 2], ParamError> {
    Ok([required(params, 0)?, required(params, 1)?])
}

/// The last smoothed value of each window with two samples or more.
///
/// # Errors
/// When a factor is not inside (0, 1) at a step whose window has a sample.
fn double_exponential(
    input: &WindowInput<'_>,
    params: [Param<'_>; 2],
    out: &mut [f64],
    present: &mut [bool],
) -> Result<(), ParamError> {
    for (i, bounds) in input.bounds.iter().enumerate() {
        present[i] = false;
        if bounds.is_empty() {
            continue;
        }
        let [sf, tf] = factors(params, i)?;
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
fn factors(params: [Param<'_>; 2], step: usize) -> Result<[f64; 2], ParamError> {
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

/// Looks at the factors of `double_exponential_smoothing`, which are refused
/// also where there are histograms alone.
///
/// # Errors
/// When a factor is not inside (0, 1) at a step whose window has a sample.
fn check_factors(series: &Series<'_>, params: [Param<'_>; 2]) -> Result<(), ParamError> {
    let bounds = series.input.floats.bounds.iter();
    let bounds = bounds.zip(series.input.histograms.bounds);
    for (step, (floats, histograms)) in bounds.enumerate() {
        if !(floats.is_empty() && histograms.is_empty()) {
            factors(params, step)?;
        }
    }
    Ok(())
}

//! `avg_over_time` where values are sums of several samples, as in downsampled
//! data: windows weigh as much as they have samples.

use super::input::WindowInput;
use super::scratch::WindowScratch;
use super::sums::SUM;
use crate::grid::Param;
use crate::kahan::Sum;
use crate::window::ParamError;

const NO_PARAMS: &[Param<'_>] = &[];

/// The sum of each window's values divided by the sum of its weights, one of
/// which belongs to each value: how many samples were added up to it.
///
/// # Errors
/// For windows that are `anchored` or `smoothed`.
///
/// # Panics
/// As [`WindowFunction::eval`](super::WindowFunction::eval), or if there is not
/// one weight for each value.
pub fn weighted_average(
    input: &WindowInput<'_>,
    weights: &[f64],
    scratch: &mut WindowScratch,
    out: &mut [f64],
    present: &mut [bool],
) -> Result<(), ParamError> {
    let mut totals = std::mem::take(&mut scratch.numbers);
    totals.clear();
    totals.resize(out.len(), 0.0);
    let of_weights = WindowInput {
        values: weights,
        ..*input
    };
    let summed = SUM
        .eval(&of_weights, NO_PARAMS, scratch, &mut totals, present)
        .and_then(|()| SUM.eval(input, NO_PARAMS, scratch, out, present));
    for (step, bounds) in input.bounds.iter().enumerate() {
        let (sum, weight) = (out[step], totals[step]);
        out[step] = match sum.is_finite() {
            true => sum / weight,
            // The sum overflows where the mean does not.
            false => {
                let mut mean = Sum::default();
                let values = &input.values[bounds.range()];
                values.iter().for_each(|&v| mean.add(v / weight));
                mean.value()
            }
        };
    }
    scratch.numbers = totals;
    summed
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{compute_bounds, sums};
    use super::*;
    use crate::grid::Grid;

    type Averages = Vec<Option<f64>>;

    /// Of windows of 10 ms, each 3 ms later than the one before.
    fn averages(samples: &[(f64, f64)]) -> (Averages, Averages) {
        let timestamps: Vec<i64> = (0..samples.len() as i64).collect();
        let (values, weights): (Vec<f64>, Vec<f64>) = samples.iter().copied().unzip();
        let ends = Grid::range(-2, samples.len() as i64 + 12, 3);
        let mut bounds = Vec::new();
        compute_bounds(&timestamps, ends, 10, &mut bounds);
        let input = WindowInput {
            raised_by: None,
            timestamps: &timestamps,
            values: &values,
            start_timestamps: None,
            bounds: &bounds,
            ends,
            range_ms: 10,
            extension: None,
            eval: ends,
        };
        let mut scratch = WindowScratch::default();
        let (mut out, mut present) = (vec![0.0; ends.len], vec![false; ends.len]);
        let weighted = weighted_average(&input, &weights, &mut scratch, &mut out, &mut present);
        weighted.unwrap();
        let shown = |out: &[f64], present: &[bool]| -> Averages {
            let pairs = out.iter().zip(present);
            pairs.map(|(&v, &p)| p.then_some(v)).collect()
        };
        let got = shown(&out, &present);
        let eval = sums::AVG.eval(&input, &[], &mut scratch, &mut out, &mut present);
        eval.unwrap();
        (got, shown(&out, &present))
    }

    proptest! {
        #[test]
        fn it_is_sums_over_weights(
            samples in proptest::collection::vec((-100.0f64..100.0, 1u32..50), 1..200),
        ) {
            let samples: Vec<_> = samples.into_iter().map(|(v, w)| (v, f64::from(w))).collect();
            let (got, _) = averages(&samples);
            for (step, got) in got.into_iter().enumerate() {
                let end = -2 + 3 * step as i64;
                let window = (end - 9).max(0) as usize
                    ..((end + 1).max(0) as usize).min(samples.len());
                let window = samples.get(window).unwrap_or_default();
                let (sum, weight) = window.iter()
                    .fold((0.0, 0.0), |(s, w), (v, weight)| (s + v, w + weight));
                match got {
                    None => prop_assert!(window.is_empty()),
                    Some(got) => prop_assert!((got - sum / weight).abs() < 1e-9),
                }
            }
        }

        #[test]
        fn with_equal_weights_it_is_the_average(
            values in proptest::collection::vec(-1e9f64..1e9, 1..100),
        ) {
            let samples: Vec<_> = values.into_iter().map(|v| (v, 1.0)).collect();
            let (weighted, plain) = averages(&samples);
            for (a, b) in weighted.into_iter().zip(plain) {
                prop_assert_eq!(a.is_some(), b.is_some());
                if let (Some(a), Some(b)) = (a, b) {
                    prop_assert!((a - b).abs() <= 1e-14 * b.abs().max(1e9));
                }
            }
        }
    }

    #[test]
    fn sums_that_overflow_have_an_average() {
        let (got, _) = averages(&[(1.6e308, 2.0), (1.6e308, 2.0)]);
        assert_eq!(got[1], Some(8e307));
        let (got, _) = averages(&[(f64::INFINITY, 2.0), (1.0, 2.0)]);
        assert_eq!(got[1], Some(f64::INFINITY));
        let (got, _) = averages(&[(f64::INFINITY, 2.0), (f64::NEG_INFINITY, 2.0)]);
        assert!(got[1].unwrap().is_nan());
    }
}

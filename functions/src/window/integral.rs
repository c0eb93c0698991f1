//! `integral`: the area under a window's samples, in value times seconds.

use super::function::FloatKernel::WithParams;
use super::function::{HistogramKernel, ParamBounds, WindowFunction};
use super::input::WindowInput;
use crate::grid::Param;
use crate::kahan;

/// `integral`
pub static INTEGRAL: WindowFunction = WindowFunction::new(
    WithParams(|input, params, _, out, present| {
        integral(input, params.first().copied(), out, present);
        Ok(())
    }),
    HistogramKernel::Ignored,
)
.bounded(ParamBounds {
    holds: |strategy| Quadrature::of(strategy).is_some(),
    text: "strategy should be 0, 1, or 2 (default), using 2",
});

/// How the area between two neighbours is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Quadrature {
    /// The earlier sample's value all the way.
    Left,
    /// The later sample's value all the way.
    Right,
    /// The mean of both.
    Trapezoid,
}

impl Quadrature {
    /// The rule that a parameter asks for; `None` if there is no such rule.
    fn of(strategy: f64) -> Option<Quadrature> {
        [Quadrature::Left, Quadrature::Right, Quadrature::Trapezoid]
            .into_iter()
            .zip([0.0, 1.0, 2.0])
            .find_map(|(rule, number)| (strategy == number).then_some(rule))
    }

    /// The height between two neighbours, and its rounding error.
    fn height(self, before: f64, value: f64) -> (f64, f64) {
        match self {
            Quadrature::Left => (before, 0.0),
            Quadrature::Right => (value, 0.0),
            Quadrature::Trapezoid => {
                let (sum, lost) = kahan::add(value, before, 0.0);
                if sum.is_infinite() && value.is_finite() && before.is_finite() {
                    kahan::add(value / 2.0, before / 2.0, 0.0)
                } else {
                    (sum / 2.0, lost / 2.0)
                }
            }
        }
    }
}

/// The area of each window; NaN samples count as 0.
fn integral(
    input: &WindowInput<'_>,
    strategy: Option<Param<'_>>,
    out: &mut [f64],
    present: &mut [bool],
) {
    for (i, bounds) in input.bounds.iter().enumerate() {
        present[i] = !bounds.is_empty();
        if present[i] {
            let rule = strategy.and_then(|strategy| Quadrature::of(strategy.at(i)));
            out[i] = area(input, rule.unwrap_or(Quadrature::Trapezoid), bounds.range());
        }
    }
}

fn area(input: &WindowInput<'_>, rule: Quadrature, window: std::ops::Range<usize>) -> f64 {
    let number = |v: f64| if v.is_nan() { 0.0 } else { v };
    let mut sum = kahan::Sum::default();
    for i in window.skip(1) {
        let (before, value) = (number(input.values[i - 1]), number(input.values[i]));
        let (height, lost) = rule.height(before, value);
        if height != 0.0 || lost != 0.0 {
            let seconds = input.timestamps[i].wrapping_sub(input.timestamps[i - 1]) as f64 / 1000.0;
            sum.compensation += lost * seconds;
            sum.add(height * seconds);
        }
    }
    sum.value()
}

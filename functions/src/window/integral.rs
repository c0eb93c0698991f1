//! `integral`: the area under a window's samples, in value times seconds.

use super::areas::Areas;
use super::function::FloatKernel::WithParams;
use super::function::{HistogramKernel, ParamBounds, WindowFunction};
use super::input::WindowInput;
use super::scratch::WindowScratch;
use super::simple::of_window;
use super::sliding::{pays, slide_over};
use crate::grid::Param;
use crate::kahan;

/// `integral`
pub static INTEGRAL: WindowFunction = WindowFunction::new(
    WithParams(|input, params, scratch, out, present| {
        let rule = match params.first() {
            Some(Param::PerStep(strategies)) => {
                by_step(input, strategies, out, present);
                return Ok(());
            }
            Some(Param::Const(strategy)) => Quadrature::of(*strategy),
            None => None,
        };
        integral(
            input,
            rule.unwrap_or(Quadrature::Trapezoid),
            scratch,
            out,
            present,
        );
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

/// Below this many samples the plain loop, which gives Prometheus's bits, is
/// fast enough.
const LONG_WINDOW: usize = 24;

/// The plain loop may visit each sample so often before sliding, which visits
/// it twice, is faster.
const VISITS: usize = 4;

/// The area of each window; NaN samples count as 0.
fn integral(
    input: &WindowInput<'_>,
    rule: Quadrature,
    scratch: &mut WindowScratch,
    out: &mut [f64],
    present: &mut [bool],
) {
    if !pays(input, LONG_WINDOW, VISITS) {
        return of_window(input, out, present, |b| area(input, rule, b.range()));
    }
    let front = &mut scratch.areas;
    let item = |i: usize| before(input, rule, i);
    slide_over::<Areas>(input.bounds, item, front, out, present, |b, areas| {
        let area = areas.within.value();
        // Infinities depend on the order of the samples.
        if area.is_finite() {
            area
        } else {
            self::area(input, rule, b.range())
        }
    });
}

/// As [`integral`], where the rule changes.
fn by_step(input: &WindowInput<'_>, strategies: &[f64], out: &mut [f64], present: &mut [bool]) {
    for (i, bounds) in input.bounds.iter().enumerate() {
        let rule = Quadrature::of(strategies[i]);
        present[i] = !bounds.is_empty();
        if present[i] {
            out[i] = area(input, rule.unwrap_or(Quadrature::Trapezoid), bounds.range());
        }
    }
}

/// The area between a sample and the one before it, if there is one.
#[inline]
fn before(input: &WindowInput<'_>, rule: Quadrature, sample: usize) -> kahan::Sum {
    let mut sum = kahan::Sum::default();
    if let Some(earlier) = sample.checked_sub(1) {
        add(&mut sum, input, rule, earlier);
    }
    sum
}

fn area(input: &WindowInput<'_>, rule: Quadrature, window: std::ops::Range<usize>) -> f64 {
    let mut sum = kahan::Sum::default();
    for later in window.skip(1) {
        add(&mut sum, input, rule, later - 1);
    }
    sum.value()
}

/// Adds the area between a sample and the next.
#[inline]
fn add(sum: &mut kahan::Sum, input: &WindowInput<'_>, rule: Quadrature, at: usize) {
    let number = |v: f64| if v.is_nan() { 0.0 } else { v };
    let (before, value) = (number(input.values[at]), number(input.values[at + 1]));
    let (height, lost) = rule.height(before, value);
    if height != 0.0 || lost != 0.0 {
        let seconds = input.timestamps[at + 1].wrapping_sub(input.timestamps[at]) as f64 / 1000.0;
        sum.compensation += lost * seconds;
        sum.add(height * seconds);
    }
}

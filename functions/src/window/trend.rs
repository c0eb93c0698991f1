//! Least squares over long windows that overlap, in constant work a step.
//!
//! Sums of `y` and of `x * y` slide as in `sliding.rs`, and nothing is
//! subtracted: those of the front reach back from a border, those of the back
//! begin behind it. Both count times and values from the last sample before
//! the border, which lies in each window that they serve. So values that are
//! large and close lose nothing, and two states are joined by plain additions.
//! Sums over times are integers, which a sample may leave exactly.
//!
//! Bad at data of which a line says next to nothing; see [`WELL_CONDITIONED`].

use super::bounds::Bounds;
use super::input::WindowInput;
use crate::kahan::{Sum, add};

/// Of how long a series sums over times certainly fit: 2^40 ms (34 years) and
/// 2^22 samples.
const SPAN_MS: i64 = 1 << 40;
const SAMPLES: usize = 1 << 22;

/// Below this covariance, relative to the largest that times and values could
/// have, the rounding errors of Prometheus itself begin to show (1e-11 of the
/// result here). There only its own order of operations gives its answer.
const WELL_CONDITIONED: f64 = 1e-5;

/// Below this, relative to its terms, a predicted value has lost too many
/// digits to be that of another order of operations.
const CANCELLED: f64 = 1e-2;

/// Below this, products of values and times may be subnormal and have fewer
/// digits, and how many depends on the order of operations.
const SMALLEST: f64 = 1e-290;

/// Sums over some neighbouring samples.
#[derive(Clone, Copy, Debug, Default)]
pub struct Products {
    y: Sum,
    xy: Sum,
    magnitude: f64,
}

impl Products {
    #[inline]
    fn push(&mut self, x: f64, y: f64) {
        self.y.add(y);
        self.xy.add(x * y);
        self.magnitude += y.abs();
    }

    #[inline]
    fn join(self, other: &Products) -> Products {
        let join = |a: Sum, b: Sum| {
            let (sum, compensation) = add(b.sum, a.sum, a.compensation);
            Sum {
                sum,
                compensation: compensation + b.compensation,
            }
        };
        Products {
            y: join(self.y, other.y),
            xy: join(self.xy, other.xy),
            magnitude: self.magnitude + other.magnitude,
        }
    }
}

/// What is known of a window.
pub(super) enum Trend {
    /// All values are the same.
    Constant,
    /// A value is NaN.
    NotANumber,
    /// The line through it.
    Line(Line),
    /// The order of operations matters.
    IllConditioned,
}

/// A line. Times are ms.
pub(super) struct Line {
    /// The slope per second.
    pub slope: f64,
    mean: f64,
    /// From the time asked for to the mean time.
    mean_after: f64,
}

impl Line {
    /// The value some seconds after the time asked for, unless that cancels.
    pub fn at(&self, seconds: f64) -> Option<f64> {
        let passed = self.slope * (self.mean_after / 1000.0);
        let ahead = self.slope * seconds;
        let value = ahead + (self.mean - passed);
        let terms = ahead.abs() + self.mean.abs() + passed.abs();
        (value.abs() > CANCELLED * terms).then_some(value)
    }
}

/// Windows that slide over a series.
pub(super) struct Trends<'a> {
    timestamps: &'a [i64],
    values: &'a [f64],
    front: &'a mut Vec<Products>,
    /// The front ends here; `front[0]` is that of the sample before.
    border: usize,
    back: Products,
    /// The window: `from..to`.
    from: usize,
    to: usize,
    /// Times count from here.
    base: i64,
    /// Sums over times and their squares.
    times: i64,
    squares: i128,
    /// The values from here to the window's end are equal.
    run: usize,
    /// One behind the last NaN.
    behind_nan: usize,
}

impl<'a> Trends<'a> {
    /// `None` if sums over times might not fit.
    pub fn new(input: &WindowInput<'a>, front: &'a mut Vec<Products>) -> Option<Self> {
        let used = input.used();
        let timestamps = &input.timestamps[used.clone()];
        let base = *timestamps.first()?;
        let span = timestamps.last()?.checked_sub(base)?;
        if span > SPAN_MS || timestamps.len() > SAMPLES {
            return None;
        }
        front.clear();
        Some(Trends {
            timestamps: input.timestamps,
            values: input.values,
            front,
            border: used.start,
            back: Products::default(),
            from: used.start,
            to: used.start,
            base,
            times: 0,
            squares: 0,
            run: used.start,
            behind_nan: used.start,
        })
    }

    /// The line through the next window, which has a sample, and whose bounds
    /// are not below those of the last one. `time` is that from which the line
    /// is asked for.
    pub fn next(&mut self, bounds: Bounds, time: i64) -> Trend {
        self.advance(bounds);
        if self.behind_nan > self.from {
            Trend::NotANumber
        } else if self.run <= self.from {
            Trend::Constant
        } else {
            self.line(time).map_or(Trend::IllConditioned, Trend::Line)
        }
    }

    fn advance(&mut self, bounds: Bounds) {
        let (lo, hi) = (bounds.first(), bounds.range().end);
        if lo >= self.to {
            // Nothing in common with the last window.
            (self.from, self.to, self.run) = (lo, lo, lo);
            (self.times, self.squares) = (0, 0);
        }
        for &t in &self.timestamps[self.from..lo] {
            let x = t - self.base;
            self.times -= x;
            self.squares -= i128::from(x) * i128::from(x);
        }
        for i in self.to..hi {
            let (x, value) = (self.timestamps[i] - self.base, self.values[i]);
            self.times += x;
            self.squares += i128::from(x) * i128::from(x);
            if i > lo && value != self.values[i - 1] {
                self.run = i;
            }
            if value.is_nan() {
                self.behind_nan = i + 1;
            }
        }
        if lo >= self.border {
            self.fill_front(lo, hi);
        } else {
            let (time, value) = self.anchor();
            for i in self.to..hi {
                let x = (self.timestamps[i] - time) as f64;
                self.back.push(x, self.values[i] - value);
            }
        }
        (self.from, self.to) = (lo, hi);
    }

    /// The sample that both states count from.
    #[inline]
    fn anchor(&self) -> (i64, f64) {
        (
            self.timestamps[self.border - 1],
            self.values[self.border - 1],
        )
    }

    fn fill_front(&mut self, lo: usize, hi: usize) {
        (self.border, self.back) = (hi, Products::default());
        self.front.clear();
        let (time, value) = self.anchor();
        let mut products = Products::default();
        let samples = self.timestamps[lo..hi].iter().zip(&self.values[lo..hi]);
        self.front.extend(samples.rev().map(|(&t, &v)| {
            products.push((t - time) as f64, v - value);
            products
        }));
    }

    /// The line through the window; `None` where the order of operations
    /// matters, and never for infinities.
    fn line(&self, time: i64) -> Option<Line> {
        let (anchor, value) = self.anchor();
        let sums = self.front[self.border - 1 - self.from].join(&self.back);
        let count = (self.to - self.from) as i64;
        let n = count as f64;
        let distances = i128::from(count) * self.squares - i128::from(self.times).pow(2);
        let variance = distances as f64 / n;
        let x = (self.times - count * (anchor - self.base)) as f64;
        let (xy, xy_lost) = two_product(n, sums.xy.sum);
        let (moved, moved_lost) = two_product(x, sums.y.sum);
        let lost = n * sums.xy.compensation - x * sums.y.compensation;
        let covariance = ((xy - moved) + (xy_lost - moved_lost) + lost) / n;

        let first = self.timestamps[self.from].saturating_sub(time) as f64;
        let last = self.timestamps[self.to - 1].saturating_sub(time) as f64;
        let farthest = first.abs().max(last.abs());
        let magnitude = n * value.abs() + sums.magnitude;
        let is_well_conditioned = magnitude > SMALLEST
            && covariance.abs() > WELL_CONDITIONED * farthest * magnitude
            && variance > WELL_CONDITIONED * n * farthest * farthest;
        let slope = covariance / variance * 1000.0;
        (is_well_conditioned && slope.is_finite()).then(|| Line {
            slope,
            mean: value + (sums.y.sum + sums.y.compensation) / n,
            mean_after: anchor.saturating_sub(time) as f64 + x / n,
        })
    }
}

/// A product and its rounding error, by the method of Dekker.
#[inline]
fn two_product(a: f64, b: f64) -> (f64, f64) {
    let split = |v: f64| {
        let scaled = v * 134_217_729.0;
        let high = scaled - (scaled - v);
        (high, v - high)
    };
    let product = a * b;
    let ((a, a_low), (b, b_low)) = (split(a), split(b));
    let lost = ((a * b - product) + a * b_low + a_low * b) + a_low * b_low;
    (product, lost)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::grid::Grid;
    use crate::window::compute_bounds;
    use crate::window::regression::regression;

    /// The slope per second, of integers, by integers.
    fn exact(timestamps: &[i64], values: &[i64]) -> f64 {
        let n = timestamps.len() as i128;
        let samples = timestamps.iter().zip(values);
        let samples = samples.map(|(&t, &v)| (i128::from(t - timestamps[0]), i128::from(v)));
        let sum = |of: fn((i128, i128)) -> i128| samples.clone().map(of).sum::<i128>();
        let (x, y) = (sum(|s| s.0), sum(|s| s.1));
        let covariance = n * sum(|s| s.0 * s.1) - x * y;
        covariance as f64 * 1000.0 / (n * sum(|s| s.0 * s.0) - x * x) as f64
    }

    /// By how much the slope moves if each product is rounded.
    fn rounding(timestamps: &[i64], values: &[i64]) -> f64 {
        let (n, from) = (timestamps.len() as f64, timestamps[0]);
        let times = timestamps.iter().map(|t| (t - from) as f64);
        let mean = times.clone().sum::<f64>() / n;
        let variance: f64 = times.clone().map(|x| (x - mean) * (x - mean)).sum();
        let products: f64 = times.zip(values).map(|(x, &y)| x * (y as f64).abs()).sum();
        f64::EPSILON * products / variance * 1000.0
    }

    #[test]
    fn subnormal_values_keep_the_order_of_operations() {
        let timestamps: Vec<i64> = (0..40).map(|i| i * 30_000).collect();
        let values: Vec<f64> = (1..=40).map(|i| f64::from(i) * 5e-312).collect();
        let ends = Grid {
            start_ms: 600_000,
            step_ms: 30_000,
            len: 20,
        };
        let mut bounds = Vec::new();
        compute_bounds(&timestamps, ends, 600_000, &mut bounds);
        let input = WindowInput {
            raised_by: None,
            timestamps: &timestamps,
            values: &values,
            bounds: &bounds,
            ends,
            range_ms: 600_000,
            start_timestamps: None,
            extension: None,
            eval: ends,
        };
        let mut front = Vec::new();
        let mut trends = Trends::new(&input, &mut front).unwrap();
        for &b in &bounds {
            assert!(matches!(
                trends.next(b, timestamps[b.first()]),
                Trend::IllConditioned
            ));
        }
    }

    proptest! {
        #[test]
        fn slopes_are_as_exact_as_those_of_compensated_sums(
            gaps in proptest::collection::vec(29_990i64..30_010, 300),
            offset in prop_oneof![
                Just(0i64), Just(1_000_000_000), Just(1_000_000_000_000), Just(1_000_000_000_000_000)
            ],
            rise in prop_oneof![-3i64..=3, -1_000_000_000_000i64..1_000_000_000_000],
            noise in proptest::collection::vec(-100i64..=100, 300),
            scale in prop_oneof![Just(0i64), Just(1), Just(1_000_000)],
            range in 300_000i64..9_000_000,
        ) {
            let mut time = 1_700_000_000_000;
            let timestamps: Vec<i64> = gaps.iter().map(|gap| { time += gap; time }).collect();
            let values: Vec<i64> =
                (0..).zip(&noise).map(|(i, noise)| offset + i * rise + noise * scale).collect();
            let floats: Vec<f64> = values.iter().map(|&v| v as f64).collect();
            let ends = Grid { start_ms: timestamps[0], step_ms: 30_000, len: 310 };
            let mut bounds = Vec::new();
            compute_bounds(&timestamps, ends, range, &mut bounds);
            let input = WindowInput {
                raised_by: None,
                timestamps: &timestamps,
                values: &floats,
                bounds: &bounds,
                ends,
                range_ms: range,
                start_timestamps: None,
                extension: None,
                eval: ends,
            };
            let mut front = Vec::new();
            let mut trends = Trends::new(&input, &mut front).unwrap();
            for &b in bounds.iter().filter(|b| b.len() > 1) {
                let (times, window) = (&timestamps[b.range()], &values[b.range()]);
                let want = exact(times, window);
                let plain = regression(times, &floats[b.range()], times[0]).0;
                match trends.next(b, times[0]) {
                    Trend::Line(line) => {
                        let (off, plain_off) = ((line.slope - want).abs(), (plain - want).abs());
                        let most = plain_off.max(rounding(times, window)) + 4.0 * f64::EPSILON * want.abs();
                        prop_assert!(off <= most, "{off:e}, plain {plain_off:e} of {want}");
                    }
                    Trend::Constant => prop_assert!(window.iter().all(|v| *v == window[0])),
                    Trend::NotANumber => prop_assert!(false, "a number"),
                    Trend::IllConditioned => {}
                }
            }
        }
    }
}

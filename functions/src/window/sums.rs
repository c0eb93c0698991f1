//! `sum_over_time`, `avg_over_time`, `stddev_over_time`, `stdvar_over_time`.
//!
//! All are compensated, in the reference's order of operations, so short
//! windows give its very bits. Long windows would cost their length at each
//! step; there sums are put together from block-wise suffixes and prefixes
//! (van Herk), which subtract nothing and so lose no precision.

use super::WindowInput;
use super::simple::of_window;
use crate::kahan::{Mean, Sum, add};

/// Window samples for each step that one pass has to add up, from which on
/// blocks pay: below, the direct loop is faster and gives the reference's bits.
const LONG_WINDOW: usize = 64;

/// `sum_over_time`
pub fn sum(input: &WindowInput<'_>, out: &mut [f64], present: &mut [bool]) {
    match Blocks::worthwhile(input) {
        Some(blocks) => of_window(input, out, present, |b| {
            blocks.sum(b.first(), b.last()).value()
        }),
        None => of_window(input, out, present, |b| {
            let mut sum = Sum::default();
            input.values[b.range()].iter().for_each(|&v| sum.add(v));
            sum.value()
        }),
    }
}

/// `avg_over_time`
pub fn avg(input: &WindowInput<'_>, out: &mut [f64], present: &mut [bool]) {
    let direct = |range: std::ops::Range<usize>| {
        let mut mean = Mean::default();
        input.values[range].iter().for_each(|&v| mean.add(v));
        mean.value()
    };
    match Blocks::worthwhile(input) {
        Some(blocks) => of_window(input, out, present, |b| {
            let sum = blocks.sum(b.first(), b.last());
            if sum.sum.is_finite() {
                let n = b.len() as f64;
                sum.sum / n + sum.compensation / n
            } else {
                direct(b.range()) // overflow, or infinities among the samples
            }
        }),
        None => of_window(input, out, present, |b| direct(b.range())),
    }
}

/// `stdvar_over_time`, or with the square root `stddev_over_time`, by
/// Welford's method with compensation.
pub fn variance(
    input: &WindowInput<'_>,
    finish: impl Fn(f64) -> f64,
    out: &mut [f64],
    present: &mut [bool],
) {
    of_window(input, out, present, |b| {
        let (mut count, mut mean, mut squares) = (0.0, Sum::default(), Sum::default());
        for &value in &input.values[b.range()] {
            count += 1.0;
            let delta = value - (mean.sum + mean.compensation);
            mean.add(delta / count);
            squares.add(delta * (value - (mean.sum + mean.compensation)));
        }
        finish((squares.sum + squares.compensation) / count)
    });
}

/// Running sums from each block's begin (prefix) and towards its end (suffix).
struct Blocks<'a> {
    values: &'a [f64],
    size: usize,
    prefix: Vec<Sum>,
    suffix: Vec<Sum>,
}

impl<'a> Blocks<'a> {
    fn worthwhile(input: &WindowInput<'a>) -> Option<Blocks<'a>> {
        let work: usize = input.bounds.iter().map(|b| b.len()).sum();
        let longest = input.bounds.iter().map(|b| b.len()).max().unwrap_or(0);
        (longest >= LONG_WINDOW && work > 4 * input.values.len())
            .then(|| Blocks::new(input.values, longest))
    }

    fn new(values: &'a [f64], size: usize) -> Blocks<'a> {
        let mut prefix = vec![Sum::default(); values.len()];
        let mut suffix = vec![Sum::default(); values.len()];
        for (b, block) in values.chunks(size).enumerate() {
            let at = b * size;
            let mut sum = Sum::default();
            for (i, &v) in block.iter().enumerate() {
                sum.add(v);
                prefix[at + i] = sum;
            }
            let mut sum = Sum::default();
            for (i, &v) in block.iter().enumerate().rev() {
                sum.add(v);
                suffix[at + i] = sum;
            }
        }
        Blocks {
            values,
            size,
            prefix,
            suffix,
        }
    }

    /// The sum of the samples from `first` to `last`, both included. Blocks
    /// are as long as the longest window, so a window touches two at most.
    fn sum(&self, first: usize, last: usize) -> Sum {
        let (a, b) = (first / self.size, last / self.size);
        if a != b {
            return join(self.suffix[first], self.prefix[last]);
        }
        if first == a * self.size {
            return self.prefix[last];
        }
        if (last + 1) % self.size == 0 {
            return self.suffix[first];
        }
        // A shorter window, at the edges of the data or in a gap.
        let mut total = Sum::default();
        self.values[first..=last].iter().for_each(|&v| total.add(v));
        total
    }
}

fn join(a: Sum, b: Sum) -> Sum {
    let (sum, compensation) = add(b.sum, a.sum, a.compensation);
    Sum {
        sum,
        compensation: compensation
            + if sum.is_infinite() {
                0.0
            } else {
                b.compensation
            },
    }
}

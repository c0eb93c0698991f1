//! Functions of a window's order: `quantile_over_time`, `mad_over_time`.
//!
//! Windows that move by few samples are kept in order from step to step. In
//! those of some dozens of samples, which are sorted, a sample comes or goes by
//! binary search and one move of memory; longer ones are sets of ranks
//! (`ranks.rs`). Either is far less than selecting anew among all samples.

use std::cmp::Ordering;
use std::ops::Range;

use super::bounds::Bounds;
use super::function::FloatKernel::{Buffered, WithParams};
use super::function::{HistogramKernel, ParamBounds, WindowFunction};
use super::input::{WindowInput, required};
use super::keys::{key, value};
use super::ranks::Ranks;
use super::scratch::WindowScratch;
use super::simple::of_window;
use super::sliding::pays;
use crate::grid::Param;
use crate::paths::takes_fast;
use crate::quantile::{quantile as quantile_of, quantile_of_sorted};

/// `quantile_over_time`
pub static QUANTILE: WindowFunction = WindowFunction::new(
    WithParams(|input, params, scratch, out, present| {
        quantile(input, required(params, 0)?, scratch, out, present);
        Ok(())
    }),
    HistogramKernel::Ignored,
)
.bounded(ParamBounds {
    holds: |q| (0.0..=1.0).contains(&q),
    text: "quantile value should be between 0 and 1",
});

/// `mad_over_time`
pub static MAD: WindowFunction = WindowFunction::new(Buffered(mad), HistogramKernel::Ignored);

/// Below this many samples, selecting anew is as fast.
const LONG_WINDOW: usize = 16;

/// Selecting anew visits each sample so often before a sorted window, which
/// looks for its place twice, is faster.
const VISITS: usize = 4;

/// From so many samples on, moving those of a sorted window costs more than to
/// rank the series (bench `window_lengths`). Tests have shorter ones.
const RANKED_WINDOW: usize = if cfg!(test) { 128 } else { 1024 };

/// The same where many places of a window are looked at, which a sorted one
/// finds faster.
const RANKED_SEARCHED: usize = 8 * RANKED_WINDOW;

/// A series may be so many times as long as its windows if it is ranked.
const RANKED_LENGTHS: usize = 256;

/// The quantile of each window.
fn quantile(
    input: &WindowInput<'_>,
    q: Param<'_>,
    scratch: &mut WindowScratch,
    out: &mut [f64],
    present: &mut [bool],
) {
    if pays(input, LONG_WINDOW, VISITS) {
        return in_order(
            input,
            RANKED_WINDOW,
            scratch,
            out,
            present,
            |i, bounds, nth| quantile_of_sorted(q.at(i), bounds.len(), nth),
        );
    }
    for (i, bounds) in input.bounds.iter().enumerate() {
        present[i] = !bounds.is_empty();
        if present[i] {
            out[i] = quantile_of(q.at(i), copy(input, *bounds, &mut scratch.numbers));
        }
    }
}

fn copy<'a>(input: &WindowInput<'_>, window: Bounds, numbers: &'a mut Vec<f64>) -> &'a mut [f64] {
    numbers.clear();
    numbers.extend_from_slice(&input.values[window.range()]);
    numbers
}

/// Windows that are kept in order.
trait Ordered {
    /// The window holds these samples, which have nothing in common with the
    /// last ones.
    fn begin(&mut self, window: Range<usize>);

    /// Takes samples out of the window and others in.
    fn replace(&mut self, leaving: Range<usize>, coming: Range<usize>);

    /// The sample at a place, NaN first.
    fn nth(&self, place: usize) -> f64;
}

/// Calls `number` with each step and window that has a sample, and with what
/// gives the sample at a place of the window in order. Windows of `ranked`
/// samples or more are sets of ranks.
fn in_order(
    input: &WindowInput<'_>,
    ranked: usize,
    scratch: &mut WindowScratch,
    out: &mut [f64],
    present: &mut [bool],
    number: impl FnMut(usize, Bounds, &dyn Fn(usize) -> f64) -> f64,
) {
    let (used, (longest, _)) = (input.used(), input.lengths());
    if !takes_fast(longest >= ranked && used.len() / RANKED_LENGTHS <= longest) {
        let window = Sorted {
            values: input.values,
            keys: &mut scratch.keys,
        };
        return move_over(input.bounds, window, out, present, number);
    }
    scratch.ranks.rank(&input.values[used.clone()]);
    let window = Ranked {
        ranks: &mut scratch.ranks,
        offset: used.start,
    };
    move_over(input.bounds, window, out, present, number);
}

fn move_over<W: Ordered>(
    bounds: &[Bounds],
    mut window: W,
    out: &mut [f64],
    present: &mut [bool],
    mut number: impl FnMut(usize, Bounds, &dyn Fn(usize) -> f64) -> f64,
) {
    let mut held = 0..0;
    for (i, &bounds) in bounds.iter().enumerate() {
        present[i] = !bounds.is_empty();
        if !present[i] {
            continue;
        }
        let samples = bounds.range();
        if samples.start >= held.end {
            window.begin(samples.clone());
        } else {
            window.replace(held.start..samples.start, held.end..samples.end);
        }
        held = samples;
        out[i] = number(i, bounds, &|place| window.nth(place));
    }
}

/// A window whose keys are sorted.
struct Sorted<'a> {
    values: &'a [f64],
    keys: &'a mut Vec<i64>,
}

impl Ordered for Sorted<'_> {
    fn begin(&mut self, window: Range<usize>) {
        self.keys.clear();
        self.keys
            .extend(self.values[window].iter().map(|&v| key(v)));
        self.keys.sort_unstable();
    }

    fn replace(&mut self, leaving: Range<usize>, coming: Range<usize>) {
        replace(self.keys, &self.values[leaving], &self.values[coming]);
    }

    fn nth(&self, place: usize) -> f64 {
        value(self.keys[place])
    }
}

/// A window as a set of ranks, from sample `offset` on.
struct Ranked<'a> {
    ranks: &'a mut Ranks,
    offset: usize,
}

impl Ranked<'_> {
    fn ranked(&self, samples: Range<usize>) -> Range<usize> {
        samples.start - self.offset..samples.end - self.offset
    }
}

impl Ordered for Ranked<'_> {
    fn begin(&mut self, window: Range<usize>) {
        self.ranks.begin(self.ranked(window));
    }

    fn replace(&mut self, leaving: Range<usize>, coming: Range<usize>) {
        let (leaving, coming) = (self.ranked(leaving), self.ranked(coming));
        self.ranks.replace(leaving, coming);
    }

    fn nth(&self, place: usize) -> f64 {
        self.ranks.nth(place)
    }
}

/// Takes samples out of a sorted window and others in.
fn replace(sorted: &mut Vec<i64>, leaving: &[f64], coming: &[f64]) {
    // Where one goes and one comes, only what lies between them moves.
    let pairs = leaving.len().min(coming.len());
    for (&old, &new) in leaving[..pairs].iter().zip(&coming[..pairs]) {
        let (old, new) = (key(old), key(new));
        let from = sorted.partition_point(|&k| k < old);
        let to = sorted.partition_point(|&k| k < new);
        match to.cmp(&from) {
            Ordering::Greater => {
                sorted.copy_within(from + 1..to, from);
                sorted[to - 1] = new;
            }
            Ordering::Less => {
                sorted.copy_within(to..from, to + 1);
                sorted[to] = new;
            }
            Ordering::Equal => sorted[from] = new,
        }
    }
    for &old in &leaving[pairs..] {
        let old = key(old);
        sorted.remove(sorted.partition_point(|&k| k < old));
    }
    for &new in &coming[pairs..] {
        let new = key(new);
        sorted.insert(sorted.partition_point(|&k| k < new), new);
    }
}

/// The median of the distances from the median; NaN if a sample is NaN.
fn mad(
    input: &WindowInput<'_>,
    scratch: &mut WindowScratch,
    out: &mut [f64],
    present: &mut [bool],
) {
    if !pays(input, LONG_WINDOW, VISITS) {
        let numbers = &mut scratch.numbers;
        return of_window(input, out, present, |b| plain_mad(copy(input, b, numbers)));
    }
    let mut numbers = std::mem::take(&mut scratch.numbers);
    let mut below = 0;
    in_order(
        input,
        RANKED_SEARCHED,
        scratch,
        out,
        present,
        |_, bounds, nth| {
            if nth(0).is_nan() {
                return f64::NAN;
            }
            let median = quantile_of_sorted(0.5, bounds.len(), nth);
            let middle = (bounds.len() - 1) / 2;
            let is_between =
                nth(middle) <= median && median <= nth((middle + 1).min(bounds.len() - 1));
            if !median.is_finite() || !is_between {
                // Distances from infinity have no order, and half of the smallest
                // float is 0.
                return plain_mad(copy(input, bounds, &mut numbers));
            }
            let distances = Distances {
                nth,
                median,
                len: bounds.len(),
            };
            distances.median(&mut below)
        },
    );
    scratch.numbers = numbers;
}

fn plain_mad(window: &mut [f64]) -> f64 {
    if window.iter().any(|v| v.is_nan()) {
        return f64::NAN;
    }
    let median = quantile_of(0.5, window);
    for value in window.iter_mut() {
        *value = (*value - median).abs();
    }
    quantile_of(0.5, window)
}

/// The distances of a window's samples from its median: those of the lower
/// half and those of the upper half, each in order.
struct Distances<'a> {
    nth: &'a dyn Fn(usize) -> f64,
    median: f64,
    len: usize,
}

impl Distances<'_> {
    /// The median. `below` is how many of the distances up to it are of the
    /// lower half, as it was in a window before, and as it is.
    fn median(&self, below: &mut usize) -> f64 {
        let middle = (self.len - 1) / 2;
        // Whether more of the first distances are of the lower half.
        let more =
            |below: usize| below < middle && self.lower(below) < self.upper(middle - 1 - below);
        *below = (*below).min(middle);
        let mut step = 1;
        let (mut from, mut to) = (*below, *below);
        if more(*below) {
            while more(to) {
                (from, to) = (to + 1, (to + step).min(middle));
                step *= 2;
            }
        } else {
            while from > 0 && !more(from - 1) {
                (from, to) = (from.saturating_sub(step), from - 1);
                step *= 2;
            }
        }
        while from < to {
            let between = (from + to) / 2;
            match more(between) {
                true => from = between + 1,
                false => to = between,
            }
        }
        *below = from;
        let (lower, upper) = (self.lower(from), self.upper(middle - from));
        let (nearest, next) = if lower <= upper {
            (lower, self.lower(from + 1).min(upper))
        } else {
            (upper, self.upper(middle - from + 1).min(lower))
        };
        let distance = |place| if place == middle { nearest } else { next };
        quantile_of_sorted(0.5, self.len, distance)
    }

    /// A distance of the lower half, from the median down.
    fn lower(&self, place: usize) -> f64 {
        let middle = (self.len - 1) / 2;
        let at = middle.checked_sub(place);
        at.map_or(f64::INFINITY, |at| ((self.nth)(at) - self.median).abs())
    }

    /// A distance of the upper half, from the median up.
    fn upper(&self, place: usize) -> f64 {
        let at = (self.len - 1) / 2 + 1 + place;
        if at < self.len {
            ((self.nth)(at) - self.median).abs()
        } else {
            f64::INFINITY
        }
    }
}

//! Sums of rows over windows that slide, in work that hardly depends on the
//! windows' length.
//!
//! As for floats (`window/sliding.rs`), a window is the join of a front, with
//! a state from each of its rows to its end, and a back, a running state of
//! the rows behind it. Nothing is subtracted. Counts are mostly whole numbers,
//! of which sums in any order are exact: then they are what compensated sums
//! in order give, to the bit. Where an addition is not exact, the windows are
//! left to a pass over their rows.
//!
//! Bad at windows that barely overlap: each row is added twice.

use super::rows::HistogramRows;
use super::value::CounterReset;
use crate::kahan;
use crate::paths::takes_fast;

/// Below this many rows a pass over them is as fast (bench
/// `native_histograms`).
const LONG_WINDOW: usize = 8;

/// Numbers that the front may hold: 2 MiB.
const FRONT: usize = 1 << 18;

/// Totals of a state: zero count and count. Sums of observations are no whole
/// numbers.
const TOTALS: usize = 2;

/// Sums over windows of rows.
#[derive(Clone, Debug, Default)]
pub(super) struct SlidingRows {
    /// The last window: `from..to`.
    from: usize,
    to: usize,
    /// The front ends here; its first state is that of the row before.
    border: usize,
    front: Vec<f64>,
    /// The hints of the rows of each state.
    front_hints: Vec<Hints>,
    back: Vec<f64>,
    back_hints: Hints,
    /// An addition was not exact, and others will hardly be.
    inexact: bool,
}

/// Whole numbers up to this are exact in any sum of [`MOST_ROWS`] of them, in any
/// order.
const LARGEST: f64 = (1u64 << 40) as f64;

/// The longest window of whole numbers.
const MOST_ROWS: usize = 1 << 13;

/// The exact sum over a window.
pub(super) struct Slid<'a> {
    pub zero_count: f64,
    pub count: f64,
    front: &'a [f64],
    back: &'a [f64],
    pub hints: Hints,
}

/// The hints of some rows, a bit each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Hints(u8);

impl Hints {
    pub fn add(&mut self, hint: CounterReset) {
        self.0 |= Hints::of(hint).0;
    }

    fn of(hint: CounterReset) -> Hints {
        Hints(1 << hint as u8)
    }

    fn join(self, other: Hints) -> Hints {
        Hints(self.0 | other.0)
    }

    fn has(self, hint: CounterReset) -> bool {
        self.0 & Hints::of(hint).0 != 0
    }

    /// The hint of a sum of these.
    pub fn joined(self) -> CounterReset {
        use CounterReset::{Gauge, NoReset, Reset, Unknown};
        if self.has(Gauge) {
            return Gauge;
        }
        let alone = [Reset, NoReset].into_iter();
        let mut alone = alone.filter(|&hint| self == Hints::of(hint));
        alone.next().unwrap_or(Unknown)
    }

    /// Whether they contradict each other.
    pub fn collide(self) -> bool {
        self.has(CounterReset::Reset) && self.has(CounterReset::NoReset)
    }
}

impl SlidingRows {
    /// The sum over rows `first..=last`, `integral` if it is asked for sums of whole
    /// numbers alone, which are exact in any order. `None` where a pass over them is as
    /// good: they are few, or have little in common with the last window, or
    /// their sum is not exact.
    pub fn slide(
        &mut self,
        rows: &HistogramRows,
        (first, last): (usize, usize),
        integral: bool,
    ) -> Option<Slid<'_>> {
        let (len, width) = (last + 1 - first, rows.layout().width() + TOTALS);
        let held = self.from..self.to;
        (self.from, self.to) = (first, last + 1);
        let overlaps = held.contains(&first) && held.end <= self.to && held.end - first >= len / 2;
        let is_long = takes_fast(len >= LONG_WINDOW);
        if self.inexact
            || !overlaps
            || !is_long
            || len * width > FRONT
            || (integral && len > MOST_ROWS)
        {
            // The next one begins a front.
            self.border = 0;
            return None;
        }
        if first >= self.border {
            self.fill_front(rows, width, integral);
        } else {
            for row in held.end..self.to {
                self.back_hints.add(rows.row(row).counter_reset);
                self.inexact |= !add_row(&mut self.back, rows, row, integral);
            }
        }
        let state = self.border - 1 - first;
        let front = &self.front[state * width..][..width];
        // The join as a whole has to be exact, before anything is written.
        self.inexact |= !all_exact(front.iter().zip(&self.back).map(|(&a, &b)| (a, b)));
        (!self.inexact).then(|| Slid {
            zero_count: front[0] + self.back[0],
            count: front[1] + self.back[1],
            front: &front[TOTALS..],
            back: &self.back[TOTALS..],
            hints: self.front_hints[state].join(self.back_hints),
        })
    }

    fn fill_front(&mut self, rows: &HistogramRows, width: usize, integral: bool) {
        self.border = self.to;
        self.back.clear();
        self.back.resize(width, 0.0);
        self.back_hints = Hints::default();
        self.front.clear();
        self.front.resize((self.to - self.from) * width, 0.0);
        self.front_hints.clear();
        let mut hints = Hints::default();
        for (state, row) in (self.from..self.to).rev().enumerate() {
            let at = state * width;
            if state > 0 {
                self.front.copy_within(at - width..at, at);
            }
            let state = &mut self.front[at..at + width];
            self.inexact |= !add_row(state, rows, row, integral);
            hints.add(rows.row(row).counter_reset);
            self.front_hints.push(hints);
        }
    }
}

/// Adds a row to a state; whether that was exact, `integral` if whole numbers alone
/// count as that.
fn add_row(state: &mut [f64], rows: &HistogramRows, row: usize, integral: bool) -> bool {
    let row = rows.row(row);
    let (totals, buckets) = state.split_at_mut(TOTALS);
    let own = [row.zero_count, row.count];
    let whole = |terms: &[f64]| terms.iter().fold(true, |all, &term| all & is_whole(term));
    (!integral || (whole(&own) & whole(row.buckets)))
        & add_exact(totals, &own)
        & add_exact(buckets, row.buckets)
}

#[inline]
fn is_whole(term: f64) -> bool {
    (term.trunc() == term) & (term.abs() <= LARGEST)
}

fn add_exact(sums: &mut [f64], terms: &[f64]) -> bool {
    let exact = all_exact(sums.iter().zip(terms).map(|(&sum, &term)| (sum, term)));
    sums.iter_mut()
        .zip(terms)
        .for_each(|(sum, term)| *sum += term);
    exact
}

/// Whether all of some additions are exact and finite.
#[inline]
fn all_exact(pairs: impl Iterator<Item = (f64, f64)>) -> bool {
    pairs.fold(true, |exact, (sum, term)| {
        let (total, lost) = kahan::add(term, sum, 0.0);
        exact & (lost == 0.0) & total.is_finite()
    })
}

impl Slid<'_> {
    /// Makes results of the sums of all buckets.
    pub fn write(&self, buckets: &mut [f64], whole: impl Fn(f64) -> f64) {
        for ((bucket, front), back) in buckets.iter_mut().zip(self.front).zip(self.back) {
            *bucket = whole(front + back);
        }
    }
}

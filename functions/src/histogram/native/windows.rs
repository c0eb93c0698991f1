//! Window functions over rows of one layout: each window is a pass over dense
//! rows, and resets are looked for once, whatever the windows are.

use std::ops::RangeInclusive;

use super::add::combine_columns;
use super::kahan::add_columns;
use super::layout::same;
use super::rate::{Growth, GrowthAnnotations};
use super::rows::{HistogramRows, RowMut};
use super::sign::Sign;
use super::sliding::SlidingRows;
use super::value::CounterReset;
use crate::kahan;

/// Rows of one series in time order, prepared for windows over them.
#[derive(Clone, Debug)]
pub struct RowWindows<'a> {
    rows: &'a HistogramRows,
    /// Rows before which there was a reset, ascending.
    resets: Vec<usize>,
    /// Gauges among the rows before each row.
    gauges: Vec<usize>,
    lost: Vec<f64>,
    sliding: SlidingRows,
}

impl<'a> RowWindows<'a> {
    /// Rows that are not asked for the growth of a counter. `None` if buckets of
    /// the layout lie within its zero bucket, which needs the functions of single
    /// histograms.
    pub fn new(rows: &'a HistogramRows) -> Option<Self> {
        (!rows.layout().hides()).then(|| RowWindows {
            rows,
            resets: Vec::new(),
            gauges: Vec::new(),
            lost: vec![0.0; rows.layout().width()],
            sliding: SlidingRows::default(),
        })
    }

    /// As [`RowWindows::new`], and looks for resets. `starts_anew(i)` says that
    /// start timestamps show one between row `i` and the next.
    pub fn of_counter(
        rows: &'a HistogramRows,
        starts_anew: impl Fn(usize) -> bool,
    ) -> Option<Self> {
        let mut windows = RowWindows::new(rows)?;
        let is_reset =
            |row: &usize| starts_anew(row - 1) || rows.row(*row).is_reset_from(&rows.row(row - 1));
        windows.resets = (1..rows.len()).filter(is_reset).collect();
        windows.gauges.reserve(rows.len() + 1);
        let mut count = 0;
        windows.gauges.push(count);
        for row in rows.rows() {
            count += usize::from(row.counter_reset == CounterReset::Gauge);
            windows.gauges.push(count);
        }
        Some(windows)
    }

    /// Appends the growth over a window of two rows or more to `out`, which is
    /// compact and has the rows' layout; see [`growth`](super::growth).
    ///
    /// # Panics
    /// If there are no such rows, `out` has another layout, or a counter was not
    /// announced ([`RowWindows::of_counter`]).
    pub fn growth(
        &self,
        window: RangeInclusive<usize>,
        kind: Growth,
        out: &mut HistogramRows,
    ) -> GrowthAnnotations {
        let (first, last) = (*window.start(), *window.end());
        assert!(same(out.layout(), self.rows.layout()), "another layout");
        let annotations = self.growth_annotations(first, last, kind);
        let mut grown = out.push_copy(&self.rows.row(last));
        *grown.hint = CounterReset::Gauge;
        if kind == Growth::Gauge {
            grown.combine(&self.rows.row(first), Sign::Minus);
            return annotations;
        }
        let from = self.resets.partition_point(|&row| row <= first);
        let resets = self.resets[from..].iter();
        let mut resets = resets.copied().take_while(|&row| row <= last).peekable();
        // What the first row counts is gone with a reset right behind it.
        if resets.next_if_eq(&(first + 1)).is_none() {
            grown.combine(&self.rows.row(first), Sign::Minus);
        } else {
            // Nothing is subtracted and added: zeros lose their sign.
            grown.totals().into_iter().for_each(|total| *total += 0.0);
        }
        resets.for_each(|row| grown.combine(&self.rows.row(row - 1), Sign::Plus));
        annotations
    }

    /// Appends the growth, as [`RowWindows::growth`] does, multiplied by a factor
    /// that `factor` makes of how the count grows.
    ///
    /// # Panics
    /// As [`RowWindows::growth`].
    pub fn scaled_growth(
        &self,
        window: RangeInclusive<usize>,
        kind: Growth,
        factor: impl FnOnce(f64) -> f64,
        out: &mut HistogramRows,
    ) -> GrowthAnnotations {
        let (first, last) = (*window.start(), *window.end());
        let resets = self.resets.partition_point(|&row| row <= first);
        if kind == Growth::Counter && self.resets.get(resets).is_some_and(|&row| row <= last) {
            let annotations = self.growth(window, kind, out);
            let grown = out.counts()[out.len() - 1];
            out.scale_last(factor(grown));
            return annotations;
        }
        // In one pass over the buckets.
        assert!(same(out.layout(), self.rows.layout()), "another layout");
        let [first_row, last_row] = [first, last].map(|row| self.rows.row(row));
        let factor = factor(last_row.count - first_row.count);
        let grow = |last: f64, first: f64| (last - first) * factor;
        let columns = last_row.buckets.iter().zip(first_row.buckets);
        out.push_computed(
            CounterReset::Gauge,
            [
                grow(last_row.zero_count, first_row.zero_count),
                grow(last_row.count, first_row.count),
                grow(last_row.sum, first_row.sum),
            ],
            columns.map(|(&last, &first)| grow(last, first)),
        );
        self.growth_annotations(first, last, kind)
    }

    fn growth_annotations(&self, first: usize, last: usize, kind: Growth) -> GrowthAnnotations {
        let gauge = |row: usize| self.rows.row(row).counter_reset == CounterReset::Gauge;
        let mut annotations = GrowthAnnotations::default();
        match kind {
            Growth::Gauge => annotations.not_gauge = !gauge(first) || !gauge(last),
            Growth::Counter => annotations.not_counter = self.gauges[last + 1] > self.gauges[first],
        }
        annotations
    }

    /// Appends the compensated sum over a window of one row or more to `out`,
    /// which has the rows' layout; see [`SumOfHistograms`](super::SumOfHistograms).
    /// The answer says whether hints contradict each other.
    ///
    /// # Panics
    /// If there are no such rows, or `out` has another layout.
    pub fn sum(&mut self, window: RangeInclusive<usize>, out: &mut HistogramRows) -> bool {
        self.add_up(window, out, false, |sum, lost| sum + lost)
    }

    /// Appends the mean, as [`RowWindows::sum`] does the sum. `None` if a
    /// number is not finite: sums that overflow need
    /// [`MeanOfHistograms`](super::MeanOfHistograms). Then nothing has been
    /// appended.
    ///
    /// # Panics
    /// As [`RowWindows::sum`].
    pub fn mean(&mut self, window: RangeInclusive<usize>, out: &mut HistogramRows) -> Option<bool> {
        if self
            .rows
            .layout()
            .custom_values()
            .iter()
            .any(|bound| bound.is_infinite())
        {
            return None;
        }
        let count = (window.end() - window.start() + 1) as f64;
        let collision = self.add_up(window, out, true, |sum, lost| sum / count + lost / count);
        let mean = out.row(out.len() - 1);
        let totals = [mean.zero_count, mean.count, mean.sum];
        if totals
            .iter()
            .chain(mean.buckets)
            .all(|value| value.is_finite())
        {
            return Some(collision);
        }
        out.pop();
        None
    }

    /// Appends compensated sums, of which `whole` makes the results from what
    /// they are and their rounding errors. A single row stays as it is. Of sums that
    /// are exact as a whole a mean looks at their parts, which depend on the order,
    /// unless all of them are `integral`.
    fn add_up(
        &mut self,
        window: RangeInclusive<usize>,
        out: &mut HistogramRows,
        integral: bool,
        whole: impl Fn(f64, f64) -> f64,
    ) -> bool {
        let (first, last) = (*window.start(), *window.end());
        assert!(same(out.layout(), self.rows.layout()), "another layout");
        let mut sum = out.push_copy(&self.rows.row(first));
        if let Some(slid) = self.sliding.slide(self.rows, (first, last), integral) {
            let mut observed = kahan::Sum::default();
            let sums = &self.rows.sums()[first..=last];
            sums.iter().for_each(|&term| observed.add(term));
            *sum.sum = whole(observed.sum, observed.compensation);
            *sum.zero_count = whole(slid.zero_count, 0.0);
            *sum.count = whole(slid.count, 0.0);
            slid.write(sum.buckets, |sum| whole(sum, 0.0));
            *sum.hint = slid.hints.joined();
            return slid.hints.collide();
        }
        let (mut reset, mut no_reset) = (false, false);
        let mut totals = [0.0; 3];
        self.lost.fill(0.0);
        for row in first..=last {
            let row_of = self.rows.row(row);
            reset |= row_of.counter_reset == CounterReset::Reset;
            no_reset |= row_of.counter_reset == CounterReset::NoReset;
            if row == first {
                continue;
            }
            *sum.hint = sum.hint.joined(row_of.counter_reset).0;
            let terms = [row_of.zero_count, row_of.count, row_of.sum];
            for ((sum, lost), term) in sum.totals().into_iter().zip(&mut totals).zip(terms) {
                (*sum, *lost) = kahan::add(term, *sum, *lost);
            }
            add_columns(sum.buckets, &mut self.lost, row_of.buckets);
        }
        if last > first {
            let columns = sum.buckets.iter_mut().zip(&self.lost);
            columns.for_each(|(sum, lost)| *sum = whole(*sum, *lost));
            for (sum, lost) in sum.totals().into_iter().zip(totals) {
                *sum = whole(*sum, lost);
            }
        }
        reset && no_reset
    }
}

impl RowMut<'_> {
    /// See [`super::Histogram::scale`].
    pub(super) fn scale(&mut self, factor: f64) {
        self.map(|value| value * factor, factor < 0.0);
    }

    /// See [`super::Histogram::divide`]; not by zero.
    pub(super) fn divide(&mut self, divisor: f64) {
        self.map(|value| value / divisor, divisor < 0.0);
    }

    fn map(&mut self, f: impl Fn(f64) -> f64, negative: bool) {
        for total in self.totals() {
            *total = f(*total);
        }
        self.buckets.iter_mut().for_each(|value| *value = f(*value));
        if negative {
            *self.hint = CounterReset::Gauge;
        }
    }

    fn totals(&mut self) -> [&mut f64; 3] {
        [&mut *self.zero_count, &mut *self.count, &mut *self.sum]
    }

    pub(super) fn combine(&mut self, other: &super::HistogramRef<'_>, sign: Sign) {
        let terms = [other.zero_count, other.count, other.sum];
        for (total, term) in self.totals().into_iter().zip(terms) {
            *total += sign.of(term);
        }
        combine_columns(self.buckets, other.buckets, sign);
    }
}

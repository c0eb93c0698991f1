//! Rows of histograms that share a layout, as a dense matrix.

use std::ops::Range;
use std::sync::Arc;

use super::add::combine_columns;
use super::fraction::FractionAnnotation;
use super::layout::{Layout, same};
use super::quantile::QuantileAnnotation;
use super::sign::Sign;
use super::value::{CounterReset, HistogramRef, WrongWidth};

/// Histograms of one layout: columns of totals, and a matrix of bucket counts,
/// row after row.
#[derive(Clone, Debug)]
pub struct HistogramRows {
    layout: Arc<Layout>,
    compact: bool,
    hints: Vec<CounterReset>,
    zero_counts: Vec<f64>,
    counts: Vec<f64>,
    sums: Vec<f64>,
    buckets: Vec<f64>,
}

/// A row that can be changed.
pub(super) struct RowMut<'a> {
    pub(super) hint: &'a mut CounterReset,
    pub(super) zero_count: &'a mut f64,
    pub(super) count: &'a mut f64,
    pub(super) sum: &'a mut f64,
    pub(super) buckets: &'a mut [f64],
}

/// Columns of one length, for [`HistogramRows::from_columns`].
#[derive(Clone, Debug, Default)]
pub struct RowColumns {
    /// The counter-reset hints.
    pub hints: Vec<CounterReset>,
    /// Observations in the zero bucket.
    pub zero_counts: Vec<f64>,
    /// All observations.
    pub counts: Vec<f64>,
    /// Sums of observations.
    pub sums: Vec<f64>,
    /// Bucket counts, row after row.
    pub buckets: Vec<f64>,
}

impl RowColumns {
    /// The bytes that the columns take, room for further rows included.
    pub fn bytes(&self) -> usize {
        let floats = [&self.zero_counts, &self.counts, &self.sums, &self.buckets];
        let floats: usize = floats.map(Vec::capacity).iter().sum();
        floats * size_of::<f64>() + self.hints.capacity() * size_of::<CounterReset>()
    }
}

impl HistogramRows {
    /// No rows yet. If they are `compact`, empty buckets will count as absent.
    pub fn new(layout: Arc<Layout>, compact: bool) -> Self {
        HistogramRows {
            layout,
            compact,
            hints: Vec::new(),
            zero_counts: Vec::new(),
            counts: Vec::new(),
            sums: Vec::new(),
            buckets: Vec::new(),
        }
    }

    /// Takes the memory of columns for rows to come; there are none yet.
    pub(super) fn use_memory(&mut self, columns: RowColumns) {
        let RowColumns {
            hints,
            zero_counts,
            counts,
            sums,
            buckets,
        } = columns;
        self.hints = hints;
        self.hints.clear();
        [
            &mut self.zero_counts,
            &mut self.counts,
            &mut self.sums,
            &mut self.buckets,
        ]
        .into_iter()
        .zip([zero_counts, counts, sums, buckets])
        .for_each(|(own, memory)| {
            *own = memory;
            own.clear();
        });
    }

    /// Makes room for further rows.
    pub(super) fn reserve(&mut self, rows: usize) {
        self.hints.reserve_exact(rows);
        for totals in [&mut self.zero_counts, &mut self.counts, &mut self.sums] {
            totals.reserve_exact(rows);
        }
        self.buckets.reserve_exact(rows * self.layout.width());
    }

    /// Rows from their columns.
    ///
    /// # Errors
    /// If the columns are not of one length, or the matrix is not as wide as
    /// the layout.
    pub fn from_columns(
        layout: Arc<Layout>,
        compact: bool,
        columns: RowColumns,
    ) -> Result<Self, WrongWidth> {
        let rows = columns.counts.len();
        let lengths = [
            (columns.hints.len(), rows),
            (columns.zero_counts.len(), rows),
            (columns.sums.len(), rows),
            (columns.buckets.len(), rows * layout.width()),
        ];
        if let Some(&(got, expected)) = lengths.iter().find(|(got, expected)| got != expected) {
            return Err(WrongWidth { expected, got });
        }
        Ok(HistogramRows {
            layout,
            compact,
            hints: columns.hints,
            zero_counts: columns.zero_counts,
            counts: columns.counts,
            sums: columns.sums,
            buckets: columns.buckets,
        })
    }

    /// The columns, so that their memory can be used again.
    pub fn into_columns(self) -> RowColumns {
        RowColumns {
            hints: self.hints,
            zero_counts: self.zero_counts,
            counts: self.counts,
            sums: self.sums,
            buckets: self.buckets,
        }
    }

    /// Where the buckets are.
    pub fn layout(&self) -> &Arc<Layout> {
        &self.layout
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        self.counts.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    /// Whether empty buckets count as absent.
    pub fn is_compact(&self) -> bool {
        self.compact
    }

    /// The bytes that the rows take, room for further ones included.
    pub fn bytes(&self) -> usize {
        let floats = [&self.zero_counts, &self.counts, &self.sums, &self.buckets];
        let floats: usize = floats.map(Vec::capacity).iter().sum();
        floats * size_of::<f64>() + self.hints.capacity() * size_of::<CounterReset>()
    }

    /// Gives back the room for further rows.
    pub fn shrink_to_fit(&mut self) {
        self.hints.shrink_to_fit();
        for floats in [
            &mut self.zero_counts,
            &mut self.counts,
            &mut self.sums,
            &mut self.buckets,
        ] {
            floats.shrink_to_fit();
        }
    }

    /// Sets the counter-reset hint of all rows.
    pub fn set_hints(&mut self, hint: CounterReset) {
        self.hints.fill(hint);
    }

    /// All observations of each row, which is `histogram_count`.
    pub fn counts(&self) -> &[f64] {
        &self.counts
    }

    /// The sum of observations of each row, which is `histogram_sum`.
    pub fn sums(&self) -> &[f64] {
        &self.sums
    }

    /// Row `row`.
    pub fn row(&self, row: usize) -> HistogramRef<'_> {
        let width = self.layout.width();
        HistogramRef {
            counter_reset: self.hints[row],
            layout: &self.layout,
            zero_count: self.zero_counts[row],
            count: self.counts[row],
            sum: self.sums[row],
            buckets: &self.buckets[row * width..][..width],
            compact: self.compact,
        }
    }

    /// All rows.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = HistogramRef<'_>> {
        (0..self.len()).map(|row| self.row(row))
    }

    /// Appends a histogram, if it has this layout; returns whether it has.
    pub fn push(&mut self, h: &HistogramRef<'_>) -> bool {
        if !same(&self.layout, h.layout) || self.compact != h.compact {
            return false;
        }
        self.hints.push(h.counter_reset);
        self.zero_counts.push(h.zero_count);
        self.counts.push(h.count);
        self.sums.push(h.sum);
        self.buckets.extend_from_slice(h.buckets);
        true
    }

    /// Appends rows, if they have this layout; returns whether they have.
    pub fn append(&mut self, other: &HistogramRows) -> bool {
        let fits = same(&self.layout, &other.layout) && self.compact == other.compact;
        if fits {
            self.append_part(other, 0..other.len());
        }
        fits
    }

    /// Appends some rows of this layout.
    pub(super) fn append_part(&mut self, other: &HistogramRows, part: Range<usize>) {
        let width = self.layout.width();
        let cells = part.start * width..part.end * width;
        self.hints.extend_from_slice(&other.hints[part.clone()]);
        self.zero_counts
            .extend_from_slice(&other.zero_counts[part.clone()]);
        self.counts.extend_from_slice(&other.counts[part.clone()]);
        self.sums.extend_from_slice(&other.sums[part]);
        self.buckets.extend_from_slice(&other.buckets[cells]);
    }

    /// Appends a row, of which the totals are zero count, count and sum. Its
    /// buckets are as many as the layout has columns.
    pub(super) fn push_computed(
        &mut self,
        hint: CounterReset,
        [zero_count, count, sum]: [f64; 3],
        buckets: impl Iterator<Item = f64>,
    ) {
        self.hints.push(hint);
        self.zero_counts.push(zero_count);
        self.counts.push(count);
        self.sums.push(sum);
        self.buckets.extend(buckets);
    }

    /// The last row, to be changed.
    ///
    /// # Panics
    /// If there is none.
    pub(super) fn last_mut(&mut self) -> RowMut<'_> {
        let row = self.len() - 1;
        let from = row * self.layout.width();
        RowMut {
            hint: &mut self.hints[row],
            zero_count: &mut self.zero_counts[row],
            count: &mut self.counts[row],
            sum: &mut self.sums[row],
            buckets: &mut self.buckets[from..],
        }
    }

    /// Appends a copy of a row of as many columns, to be changed.
    pub(super) fn push_copy(&mut self, h: &HistogramRef<'_>) -> RowMut<'_> {
        self.hints.push(h.counter_reset);
        self.zero_counts.push(h.zero_count);
        self.counts.push(h.count);
        self.sums.push(h.sum);
        self.buckets.extend_from_slice(h.buckets);
        self.last_mut()
    }

    /// Marks empty buckets as absent, which compacts all rows at once.
    pub fn compact(&mut self) {
        self.compact = true;
    }

    /// Multiplies all rows. A negative factor makes gauges.
    pub fn scale(&mut self, factor: f64) {
        self.map(|value| value * factor);
        if factor < 0.0 {
            self.hints.fill(CounterReset::Gauge);
        }
    }

    /// Divides all rows. A negative divisor makes gauges, zero removes all
    /// buckets.
    pub fn divide(&mut self, divisor: f64) {
        if divisor == 0.0 {
            self.layout = self.layout.with_buckets(vec![], vec![]);
            self.buckets.clear();
        }
        self.map(|value| value / divisor);
        if divisor < 0.0 {
            self.hints.fill(CounterReset::Gauge);
        }
    }

    /// Multiplies the last row, as [`HistogramRows::scale`] does all.
    ///
    /// # Panics
    /// If there is no row.
    pub fn scale_last(&mut self, factor: f64) {
        self.last_mut().scale(factor);
    }

    /// Divides the last row by another number than zero.
    ///
    /// # Panics
    /// If there is no row.
    pub fn divide_last(&mut self, divisor: f64) {
        self.last_mut().divide(divisor);
    }

    /// Removes the last row.
    pub(super) fn pop(&mut self) {
        self.hints.pop();
        self.zero_counts.pop();
        self.counts.pop();
        self.sums.pop();
        let rest = self.buckets.len().saturating_sub(self.layout.width());
        self.buckets.truncate(rest);
    }

    fn map(&mut self, f: impl Fn(f64) -> f64 + Copy) {
        let columns = [
            &mut self.zero_counts,
            &mut self.counts,
            &mut self.sums,
            &mut self.buckets,
        ];
        for column in columns {
            column.iter_mut().for_each(|value| *value = f(*value));
        }
    }

    /// Adds as many rows of the same layout, row to row. `None` if they are
    /// not of one layout and number, and then nothing has changed; else
    /// whether hints contradict each other in any row.
    pub fn add_rows(&mut self, other: &HistogramRows) -> Option<bool> {
        self.combine_rows(other, Sign::Plus)
    }

    /// Subtracts, as [`HistogramRows::add_rows`] adds.
    pub fn subtract_rows(&mut self, other: &HistogramRows) -> Option<bool> {
        self.combine_rows(other, Sign::Minus)
    }

    fn combine_rows(&mut self, other: &HistogramRows, sign: Sign) -> Option<bool> {
        let fits = same(&self.layout, &other.layout) && self.len() == other.len();
        if !fits || self.layout.hides() {
            return None;
        }
        let mut collision = false;
        for (hint, other) in self.hints.iter_mut().zip(&other.hints) {
            let (joined, collides) = hint.joined(*other);
            *hint = joined;
            collision |= collides;
        }
        combine_columns(&mut self.zero_counts, &other.zero_counts, sign);
        combine_columns(&mut self.counts, &other.counts, sign);
        combine_columns(&mut self.sums, &other.sums, sign);
        combine_columns(&mut self.buckets, &other.buckets, sign);
        Some(collision)
    }

    /// The `q`-quantile of each row, one to `out`; `annotations` gets the rows whose
    /// quantile may surprise.
    pub fn quantiles(
        &self,
        q: f64,
        out: &mut [f64],
        annotations: &mut Vec<(usize, QuantileAnnotation)>,
    ) {
        for (number, (row, out)) in self.rows().zip(out).enumerate() {
            let annotation;
            (*out, annotation) = row.quantile(q);
            if annotation != QuantileAnnotation::None {
                annotations.push((number, annotation));
            }
        }
    }

    /// The fraction of each row's observations between two bounds, one to
    /// `out`; the answer says whether any row has NaN observations.
    pub fn fractions(&self, lower: f64, upper: f64, out: &mut [f64]) -> FractionAnnotation {
        let mut any = FractionAnnotation::None;
        for (row, out) in self.rows().zip(out) {
            let annotation;
            (*out, annotation) = row.fraction(lower, upper);
            if annotation != FractionAnnotation::None {
                any = annotation;
            }
        }
        any
    }

    /// The mean of each row's observations, one to `out`.
    pub fn averages(&self, out: &mut [f64]) {
        for ((out, sum), count) in out.iter_mut().zip(&self.sums).zip(&self.counts) {
            *out = sum / count;
        }
    }

    /// The variance of each row's observations, one to `out`.
    pub fn variances(&self, out: &mut [f64]) {
        for (row, out) in self.rows().zip(out) {
            *out = row.variance();
        }
    }

    /// Whether a counter was reset before each row but the first, which is
    /// false.
    pub fn resets(&self, out: &mut [bool]) {
        out.fill(false);
        for (row, out) in (1..self.len()).zip(out.iter_mut().skip(1)) {
            *out = self.row(row).is_reset_from(&self.row(row - 1));
        }
    }
}

//! Histograms one after the other, as runs that share a layout.
//!
//! Samples of one series mostly have one layout for a long time, so that a
//! column is one dense matrix or a few of them.

use std::ops::Range;
use std::sync::Arc;

use super::add::{Found, IncompatibleSchemas};
use super::layout::{Layout, same};
use super::rows::{HistogramRows, RowColumns};
use super::sign::Sign;
use super::value::{CounterReset, Histogram, HistogramRef};

/// A column of histograms.
#[derive(Clone, Debug, Default)]
pub struct HistogramColumn {
    runs: Vec<HistogramRows>,
    /// Where each run ends.
    ends: Vec<usize>,
    /// Memory of a run that was removed.
    spare: Option<RowColumns>,
}

impl HistogramColumn {
    /// How many histograms there are.
    pub fn len(&self) -> usize {
        self.ends.last().copied().unwrap_or(0)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Removes all; the memory of a run is kept for the next one.
    pub fn clear(&mut self) {
        self.ends.clear();
        if let Some(run) = self.runs.drain(..).next() {
            self.spare = Some(run.into_columns());
        }
    }

    /// Removes all; gives the memory of a run, to be used again.
    pub fn take_columns(&mut self) -> Option<RowColumns> {
        self.clear();
        self.spare.take()
    }

    /// Histogram `index`.
    ///
    /// # Panics
    /// If the column has fewer.
    pub fn get(&self, index: usize) -> HistogramRef<'_> {
        let run = self.ends.partition_point(|&end| end <= index);
        self.runs[run].row(index - self.start(run))
    }

    /// All histograms in order.
    pub fn iter(&self) -> impl Iterator<Item = HistogramRef<'_>> {
        self.runs.iter().flat_map(HistogramRows::rows)
    }

    fn start(&self, run: usize) -> usize {
        run.checked_sub(1).map_or(0, |before| self.ends[before])
    }

    /// Appends a histogram, to the last run if it has that layout.
    pub fn push(&mut self, h: &HistogramRef<'_>) {
        if let (Some(run), Some(end)) = (self.runs.last_mut(), self.ends.last_mut())
            && run.push(h)
        {
            *end += 1;
            return;
        }
        self.rows_mut(h.layout, h.compact, 0).push(h);
        self.appended();
    }

    /// Rows of a layout behind all histograms, to which one can be appended; call
    /// [`HistogramColumn::appended`] when that is done. If they are the first,
    /// they have memory for `room` rows.
    pub(crate) fn rows_mut(
        &mut self,
        layout: &Arc<Layout>,
        compact: bool,
        room: usize,
    ) -> &mut HistogramRows {
        let fits =
            |rows: &HistogramRows| same(rows.layout(), layout) && rows.is_compact() == compact;
        if !self.runs.last().is_some_and(fits) {
            self.drop_empty();
            let mut rows = HistogramRows::new(Arc::clone(layout), compact);
            if let Some(spare) = self.spare.take() {
                rows.use_memory(spare);
            }
            if self.runs.is_empty() {
                rows.reserve(room);
            }
            self.ends.push(self.len());
            self.runs.push(rows);
        }
        let last = self.runs.len() - 1;
        &mut self.runs[last]
    }

    /// A histogram was appended to the last run.
    pub(crate) fn appended(&mut self) {
        let last = self.runs.len().saturating_sub(1);
        let end = self.start(last) + self.runs.last().map_or(0, HistogramRows::len);
        if let Some(last) = self.ends.last_mut() {
            *last = end;
        }
    }

    /// Removes a last run that has got no rows.
    pub(crate) fn drop_empty(&mut self) {
        if self.runs.last().is_some_and(HistogramRows::is_empty) {
            self.ends.pop();
            self.spare = self.runs.pop().map(HistogramRows::into_columns);
        }
    }

    /// Moves all histograms of another column behind those of this one, which
    /// is made of its memory where nothing is there yet.
    pub fn append(&mut self, other: &mut HistogramColumn) {
        other.ends.clear();
        for run in other.runs.drain(..) {
            if let Some(unused) = self.push_or_copy(run) {
                other.spare = Some(unused.into_columns());
            }
        }
    }

    /// Appends a histogram with all counts and its sum multiplied, compacted.
    pub fn push_scaled(&mut self, h: &HistogramRef<'_>, factor: f64) {
        if h.compact && !factor.is_finite() {
            return self.push_edited(h, |h| h.scale(factor));
        }
        self.push(&compacted(h));
        if let Some(run) = self.runs.last_mut() {
            run.last_mut().scale(factor);
        }
    }

    /// Appends a histogram with all counts and its sum negated.
    pub fn push_negated(&mut self, h: &HistogramRef<'_>) {
        self.push(h);
        if let Some(run) = self.runs.last_mut() {
            run.last_mut().scale(-1.0);
        }
    }

    /// Appends a histogram with all counts and its sum divided, compacted.
    pub fn push_divided(&mut self, h: &HistogramRef<'_>, divisor: f64) {
        if divisor == 0.0 || (h.compact && divisor.is_nan()) {
            return self.push_edited(h, |h| h.divide(divisor));
        }
        self.push(&compacted(h));
        if let Some(run) = self.runs.last_mut() {
            run.last_mut().divide(divisor);
        }
    }

    /// Appends a changed copy, compacted: what is absent stays so whatever is
    /// made of zeros.
    fn push_edited(&mut self, h: &HistogramRef<'_>, edit: impl FnOnce(&mut Histogram)) {
        let mut copy = h.to_histogram();
        edit(&mut copy);
        self.push(&compacted(&copy.view()));
    }

    /// Appends the sum or the difference of two histograms, compacted; that
    /// of a subtraction is a gauge. If their hints contradict each other, this
    /// is reported and nothing is appended.
    ///
    /// # Errors
    /// If one has exponential and the other one custom buckets.
    pub fn push_combined(
        &mut self,
        left: &HistogramRef<'_>,
        right: &HistogramRef<'_>,
        subtract: bool,
    ) -> Result<Found, IncompatibleSchemas> {
        if left.layout.is_custom() != right.layout.is_custom() {
            return Err(IncompatibleSchemas);
        }
        let (joined, reset_collision) = left.counter_reset.joined(right.counter_reset);
        if reset_collision {
            return Ok(Found {
                reset_collision,
                bounds_reconciled: false,
            });
        }
        let hint = if subtract {
            CounterReset::Gauge
        } else {
            joined
        };
        if same(left.layout, right.layout) && !left.layout.hides() {
            self.push(&compacted(left));
            if let Some(run) = self.runs.last_mut() {
                let mut last = run.last_mut();
                let sign = if subtract { Sign::Minus } else { Sign::Plus };
                last.combine(right, sign);
                *last.hint = hint;
            }
            return Ok(Found::default());
        }
        let mut sum = left.to_histogram();
        let found = match subtract {
            true => sum.subtract(right)?,
            false => sum.add(right)?,
        };
        sum.counter_reset = hint;
        sum.compact();
        self.push(&compacted(&sum.view()));
        Ok(found)
    }

    /// Appends rows of one layout, to the last run if it has that layout.
    pub fn push_run(&mut self, rows: HistogramRows) {
        self.push_or_copy(rows);
    }

    /// Appends a copy of rows of one layout, to the last run if it has that
    /// layout.
    pub fn copy_run(&mut self, rows: &HistogramRows) {
        self.rows_mut(rows.layout(), rows.is_compact(), rows.len())
            .append_part(rows, 0..rows.len());
        self.appended();
        self.drop_empty();
    }

    /// Appends rows of one layout; gives them back if they were copied.
    fn push_or_copy(&mut self, rows: HistogramRows) -> Option<HistogramRows> {
        self.drop_empty();
        if rows.is_empty() {
            return Some(rows);
        }
        let end = self.len() + rows.len();
        if let (Some(run), Some(last)) = (self.runs.last_mut(), self.ends.last_mut())
            && run.append(&rows)
        {
            *last = end;
            return Some(rows);
        }
        self.runs.push(rows);
        self.ends.push(end);
        None
    }

    /// Appends some histograms of another column.
    pub fn extend_from(&mut self, other: &HistogramColumn, range: Range<usize>) {
        let room = range.len();
        self.extend_with_room(other, range, room);
    }

    /// As [`HistogramColumn::extend_from`], where `room` of one layout may come.
    fn extend_with_room(&mut self, other: &HistogramColumn, range: Range<usize>, room: usize) {
        for (rows, part) in other.parts(range) {
            self.rows_mut(rows.layout(), rows.is_compact(), room)
                .append_part(rows, part);
            self.appended();
        }
    }

    /// The runs.
    pub fn runs(&self) -> &[HistogramRows] {
        &self.runs
    }

    /// The runs, to be taken apart.
    pub fn into_runs(self) -> Vec<HistogramRows> {
        self.runs
    }

    /// The parts of runs that make up a range of the column.
    pub fn parts(
        &self,
        range: Range<usize>,
    ) -> impl Iterator<Item = (&HistogramRows, Range<usize>)> {
        let first = self.ends.partition_point(|&end| end <= range.start);
        (first..self.runs.len())
            .map_while(move |run| {
                let start = self.start(run);
                let part = range.start.max(start)..range.end.min(self.ends[run]);
                (part.start < part.end).then(|| (run, part.start - start..part.end - start))
            })
            .map(|(run, part)| (&self.runs[run], part))
    }

    /// The run that holds a whole range, and the range within it.
    pub fn one_run(&self, range: Range<usize>) -> Option<(&HistogramRows, Range<usize>)> {
        let length = range.len();
        self.parts(range)
            .next()
            .filter(|(_, part)| part.len() == length)
    }

    /// Changes all runs, which keep their lengths.
    pub fn map_runs(&mut self, edit: impl FnMut(&mut HistogramRows)) {
        self.runs.iter_mut().for_each(edit);
    }

    /// The bytes that the histograms take, room for further ones included.
    pub fn bytes(&self) -> usize {
        let runs: usize = self.runs.iter().map(HistogramRows::bytes).sum();
        let spare = self.spare.as_ref().map_or(0, RowColumns::bytes);
        runs + spare + self.runs.capacity() * size_of::<HistogramRows>() + self.ends.capacity() * 8
    }

    /// Gives back the room for further histograms.
    pub fn shrink_to_fit(&mut self) {
        self.spare = None;
        self.runs.iter_mut().for_each(HistogramRows::shrink_to_fit);
        self.runs.shrink_to_fit();
        self.ends.shrink_to_fit();
    }
}

/// The histogram with its empty buckets counted as absent.
fn compacted<'a>(h: &HistogramRef<'a>) -> HistogramRef<'a> {
    HistogramRef {
        compact: true,
        ..*h
    }
}

/// The histograms of a row of steps, at some of them.
#[derive(Clone, Debug, Default)]
pub struct StepHistograms {
    /// Their steps, ascending.
    steps: Vec<u32>,
    column: HistogramColumn,
}

impl StepHistograms {
    /// Removes all.
    pub fn clear(&mut self) {
        self.steps.clear();
        self.column.clear();
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Appends a histogram at a step behind all others.
    pub fn push(&mut self, step: usize, h: &HistogramRef<'_>) {
        debug_assert!(self.steps.last().is_none_or(|&last| (last as usize) < step));
        self.steps.push(step as u32);
        self.column.push(h);
    }

    /// Appends what `make` appends to the column, one histogram or none.
    pub fn push_with<R>(&mut self, step: usize, make: impl FnOnce(&mut HistogramColumn) -> R) -> R {
        let result = make(&mut self.column);
        if self.column.len() > self.steps.len() {
            self.steps.push(step as u32);
        }
        result
    }

    /// Appends histograms of one layout at steps behind all others.
    ///
    /// # Panics
    /// If there are not as many steps as rows.
    pub fn push_run(&mut self, steps: impl IntoIterator<Item = usize>, rows: HistogramRows) {
        self.steps.extend(steps.into_iter().map(|step| step as u32));
        self.column.push_run(rows);
        assert_eq!(self.steps.len(), self.column.len(), "a step a histogram");
    }

    /// See [`HistogramColumn::rows_mut`].
    pub(crate) fn rows_mut(
        &mut self,
        layout: &Arc<Layout>,
        compact: bool,
        room: usize,
    ) -> &mut HistogramRows {
        self.column.rows_mut(layout, compact, room)
    }

    /// A row was appended to the last run, which is that of a step.
    pub(crate) fn appended(&mut self, step: usize) {
        self.steps.push(step as u32);
        self.column.appended();
    }

    /// Removes a last run that has got no rows.
    pub(crate) fn drop_empty(&mut self) {
        self.column.drop_empty();
    }

    /// As [`StepHistograms::push`], where `room` of one layout may come.
    pub(crate) fn push_one_of(&mut self, step: usize, h: &HistogramRef<'_>, room: usize) {
        self.column.rows_mut(h.layout, h.compact, room).push(h);
        self.appended(step);
    }

    /// Appends some histograms of a column at consecutive steps, where `room` may
    /// come in all.
    pub fn extend_from(
        &mut self,
        first_step: usize,
        column: &HistogramColumn,
        range: Range<usize>,
        room: usize,
    ) {
        let steps = first_step..first_step + range.len();
        self.steps.extend(steps.map(|step| step as u32));
        self.column.extend_with_room(column, range, room);
    }

    /// Moves all histograms behind those of a column.
    pub fn move_to(&mut self, column: &mut HistogramColumn) {
        self.steps.clear();
        column.append(&mut self.column);
    }

    /// Counts the steps from `first`, from where they were counted from 0.
    pub fn shift(&mut self, first: usize) {
        self.steps.iter_mut().for_each(|step| *step += first as u32);
    }

    /// About the bytes that the histograms take.
    pub fn bytes(&self) -> usize {
        self.steps.len() * 4 + self.column.bytes()
    }

    /// The steps, ascending.
    pub fn steps(&self) -> &[u32] {
        &self.steps
    }

    /// The histograms, one a step.
    pub fn column(&self) -> &HistogramColumn {
        &self.column
    }

    /// The histograms, one a step, to be changed.
    pub fn column_mut(&mut self) -> &mut HistogramColumn {
        &mut self.column
    }

    /// All with their steps.
    pub fn iter(&self) -> impl Iterator<Item = (usize, HistogramRef<'_>)> {
        self.steps
            .iter()
            .map(|&step| step as usize)
            .zip(self.column.iter())
    }

    /// Appends to `out` those at steps that `keep` names.
    pub fn retain_into(&self, keep: impl Fn(usize) -> bool, out: &mut StepHistograms) {
        for (step, h) in self.iter().filter(|(step, _)| keep(*step)) {
            out.push(step, &h);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn one(bucket: i32, count: f64) -> Histogram {
        let layout = Layout::exponential(0, 0.0, vec![bucket], vec![]).unwrap();
        let mut h = Histogram::new(layout, vec![count]).unwrap();
        h.count = count;
        h
    }

    /// What is done to a column.
    #[derive(Clone, Debug)]
    enum Edit {
        Push(i32, f64),
        Begin(i32),
        Extend(Vec<(i32, f64)>, usize),
        Append(Vec<(i32, f64)>),
        PushRun(i32, usize),
        Clear,
    }

    fn edit() -> impl Strategy<Value = Edit> {
        let histogram = || (0i32..3, (0u32..9).prop_map(f64::from));
        let some = || proptest::collection::vec(histogram(), 0..6);
        prop_oneof![
            6 => histogram().prop_map(|(bucket, count)| Edit::Push(bucket, count)),
            2 => (0i32..3).prop_map(Edit::Begin),
            2 => (some(), 0usize..3).prop_map(|(all, skip)| Edit::Extend(all, skip)),
            2 => some().prop_map(Edit::Append),
            2 => (0i32..3, 0usize..4).prop_map(|(bucket, rows)| Edit::PushRun(bucket, rows)),
            1 => Just(Edit::Clear),
        ]
    }

    fn column(all: &[(i32, f64)]) -> HistogramColumn {
        let mut column = HistogramColumn::default();
        for &(bucket, count) in all {
            column.push(&one(bucket, count).view());
        }
        column
    }

    proptest! {
        #[test]
        fn columns_hold_what_was_appended(edits in proptest::collection::vec(edit(), 0..20)) {
            let (mut got, mut wanted) = (HistogramColumn::default(), Vec::new());
            for edit in edits {
                match edit {
                    Edit::Push(bucket, count) => {
                        got.push(&one(bucket, count).view());
                        wanted.push((bucket, count));
                    }
                    // Begun, and then nothing is appended.
                    Edit::Begin(bucket) => {
                        let layout = Arc::clone(one(bucket, 0.0).layout());
                        got.rows_mut(&layout, false, 3);
                        got.drop_empty();
                    }
                    Edit::Extend(all, skip) => {
                        let part = skip.min(all.len())..all.len();
                        got.extend_from(&column(&all), part.clone());
                        wanted.extend_from_slice(&all[part]);
                    }
                    Edit::Append(all) => {
                        let mut other = column(&all);
                        got.append(&mut other);
                        prop_assert!(other.is_empty());
                        wanted.extend(all);
                    }
                    Edit::PushRun(bucket, rows) => {
                        let h = one(bucket, 1.0);
                        let mut run = HistogramRows::new(Arc::clone(h.layout()), false);
                        (0..rows).for_each(|_| assert!(run.push(&h.view())));
                        got.copy_run(&run);
                        got.push_run(run);
                        wanted.extend((0..2 * rows).map(|_| (bucket, 1.0)));
                    }
                    Edit::Clear => {
                        got.clear();
                        wanted.clear();
                    }
                }
                prop_assert_eq!(got.len(), wanted.len());
                prop_assert_eq!(got.iter().count(), wanted.len());
                for (i, &(bucket, count)) in wanted.iter().enumerate() {
                    prop_assert!(got.get(i).equals(&one(bucket, count).view()));
                }
                let parts: usize = got.parts(0..got.len()).map(|(_, part)| part.len()).sum();
                prop_assert_eq!(parts, wanted.len());
            }
        }
    }

    #[test]
    fn columns_are_cut_into_runs() {
        let mut column = HistogramColumn::default();
        for (bucket, count) in [(1, 1.0), (1, 2.0), (2, 3.0), (1, 4.0), (1, 5.0)] {
            column.push(&one(bucket, count).view());
        }
        assert_eq!((column.len(), column.runs().len()), (5, 3));
        let counts: Vec<f64> = (0..5).map(|i| column.get(i).count).collect();
        assert_eq!(counts, [1.0, 2.0, 3.0, 4.0, 5.0]);
        let parts: Vec<_> = column.parts(1..4).map(|(_, part)| part).collect();
        assert_eq!(parts, [1..2, 0..1, 0..1]);
        assert!(column.one_run(0..2).is_some() && column.one_run(1..3).is_none());
        let mut other = HistogramColumn::default();
        other.extend_from(&column, 1..5);
        assert_eq!(
            other.iter().map(|h| h.count).collect::<Vec<_>>(),
            [2.0, 3.0, 4.0, 5.0]
        );
        assert_eq!(column.parts(5..5).count(), 0);
    }
}

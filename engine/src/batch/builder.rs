//! Collects rows into a batch.

use arrow_buffer::{BooleanBufferBuilder, OffsetBuffer};
use quarrel_functions::histogram::native::StepHistograms;

use super::buffers::{Buffers, SpareBuffers};
use super::histograms::HistogramsBuilder;
use super::{Row, SeriesBatch, TARGET_BYTES, TARGET_ITEMS};

/// Collects rows into a batch.
#[derive(Debug)]
pub struct BatchBuilder {
    /// Items after which it is full.
    target: usize,
    /// Rows that are to come, if that is known.
    expected_rows: Option<usize>,
    series: Vec<u32>,
    first_step: Vec<u32>,
    ends: Vec<i32>,
    values: Vec<f64>,
    /// Whether `values[..]` are samples; made at the first one that is none.
    present: Option<BooleanBufferBuilder>,
    /// Made at the first histogram.
    histograms: Option<HistogramsBuilder>,
}

impl Default for BatchBuilder {
    fn default() -> Self {
        BatchBuilder::new()
    }
}

impl BatchBuilder {
    /// An empty builder.
    pub fn new() -> Self {
        BatchBuilder::with_target(TARGET_ITEMS)
    }

    /// An empty builder that gets at most `rows` rows.
    pub fn for_rows(rows: usize) -> Self {
        BatchBuilder {
            expected_rows: Some(rows),
            ..BatchBuilder::new()
        }
    }

    /// An empty builder that is full after `target` items.
    pub fn with_target(target: usize) -> Self {
        BatchBuilder {
            target,
            expected_rows: None,
            series: Vec::new(),
            first_step: Vec::new(),
            ends: vec![0],
            values: Vec::new(),
            present: None,
            histograms: None,
        }
    }

    /// Begins a batch of at most `rows` rows, in spare buffers if there are any. Rows
    /// that are there already are lost.
    pub fn begin(&mut self, rows: usize, spare: &SpareBuffers) {
        let Buffers {
            series,
            first_step,
            mut ends,
            values,
        } = spare.take();
        ends.push(0);
        *self = BatchBuilder {
            expected_rows: Some(rows),
            series,
            first_step,
            ends,
            values,
            ..BatchBuilder::with_target(self.target)
        };
    }

    /// Makes room for a row of `items` items: for all rows that are expected, or
    /// for a full batch once a quarter of it is there, so that buffers neither grow
    /// often nor are much larger than their batch.
    fn make_room(&mut self, items: usize) {
        let so_far = self.values.len();
        if self.values.capacity() - so_far >= items {
            return;
        }
        let full = self.target.saturating_add(items);
        let wanted = match self.expected_rows {
            // Their bytes make a batch full long before its items do.
            _ if self.histograms.is_some() => 0,
            Some(rows) => full.min(rows.saturating_mul(items)),
            None if so_far >= self.target / 4 => full,
            None => 0,
        };
        if wanted >= so_far + items {
            self.values.reserve_exact(wanted - so_far);
        } else {
            self.values.reserve(items);
        }
    }

    /// Appends a row of floats whose items begin at `first_step`; absent items
    /// at both ends are cut off, and a row without any sample is left out.
    pub fn push(&mut self, series: u32, first_step: u32, values: &[f64], present: &[bool]) {
        debug_assert_eq!(values.len(), present.len());
        let Some(from) = present.iter().position(|&p| p) else {
            return;
        };
        let to = present.iter().rposition(|&p| p).map_or(from, |i| i + 1);
        let (values, present) = (&values[from..to], &present[from..to]);
        if present.iter().all(|&p| p) {
            self.push_full(series, first_step + from as u32, values);
            return;
        }
        self.bits(values.len()).append_slice(present);
        self.finish_row(series, first_step + from as u32, values);
        self.pad_histograms(values.len());
    }

    /// Appends a row of floats that are all samples.
    pub fn push_full(&mut self, series: u32, first_step: u32, values: &[f64]) {
        if values.is_empty() {
            return;
        }
        if let Some(bits) = &mut self.present {
            bits.append_n(values.len(), true);
        }
        self.finish_row(series, first_step, values);
        self.pad_histograms(values.len());
    }

    /// Appends a row of floats and histograms, as [`BatchBuilder::push`] does.
    /// The histograms' steps are those of the grid; at a step that has one
    /// there is no float.
    pub fn push_mixed(
        &mut self,
        series: u32,
        first_step: u32,
        values: &[f64],
        present: &[bool],
        histograms: &StepHistograms,
    ) {
        if self.place(series, first_step, (values, present), histograms)
            && let Some(builder) = &mut self.histograms
        {
            builder.copy(histograms);
        }
    }

    /// As [`BatchBuilder::push_mixed`], and takes the histograms away.
    pub fn push_moved(
        &mut self,
        series: u32,
        first_step: u32,
        values: &[f64],
        present: &[bool],
        histograms: &mut StepHistograms,
    ) {
        if self.place(series, first_step, (values, present), histograms)
            && let Some(builder) = &mut self.histograms
        {
            builder.take(histograms);
        }
    }

    /// Appends a row of which the histograms are still to come; false if it has
    /// none.
    fn place(
        &mut self,
        series: u32,
        first_step: u32,
        (values, present): (&[f64], &[bool]),
        histograms: &StepHistograms,
    ) -> bool {
        let steps = histograms.steps();
        let (Some(&first), Some(&last)) = (steps.first(), steps.last()) else {
            self.push(series, first_step, values, present);
            return false;
        };
        let item = |step: u32| (step - first_step) as usize;
        let floats = |i: Option<usize>, other: usize| i.unwrap_or(other);
        let from = floats(present.iter().position(|&p| p), item(first)).min(item(first));
        let to = floats(present.iter().rposition(|&p| p), item(last)).max(item(last)) + 1;
        self.bits(to - from).append_slice(&present[from..to]);
        self.make_histograms();
        let first_item = first_step + from as u32;
        self.finish_row(series, first_item, &values[from..to]);
        if let Some(builder) = &mut self.histograms {
            builder.place(steps, first_item, to - from);
        }
        true
    }

    /// Appends the samples of a row whose items `keep` names.
    pub fn push_kept(&mut self, series: u32, row: &Row<'_>, keep: impl Fn(usize) -> bool) {
        let len = row.values.len();
        let kept = |i: &usize| row.is_sample(*i) && keep(*i);
        let (Some(from), Some(last)) = ((0..len).find(kept), (0..len).rev().find(kept)) else {
            return;
        };
        let first_step = row.first_step + from as u32;
        let items = from..last + 1;
        let floats = items.clone().map(|i| row.is_present(i) && keep(i));
        let mut all = true;
        let mut present = Vec::with_capacity(items.len());
        present.extend(floats.inspect(|&p| all &= p));
        if all {
            self.push_full(series, first_step, &row.values[items]);
            return;
        }
        self.bits(items.len()).append_slice(&present);
        if row.has_histograms() {
            self.make_histograms();
        }
        self.finish_row(series, first_step, &row.values[items.clone()]);
        let Some(builder) = &mut self.histograms else {
            return;
        };
        for i in items {
            match row.histogram(i).filter(|_| keep(i)) {
                Some(h) => builder.push(&h),
                None => builder.pad(1),
            }
        }
    }

    /// The bits of presence, which are about to get `more`.
    fn bits(&mut self, more: usize) -> &mut BooleanBufferBuilder {
        let so_far = self.values.len();
        self.present.get_or_insert_with(|| {
            let mut bits = BooleanBufferBuilder::new(so_far + more);
            bits.append_n(so_far, true);
            bits
        })
    }

    fn make_histograms(&mut self) {
        let so_far = self.values.len();
        self.histograms.get_or_insert_with(|| {
            let mut builder = HistogramsBuilder::default();
            builder.pad(so_far);
            builder
        });
    }

    fn pad_histograms(&mut self, items: usize) {
        if let Some(builder) = &mut self.histograms {
            builder.pad(items);
        }
    }

    fn finish_row(&mut self, series: u32, first_step: u32, values: &[f64]) {
        self.series.push(series);
        self.first_step.push(first_step);
        self.make_room(values.len());
        self.values.extend_from_slice(values);
        self.ends
            .push(i32::try_from(self.values.len()).expect("a batch stays below 2^31 items"));
    }

    /// Rows so far.
    pub fn rows(&self) -> usize {
        self.series.len()
    }

    /// Whether the batch has reached its size.
    pub fn is_full(&self) -> bool {
        self.values.len() >= self.target
            || self.series.len() >= self.target
            || (self.histograms.as_ref()).is_some_and(|h| h.bytes() >= TARGET_BYTES)
    }

    /// The batch; the builder is empty afterwards.
    pub fn finish(&mut self) -> SeriesBatch {
        let rows = self.rows();
        let next = BatchBuilder {
            expected_rows: self.expected_rows.map(|all| all.saturating_sub(rows)),
            ..BatchBuilder::with_target(self.target)
        };
        let this = std::mem::replace(self, next);
        SeriesBatch {
            series: this.series.into(),
            first_step: this.first_step.into(),
            offsets: OffsetBuffer::new(this.ends.into()),
            values: this.values.into(),
            present: this.present.map(|mut bits| bits.finish()),
            histograms: this.histograms.map(HistogramsBuilder::finish),
        }
    }
}

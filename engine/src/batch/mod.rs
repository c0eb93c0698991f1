//! The unit of data: a series batch, an Arrow `RecordBatch` of whole rows.
//!
//! | column | type | meaning |
//! | --- | --- | --- |
//! | `series` | `UInt32` | the row's place in its plan node's label list |
//! | `first_step` | `UInt32` | the step of the row's first item |
//! | `values` | `List<Float64>`, nullable items | one item a step; validity is presence |
//!
//! A row covers only the steps it has reason to cover; all items of a batch
//! lie in one buffer. NaN is a value, absence is a null. A row without any
//! sample is not in the batch.
//!
//! Where there are native histograms, an item is a float, or a histogram in a
//! fourth column ([`arrow`]), or neither; presence in `values` is that of
//! floats.

mod arrow;
mod buffers;
mod builder;
mod histograms;
mod rows;

use arrow_buffer::{BooleanBuffer, OffsetBuffer, ScalarBuffer};
use quarrel_functions::histogram::native::HistogramRef;

pub(crate) use self::arrow::items;
pub use self::buffers::SpareBuffers;
pub use self::builder::BatchBuilder;
pub use self::histograms::Rescale;
use self::histograms::{HistogramItems, NONE};
pub use self::rows::Rows;

/// Items after which a batch is full: 16K items of 8 bytes are 128 KiB, which
/// stay in L2 while the operators above work on them. A batch may be one long row.
pub const TARGET_ITEMS: usize = 16 * 1024;

/// Bytes of histograms after which a batch is full, for the same reason. A row of
/// a range query mostly has more; then it is a batch of its own, and its
/// histograms are moved there, not copied.
const TARGET_BYTES: usize = 64 * 1024;

/// A series batch with its columns at hand.
#[derive(Clone, Debug)]
pub struct SeriesBatch {
    series: ScalarBuffer<u32>,
    first_step: ScalarBuffer<u32>,
    offsets: OffsetBuffer<i32>,
    values: ScalarBuffer<f64>,
    present: Option<BooleanBuffer>,
    /// There if any item is a histogram.
    histograms: Option<HistogramItems>,
}

/// One row of a batch.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    /// The row's place in its node's label list.
    pub series: u32,
    /// The step of the first item.
    pub first_step: u32,
    /// One item a step.
    pub values: &'a [f64],
    present: Option<(&'a BooleanBuffer, usize)>,
    histograms: Option<(&'a HistogramItems, usize)>,
}

impl<'a> Row<'a> {
    /// The histogram that item `i` is, if it is one.
    pub fn histogram(&self, i: usize) -> Option<HistogramRef<'a>> {
        let (histograms, offset) = self.histograms?;
        histograms.get(offset + i)
    }

    /// Whether any item is a histogram.
    pub fn has_histograms(&self) -> bool {
        self.histograms.is_some_and(|(histograms, offset)| {
            let places = &histograms.places[offset..offset + self.values.len()];
            places.iter().any(|&place| place != NONE)
        })
    }

    /// The items that are histograms.
    pub fn histograms(&self) -> impl Iterator<Item = (usize, HistogramRef<'a>)> + use<'a> {
        let row = *self;
        let items = match self.histograms {
            Some(_) => 0..self.values.len(),
            None => 0..0,
        };
        items.filter_map(move |i| Some((i, row.histogram(i)?)))
    }

    /// Whether item `i` is a sample, a float or a histogram.
    pub fn is_sample(&self, i: usize) -> bool {
        self.is_present(i) || self.histogram(i).is_some()
    }

    /// The items that are samples.
    pub fn samples(&self) -> impl Iterator<Item = usize> + use<'a> {
        let row = *self;
        (0..self.values.len()).filter(move |&i| row.is_sample(i))
    }

    /// The items that are floats.
    pub fn floats(&self) -> impl Iterator<Item = usize> + use<'a> {
        let row = *self;
        (0..self.values.len()).filter(move |&i| row.is_present(i))
    }

    /// Whether item `i` is a float.
    pub fn is_present(&self, i: usize) -> bool {
        self.present
            .is_none_or(|(bits, offset)| bits.value(offset + i))
    }

    /// Whether all items are floats.
    pub fn is_full(&self) -> bool {
        self.present.is_none()
    }

    /// The number of floats.
    pub fn count(&self) -> usize {
        match self.present {
            None => self.values.len(),
            Some((bits, offset)) => bits.slice(offset, self.values.len()).count_set_bits(),
        }
    }

    /// The float at a step of the grid.
    pub fn at_step(&self, step: usize) -> Option<f64> {
        let i = step.checked_sub(self.first_step as usize)?;
        let value = *self.values.get(i)?;
        self.is_present(i).then_some(value)
    }

    /// Copies the floats' presence to a slice of the same length.
    pub fn write_presence(&self, out: &mut [bool]) {
        match self.present {
            None => out.fill(true),
            Some((bits, offset)) => {
                let slice = bits.slice(offset, self.values.len());
                for (o, bit) in out.iter_mut().zip(slice.iter()) {
                    *o = bit;
                }
            }
        }
    }

    /// Spreads the row over all steps of its grid; absent steps get 0 and false.
    pub fn expand(&self, values: &mut [f64], present: &mut [bool]) {
        let from = self.first_step as usize;
        let to = from + self.values.len();
        values[..from].fill(0.0);
        values[to..].fill(0.0);
        present[..from].fill(false);
        present[to..].fill(false);
        values[from..to].copy_from_slice(self.values);
        self.write_presence(&mut present[from..to]);
    }
}

impl SeriesBatch {
    /// The number of rows.
    pub fn len(&self) -> usize {
        self.series.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.series.is_empty()
    }

    /// The number of items, absent ones included.
    pub fn items(&self) -> usize {
        self.values.len()
    }

    /// Row `i`.
    pub fn row(&self, i: usize) -> Row<'_> {
        let (from, to) = (self.offsets[i] as usize, self.offsets[i + 1] as usize);
        Row {
            series: self.series[i],
            first_step: self.first_step[i],
            values: &self.values[from..to],
            present: self.present.as_ref().map(|bits| (bits, from)),
            histograms: self.histograms.as_ref().map(|all| (all, from)),
        }
    }

    /// Whether any item may be a histogram.
    pub fn has_histograms(&self) -> bool {
        self.histograms.is_some()
    }

    /// The rows without their histograms.
    pub fn floats_only(self) -> SeriesBatch {
        if self.histograms.is_none() {
            return self;
        }
        let mut builder = BatchBuilder::for_rows(self.len());
        for row in self.rows() {
            builder.push_kept(row.series, &row, |i| row.is_present(i));
        }
        builder.finish()
    }

    /// All rows.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = Row<'_>> {
        (0..self.len()).map(|i| self.row(i))
    }

    /// Bytes of the batch, each buffer counted once.
    pub fn bytes(&self) -> usize {
        let floats = self.series.len() * 12 + self.values.len() * 8 + self.values.len() / 8;
        floats + self.histograms.as_ref().map_or(0, HistogramItems::bytes)
    }

    /// The same rows with floats changed by `edit`, which gets a row's first
    /// step and items, absent ones included. Works in place where the buffer
    /// belongs to nobody else. Histograms stay as they are.
    ///
    /// # Errors
    /// Those of `edit`.
    pub fn map_values<E>(
        self,
        mut edit: impl FnMut(usize, &mut [f64]) -> Result<(), E>,
    ) -> Result<SeriesBatch, E> {
        let SeriesBatch {
            series,
            first_step,
            offsets,
            values,
            present,
            histograms,
        } = self;
        let mut values = match values.into_inner().into_vec::<f64>() {
            Ok(own) => own,
            Err(shared) => ScalarBuffer::<f64>::from(shared).to_vec(),
        };
        for (window, &first) in offsets.windows(2).zip(first_step.iter()) {
            edit(
                first as usize,
                &mut values[window[0] as usize..window[1] as usize],
            )?;
        }
        Ok(SeriesBatch {
            series,
            first_step,
            offsets,
            values: values.into(),
            present,
            histograms,
        })
    }

    /// Whether [`SeriesBatch::rescale_histograms`] can do it.
    pub fn can_rescale(&self, by: Rescale) -> bool {
        self.histograms
            .as_ref()
            .is_none_or(|all| all.can_rescale(by))
    }

    /// The same rows with all histograms rescaled; in place where their memory
    /// belongs to nobody else. Floats stay as they are.
    pub fn rescale_histograms(self, by: Rescale) -> SeriesBatch {
        SeriesBatch {
            histograms: self.histograms.map(|all| all.rescaled(by)),
            ..self
        }
    }

    /// The same rows with floats taken out or changed by `edit`, which gets a
    /// row's first step, items and presence. Histograms are left out.
    ///
    /// # Errors
    /// Those of `edit`.
    pub fn map_samples<E>(
        &self,
        mut edit: impl FnMut(usize, &mut [f64], &mut [bool]) -> Result<(), E>,
    ) -> Result<SeriesBatch, E> {
        let mut builder = BatchBuilder::for_rows(self.len());
        let (mut values, mut present) = (Vec::new(), Vec::new());
        for row in self.rows() {
            values.clear();
            values.extend_from_slice(row.values);
            present.resize(values.len(), false);
            row.write_presence(&mut present);
            edit(row.first_step as usize, &mut values, &mut present)?;
            builder.push(row.series, row.first_step, &values, &present);
        }
        Ok(builder.finish())
    }

    /// The same rows under other numbers.
    pub fn renumber(&self, number: impl Fn(u32) -> u32) -> SeriesBatch {
        SeriesBatch {
            series: self
                .series
                .iter()
                .map(|&s| number(s))
                .collect::<Vec<_>>()
                .into(),
            ..self.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{RecordBatch, UInt32Array};
    use arrow_schema::{DataType, Field, Schema};
    use quarrel_functions::histogram::native::{CounterReset, Histogram, Layout, StepHistograms};

    use super::*;

    #[test]
    fn rows_survive_the_way_through_arrow() {
        let mut builder = BatchBuilder::new();
        builder.push_full(7, 2, &[1.0, f64::NAN]);
        builder.push(
            3,
            0,
            &[9.0, 1.0, 0.0, 3.0, 9.0],
            &[false, true, false, true, false],
        );
        builder.push(4, 0, &[1.0], &[false]);
        builder.push_full(5, 0, &[4.0]);
        let record: RecordBatch = builder.finish().into();
        assert_eq!(record.num_rows(), 3, "the row without samples is left out");
        let batch = SeriesBatch::try_from(&record).unwrap();
        let row = batch.row(1);
        assert_eq!((row.series, row.first_step, row.values.len()), (3, 1, 3));
        assert!(row.is_present(0) && !row.is_present(1) && row.is_present(2));
        assert_eq!(row.count(), 2);
        let (mut values, mut present) = ([1.0; 5], [true; 5]);
        row.expand(&mut values, &mut present);
        assert_eq!(present, [false, true, false, true, false]);
        assert_eq!(values[3], 3.0);
        assert_eq!(batch.row(0).count(), 2);
        assert!(batch.row(0).values[1].is_nan());

        let mut rows = Rows::new(8);
        rows.add(batch);
        assert_eq!(rows.get(5).unwrap().values, [4.0]);
        assert!(rows.get(4).is_none());
        assert_eq!(rows.iter().map(|r| r.series).collect::<Vec<_>>(), [3, 5, 7]);
    }

    #[test]
    fn rescaled_batches_are_those_of_single_histograms() {
        let mut histograms = StepHistograms::default();
        for (step, bucket, count) in [(1, 1, 2.0), (2, 1, 0.0), (4, 3, -1.0)] {
            histograms.push(step, &histogram(bucket, count).view());
        }
        let batch = || {
            let mut builder = BatchBuilder::new();
            let present = [true, false, false, false, false];
            builder.push_mixed(2, 0, &[8.0, 0.0, 0.0, 0.0, 0.0], &present, &histograms);
            builder.finish()
        };
        let numbers = [2.0, -0.5, 0.0, f64::INFINITY, f64::NAN];
        let by = numbers
            .into_iter()
            .flat_map(|n| [Rescale::Multiply(n), Rescale::Divide(n)]);
        let twice = |batch: SeriesBatch| batch.rescale_histograms(Rescale::Multiply(2.0));
        for batch in [batch(), twice(batch())] {
            for by in by.clone().chain([Rescale::Negate]) {
                if !batch.can_rescale(by) {
                    continue;
                }
                let got = batch.clone().rescale_histograms(by);
                assert_eq!(got.row(0).values, batch.row(0).values);
                let mut wanted = StepHistograms::default();
                for (i, h) in batch.row(0).histograms() {
                    wanted.push_with(i, |column| match by {
                        Rescale::Multiply(n) => column.push_scaled(&h, n),
                        Rescale::Divide(n) => column.push_divided(&h, n),
                        Rescale::Negate => column.push_negated(&h),
                    });
                }
                assert_eq!(got.row(0).histograms().count(), 3);
                for ((i, got), (step, want)) in got.row(0).histograms().zip(wanted.iter()) {
                    assert_eq!(i, step);
                    assert!(got.equals(&want), "{by:?}: {got:?}, not {want:?}");
                    assert_eq!(got.counter_reset, want.counter_reset);
                    assert_eq!(got.compact, want.compact);
                }
            }
        }
    }

    #[test]
    fn a_foreign_batch_is_refused() {
        let schema = Arc::new(Schema::new(vec![Field::new("x", DataType::UInt32, false)]));
        let batch =
            RecordBatch::try_new(schema, vec![Arc::new(UInt32Array::from(vec![1]))]).unwrap();
        assert!(SeriesBatch::try_from(&batch).is_err());
    }

    fn histogram(bucket: i32, count: f64) -> Histogram {
        let layout = Layout::exponential(1, 0.5, vec![bucket, bucket + 1], vec![-3]).unwrap();
        let mut h = Histogram::new(layout, vec![count, 1.0, 2.0]).unwrap();
        h.counter_reset = CounterReset::Gauge;
        (h.zero_count, h.count, h.sum) = (0.5, count + 3.5, 7.0);
        h
    }

    #[test]
    fn histograms_survive_the_way_through_arrow() {
        let custom = Layout::custom([1.0, 2.0].into(), vec![0, 2]).unwrap();
        let custom = Histogram::new(custom, vec![3.0, 4.0]).unwrap();
        let mut histograms = StepHistograms::default();
        for (step, h) in [
            (2, &histogram(1, 2.0)),
            (4, &histogram(1, 3.0)),
            (5, &custom),
        ] {
            histograms.push(step, &h.view());
        }
        let mut builder = BatchBuilder::new();
        builder.push_full(1, 0, &[1.0, 2.0]);
        let present = [false, false, true, false, false, false];
        builder.push_mixed(2, 1, &[0.0, 0.0, 8.0, 0.0, 0.0, 0.0], &present, &histograms);
        builder.push(3, 0, &[1.0, 2.0], &[false, true]);
        let record: RecordBatch = builder.finish().into();
        assert_eq!(record.num_columns(), 4);
        let batch = SeriesBatch::try_from(&record).unwrap();
        let row = batch.row(1);
        assert_eq!((row.first_step, row.values.len()), (2, 4));
        assert!(row.has_histograms() && !batch.row(0).has_histograms());
        assert_eq!(row.samples().collect::<Vec<_>>(), [0, 1, 2, 3]);
        assert_eq!(row.floats().collect::<Vec<_>>(), [1]);
        let got: Vec<_> = row.histograms().collect();
        assert_eq!(got.iter().map(|(i, _)| *i).collect::<Vec<_>>(), [0, 2, 3]);
        for ((_, got), (_, want)) in got.iter().zip(histograms.iter()) {
            assert!(got.equals(&want) && got.counter_reset == want.counter_reset);
        }
        let mut kept = BatchBuilder::new();
        kept.push_kept(9, &row, |i| i > 1);
        let kept = kept.finish();
        assert_eq!((kept.row(0).first_step, kept.row(0).values.len()), (4, 2));
        assert!(kept.row(0).histogram(1).unwrap().equals(&custom.view()));
        let floats = batch.floats_only();
        assert_eq!((floats.len(), floats.row(1).values), (3, &[8.0][..]));
    }
}

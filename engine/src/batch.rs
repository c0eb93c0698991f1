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

use std::sync::{Arc, LazyLock};

use arrow_array::{Array, Float64Array, ListArray, RecordBatch, UInt32Array};
use arrow_buffer::{BooleanBuffer, BooleanBufferBuilder, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow_schema::{DataType, Field, Schema, SchemaRef};

/// Items after which a batch is full: 16K items of 8 bytes are 128 KiB, which
/// stay in L2 while the operators above work on them. A batch may be one long row.
pub const TARGET_ITEMS: usize = 16 * 1024;

static ITEM: LazyLock<Arc<Field>> =
    LazyLock::new(|| Arc::new(Field::new("item", DataType::Float64, true)));

static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
    Arc::new(Schema::new(vec![
        Field::new("series", DataType::UInt32, false),
        Field::new("first_step", DataType::UInt32, false),
        Field::new("values", DataType::List(Arc::clone(&ITEM)), false),
    ]))
});

/// The schema of every series batch.
pub fn schema() -> SchemaRef {
    Arc::clone(&SCHEMA)
}

/// Collects rows into a batch.
#[derive(Debug)]
pub struct BatchBuilder {
    series: Vec<u32>,
    first_step: Vec<u32>,
    ends: Vec<i32>,
    values: Vec<f64>,
    /// Presence of `values[..]`; made at the first absent item.
    present: Option<BooleanBufferBuilder>,
}

impl Default for BatchBuilder {
    fn default() -> Self {
        BatchBuilder::new()
    }
}

impl BatchBuilder {
    /// An empty builder.
    pub fn new() -> Self {
        BatchBuilder {
            series: Vec::new(),
            first_step: Vec::new(),
            ends: vec![0],
            values: Vec::new(),
            present: None,
        }
    }

    /// Appends a row whose items begin at `first_step`; absent items at both
    /// ends are cut off, and a row without any sample is left out.
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
        let bits = self.present.get_or_insert_with(|| {
            let mut bits = BooleanBufferBuilder::new(self.values.len() + values.len());
            bits.append_n(self.values.len(), true);
            bits
        });
        bits.append_slice(present);
        self.finish_row(series, first_step + from as u32, values);
    }

    /// Appends a row whose items are all present.
    pub fn push_full(&mut self, series: u32, first_step: u32, values: &[f64]) {
        if values.is_empty() {
            return;
        }
        if let Some(bits) = &mut self.present {
            bits.append_n(values.len(), true);
        }
        self.finish_row(series, first_step, values);
    }

    fn finish_row(&mut self, series: u32, first_step: u32, values: &[f64]) {
        self.series.push(series);
        self.first_step.push(first_step);
        self.values.extend_from_slice(values);
        self.ends
            .push(i32::try_from(self.values.len()).expect("a batch stays below 2^31 items"));
    }

    /// Items so far.
    pub fn items(&self) -> usize {
        self.values.len()
    }

    /// Rows so far.
    pub fn rows(&self) -> usize {
        self.series.len()
    }

    /// Whether the batch has reached its size.
    pub fn is_full(&self) -> bool {
        self.values.len() >= TARGET_ITEMS || self.series.len() >= TARGET_ITEMS
    }

    /// The batch; the builder is empty afterwards.
    pub fn finish(&mut self) -> SeriesBatch {
        let this = std::mem::take(self);
        SeriesBatch {
            series: this.series.into(),
            first_step: this.first_step.into(),
            offsets: OffsetBuffer::new(this.ends.into()),
            values: this.values.into(),
            present: this.present.map(|mut bits| bits.finish()),
        }
    }
}

/// A series batch with its columns at hand.
#[derive(Clone, Debug)]
pub struct SeriesBatch {
    series: ScalarBuffer<u32>,
    first_step: ScalarBuffer<u32>,
    offsets: OffsetBuffer<i32>,
    values: ScalarBuffer<f64>,
    present: Option<BooleanBuffer>,
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
}

impl Row<'_> {
    /// Whether item `i` is a sample.
    pub fn is_present(&self, i: usize) -> bool {
        self.present
            .is_none_or(|(bits, offset)| bits.value(offset + i))
    }

    /// Whether all items are samples.
    pub fn is_full(&self) -> bool {
        self.present.is_none()
    }

    /// The number of samples.
    pub fn count(&self) -> usize {
        match self.present {
            None => self.values.len(),
            Some((bits, offset)) => bits.slice(offset, self.values.len()).count_set_bits(),
        }
    }

    /// The sample at a step of the grid.
    pub fn at_step(&self, step: usize) -> Option<f64> {
        let i = step.checked_sub(self.first_step as usize)?;
        let value = *self.values.get(i)?;
        self.is_present(i).then_some(value)
    }

    /// Copies the items' presence to a slice of the same length.
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
        }
    }

    /// All rows.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = Row<'_>> {
        (0..self.len()).map(|i| self.row(i))
    }

    /// Bytes of the batch, each buffer counted once.
    pub fn bytes(&self) -> usize {
        self.series.len() * 12 + self.values.len() * 8 + self.values.len() / 8
    }

    /// The same rows with values changed by `edit`, which gets a row's first
    /// step and items, absent ones included. Works in place where the buffer
    /// belongs to nobody else.
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
        })
    }

    /// The same rows with samples taken out or changed by `edit`, which gets a
    /// row's first step, items and presence.
    ///
    /// # Errors
    /// Those of `edit`.
    pub fn map_samples<E>(
        &self,
        mut edit: impl FnMut(usize, &mut [f64], &mut [bool]) -> Result<(), E>,
    ) -> Result<SeriesBatch, E> {
        let mut builder = BatchBuilder::new();
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

impl From<SeriesBatch> for RecordBatch {
    fn from(batch: SeriesBatch) -> RecordBatch {
        let nulls = batch.present.map(NullBuffer::new);
        let items = Float64Array::new(batch.values, nulls);
        let list = ListArray::new(Arc::clone(&ITEM), batch.offsets, Arc::new(items), None);
        RecordBatch::try_new(
            schema(),
            vec![
                Arc::new(UInt32Array::new(batch.series, None)),
                Arc::new(UInt32Array::new(batch.first_step, None)),
                Arc::new(list),
            ],
        )
        .expect("columns of one length by construction")
    }
}

/// A `RecordBatch` that is not a series batch.
#[derive(Debug, thiserror::Error)]
#[error("not a series batch: {0}")]
pub struct NotASeriesBatch(String);

impl TryFrom<&RecordBatch> for SeriesBatch {
    type Error = NotASeriesBatch;

    fn try_from(batch: &RecordBatch) -> Result<Self, NotASeriesBatch> {
        let wrong = || NotASeriesBatch(format!("{:?}", batch.schema()));
        let numbers = |i: usize| -> Option<&UInt32Array> {
            batch
                .columns()
                .get(i)?
                .as_any()
                .downcast_ref::<UInt32Array>()
        };
        let series = numbers(0).ok_or_else(wrong)?;
        let first_step = numbers(1).ok_or_else(wrong)?;
        let list = batch
            .columns()
            .get(2)
            .and_then(|c| c.as_any().downcast_ref::<ListArray>());
        let list = list.ok_or_else(wrong)?;
        let items = list
            .values()
            .as_any()
            .downcast_ref::<Float64Array>()
            .ok_or_else(wrong)?;
        Ok(SeriesBatch {
            series: series.values().clone(),
            first_step: first_step.values().clone(),
            offsets: list.offsets().clone(),
            values: items.values().clone(),
            present: items.nulls().map(|n| n.inner().clone()),
        })
    }
}

/// All rows of a node, found by number.
#[derive(Debug, Default)]
pub struct Rows {
    batches: Vec<SeriesBatch>,
    /// For each row number its batch and row, or `NONE`.
    places: Vec<(u32, u32)>,
}

const NONE: u32 = u32::MAX;

impl Rows {
    /// Room for rows numbered below `rows`.
    pub fn new(rows: usize) -> Self {
        Rows {
            batches: Vec::new(),
            places: vec![(NONE, 0); rows],
        }
    }

    /// Takes a batch in.
    pub fn add(&mut self, batch: SeriesBatch) {
        let b = self.batches.len() as u32;
        for (i, &series) in batch.series.iter().enumerate() {
            self.places[series as usize] = (b, i as u32);
        }
        self.batches.push(batch);
    }

    /// Row `number`, if it has any sample.
    pub fn get(&self, number: u32) -> Option<Row<'_>> {
        let (b, i) = *self.places.get(number as usize)?;
        (b != NONE).then(|| self.batches[b as usize].row(i as usize))
    }

    /// All rows that have samples, by number.
    pub fn iter(&self) -> impl Iterator<Item = Row<'_>> {
        (0..self.places.len() as u32).filter_map(|n| self.get(n))
    }

    /// All rows in the order in which they came.
    pub fn arrived(&self) -> impl Iterator<Item = Row<'_>> {
        self.batches.iter().flat_map(|b| b.rows())
    }

    /// The batches as they came.
    pub fn into_batches(self) -> Vec<SeriesBatch> {
        self.batches
    }

    /// How many row numbers there are.
    pub fn capacity(&self) -> usize {
        self.places.len()
    }
}

#[cfg(test)]
mod tests {
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
    fn a_foreign_batch_is_refused() {
        let schema = Arc::new(Schema::new(vec![Field::new("x", DataType::UInt32, false)]));
        let batch =
            RecordBatch::try_new(schema, vec![Arc::new(UInt32Array::from(vec![1]))]).unwrap();
        assert!(SeriesBatch::try_from(&batch).is_err());
    }
}

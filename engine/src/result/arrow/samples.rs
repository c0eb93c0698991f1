//! The samples of an answer in columns, series after series.

use std::sync::Arc;

use arrow_array::builder::NullBufferBuilder;
use arrow_array::{Array, ArrayRef, Float64Array, ListArray};
use arrow_buffer::OffsetBuffer;
use arrow_schema::{ArrowError, Field};
use quarrel_functions::grid::Grid;

use super::histograms::HistogramColumn;
use super::types::{invalid, timestamps};
use crate::batch::Row;
use crate::operators::raw::RawSeries;
use crate::result::sample::{Points, SampleValue};
use crate::result::series::{SeriesSet, Stored};

/// Timestamps, floats and, where they are wanted, histograms of equal length.
pub(super) struct SampleColumns {
    timestamps: Vec<i64>,
    values: Vec<f64>,
    histograms: Option<Mixed>,
    /// The number of samples of each series.
    lengths: Vec<usize>,
}

/// What a column of histograms needs.
struct Mixed {
    floats: NullBufferBuilder,
    column: HistogramColumn,
}

impl SampleColumns {
    /// The samples of a set. `None` if there are histograms and none are
    /// wanted.
    pub fn of(set: &SeriesSet, histograms: bool) -> Option<Self> {
        let mut columns = SampleColumns {
            timestamps: Vec::new(),
            values: Vec::new(),
            histograms: histograms.then(|| Mixed {
                floats: NullBufferBuilder::new(0),
                column: HistogramColumn::default(),
            }),
            lengths: Vec::with_capacity(set.len()),
        };
        let most = set.iter().map(|series| match series.stored() {
            Stored::Row(_, row) => row.values.len(),
            Stored::Raw(raw) => raw.timestamps.len() + raw.histogram_timestamps.len(),
        });
        let most = most.sum();
        columns.timestamps.reserve_exact(most);
        columns.values.reserve_exact(most);
        for series in set {
            let before = columns.timestamps.len();
            if columns.histograms.is_some() {
                columns.push_mixed(series.points());
            } else if series.has_histograms() {
                return None;
            } else {
                match series.stored() {
                    Stored::Row(grid, row) => columns.push_row(grid, &row),
                    Stored::Raw(raw) => columns.push_raw(raw),
                }
            }
            columns.lengths.push(columns.timestamps.len() - before);
        }
        Some(columns)
    }

    fn push_row(&mut self, grid: Grid, row: &Row<'_>) {
        let first = row.first_step as usize;
        if row.is_full() {
            let steps = first..first + row.values.len();
            self.timestamps.extend(steps.map(|step| grid.at(step)));
            self.values.extend_from_slice(row.values);
        } else {
            for i in row.floats() {
                self.timestamps.push(grid.at(first + i));
                self.values.push(row.values[i]);
            }
        }
    }

    fn push_raw(&mut self, series: &RawSeries) {
        self.timestamps.extend_from_slice(&series.timestamps);
        self.values.extend_from_slice(&series.values);
    }

    fn push_mixed(&mut self, points: Points<'_>) {
        let Some(Mixed { floats, column }) = &mut self.histograms else {
            return;
        };
        for point in points {
            self.timestamps.push(point.timestamp);
            match point.value {
                SampleValue::Float(value) => {
                    self.values.push(value);
                    floats.append_non_null();
                    column.append(None);
                }
                SampleValue::Histogram(h) => {
                    self.values.push(0.0);
                    floats.append_null();
                    column.append(Some(&h));
                }
            }
        }
    }

    /// The number of samples of each series.
    pub fn lengths(&self) -> &[usize] {
        &self.lengths
    }

    /// The columns: timestamps, values, and histograms where they are wanted.
    pub fn into_columns(self) -> Result<Vec<ArrayRef>, ArrowError> {
        let (nulls, histograms) = match self.histograms {
            Some(Mixed { mut floats, column }) => (floats.finish(), Some(column.finish()?)),
            None => (None, None),
        };
        let values = Float64Array::try_new(self.values.into(), nulls)?;
        let mut columns: Vec<ArrayRef> =
            vec![Arc::new(timestamps(self.timestamps)), Arc::new(values)];
        columns.extend(histograms.map(|all| Arc::new(all) as ArrayRef));
        Ok(columns)
    }

    /// The same columns as lists, one a series.
    pub fn into_lists(self) -> Result<Vec<ArrayRef>, ArrowError> {
        let samples = self.timestamps.len();
        if i32::try_from(samples).is_err() {
            let message = format!("{samples} samples do not fit into one record batch");
            return Err(invalid(message));
        }
        let offsets = OffsetBuffer::from_lengths(self.lengths.iter().copied());
        let mixed = self.histograms.is_some();
        let lists = self
            .into_columns()?
            .into_iter()
            .enumerate()
            .map(|(i, items)| {
                // Timestamps are never null, values and histograms may be.
                let field = Field::new_list_field(items.data_type().clone(), mixed && i > 0);
                let list = ListArray::try_new(Arc::new(field), offsets.clone(), items, None)?;
                Ok(Arc::new(list) as ArrayRef)
            });
        lists.collect()
    }
}

//! The samples of an answer as record batches of given columns.
//!
//! A part of the answer, some series, becomes columns at once; its labels stay
//! one row a series and are repeated for their samples batch by batch, so that
//! what is large, a map of labels for each sample, exists for one batch alone.

use std::sync::Arc;

use datafusion_common::arrow::array::{
    Array, ArrayRef, AsArray, MapArray, RecordBatch, RecordBatchOptions, StringDictionaryBuilder,
    StructArray, UInt32Array, make_array, new_empty_array, new_null_array,
};
use datafusion_common::arrow::buffer::OffsetBuffer;
use datafusion_common::arrow::compute::take;
use datafusion_common::arrow::datatypes::{DataType, Int32Type, SchemaRef};
use datafusion_common::{Result, internal_datafusion_err, plan_err};
use quarrel::{ArrowForm, ArrowLayout, SeriesSet, Value};

use crate::columns::{Content, Labels, SampleColumns};

/// Which columns are wanted, and how many rows a batch has at most.
#[derive(Clone, Debug)]
pub(crate) struct BatchShape {
    columns: SampleColumns,
    /// The numbers of the columns that are wanted.
    projection: Vec<usize>,
    schema: SchemaRef,
    batch_rows: usize,
}

impl BatchShape {
    /// All columns, or those with the numbers in `projection`.
    pub fn new(columns: SampleColumns, projection: Option<&[usize]>) -> Result<Self> {
        let all = 0..columns.schema().fields().len();
        let projection = projection.map_or_else(|| all.collect(), <[usize]>::to_vec);
        let schema = Arc::new(columns.schema().project(&projection)?);
        Ok(BatchShape {
            columns,
            projection,
            schema,
            batch_rows: 8192,
        })
    }

    /// The same with another limit of rows.
    pub fn with_batch_rows(mut self, rows: usize) -> Self {
        self.batch_rows = rows.max(1);
        self
    }

    /// The schema of the batches.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// The batches of an answer, each made when it is asked for.
    pub fn batches(self, answer: Value) -> impl Iterator<Item = Result<RecordBatch>> + Send {
        let (series, per_part) = match &answer {
            Value::Vector(set) | Value::Matrix(set) => (set.len(), self.series_of_part(set)),
            Value::Scalar { .. } | Value::String { .. } => (1, 1),
        };
        let layout = ArrowLayout::new(&answer, ArrowForm::Nested);
        let parts = (0..series).step_by(per_part).map(move |from| {
            let len = per_part.min(series - from);
            Part::of(&answer, &layout, (from, len), self.columns.labels())
                .map(|part| part.batches(self.clone()))
        });
        parts.flat_map(|part| {
            let (batches, error) = match part {
                Ok(batches) => (Some(batches), None),
                Err(error) => (None, Some(Err(error))),
            };
            batches.into_iter().flatten().chain(error)
        })
    }

    /// How many series fill a batch, judged by the first one.
    fn series_of_part(&self, set: &SeriesSet) -> usize {
        let points = set.first().map(|series| series.points().size_hint().1);
        let samples = points.flatten().unwrap_or(1).max(1);
        (self.batch_rows / samples).max(1)
    }
}

/// Some series of an answer in columns.
struct Part {
    /// One row a series: the map of labels, or each of the labels.
    labels: Vec<ArrayRef>,
    /// The series of each sample, as a row of `labels`.
    series: UInt32Array,
    timestamps: ArrayRef,
    values: ArrayRef,
    /// If the answer has any.
    histograms: Option<ArrayRef>,
}

impl Part {
    fn of(
        answer: &Value,
        layout: &ArrowLayout,
        (from, len): (usize, usize),
        labels: &Labels,
    ) -> Result<Self> {
        match answer {
            Value::Vector(set) | Value::Matrix(set) => {
                // The layout of an answer is that of all its parts.
                let set = set.slice(from, len);
                let nested = layout.batch(&Value::Matrix(set.clone()))?;
                let labels = match labels {
                    Labels::Map => vec![Arc::clone(nested.column(0))],
                    Labels::Named(names) => named_labels(&set, names),
                };
                Part::of_series(&nested, labels)
            }
            Value::Scalar { .. } => {
                let row = layout.batch(answer)?;
                Ok(Part {
                    labels: no_labels(labels)?,
                    series: UInt32Array::from(vec![0]),
                    timestamps: Arc::clone(row.column(0)),
                    values: Arc::clone(row.column(1)),
                    histograms: None,
                })
            }
            Value::String { .. } => plan_err!("a string has no samples"),
        }
    }

    /// From the nested form: lists of samples, one row a series.
    fn of_series(nested: &RecordBatch, labels: Vec<ArrayRef>) -> Result<Self> {
        let list = |column: usize| nested.column(column).as_list::<i32>();
        let offsets = list(1).offsets();
        let mut series = Vec::with_capacity(list(1).values().len());
        for (row, ends) in (0u32..).zip(offsets.windows(2)) {
            series.resize(series.len() + (ends[1] - ends[0]) as usize, row);
        }
        let histograms = nested.num_columns() > 3;
        Ok(Part {
            labels,
            series: UInt32Array::from(series),
            timestamps: Arc::clone(list(1).values()),
            values: Arc::clone(list(2).values()),
            histograms: histograms.then(|| Arc::clone(list(3).values())),
        })
    }

    fn batches(self, shape: BatchShape) -> impl Iterator<Item = Result<RecordBatch>> + Send {
        let rows = self.series.len();
        let starts = (0..rows).step_by(shape.batch_rows);
        starts.map(move |from| self.batch(&shape, from, shape.batch_rows.min(rows - from)))
    }

    fn batch(&self, shape: &BatchShape, from: usize, len: usize) -> Result<RecordBatch> {
        let column = |(&column, data_type): (&usize, &DataType)| {
            Ok(match shape.columns.content(column) {
                Content::Label(label) => {
                    let label = self.labels.get(label);
                    let label = label.ok_or_else(|| internal_datafusion_err!("no such label"))?;
                    take(label, &self.series.slice(from, len), None)?
                }
                Content::Timestamp => self.timestamps.slice(from, len),
                Content::Value => self.values.slice(from, len),
                Content::Histogram => match &self.histograms {
                    Some(histograms) => nullable_fields(&histograms.slice(from, len), data_type)?,
                    None => new_null_array(data_type, len),
                },
            })
        };
        let types = shape.schema.fields().iter().map(|field| field.data_type());
        let columns = shape.projection.iter().zip(types).map(column);
        let columns = columns.collect::<Result<Vec<ArrayRef>>>()?;
        // Without columns, as for `count(*)`, the number of rows is all.
        let options = RecordBatchOptions::new().with_row_count(Some(len));
        let schema = Arc::clone(&shape.schema);
        Ok(RecordBatch::try_new_with_options(
            schema, columns, &options,
        )?)
    }
}

/// Histograms with fields that are null where the histogram is, as in the type.
fn nullable_fields(histograms: &ArrayRef, data_type: &DataType) -> Result<ArrayRef> {
    let DataType::Struct(fields) = data_type else {
        return Err(internal_datafusion_err!(
            "histograms are not of a struct's type"
        ));
    };
    let (_, columns, nulls) = histograms.as_struct().clone().into_parts();
    let with_nulls = |column: ArrayRef| {
        let data = column.to_data().into_builder().nulls(nulls.clone());
        Ok(make_array(data.build()?))
    };
    let columns = columns.into_iter().map(with_nulls);
    let columns = columns.collect::<Result<Vec<ArrayRef>>>()?;
    Ok(Arc::new(StructArray::try_new(
        fields.clone(),
        columns,
        nulls,
    )?))
}

/// Columns of the named labels, one row a series.
fn named_labels(set: &SeriesSet, names: &[String]) -> Vec<ArrayRef> {
    let symbols = set.symbols().read();
    let column = |name: &String| {
        let name = symbols.find(name);
        let mut builder = StringDictionaryBuilder::<Int32Type>::new();
        for series in set {
            let label = series
                .labels()
                .iter()
                .find(|label| Some(label.name) == name);
            builder.append_option(label.map(|label| symbols.get(label.value)));
        }
        Arc::new(builder.finish()) as ArrayRef
    };
    names.iter().map(column).collect()
}

/// The labels of a scalar: one row with none.
fn no_labels(labels: &Labels) -> Result<Vec<ArrayRef>> {
    Ok(match labels {
        Labels::Map => {
            let DataType::Map(entries, sorted) = ArrowLayout::labels_type() else {
                return Err(internal_datafusion_err!("labels are not of a map's type"));
            };
            let none = new_empty_array(entries.data_type());
            let offsets = OffsetBuffer::new_zeroed(1);
            let none = none.as_struct().clone();
            let map = MapArray::try_new(entries, offsets, none, None, sorted)?;
            vec![Arc::new(map)]
        }
        Labels::Named(names) => {
            let mut builder = StringDictionaryBuilder::<Int32Type>::new();
            builder.append_null();
            let null: ArrayRef = Arc::new(builder.finish());
            vec![null; names.len()]
        }
    })
}

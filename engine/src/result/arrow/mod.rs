//! An answer as Arrow record batches, for other engines and other processes.
//!
//! | form | a row | columns |
//! | --- | --- | --- |
//! | nested | a series | `labels`, `timestamps`, `values`, `histograms` |
//! | tidy | a sample | one for each label, `timestamp`, `value`, `histogram` |
//!
//! The column of histograms is there only if the answer has any: it has many
//! buffers, whose nulls cost more than the floats beside them.

mod histograms;
mod labels;
mod samples;
mod types;

use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, RecordBatch, StringArray};
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef};

use self::labels::LabelColumns;
use self::samples::SampleColumns;
use self::types::{invalid, timestamp_type, timestamps};
use super::series::SeriesSet;
use super::value::Value;

/// The names of a tidy batch's columns beside those of labels.
const TIMESTAMP: &str = "timestamp";
const VALUE: &str = "value";
const HISTOGRAM: &str = "histogram";

/// The shape of an answer's record batches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArrowForm {
    /// One row a series: see [`SeriesSet::to_arrow`].
    Nested,
    /// One row a sample: see [`SeriesSet::to_arrow_tidy`].
    Tidy,
}

/// The schema of an answer's record batches, and what makes them of the
/// answer or of its parts: all of them have that schema.
///
/// # Examples
/// ```
/// use quarrel_engine::{ArrowForm, ArrowLayout, Value};
///
/// let value = Value::Scalar { timestamp: 1000, value: 2.5 };
/// let layout = ArrowLayout::new(&value, ArrowForm::Tidy);
/// let batch = layout.batch(&value)?;
/// assert_eq!(batch.schema(), *layout.schema());
/// assert_eq!((batch.num_rows(), batch.num_columns()), (1, 2));
/// # Ok::<(), arrow_schema::ArrowError>(())
/// ```
#[derive(Clone, Debug)]
pub struct ArrowLayout {
    schema: SchemaRef,
    kind: Kind,
}

#[derive(Clone, Debug)]
enum Kind {
    Scalar,
    String,
    Nested {
        histograms: bool,
    },
    Tidy {
        histograms: bool,
        labels: Arc<LabelColumns>,
    },
}

impl ArrowLayout {
    /// The layout of an answer. A scalar or a string is one row of `timestamp`
    /// and `value` in either form.
    pub fn new(value: &Value, form: ArrowForm) -> Self {
        let one = |kind, data_type| {
            let fields = vec![
                Field::new(TIMESTAMP, timestamp_type(), false),
                Field::new(VALUE, data_type, false),
            ];
            let schema = Arc::new(Schema::new(fields));
            ArrowLayout { schema, kind }
        };
        match value {
            Value::Scalar { .. } => one(Kind::Scalar, DataType::Float64),
            Value::String { .. } => one(Kind::String, DataType::Utf8),
            Value::Vector(set) | Value::Matrix(set) => ArrowLayout::of_series(set, form),
        }
    }

    fn of_series(set: &SeriesSet, form: ArrowForm) -> Self {
        match form {
            ArrowForm::Nested => ArrowLayout::nested(set),
            ArrowForm::Tidy => ArrowLayout::tidy(set),
        }
    }

    fn nested(set: &SeriesSet) -> Self {
        let histograms = set.has_histograms();
        let list = |item: DataType, nullable| {
            DataType::List(Arc::new(Field::new_list_field(item, nullable)))
        };
        let mut fields = vec![
            Field::new("labels", labels::map_type(), false),
            Field::new("timestamps", list(timestamp_type(), false), false),
            Field::new("values", list(DataType::Float64, histograms), false),
        ];
        if histograms {
            let items = list(histograms::data_type(), true);
            fields.push(Field::new("histograms", items, false));
        }
        ArrowLayout {
            schema: Arc::new(Schema::new(fields)),
            kind: Kind::Nested { histograms },
        }
    }

    fn tidy(set: &SeriesSet) -> Self {
        let histograms = set.has_histograms();
        let labels = LabelColumns::of(set, &[TIMESTAMP, VALUE, HISTOGRAM]);
        let mut fields = labels.fields();
        fields.push(Field::new(TIMESTAMP, timestamp_type(), false));
        fields.push(Field::new(VALUE, DataType::Float64, histograms));
        if histograms {
            fields.push(Field::new(HISTOGRAM, histograms::data_type(), true));
        }
        let labels = Arc::new(labels);
        ArrowLayout {
            schema: Arc::new(Schema::new(fields)),
            kind: Kind::Tidy { histograms, labels },
        }
    }

    /// The type of the column `labels` of the nested form, for tables whose
    /// schema is made before there is an answer.
    pub fn labels_type() -> DataType {
        labels::map_type()
    }

    /// The type of a histogram in either form, likewise.
    pub fn histogram_type() -> DataType {
        histograms::data_type()
    }

    /// The schema of all batches.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// A batch of the answer, or of a part of it.
    ///
    /// # Errors
    /// When `value` is no part of the answer that the layout is of, or is
    /// larger than Arrow's 32-bit offsets reach: take smaller parts then.
    pub fn batch(&self, value: &Value) -> Result<RecordBatch, ArrowError> {
        let one = |timestamp: i64, value: ArrayRef| {
            let times: ArrayRef = Arc::new(timestamps(vec![timestamp]));
            RecordBatch::try_new(Arc::clone(&self.schema), vec![times, value])
        };
        match (&self.kind, value) {
            (Kind::Scalar, Value::Scalar { timestamp, value }) => {
                one(*timestamp, Arc::new(Float64Array::from(vec![*value])))
            }
            (Kind::String, Value::String { timestamp, value }) => {
                let text = StringArray::from(vec![value.as_str()]);
                one(*timestamp, Arc::new(text))
            }
            (_, Value::Vector(set) | Value::Matrix(set)) => self.series(set),
            _ => Err(self.foreign()),
        }
    }

    fn foreign(&self) -> ArrowError {
        invalid("the value is no part of the answer that the layout is of")
    }

    fn series(&self, set: &SeriesSet) -> Result<RecordBatch, ArrowError> {
        let columns = match &self.kind {
            Kind::Nested { histograms } => {
                let samples = SampleColumns::of(set, *histograms).ok_or_else(|| self.foreign())?;
                let mut columns = vec![Arc::new(labels::maps(set)?) as ArrayRef];
                columns.extend(samples.into_lists()?);
                columns
            }
            Kind::Tidy { histograms, labels } => {
                let samples = SampleColumns::of(set, *histograms).ok_or_else(|| self.foreign())?;
                let columns = labels.repeated(set, samples.lengths());
                let mut columns = columns.ok_or_else(|| self.foreign())??;
                columns.extend(samples.into_columns()?);
                columns
            }
            Kind::Scalar | Kind::String => return Err(self.foreign()),
        };
        RecordBatch::try_new(Arc::clone(&self.schema), columns)
    }
}

impl SeriesSet {
    /// One row a series, in the answer's order:
    ///
    /// | column | type | |
    /// | --- | --- | --- |
    /// | `labels` | `Map<Utf8, Utf8>` | sorted by name |
    /// | `timestamps` | `List<Timestamp(ms, UTC)>` | in order of time |
    /// | `values` | `List<Float64>` | as long as `timestamps` |
    /// | `histograms` | `List<Struct>` | as long as `timestamps`; only if there are any |
    ///
    /// Where there are histograms, a sample is in one of the last two columns
    /// and null in the other. A histogram has the fields of Prometheus's
    /// protocols: `schema`, `zero_threshold`, `zero_count`, `count`, `sum`,
    /// `counter_reset` (0: unknown, 1: yes, 2: no, 3: gauge), spans of buckets
    /// and their counts on either side of zero, and `custom_values`.
    ///
    /// # Errors
    /// When the answer is larger than Arrow's 32-bit offsets reach; take
    /// [`SeriesSet::slice`]s then.
    pub fn to_arrow(&self) -> Result<RecordBatch, ArrowError> {
        ArrowLayout::nested(self).series(self)
    }

    /// One row a sample, as SQL and data frames want it. Series come in the
    /// answer's order, the samples of each in order of time:
    ///
    /// | column | type | |
    /// | --- | --- | --- |
    /// | each label's name | `Dictionary<Int32, Utf8>` | null where a series lacks it |
    /// | `timestamp` | `Timestamp(ms, UTC)` | |
    /// | `value` | `Float64` | null where the sample is a histogram |
    /// | `histogram` | `Struct`, as in [`SeriesSet::to_arrow`] | only if there are any |
    ///
    /// The columns of labels are sorted by name. A label whose name is that of
    /// one of the other three is named `label_timestamp`, `label_value` or
    /// `label_histogram`, with a further `label_` in front if there is such a
    /// label, too.
    ///
    /// # Errors
    /// As [`SeriesSet::to_arrow`].
    pub fn to_arrow_tidy(&self) -> Result<RecordBatch, ArrowError> {
        ArrowLayout::tidy(self).series(self)
    }
}

impl Value {
    /// [`SeriesSet::to_arrow`] of a vector or a matrix; one row of `timestamp`
    /// and `value` of a scalar or a string.
    ///
    /// # Errors
    /// As [`SeriesSet::to_arrow`].
    pub fn to_arrow(&self) -> Result<RecordBatch, ArrowError> {
        ArrowLayout::new(self, ArrowForm::Nested).batch(self)
    }

    /// [`SeriesSet::to_arrow_tidy`] of a vector or a matrix; one row of
    /// `timestamp` and `value` of a scalar or a string.
    ///
    /// # Errors
    /// As [`SeriesSet::to_arrow`].
    pub fn to_arrow_tidy(&self) -> Result<RecordBatch, ArrowError> {
        ArrowLayout::new(self, ArrowForm::Tidy).batch(self)
    }
}

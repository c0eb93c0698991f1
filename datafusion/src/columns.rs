//! The columns of a table of samples, known before there is an answer.

use std::collections::HashSet;
use std::sync::Arc;

use datafusion_common::arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use datafusion_common::{Result, plan_err};
use quarrel::ArrowLayout;

const LABELS: &str = "labels";
const TIMESTAMP: &str = "timestamp";
const VALUE: &str = "value";
const HISTOGRAM: &str = "histogram";
/// Names that no column of a label has.
const RESERVED: [&str; 4] = [LABELS, TIMESTAMP, VALUE, HISTOGRAM];

/// The columns of a table of samples, one row a sample.
///
/// | column | type | |
/// | --- | --- | --- |
/// | `labels` | `Map<Utf8, Utf8>` | all labels of the series, |
/// | or one for each label | `Dictionary<Int32, Utf8>` | null where a series lacks it |
/// | `timestamp` | `Timestamp(ms, UTC)` | |
/// | `value` | `Float64` | null where the sample is a histogram |
/// | `histogram` | `Struct`, see [`SeriesSet::to_arrow`] | null where the sample is a float |
///
/// DataFusion asks for a table's schema before the query runs, and the labels
/// of an answer show only in the answer. So the columns depend on no data: all
/// labels in one map, or a column for each label that the caller names.
///
/// [`SeriesSet::to_arrow`]: quarrel::SeriesSet::to_arrow
///
/// # Examples
/// ```
/// use quarrel_datafusion::SampleColumns;
///
/// let columns = SampleColumns::with_labels(["pod", "value"])?;
/// let names: Vec<_> = columns.schema().fields().iter().map(|f| f.name().clone()).collect();
/// assert_eq!(names, ["pod", "label_value", "timestamp", "value", "histogram"]);
/// # Ok::<(), datafusion_common::DataFusionError>(())
/// ```
#[derive(Clone, Debug)]
pub struct SampleColumns {
    labels: Labels,
    schema: SchemaRef,
}

/// How labels become columns.
#[derive(Clone, Debug)]
pub(crate) enum Labels {
    /// A map of all labels.
    Map,
    /// A column for each of these labels.
    Named(Arc<[String]>),
}

/// What a column of the schema shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    /// The labels in one map, or the label with this number.
    Label(usize),
    Timestamp,
    Value,
    Histogram,
}

impl SampleColumns {
    /// All labels in one column, `labels`.
    pub fn with_label_map() -> Self {
        let labels = Field::new(LABELS, ArrowLayout::labels_type(), false);
        SampleColumns::new(Labels::Map, vec![labels])
    }

    /// A column for each of these labels, in this order. Other labels do not
    /// show; series that differ in those alone have rows that look alike.
    ///
    /// A label named as another column, such as `value`, has the column
    /// `label_value`, with a further `label_` in front if that is a label, too.
    ///
    /// # Errors
    /// When a label is named twice.
    pub fn with_labels<N: Into<String>>(names: impl IntoIterator<Item = N>) -> Result<Self> {
        let names: Arc<[String]> = names.into_iter().map(Into::into).collect();
        let mut distinct = HashSet::new();
        if let Some(twice) = names.iter().find(|name| !distinct.insert(name.as_str())) {
            return plan_err!("the label {twice} is named twice");
        }
        let data_type = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
        let field = |name: &String| {
            let name = column_name(name, &distinct);
            Field::new(name, data_type.clone(), true)
        };
        let fields = names.iter().map(field).collect();
        Ok(SampleColumns::new(Labels::Named(names), fields))
    }

    fn new(labels: Labels, mut fields: Vec<Field>) -> Self {
        let time = DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into()));
        fields.push(Field::new(TIMESTAMP, time, false));
        fields.push(Field::new(VALUE, DataType::Float64, true));
        fields.push(Field::new(HISTOGRAM, histogram_type(), true));
        let schema = Arc::new(Schema::new(fields));
        SampleColumns { labels, schema }
    }

    /// The schema.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    pub(crate) fn labels(&self) -> &Labels {
        &self.labels
    }

    /// What the column with a number shows.
    pub(crate) fn content(&self, column: usize) -> Content {
        let labels = self.schema.fields().len() - 3;
        match column.checked_sub(labels) {
            None => Content::Label(column),
            Some(0) => Content::Timestamp,
            Some(1) => Content::Value,
            Some(_) => Content::Histogram,
        }
    }
}

/// The type of a histogram. Its fields are nullable, as they are not in the
/// engine's type: `histogram['count']` of a float is null in DataFusion only
/// if the field is null, too.
fn histogram_type() -> DataType {
    match ArrowLayout::histogram_type() {
        DataType::Struct(fields) => {
            let nullable = |field: &Arc<Field>| field.as_ref().clone().with_nullable(true);
            DataType::Struct(fields.iter().map(nullable).collect())
        }
        other => other,
    }
}

/// The name of a label's column: none of the others', and no other label's.
fn column_name(label: &str, labels: &HashSet<&str>) -> String {
    let mut name = label.to_string();
    if RESERVED.contains(&label) {
        while RESERVED.contains(&name.as_str()) || labels.contains(name.as_str()) {
            name.insert_str(0, "label_");
        }
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(columns: &SampleColumns) -> Vec<&str> {
        let fields = columns.schema().fields().iter();
        fields.map(|field| field.name().as_str()).collect()
    }

    #[test]
    fn labels_named_as_columns_are_renamed() {
        let columns = SampleColumns::with_labels(["value", "label_value", "le"]).unwrap();
        let expected = [
            "label_label_value",
            "label_value",
            "le",
            "timestamp",
            "value",
            "histogram",
        ];
        assert_eq!(names(&columns), expected);
        assert_eq!(columns.content(2), Content::Label(2));
        assert_eq!(columns.content(5), Content::Histogram);
    }

    #[test]
    fn without_labels_samples_are_left() {
        let columns = SampleColumns::with_labels([""; 0]).unwrap();
        assert_eq!(names(&columns), ["timestamp", "value", "histogram"]);
        assert_eq!(columns.content(0), Content::Timestamp);
    }

    #[test]
    fn a_label_named_twice_is_an_error() {
        let error = SampleColumns::with_labels(["pod", "job", "pod"]).unwrap_err();
        assert!(error.to_string().contains("the label pod is named twice"));
    }
}

//! The values that templates compute with.

use std::collections::BTreeMap;
use std::sync::Arc;

use quarrel_functions::histogram::native::Histogram;

use super::time::Time;

/// Names and values of labels.
pub type Labels = BTreeMap<String, String>;

/// A sample of a query's answer, and what it is called.
#[derive(Clone, Debug)]
pub struct Sample {
    /// Its labels, with the metric's name.
    pub labels: Arc<Labels>,
    /// Its value.
    pub value: SampleValue,
}

/// A float or a native histogram.
#[derive(Clone, Debug)]
pub enum SampleValue {
    /// A float.
    Float(f64),
    /// A native histogram.
    Histogram(Arc<Histogram>),
}

/// What `.` is at the beginning of an alert's template.
#[derive(Clone, Debug)]
pub struct AlertData {
    /// The labels of the sample.
    pub labels: Arc<Labels>,
    /// The server's external labels.
    pub external_labels: Arc<Labels>,
    /// The server's external URL.
    pub external_url: Arc<str>,
    /// The value of the sample.
    pub value: SampleValue,
}

/// A value; each variant is a type of Go.
#[derive(Clone, Debug)]
pub(super) enum Value {
    /// No value: `nil`, or what is missing.
    Nothing,
    Bool(bool),
    /// `int`
    Int(i64),
    /// `int64`
    Int64(i64),
    Float(f64),
    Text(Arc<str>),
    /// `template.HTML` of Go's `html/template`
    Html(Arc<str>),
    /// `map[string]string`
    Labels(Arc<Labels>),
    /// `map[string]interface {}`
    Map(Arc<BTreeMap<String, Value>>),
    /// `*template.sample`
    Sample(Arc<Sample>),
    /// `template.queryResult`
    Samples(Arc<[Arc<Sample>]>),
    /// `*time.Time`
    Time(Time),
    /// `*time.Duration`, ns
    Duration(i64),
    /// A month or a day of the week.
    Named(&'static str, &'static str, i64),
    /// `*histogram.FloatHistogram`
    Histogram(Arc<Histogram>),
    /// What an alert's template begins with.
    Alert(Arc<AlertData>),
}

impl From<&SampleValue> for Value {
    fn from(value: &SampleValue) -> Self {
        match value {
            SampleValue::Float(value) => Value::Float(*value),
            SampleValue::Histogram(histogram) => Value::Histogram(histogram.clone()),
        }
    }
}

impl Value {
    pub(super) fn text(text: impl Into<Arc<str>>) -> Self {
        Value::Text(text.into())
    }

    /// The name of its type in Go.
    pub(super) fn type_name(&self) -> &'static str {
        match self {
            Value::Nothing => "<nil>",
            Value::Bool(_) => "bool",
            Value::Int(_) => "int",
            Value::Int64(_) => "int64",
            Value::Float(_) => "float64",
            Value::Text(_) => "string",
            Value::Html(_) => "template.HTML",
            Value::Labels(_) => "map[string]string",
            Value::Map(_) => "map[string]interface {}",
            Value::Sample(_) => "*template.sample",
            Value::Samples(_) => "template.queryResult",
            Value::Time(_) => "*time.Time",
            Value::Duration(_) => "*time.Duration",
            Value::Named(name, ..) => name,
            Value::Histogram(_) => "*histogram.FloatHistogram",
            Value::Alert(_) => {
                "struct { Labels map[string]string; ExternalLabels map[string]string; \
                 ExternalURL string; Value interface {} }"
            }
        }
    }

    /// Whether a condition with it holds.
    pub(super) fn truth(&self) -> bool {
        match self {
            Value::Nothing => false,
            Value::Bool(value) => *value,
            Value::Int(value) | Value::Int64(value) | Value::Named(_, _, value) => *value != 0,
            Value::Float(value) => *value != 0.0,
            Value::Text(text) | Value::Html(text) => !text.is_empty(),
            Value::Labels(labels) => !labels.is_empty(),
            Value::Map(map) => !map.is_empty(),
            Value::Samples(samples) => !samples.is_empty(),
            Value::Sample(_)
            | Value::Time(_)
            | Value::Duration(_)
            | Value::Histogram(_)
            | Value::Alert(_) => true,
        }
    }
}

//! What is known of an endpoint's data, for what is filled in from it.

use std::collections::BTreeMap;
use std::error::Error;
use std::future::Future;

/// What an endpoint has. Selectors are those of `match[]`; none means all.
/// Who implements it chooses the times that are looked at.
pub trait Data: Sync {
    /// The values of a label, sorted, of series that match one of the selectors.
    fn label_values(
        &self,
        label: &str,
        selectors: &[String],
    ) -> impl Future<Output = Result<Vec<String>, DataError>> + Send;

    /// The names of labels, sorted, of series that match one of the selectors.
    fn label_names(
        &self,
        selectors: &[String],
    ) -> impl Future<Output = Result<Vec<String>, DataError>> + Send;

    /// The labels of series that match one of the selectors, with `__name__`.
    fn series(
        &self,
        selectors: &[String],
    ) -> impl Future<Output = Result<Vec<BTreeMap<String, String>>, DataError>> + Send;

    /// The answer to an instant query; a scalar is a sample without labels.
    /// Native histograms are left out.
    fn query(&self, expr: &str) -> impl Future<Output = Result<Vec<Sample>, DataError>> + Send;

    /// What is known of metrics, by their names; empty if the endpoint does not
    /// tell.
    fn metadata(
        &self,
    ) -> impl Future<Output = Result<BTreeMap<String, Metadata>, DataError>> + Send;
}

/// A sample of an answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// Its labels, with `__name__`.
    pub labels: BTreeMap<String, String>,
    /// Its value.
    pub value: f64,
    /// Its time in milliseconds.
    pub time_ms: i64,
}

/// What is known of a metric.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata {
    /// `counter`, `gauge`, `histogram` and so on.
    pub kind: String,
}

/// Why the data was not told.
#[derive(Debug, thiserror::Error)]
#[error("{what}: {source}")]
pub struct DataError {
    /// What was asked, such as `values of the label job`.
    pub what: String,
    /// Why it was not answered.
    pub source: Box<dyn Error + Send + Sync>,
}

impl DataError {
    /// What was asked, and why it was not answered.
    pub fn new(what: impl Into<String>, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        DataError {
            what: what.into(),
            source: source.into(),
        }
    }
}

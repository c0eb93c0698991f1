//! Data for tests.

use std::collections::{BTreeMap, BTreeSet};

use super::data::{Data, DataError, Metadata, Sample};

/// Series with labels. Selectors are names, or names with one `label="value"`.
#[derive(Clone, Debug, Default)]
pub(super) struct FakeData {
    pub series: Vec<BTreeMap<String, String>>,
    /// Metrics that are native histograms.
    pub histograms: BTreeSet<String>,
    pub kinds: BTreeMap<String, String>,
    /// Metrics whose values change.
    pub changing: BTreeSet<String>,
    /// Why nothing is told.
    pub error: Option<String>,
}

impl FakeData {
    pub fn add(&mut self, name: &str, labels: &[(&str, &str)]) {
        let labels = labels.iter().copied().chain([("__name__", name)]);
        let labels = labels.map(|(name, value)| (name.to_string(), value.to_string()));
        self.series.push(labels.collect());
    }

    fn select(
        &self,
        what: &str,
        selectors: &[String],
    ) -> Result<Vec<&BTreeMap<String, String>>, DataError> {
        if let Some(error) = &self.error {
            return Err(DataError::new(what, error.clone()));
        }
        let selected = self.series.iter().filter(|series| {
            selectors.is_empty() || selectors.iter().any(|selector| matches(selector, series))
        });
        Ok(selected.collect())
    }
}

fn matches(selector: &str, series: &BTreeMap<String, String>) -> bool {
    let (name, rest) = selector.split_once('{').unwrap_or((selector, ""));
    let has_name = name.is_empty() || series["__name__"] == name;
    let Some((label, value)) = rest.trim_end_matches('}').split_once('=') else {
        return has_name;
    };
    let value = value.trim_matches('"');
    has_name && series.get(label).is_some_and(|own| own == value)
}

impl Data for FakeData {
    async fn label_values(
        &self,
        label: &str,
        selectors: &[String],
    ) -> Result<Vec<String>, DataError> {
        let what = format!("values of the label {label}");
        let series = self.select(&what, selectors)?;
        let values: BTreeSet<&String> = series.iter().filter_map(|s| s.get(label)).collect();
        Ok(values.into_iter().cloned().collect())
    }

    async fn label_names(&self, selectors: &[String]) -> Result<Vec<String>, DataError> {
        let series = self.select("names of labels", selectors)?;
        let names: BTreeSet<&String> = series.iter().flat_map(|s| s.keys()).collect();
        Ok(names.into_iter().cloned().collect())
    }

    async fn series(
        &self,
        selectors: &[String],
    ) -> Result<Vec<BTreeMap<String, String>>, DataError> {
        let series = self.select("series", selectors)?;
        Ok(series.into_iter().cloned().collect())
    }

    /// Knows `count(name)`, the same of `histogram_count(name)`, `abs(name)` and
    /// `changes(name[15m])`, and selectors.
    async fn query(&self, expr: &str) -> Result<Vec<Sample>, DataError> {
        let Some(inner) = expr.strip_prefix("count(") else {
            let series = self.select(expr, &[expr.to_string()])?;
            let samples = series.into_iter().enumerate().map(|(n, labels)| Sample {
                labels: labels.clone(),
                value: n as f64,
                time_ms: 1000,
            });
            return Ok(samples.collect());
        };
        if let Some(changes) = inner.strip_prefix("changes(") {
            let name = changes.split('[').next().unwrap_or_default();
            let sample = self.changing.contains(name).then(|| Sample {
                labels: BTreeMap::new(),
                value: 1.0,
                time_ms: 1000,
            });
            return Ok(sample.into_iter().collect());
        }
        let name = inner.trim_end_matches(')');
        let native = name.strip_prefix("histogram_count(");
        let floats = name.strip_prefix("abs(");
        let name = native.or(floats).unwrap_or(name);
        let mut count = self.select(expr, &[name.to_string()])?.len();
        let is_native = self.histograms.contains(name);
        if native.is_some() && !is_native || floats.is_some() && is_native {
            count = 0;
        }
        let samples = (count > 0).then(|| Sample {
            labels: BTreeMap::new(),
            value: count as f64,
            time_ms: 1000,
        });
        Ok(samples.into_iter().collect())
    }

    async fn metadata(&self) -> Result<BTreeMap<String, Metadata>, DataError> {
        let kinds = self.kinds.iter();
        let kinds = kinds.map(|(name, kind)| (name.clone(), Metadata { kind: kind.clone() }));
        Ok(kinds.collect())
    }
}

//! An endpoint as the data from which queries are filled in.

use std::collections::BTreeMap;

use quarrel_engine::{QueryTimes, Timestamp};
use quarrel_functions::fmt::quote;

use super::client::Endpoint;
use super::error::AskError;
use super::lookup::Between;
use crate::answer::{Answer, Labels, Value};
use crate::cases::{Data, DataError, Metadata, Sample};
use crate::random::Schema;

/// Series of one look-up that are read; more are left out.
const MOST_SERIES: usize = 20_000;
/// Names of labels by which series without a name are looked for.
const MOST_NAMES: usize = 50;

/// What an endpoint has between two times.
#[derive(Clone, Debug)]
pub struct EndpointData {
    endpoint: Endpoint,
    between: Between,
}

impl EndpointData {
    /// The data of an endpoint; instant queries are asked at the later time.
    pub fn new(endpoint: Endpoint, between: Between) -> Self {
        EndpointData { endpoint, between }
    }

    /// The times.
    pub fn between(&self) -> (Timestamp, Timestamp) {
        self.between
    }

    /// The endpoint.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }
}

impl EndpointData {
    /// What random queries may ask for: the series, their types, and which
    /// metrics are native histograms now.
    ///
    /// # Errors
    /// [`AskError`] if the series cannot be listed.
    pub async fn schema(&self) -> Result<Schema, AskError> {
        let between = Some(self.between);
        let mut selectors = vec![r#"{__name__!=""}"#.to_string()];
        // Series without a name have some other label.
        let names = self.endpoint.label_names(&[], between).await?;
        let others = names.iter().filter(|name| *name != "__name__");
        let others = others.take(MOST_NAMES);
        selectors.extend(others.map(|name| format!("{{__name__=\"\",{}!=\"\"}}", quote(name))));
        let series = self
            .endpoint
            .series(&selectors, between, MOST_SERIES)
            .await?;
        let (first, last) = (self.between.0.as_millis(), self.between.1.as_millis());
        let schema = Schema::new(series.iter().map(map), first..=last);
        // Types are a help; who does not know them is asked all the same.
        let types = self.endpoint.metric_types().await.unwrap_or_default();
        let types = types.iter().map(|(name, kind)| (&**name, &**kind));
        let native = self.native_histograms().await;
        let native = native.iter().map(String::as_str);
        Ok(schema.with_types(types).with_native_histograms(native))
    }

    /// The names of metrics whose last sample is a native histogram.
    async fn native_histograms(&self) -> Vec<String> {
        let reach = self.between.1.as_millis() - self.between.0.as_millis();
        let range = (reach / 1000).clamp(300, 4 * 3600);
        let query = format!("last_over_time({{__name__!=\"\"}}[{range}s])");
        let answer = self
            .endpoint
            .query(&query, QueryTimes::Instant(self.between.1))
            .await;
        let Ok(Answer::Data(data)) = answer else {
            return Vec::new();
        };
        let native = data
            .value
            .rows()
            .iter()
            .filter(|row| !row.histograms.is_empty());
        let names = native.filter_map(|row| row.labels.get("__name__"));
        names.map(str::to_string).collect()
    }
}

impl Data for EndpointData {
    async fn label_values(
        &self,
        label: &str,
        selectors: &[String],
    ) -> Result<Vec<String>, DataError> {
        let found = self
            .endpoint
            .label_values(label, selectors, Some(self.between), 0);
        let found = found.await;
        let mut found =
            found.map_err(|error| DataError::new(format!("values of the label {label}"), error))?;
        found.sort_unstable();
        Ok(found)
    }

    async fn label_names(&self, selectors: &[String]) -> Result<Vec<String>, DataError> {
        let found = self
            .endpoint
            .label_names(selectors, Some(self.between))
            .await;
        let mut found = found.map_err(|error| DataError::new("names of labels", error))?;
        found.sort_unstable();
        Ok(found)
    }

    async fn series(
        &self,
        selectors: &[String],
    ) -> Result<Vec<BTreeMap<String, String>>, DataError> {
        let all = [r#"{__name__!=""}"#.to_string()];
        let selectors = if selectors.is_empty() {
            &all
        } else {
            selectors
        };
        let found = self
            .endpoint
            .series(selectors, Some(self.between), MOST_SERIES);
        let found = found.await;
        let found =
            found.map_err(|error| DataError::new(format!("series of {selectors:?}"), error))?;
        Ok(found.iter().map(map).collect())
    }

    async fn query(&self, expr: &str) -> Result<Vec<Sample>, DataError> {
        let failed = |error: Box<dyn std::error::Error + Send + Sync>| {
            DataError::new(format!("answer to {expr}"), error)
        };
        let at = QueryTimes::Instant(self.between.1);
        let answer = self.endpoint.query(expr, at).await;
        let value = match answer.map_err(|error| failed(error.into()))? {
            Answer::Data(data) => data.value,
            Answer::Failure(error) => {
                return Err(failed(format!("{}: {}", error.kind, error.message).into()));
            }
        };
        Ok(match value {
            Value::Scalar(time_ms, value) => vec![Sample {
                labels: BTreeMap::new(),
                value,
                time_ms,
            }],
            value => {
                let rows = value.rows().iter();
                let samples = rows.filter_map(|row| {
                    let (time_ms, value) = *row.floats.last()?;
                    let labels = map(&row.labels);
                    Some(Sample {
                        labels,
                        value,
                        time_ms,
                    })
                });
                samples.collect()
            }
        })
    }

    async fn metadata(&self) -> Result<BTreeMap<String, Metadata>, DataError> {
        let found = self.endpoint.metric_types().await;
        let found = found.map_err(|error| DataError::new("metadata", error))?;
        let all = found
            .into_iter()
            .map(|(name, kind)| (name, Metadata { kind }));
        Ok(all.collect())
    }
}

fn map(labels: &Labels) -> BTreeMap<String, String> {
    let pairs = labels.iter();
    pairs
        .map(|(name, value)| (name.to_string(), value.to_string()))
        .collect()
}

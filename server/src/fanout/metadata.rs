//! The metadata of metrics.

use std::collections::BTreeMap;

use quarrel_proto::metadata::{
    MetricMetadata, MetricMetadataRequest, MetricMetadataResponse, MetricMetadataResult,
};
use quarrel_proto::services::metadata::metadata_client::MetadataClient;
use quarrel_storage::store_api::Endpoints;

use super::ask::{Answers, FanoutError, Frame, MAX_MESSAGE, Part, Settings, ask, empty};

/// What is known of a metric.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Meta {
    /// Its type.
    pub(crate) kind: String,
    /// The help text.
    pub(crate) help: String,
    /// The unit, or empty.
    pub(crate) unit: String,
}

/// By the metric's name.
type Metadata = BTreeMap<String, Vec<Meta>>;

impl Frame for MetricMetadataResponse {
    type Content = MetricMetadata;

    fn part(self) -> Result<Part<MetricMetadata>, String> {
        match self.result {
            Some(MetricMetadataResult::Metadata(metadata)) => Ok(Part::Content(metadata)),
            Some(MetricMetadataResult::Warning(warning)) => Ok(Part::Warning(warning)),
            None => empty(),
        }
    }
}

/// What endpoints say of a metric, or of all if its name is empty; each of at most
/// `limit` metrics, or of all if it is negative.
pub(crate) async fn metadata(
    endpoints: &Endpoints,
    settings: &Settings,
    metric: &str,
    limit: i64,
) -> Result<Answers<Metadata>, FanoutError> {
    let request = MetricMetadataRequest {
        metric: metric.to_string(),
        limit: i32::try_from(limit).unwrap_or(-1),
        partial_response_strategy: settings.strategy(),
    };
    let answers = ask(
        endpoints,
        settings,
        "metadata",
        |status| status.info.as_ref().is_some_and(|i| i.metric_metadata),
        |_, channel| {
            let client = MetadataClient::new(channel);
            let mut client = client.max_decoding_message_size(MAX_MESSAGE);
            let request = request.clone();
            Some(async move { client.metric_metadata(request).await })
        },
    );
    Ok(answers.await?.map(|frames| {
        let mut all = Metadata::new();
        for (name, entry) in frames.into_iter().flat_map(|frame| frame.metadata) {
            let metas = entry.metas.into_iter().map(|meta| Meta {
                kind: meta.r#type,
                help: meta.help,
                unit: meta.unit,
            });
            merge(&mut all, name, metas);
        }
        all
    }))
}

/// Adds what is new of a metric.
pub(crate) fn merge(all: &mut Metadata, name: String, metas: impl IntoIterator<Item = Meta>) {
    let known = all.entry(name).or_default();
    for meta in metas {
        if !known.contains(&meta) {
            known.push(meta);
        }
    }
}

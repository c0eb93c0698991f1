//! The metadata of metrics.

use std::collections::BTreeMap;

use quarrel_proto::metadata::{
    MetricMetadata, MetricMetadataRequest, MetricMetadataResponse, MetricMetadataResult,
};
use quarrel_proto::services::metadata::metadata_client::MetadataClient;
use quarrel_storage::store_api::{EndpointInfo, Endpoints, LabelSet};

use super::ask::{Answers, Api, FanoutError, Frame, MAX_MESSAGE, Part, Settings, ask};

const API: Api = Api {
    what: "metadata",
    method: "thanos.Metadata/MetricMetadata",
};

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

    fn part(self, _: &Settings) -> Option<Part<MetricMetadata>> {
        Some(match self.result? {
            MetricMetadataResult::Metadata(metadata) => Part::Content(metadata),
            MetricMetadataResult::Warning(warning) => Part::Warning(warning),
        })
    }
}

/// Whether an endpoint's metadata are shown: metadata have no labels, so that all of its
/// data have to be the tenant's.
fn is_shown(settings: &Settings, info: &EndpointInfo) -> bool {
    let Some(own) = &settings.own else {
        return true;
    };
    let is_own = |set: &LabelSet| own.is_in(set.iter().map(|(n, v)| (n.as_str(), v.as_str())));
    !info.label_sets.is_empty() && info.label_sets.iter().all(is_own)
}

/// What endpoints say of a metric, or of all if its name is empty; each of at most
/// `limit` metrics, or of all if it is negative.
pub(crate) async fn metadata(
    endpoints: &Endpoints,
    settings: &Settings,
    metric: &str,
    limit: i64,
) -> Result<Answers<Metadata>, FanoutError> {
    let answers = metadata_messages(endpoints, settings, metric, limit).await?;
    Ok(answers.map(|frames| {
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

/// The same as messages, as the endpoints have sent them.
pub(crate) async fn metadata_messages(
    endpoints: &Endpoints,
    settings: &Settings,
    metric: &str,
    limit: i64,
) -> Result<Answers<Vec<MetricMetadata>>, FanoutError> {
    let request = MetricMetadataRequest {
        metric: metric.to_string(),
        limit: i32::try_from(limit).unwrap_or(-1),
        partial_response_strategy: settings.strategy(),
    };
    let answers = ask(
        endpoints,
        settings,
        API,
        |status| {
            let info = status.info.as_ref();
            info.is_some_and(|info| info.metric_metadata && is_shown(settings, info))
        },
        |_, channel, asking| {
            let client = MetadataClient::new(channel);
            let mut client = client.max_decoding_message_size(MAX_MESSAGE);
            let request = asking.request(request.clone());
            Some(async move { client.metric_metadata(request).await })
        },
        Ok,
    );
    answers.await
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

//! `thanos.Metadata`, `thanos.Exemplars`, `thanos.Rules` and `thanos.Targets`: what the
//! data directory's log says of metrics and exemplars, and what the endpoints behind the
//! server have, as they have sent it. Of rules and targets a query engine knows none of
//! its own.
//!
//! As by Thanos's proxies, replicas are left as they are: who asks makes one of them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::stream::{self, BoxStream, StreamExt as _};
use quarrel_engine::storage::TimeRange;
use quarrel_proto::exemplars::{
    Exemplar, ExemplarData, ExemplarsRequest, ExemplarsResponse, ExemplarsResult,
};
use quarrel_proto::metadata::{
    Meta, MetricMetadata, MetricMetadataEntry, MetricMetadataRequest, MetricMetadataResponse,
    MetricMetadataResult,
};
use quarrel_proto::rules::{RuleGroup, RulesRequest, RulesResponse, RulesResult};
use quarrel_proto::services::exemplars::exemplars_server::Exemplars;
use quarrel_proto::services::metadata::metadata_server::Metadata;
use quarrel_proto::services::rules::rules_server::Rules;
use quarrel_proto::services::targets::targets_server::Targets;
use quarrel_proto::store::PartialResponseStrategy;
use quarrel_proto::targets::{TargetDiscovery, TargetsRequest, TargetsResponse, TargetsResult};
use quarrel_storage::store_api::Endpoints;
use quarrel_storage::tsdb::head::{Metadata as LoggedMetadata, SeriesExemplars};
use tonic::{Request, Response, Status};

use super::call_info::CallInfo;
use super::info::label_set;
use super::query::{parts, timeout};
use super::state::Grpc;
use super::status;
use crate::api::logged;
use crate::fanout::{self, Answers, FanoutError, Settings};

/// Metrics of a frame.
const METRICS: usize = 512;
/// How long an endpoint may take where neither the client nor the server limits it.
const TIMEOUT: Duration = Duration::from_secs(120);

type Frames<T> = BoxStream<'static, Result<T, Status>>;

/// All of these services.
pub(super) struct FanoutService(pub(super) Arc<Grpc>);

/// How endpoints are asked for a call, and those that there are.
struct Asked {
    settings: Settings,
    endpoints: Option<Arc<Endpoints>>,
}

impl FanoutService {
    fn asked(&self, info: &CallInfo, strategy: i32) -> Result<Asked, Status> {
        let source = self.0.source()?;
        let limits = [timeout(info, 0), self.0.api.engine.options().timeout];
        let settings = Settings {
            partial_response: strategy == PartialResponseStrategy::Warn as i32,
            timeout: limits.into_iter().flatten().min().unwrap_or(TIMEOUT),
            replica_labels: Vec::new(),
            own: source.tenant_label(&info.tenant),
            tenant: info.tenant.clone(),
            observer: info.trace.calls().map(|calls| calls as _),
        };
        Ok(Asked {
            settings,
            endpoints: source.endpoints(),
        })
    }
}

/// Frames of what is there, with those of the endpoints and their warnings.
fn frames<M, T: Send + 'static>(
    own: impl Iterator<Item = M> + Send + 'static,
    found: Option<Result<Answers<Vec<M>>, FanoutError>>,
    warning: fn(String) -> T,
    content: fn(M) -> T,
) -> Result<Response<Frames<T>>, Status>
where
    M: Send + 'static,
{
    let found = found.transpose().map_err(|error| {
        tracing::error!(%error, "An endpoint failed");
        Status::aborted(error.to_string())
    })?;
    let (found, warnings) = found.map_or_else(Default::default, |all| (all.found, all.warnings));
    let warnings = warnings.into_iter().map(warning);
    let all = warnings.chain(own.chain(found).map(content));
    Ok(Response::new(stream::iter(all.map(Ok)).boxed()))
}

#[tonic::async_trait]
impl Metadata for FanoutService {
    type MetricMetadataStream = Frames<MetricMetadataResponse>;

    async fn metric_metadata(
        &self,
        request: Request<MetricMetadataRequest>,
    ) -> Result<Response<Self::MetricMetadataStream>, Status> {
        let (info, request) = parts(request)?;
        let asked = self.asked(&info, request.partial_response_strategy)?;
        let Asked {
            settings,
            endpoints,
        } = &asked;
        let own = logged::metadata(&self.0.api, request.metric.clone(), settings.own.as_ref());
        let own = own.await.map_err(|error| status::of_api(&error))?;
        let limit = request.limit.into();
        let found = match endpoints {
            Some(all) => {
                Some(fanout::metadata_messages(all, settings, &request.metric, limit).await)
            }
            None => None,
        };
        let most = usize::try_from(request.limit).unwrap_or(usize::MAX);
        frames(
            in_frames(own, most),
            found,
            |text| MetricMetadataResponse {
                result: Some(MetricMetadataResult::Warning(text)),
            },
            |metadata| MetricMetadataResponse {
                result: Some(MetricMetadataResult::Metadata(metadata)),
            },
        )
    }
}

/// The metadata of at most so many metrics, as messages.
fn in_frames(
    found: BTreeMap<String, Vec<LoggedMetadata>>,
    most: usize,
) -> impl Iterator<Item = MetricMetadata> + Send {
    let mut entries = found.into_iter().take(most).map(|(name, all)| {
        let metas = all.into_iter().map(|one| Meta {
            r#type: one.kind.to_string(),
            help: one.help,
            unit: one.unit,
        });
        let metas = metas.collect();
        (name, MetricMetadataEntry { metas })
    });
    std::iter::from_fn(move || {
        let metadata: BTreeMap<_, _> = entries.by_ref().take(METRICS).collect();
        (!metadata.is_empty()).then_some(MetricMetadata { metadata })
    })
}

#[tonic::async_trait]
impl Exemplars for FanoutService {
    type ExemplarsStream = Frames<ExemplarsResponse>;

    async fn exemplars(
        &self,
        request: Request<ExemplarsRequest>,
    ) -> Result<Response<Self::ExemplarsStream>, Status> {
        let (info, request) = parts(request)?;
        let asked = self.asked(&info, request.partial_response_strategy)?;
        let (api, own) = (&self.0.api, asked.settings.own.as_ref());
        let range = TimeRange {
            start: request.start,
            end: request.end,
        };
        let logged = logged::exemplars(api, &request.query, range, own).await;
        let logged = logged.map_err(|error| status::of_api(&error))?;
        let selectors = logged::selected(api, &request.query, own);
        let selectors = selectors.map_err(|error| status::of_api(&error))?;
        let found = match &asked.endpoints {
            Some(all) => {
                Some(fanout::exemplar_messages(all, &asked.settings, &selectors, range).await)
            }
            None => None,
        };
        frames(
            logged.unwrap_or_default().into_iter().map(exemplar_data),
            found,
            |text| ExemplarsResponse {
                result: Some(ExemplarsResult::Warning(text)),
            },
            |data| ExemplarsResponse {
                result: Some(ExemplarsResult::Data(data)),
            },
        )
    }
}

fn exemplar_data(series: SeriesExemplars) -> ExemplarData {
    let exemplars = series.exemplars.into_iter().map(|one| Exemplar {
        labels: Some(label_set(&one.labels)),
        value: one.value,
        ts: one.timestamp,
    });
    ExemplarData {
        series_labels: Some(label_set(&series.labels)),
        exemplars: exemplars.collect(),
    }
}

#[tonic::async_trait]
impl Rules for FanoutService {
    type RulesStream = Frames<RulesResponse>;

    async fn rules(
        &self,
        request: Request<RulesRequest>,
    ) -> Result<Response<Self::RulesStream>, Status> {
        let (info, request) = parts(request)?;
        let asked = self.asked(&info, request.partial_response_strategy)?;
        let found = match &asked.endpoints {
            Some(all) => Some(fanout::rule_messages(all, &asked.settings, request).await),
            None => None,
        };
        frames(
            std::iter::empty::<RuleGroup>(),
            found,
            |text| RulesResponse {
                result: Some(RulesResult::Warning(text)),
            },
            |group| RulesResponse {
                result: Some(RulesResult::Group(group)),
            },
        )
    }
}

#[tonic::async_trait]
impl Targets for FanoutService {
    type TargetsStream = Frames<TargetsResponse>;

    async fn targets(
        &self,
        request: Request<TargetsRequest>,
    ) -> Result<Response<Self::TargetsStream>, Status> {
        let (info, request) = parts(request)?;
        let asked = self.asked(&info, request.partial_response_strategy)?;
        let found = match &asked.endpoints {
            Some(all) => Some(fanout::target_messages(all, &asked.settings, request.state).await),
            None => None,
        };
        frames(
            std::iter::empty::<TargetDiscovery>(),
            found,
            |text| TargetsResponse {
                result: Some(TargetsResult::Warning(text)),
            },
            |found| TargetsResponse {
                result: Some(TargetsResult::Targets(found)),
            },
        )
    }
}

//! `thanos.Metadata`, `thanos.Exemplars`, `thanos.Rules` and `thanos.Targets`: what the
//! data directory's log says of metrics and exemplars. Of rules and targets a query
//! engine knows none: the answers are well formed and empty.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::stream::{self, BoxStream, StreamExt as _};
use quarrel_engine::storage::TimeRange;
use quarrel_proto::exemplars::{
    Exemplar, ExemplarData, ExemplarsRequest, ExemplarsResponse, ExemplarsResult,
};
use quarrel_proto::metadata::{
    Meta, MetricMetadata, MetricMetadataEntry, MetricMetadataRequest, MetricMetadataResponse,
    MetricMetadataResult,
};
use quarrel_proto::rules::{RulesRequest, RulesResponse};
use quarrel_proto::services::exemplars::exemplars_server::Exemplars;
use quarrel_proto::services::metadata::metadata_server::Metadata;
use quarrel_proto::services::rules::rules_server::Rules;
use quarrel_proto::services::targets::targets_server::Targets;
use quarrel_proto::targets::{TargetsRequest, TargetsResponse};
use tonic::{Request, Response, Status};

use super::info::label_set;
use super::state::Grpc;
use super::status;
use crate::api::logged;

/// Metrics of a frame.
const METRICS: usize = 512;

type Frames<T> = BoxStream<'static, Result<T, Status>>;

/// All of these services.
pub(super) struct LoggedService(pub(super) Arc<Grpc>);

#[tonic::async_trait]
impl Metadata for LoggedService {
    type MetricMetadataStream = Frames<MetricMetadataResponse>;

    async fn metric_metadata(
        &self,
        request: Request<MetricMetadataRequest>,
    ) -> Result<Response<Self::MetricMetadataStream>, Status> {
        self.0.source()?;
        let request = request.into_inner();
        let found = logged::metadata(&self.0.api, request.metric).await;
        let found = found.map_err(|error| status::of_api(&error))?;
        let most = usize::try_from(request.limit).unwrap_or(usize::MAX);
        let mut entries = found.into_iter().take(most).map(|(name, all)| {
            let metas = all.into_iter().map(|one| Meta {
                r#type: one.kind.to_string(),
                help: one.help,
                unit: one.unit,
            });
            let metas = metas.collect();
            (name, MetricMetadataEntry { metas })
        });
        let frames = std::iter::from_fn(move || {
            let metadata: BTreeMap<_, _> = entries.by_ref().take(METRICS).collect();
            let has_any = !metadata.is_empty();
            has_any.then(|| {
                let metadata = MetricMetadata { metadata };
                let result = Some(MetricMetadataResult::Metadata(metadata));
                Ok(MetricMetadataResponse { result })
            })
        });
        Ok(Response::new(stream::iter(frames).boxed()))
    }
}

#[tonic::async_trait]
impl Exemplars for LoggedService {
    type ExemplarsStream = Frames<ExemplarsResponse>;

    async fn exemplars(
        &self,
        request: Request<ExemplarsRequest>,
    ) -> Result<Response<Self::ExemplarsStream>, Status> {
        self.0.source()?;
        let request = request.get_ref();
        let range = TimeRange {
            start: request.start,
            end: request.end,
        };
        let found = logged::exemplars(&self.0.api, &request.query, range).await;
        let found = found.map_err(|error| status::of_api(&error))?;
        let frames = found.unwrap_or_default().into_iter().map(|series| {
            let exemplars = series.exemplars.into_iter().map(|one| Exemplar {
                labels: Some(label_set(&one.labels)),
                value: one.value,
                ts: one.timestamp,
            });
            Ok(ExemplarsResponse {
                result: Some(ExemplarsResult::Data(ExemplarData {
                    series_labels: Some(label_set(&series.labels)),
                    exemplars: exemplars.collect(),
                })),
            })
        });
        Ok(Response::new(stream::iter(frames).boxed()))
    }
}

#[tonic::async_trait]
impl Rules for LoggedService {
    type RulesStream = Frames<RulesResponse>;

    async fn rules(&self, _: Request<RulesRequest>) -> Result<Response<Self::RulesStream>, Status> {
        self.0.source()?;
        Ok(Response::new(stream::empty().boxed()))
    }
}

#[tonic::async_trait]
impl Targets for LoggedService {
    type TargetsStream = Frames<TargetsResponse>;

    async fn targets(
        &self,
        _: Request<TargetsRequest>,
    ) -> Result<Response<Self::TargetsStream>, Status> {
        self.0.source()?;
        Ok(Response::new(stream::empty().boxed()))
    }
}

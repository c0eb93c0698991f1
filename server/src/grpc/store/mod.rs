//! `thanos.Store`: series with their chunks, over what queries read.
//!
//! External labels are labels of the series here, so that matchers of them are matchers
//! like others.

mod chunks;
mod matchers;
mod rows;
mod series;

use std::sync::Arc;

use futures::stream::{self, BoxStream, StreamExt as _};
use quarrel_engine::storage::TimeRange;
use quarrel_engine::{Lookup, QueryError, QueryOptions};
use quarrel_matchers::Matcher;
use quarrel_proto::encoded::Encoded;
use quarrel_proto::services::encoded::store::store_server::Store;
use quarrel_proto::store::{
    LabelNamesRequest, LabelNamesResponse, LabelValuesRequest, LabelValuesResponse,
    PartialResponseStrategy, SeriesRequest,
};
use tonic::{Request, Response, Status};

pub(super) use matchers::matchers;

use self::chunks::Wanted;
use self::rows::Rows;
use self::series::{Answer, Selected};
use super::call_info::CallInfo;
use super::query::{batch, parts, shard, timeout};
use super::state::Grpc;
use super::status;
use quarrel_storage::shard::Shard;

pub(super) struct StoreService(pub(super) Arc<Grpc>);

/// What all methods say about the data.
struct Asked {
    matchers: Vec<Matcher>,
    range: TimeRange,
    is_partial: bool,
    max_resolution_ms: i64,
    shard: Option<Shard>,
}

#[tonic::async_trait]
impl Store for StoreService {
    type SeriesStream = BoxStream<'static, Result<Encoded, Status>>;

    async fn series(
        &self,
        request: Request<SeriesRequest>,
    ) -> Result<Response<Self::SeriesStream>, Status> {
        let (info, request) = parts(request)?;
        let matchers = matchers(&request.matchers)?;
        if matchers.is_empty() {
            return Err(Status::invalid_argument("no matchers specified"));
        }
        let range = TimeRange {
            start: request.min_time,
            end: request.max_time,
        };
        if range.start > range.end {
            return Ok(Response::new(stream::empty().boxed()));
        }
        let without = request.without_replica_labels;
        let own_shard = request.shard_info.and_then(shard);
        let asked = Asked {
            matchers,
            range,
            is_partial: is_partial(
                request.partial_response_disabled,
                request.partial_response_strategy,
            ),
            max_resolution_ms: request.max_resolution_window.max(0),
            // Replicas of one series are in one shard.
            shard: own_shard.map(|shard| shard.without_replica_labels(&without)),
        };
        let lookup = self.lookup(&info, asked)?;
        let selected = match request.skip_chunks {
            true => Selected::Labels(lookup.series().await.map_err(failed)?),
            false => Selected::Samples(lookup.read().await.map_err(failed)?),
        };
        let limit = usize::try_from(request.limit).unwrap_or(0);
        let pool = &self.0.api.engine.options().memory_pool;
        let rows = Rows::new(selected.series(), &without, limit, pool)?;
        Ok(Response::new(series::frames(Answer {
            selected,
            rows,
            wanted: Wanted::new(range, &request.aggregates),
            batch: batch(request.response_batch_size),
        })))
    }

    async fn label_names(
        &self,
        request: Request<LabelNamesRequest>,
    ) -> Result<Response<LabelNamesResponse>, Status> {
        let (info, request) = parts(request)?;
        let asked = Asked {
            matchers: matchers(&request.matchers)?,
            range: TimeRange {
                start: request.start,
                end: request.end,
            },
            is_partial: is_partial(
                request.partial_response_disabled,
                request.partial_response_strategy,
            ),
            max_resolution_ms: 0,
            shard: None,
        };
        let found = self.lookup(&info, asked)?.label_names().await;
        let mut found = found.map_err(failed)?;
        let without = request.without_replica_labels;
        found.found.retain(|name| !without.contains(name));
        Ok(Response::new(LabelNamesResponse {
            names: limited(std::mem::take(&mut found.found), request.limit),
            warnings: std::mem::take(&mut found.warnings),
            hints: None,
        }))
    }

    async fn label_values(
        &self,
        request: Request<LabelValuesRequest>,
    ) -> Result<Response<LabelValuesResponse>, Status> {
        let (info, request) = parts(request)?;
        if request.label.is_empty() {
            return Err(Status::invalid_argument(
                "label name parameter cannot be empty",
            ));
        }
        if request.without_replica_labels.contains(&request.label) {
            return Ok(Response::new(LabelValuesResponse::default()));
        }
        let asked = Asked {
            matchers: matchers(&request.matchers)?,
            range: TimeRange {
                start: request.start,
                end: request.end,
            },
            is_partial: is_partial(
                request.partial_response_disabled,
                request.partial_response_strategy,
            ),
            max_resolution_ms: 0,
            shard: None,
        };
        let lookup = self.lookup(&info, asked)?;
        let mut found = lookup.label_values(request.label).await.map_err(failed)?;
        Ok(Response::new(LabelValuesResponse {
            values: limited(std::mem::take(&mut found.found), request.limit),
            warnings: std::mem::take(&mut found.warnings),
            hints: None,
        }))
    }
}

impl StoreService {
    fn lookup(&self, info: &CallInfo, asked: Asked) -> Result<Lookup, Status> {
        let source = self.0.source()?;
        let mut read = source.options();
        // Who asks deduplicates, and wants to see what there is.
        read.dedup = false;
        read.partial_response = asked.is_partial;
        read.max_resolution_ms = asked.max_resolution_ms;
        read.shard = asked.shard;
        read.tenant = Some(info.tenant.clone());
        read.observer = info.trace.calls().map(|calls| calls as _);
        let storage = source.storage(&read);
        let limits = self.0.limits;
        let limit = |limit: u64| (limit > 0).then_some(limit);
        let mut options = QueryOptions::new();
        options.timeout = timeout(info, 0);
        options.max_selected_series = limit(limits.request_series);
        options.max_samples_read = limit(limits.request_samples);
        let selectors = match asked.matchers.is_empty() {
            true => Vec::new(),
            false => vec![asked.matchers],
        };
        let engine = &self.0.api.engine;
        let lookup = engine.lookup(storage, selectors, asked.range, options);
        let handle = lookup.cancel_handle();
        info.cancel.on_cancel(move || handle.cancel());
        Ok(lookup)
    }
}

fn failed(error: QueryError) -> Status {
    if matches!(error, QueryError::Storage(_)) {
        tracing::error!(%error, "Storage failed");
    }
    status::of_query(&error)
}

/// Whether a failing part of the data is a warning. Old clients say it by a field of
/// its own.
fn is_partial(disabled: bool, strategy: i32) -> bool {
    !disabled && strategy == PartialResponseStrategy::Warn as i32
}

/// The first items; 0 for all.
fn limited(mut items: Vec<String>, limit: i64) -> Vec<String> {
    if let Ok(limit @ 1..) = usize::try_from(limit) {
        items.truncate(limit);
    }
    items
}

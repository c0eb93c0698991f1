//! `thanos.Query`: PromQL over gRPC. Times are whole seconds. The logical plan that
//! Thanos sends beside a query says the same as its text, and is not looked at.

use std::sync::Arc;
use std::time::Duration;

use futures::stream::BoxStream;
use quarrel_engine::{QueryOptions, QueryRange, QueryTimes, Timestamp};
use quarrel_matchers::Matcher;
use quarrel_proto::encoded::Encoded;
use quarrel_proto::query::{QueryRangeRequest, QueryRequest, StoreMatchers};
use quarrel_proto::services::encoded::query::query_server::Query;
use quarrel_proto::store::ShardInfo;
use quarrel_storage::shard::Shard;
use tonic::{Request, Response, Status};

use super::call_info::CallInfo;
use super::frames::{self, Shape};
use super::state::Grpc;
use super::store::matchers;
use crate::metrics::QueryKind;
use crate::source::{ReadOptions, Source};
use crate::trace::Watch;

pub(super) struct QueryService(pub(super) Arc<Grpc>);

/// The most series that a client gets in a frame.
const MAX_BATCH: usize = 4096;

type Frames = BoxStream<'static, Result<Encoded, Status>>;

/// What instant and range queries have in common.
struct Asked {
    text: String,
    times: QueryTimes,
    kind: QueryKind,
    timeout_seconds: i64,
    lookback_seconds: i64,
    read: Read,
    shape: Shape,
}

/// What a request says about its data.
struct Read {
    dedup: bool,
    replica_labels: Vec<String>,
    partial_response: bool,
    max_resolution_seconds: i64,
    store_matchers: Vec<Vec<Matcher>>,
    shard: Option<Shard>,
}

impl Read {
    /// The options of a source.
    fn options(self, source: &dyn Source) -> ReadOptions {
        let mut options = source.options();
        options.dedup = self.dedup;
        options.partial_response = self.partial_response;
        options.shard = self.shard;
        options.store_matchers = self.store_matchers;
        if !self.replica_labels.is_empty() {
            options.replica_labels = self.replica_labels;
        }
        options.max_resolution_ms = match self.max_resolution_seconds {
            0 => source.defaults().map_or(0, |own| own.instant_resolution_ms),
            seconds => seconds.saturating_mul(1000).max(0),
        };
        options
    }
}

#[tonic::async_trait]
impl Query for QueryService {
    type QueryStream = Frames;

    async fn query(&self, request: Request<QueryRequest>) -> Result<Response<Frames>, Status> {
        let (info, request) = parts(request)?;
        let at = match request.time_seconds {
            0 => Timestamp::now(),
            seconds => Timestamp::from_secs(seconds),
        };
        let read = Read {
            dedup: request.enable_dedup,
            replica_labels: request.replica_labels,
            partial_response: request.enable_partial_response,
            max_resolution_seconds: request.max_resolution_seconds,
            store_matchers: store_matchers(&request.store_matchers)?,
            shard: request.shard_info.and_then(shard),
        };
        let asked = Asked {
            text: request.query,
            times: at.into(),
            kind: QueryKind::Instant,
            timeout_seconds: request.timeout_seconds,
            lookback_seconds: request.lookback_delta_seconds,
            read,
            shape: Shape {
                batch: batch(request.response_batch_size),
                errors_are_warnings: request.enable_partial_response,
            },
        };
        Ok(Response::new(self.run(&info, asked)?))
    }

    type QueryRangeStream = Frames;

    async fn query_range(
        &self,
        request: Request<QueryRangeRequest>,
    ) -> Result<Response<Frames>, Status> {
        let (info, request) = parts(request)?;
        let start = Timestamp::from_secs(request.start_time_seconds);
        let end = Timestamp::from_secs(request.end_time_seconds);
        let step = request.interval_seconds.saturating_mul(1000);
        let range = QueryRange::from_millis(start.as_millis()..=end.as_millis(), step);
        let range = range.map_err(|error| Status::invalid_argument(error.to_string()))?;
        let read = Read {
            dedup: request.enable_dedup,
            replica_labels: request.replica_labels,
            partial_response: request.enable_partial_response,
            max_resolution_seconds: request.max_resolution_seconds,
            store_matchers: store_matchers(&request.store_matchers)?,
            shard: request.shard_info.and_then(shard),
        };
        let asked = Asked {
            text: request.query,
            times: range.into(),
            kind: QueryKind::Range,
            timeout_seconds: request.timeout_seconds,
            lookback_seconds: request.lookback_delta_seconds,
            read,
            shape: Shape {
                batch: batch(request.response_batch_size),
                errors_are_warnings: false,
            },
        };
        Ok(Response::new(self.run(&info, asked)?))
    }
}

impl QueryService {
    fn run(&self, info: &CallInfo, asked: Asked) -> Result<Frames, Status> {
        let api = &self.0.api;
        let source = self.0.source()?;
        let mut read = asked.read.options(&*source);
        read.tenant = Some(info.tenant.clone());
        let watch = Watch::begin(&info.trace, &asked.text, asked.kind.name(), false);
        read.observer = watch.observer();
        let storage = source.storage(&read);
        let mut options = QueryOptions::new().operator_stats(watch.wants_operators());
        options.timeout = timeout(info, asked.timeout_seconds);
        options.lookback_delta = seconds(asked.lookback_seconds);
        let options = read.for_query(options, api.engine.options());
        let timer = api.metrics.query(asked.kind);
        let query = api.engine.query(&asked.text, storage, asked.times, options);
        let handle = query.cancel_handle();
        info.cancel.on_cancel(move || handle.cancel());
        Ok(frames::of(query, timer, watch, asked.shape))
    }
}

/// The message of a request, and what is known beside it.
pub(super) fn parts<T>(request: Request<T>) -> Result<(CallInfo, T), Status> {
    let info = request.extensions().get::<CallInfo>().cloned();
    let info = info.ok_or_else(|| Status::internal("a call without its surroundings"))?;
    Ok((info, request.into_inner()))
}

/// Which stores are asked.
fn store_matchers(messages: &[StoreMatchers]) -> Result<Vec<Vec<Matcher>>, Status> {
    let lists = messages.iter().map(|list| matchers(&list.label_matchers));
    lists.collect()
}

/// The time that a query has: that of the message, or until the client stops to
/// wait. The engine's own limit stands beside it.
pub(super) fn timeout(info: &CallInfo, own: i64) -> Option<Duration> {
    let left = info
        .deadline
        .map(|deadline| deadline.saturating_duration_since(tokio::time::Instant::now()));
    let least = [seconds(own), left].into_iter().flatten().min();
    least.map(|timeout| timeout.max(Duration::from_millis(1)))
}

/// A positive number of seconds.
fn seconds(seconds: i64) -> Option<Duration> {
    let seconds = u64::try_from(seconds).ok().filter(|&seconds| seconds > 0)?;
    Some(Duration::from_secs(seconds))
}

/// The shard that a message describes; `None` for all series.
pub(super) fn shard(info: ShardInfo) -> Option<Shard> {
    Shard::of(info.shard_index, info.total_shards, info.by, info.labels)
}

pub(super) fn batch(size: i64) -> usize {
    usize::try_from(size).unwrap_or(0).min(MAX_BATCH)
}

//! The services of a fake store.

use std::collections::BTreeSet;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use futures::Stream;
use futures::future::{FutureExt, ready};
use futures::stream::{self, StreamExt};
use quarrel_engine::labels::SymbolTable;
use quarrel_engine::storage::{
    LabelsRequest, Matcher, SelectHints, SelectRequest, Snapshot, StorageError, TimeRange,
};
use quarrel_matchers::MatchOp;
use quarrel_proto::info::{InfoRequest, InfoResponse, StoreInfo};
use quarrel_proto::labels::{Label, LabelMatcher, LabelSet, MatcherType};
use quarrel_proto::services::info::info_server::Info;
use quarrel_proto::services::store::store_server::Store;
use quarrel_proto::store::{
    LabelNamesRequest, LabelNamesResponse, LabelValuesRequest, LabelValuesResponse, Series,
    SeriesBatch, SeriesRequest, SeriesResponse, SeriesResult, ShardInfo,
};
use tokio::sync::Notify;
use tonic::{Request, Response, Status};

use super::encode::messages;
use super::{FakeStore, Fault, Seen};
use crate::shard::Shard;

type Texts = Vec<(String, String)>;

/// What a store says of itself unless a test wants something else.
pub(super) fn info() -> InfoResponse {
    InfoResponse {
        component_type: "sidecar".to_string(),
        store: Some(StoreInfo {
            min_time: i64::MIN,
            max_time: i64::MAX,
            supports_sharding: true,
            supports_without_replica_labels: true,
            tsdb_infos: Vec::new(),
        }),
        ..InfoResponse::default()
    }
}

/// Labels as a message.
pub(super) fn label_set(labels: &[(String, String)]) -> LabelSet {
    let label = |(name, value): &(String, String)| Label {
        name: name.clone().into(),
        value: value.clone().into(),
    };
    LabelSet {
        labels: labels.iter().map(label).collect(),
    }
}

#[derive(Clone)]
pub(super) struct Service {
    store: Arc<FakeStore>,
    seen: Arc<Seen>,
    died: Arc<Notify>,
}

impl Service {
    /// The services of a store, and what is told when it dies.
    pub(super) fn new(store: FakeStore, seen: Arc<Seen>) -> (Self, Arc<Notify>) {
        let died = Arc::new(Notify::new());
        let service = Service {
            store: Arc::new(store),
            seen,
            died: Arc::clone(&died),
        };
        (service, died)
    }

    async fn view(&self, range: TimeRange) -> Result<Arc<dyn Snapshot>, Status> {
        self.store.storage.snapshot(range).await.map_err(failed)
    }

    /// The matchers of labels that are not external; `None` if the external labels do
    /// not match.
    fn matchers(&self, messages: &[LabelMatcher]) -> Result<Option<Vec<Matcher>>, Status> {
        let mut own = Vec::new();
        for message in messages {
            let matcher = matcher(message)?;
            let external = self
                .store
                .labels
                .iter()
                .find(|(name, _)| name == matcher.name());
            match external {
                Some((_, value)) if !matcher.matches(value) => return Ok(None),
                Some(_) => {}
                None => own.push(matcher),
            }
        }
        Ok(Some(own))
    }

    /// All series that a request asks for, sorted.
    async fn series_of(&self, request: &SeriesRequest) -> Result<Vec<Series>, Status> {
        let Some(matchers) = self.matchers(&request.matchers)? else {
            return Ok(Vec::new());
        };
        let range = TimeRange {
            start: request.min_time,
            end: request.max_time,
        };
        let (symbols, hints) = (SymbolTable::new(), SelectHints::default());
        let view = self.view(range).await?;
        let select = SelectRequest::new(&matchers, range, &hints, &symbols);
        let selected = view.select(select).await.map_err(failed)?;
        let shard = request.shard_info.as_ref().map(shard);
        let mut all = Vec::new();
        for (row, labels) in selected.labels.iter().enumerate() {
            let texts = symbols.read();
            let own = labels.iter();
            let own = own.map(|label| (texts.get(label.name), texts.get(label.value)));
            let labels = self.complete(own, &request.without_replica_labels);
            let pairs = labels.iter().map(|(name, value)| (&**name, &**value));
            if shard
                .as_ref()
                .is_some_and(|s| !s.matches(pairs, &mut Vec::new()))
            {
                continue;
            }
            let mut chunks = Vec::new();
            if !request.skip_chunks {
                selected
                    .series
                    .chunks(row as u32, &mut chunks)
                    .map_err(failed)?;
            }
            let chunks: Result<Vec<_>, Status> = chunks.iter().map(messages).collect();
            let chunks = chunks?.concat();
            all.push((labels, chunks));
        }
        all.sort_by(|a, b| a.0.cmp(&b.0));
        let message = |(labels, chunks): (Texts, _)| Series {
            labels: label_set(&labels).labels,
            chunks,
        };
        Ok(all.into_iter().map(message).collect())
    }

    /// Labels with the external ones, which win, without those that are not wanted.
    fn complete<'a>(
        &self,
        own: impl Iterator<Item = (&'a str, &'a str)>,
        without: &[String],
    ) -> Texts {
        let external = &self.store.labels;
        let own = own.filter(|(name, _)| !external.iter().any(|(other, _)| other == name));
        let own = own.map(|(name, value)| (name.to_string(), value.to_string()));
        let mut all: Texts = own.chain(external.iter().cloned()).collect();
        all.retain(|(name, _)| !without.contains(name));
        all.sort_unstable();
        all
    }

    /// Label names and values of all series that match.
    async fn labels_of(
        &self,
        messages: &[LabelMatcher],
        range: TimeRange,
        label: Option<&str>,
        without: &[String],
    ) -> Result<Vec<String>, Status> {
        let Some(matchers) = self.matchers(messages)? else {
            return Ok(Vec::new());
        };
        let view = self.view(range).await?;
        let selectors = match matchers.is_empty() {
            true => Vec::new(),
            false => vec![matchers],
        };
        let request = LabelsRequest::new(&selectors, range);
        let names = view.label_names(request).await.map_err(failed)?;
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let external = &self.store.labels;
        let kept = |name: &String| !without.contains(name);
        let Some(label) = label else {
            let all = names
                .into_iter()
                .chain(external.iter().map(|(name, _)| name.clone()));
            let all: BTreeSet<String> = all.filter(kept).collect();
            return Ok(all.into_iter().collect());
        };
        if let Some((_, value)) = external.iter().find(|(name, _)| name == label) {
            return Ok(vec![value.clone()]);
        }
        view.label_values(label, request).await.map_err(failed)
    }

    /// The messages of an answer, with what goes wrong.
    fn stream(&self, series: Vec<Series>, batch: usize) -> Messages {
        let mut all: Vec<SeriesResponse> = match batch {
            0 | 1 => series.into_iter().map(single).collect(),
            batch => series
                .chunks(batch)
                .map(|series| {
                    message(SeriesResult::Batch(SeriesBatch {
                        series: series.to_vec(),
                    }))
                })
                .collect(),
        };
        if let Some(edit) = &self.store.edit {
            all = edit(all);
        }
        let all = stream::iter(all.into_iter().map(Ok));
        let messages: Messages = match self.store.fault.clone() {
            Fault::None | Fault::Refused(_) => all.boxed(),
            Fault::HangsAfter(number) => all.take(number).chain(stream::pending()).boxed(),
            Fault::FailsAfter(number, status) => all
                .take(number)
                .chain(stream::once(ready(Err(status))))
                .boxed(),
            Fault::DiesAfter(number) => {
                let died = Arc::clone(&self.died);
                let die = async move {
                    // What was sent before is on its way.
                    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                    died.notify_one();
                    std::future::pending().await
                };
                all.take(number).chain(stream::once(die)).boxed()
            }
            Fault::Floods => {
                let all: Vec<_> = all.collect::<Vec<_>>().now_or_never().unwrap_or_default();
                stream::iter(all.into_iter().cycle()).boxed()
            }
            Fault::Slow(time) => all
                .then(move |message| async move {
                    tokio::time::sleep(time).await;
                    message
                })
                .boxed(),
        };
        let (counted, seen) = (Arc::clone(&self.seen), Arc::clone(&self.seen));
        seen.streams.fetch_add(1, Ordering::Relaxed);
        let open = OpenStream(seen);
        messages
            .inspect(move |_| {
                let _ = &open;
                counted.messages.fetch_add(1, Ordering::Relaxed);
            })
            .boxed()
    }
}

/// A stream that counts as one that is under way.
struct OpenStream(Arc<Seen>);

impl Drop for OpenStream {
    fn drop(&mut self) {
        self.0.streams.fetch_sub(1, Ordering::Relaxed);
    }
}

type Messages = Pin<Box<dyn Stream<Item = Result<SeriesResponse, Status>> + Send>>;

fn message(result: SeriesResult) -> SeriesResponse {
    SeriesResponse {
        result: Some(result),
    }
}

fn single(series: Series) -> SeriesResponse {
    message(SeriesResult::Series(series))
}

fn failed(error: StorageError) -> Status {
    Status::internal(error.to_string())
}

fn matcher(message: &LabelMatcher) -> Result<Matcher, Status> {
    let op = match message.r#type() {
        MatcherType::Eq => MatchOp::Equal,
        MatcherType::Neq => MatchOp::NotEqual,
        MatcherType::Re => MatchOp::Regex,
        MatcherType::Nre => MatchOp::NotRegex,
    };
    let matcher = Matcher::new(op, &message.name, &message.value);
    matcher.map_err(|error| Status::invalid_argument(error.to_string()))
}

fn shard(message: &ShardInfo) -> Shard {
    Shard {
        index: message.shard_index as u64,
        total: message.total_shards as u64,
        by: message.by,
        labels: message.labels.clone(),
    }
}

#[tonic::async_trait]
impl Store for Service {
    type SeriesStream = Messages;

    async fn series(
        &self,
        request: Request<SeriesRequest>,
    ) -> Result<Response<Self::SeriesStream>, Status> {
        let tenant = request.metadata().get("thanos-tenant");
        let tenant = tenant
            .and_then(|value| value.to_str().ok())
            .map(str::to_string);
        self.seen.tenants.lock().push(tenant);
        let request = request.into_inner();
        self.seen.series.lock().push(request.clone());
        if let Fault::Refused(status) = &self.store.fault {
            return Err(status.clone());
        }
        let series = self.series_of(&request).await?;
        let batch = usize::try_from(request.response_batch_size).unwrap_or(0);
        Ok(Response::new(self.stream(series, batch)))
    }

    async fn label_names(
        &self,
        request: Request<LabelNamesRequest>,
    ) -> Result<Response<LabelNamesResponse>, Status> {
        let request = request.into_inner();
        self.seen.names.lock().push(request.clone());
        if let Fault::Refused(status) = &self.store.fault {
            return Err(status.clone());
        }
        let range = TimeRange {
            start: request.start,
            end: request.end,
        };
        let without = &request.without_replica_labels;
        let names = self
            .labels_of(&request.matchers, range, None, without)
            .await?;
        Ok(Response::new(LabelNamesResponse {
            names,
            ..LabelNamesResponse::default()
        }))
    }

    async fn label_values(
        &self,
        request: Request<LabelValuesRequest>,
    ) -> Result<Response<LabelValuesResponse>, Status> {
        let request = request.into_inner();
        self.seen.values.lock().push(request.clone());
        if let Fault::Refused(status) = &self.store.fault {
            return Err(status.clone());
        }
        let range = TimeRange {
            start: request.start,
            end: request.end,
        };
        let (label, without) = (&*request.label, &request.without_replica_labels);
        let values = self
            .labels_of(&request.matchers, range, Some(label), without)
            .await?;
        Ok(Response::new(LabelValuesResponse {
            values,
            ..LabelValuesResponse::default()
        }))
    }
}

#[tonic::async_trait]
impl Info for Service {
    async fn info(&self, _: Request<InfoRequest>) -> Result<Response<InfoResponse>, Status> {
        self.seen.infos.fetch_add(1, Ordering::Relaxed);
        Ok(Response::new(self.store.info.clone()))
    }
}

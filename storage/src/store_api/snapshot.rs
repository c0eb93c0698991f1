//! The stores as one storage.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Instant;

use futures::FutureExt;
use futures::future::{BoxFuture, ready};
use parking_lot::Mutex;
use quarrel_engine::storage::{
    LabelsRequest, Matcher, SelectControl, SelectRequest, Selected, Snapshot, Storage,
    StorageError, TimeRange,
};
use quarrel_proto::store::SeriesRequest;
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, mpsc};

use super::endpoint::Endpoint;
use super::endpoints::Endpoints;
use super::failure::{Asked, Cause, StoreFailure, StoreName};
use super::fetch::{Event, Fetch, Fetched};
use super::info::EndpointInfo;
use super::matching::{is_picked, may_have};
use super::query::StoreQuery;
use super::request;
use crate::sent::collect::SentSeries;
use crate::sent::merge::merge;
use crate::tasks::Task;

/// The series of all stores of a set, as one query reads them.
///
/// It is made for each query and costs nothing. A view of it pins the stores that take
/// part. Selects ask all of those side by side that can have what matches; chunks stay
/// encoded until they are scanned.
///
/// The streams run on the tokio runtime on which the set was started; queries may run
/// anywhere. They end with the query.
#[derive(Clone, Debug)]
pub struct StoreApi {
    endpoints: Arc<Endpoints>,
    query: Arc<StoreQuery>,
}

impl StoreApi {
    /// The stores of `endpoints`, read as `query` says.
    pub fn new(endpoints: Arc<Endpoints>, query: StoreQuery) -> Self {
        StoreApi {
            endpoints,
            query: Arc::new(query),
        }
    }

    /// The set whose stores it reads.
    pub fn endpoints(&self) -> &Arc<Endpoints> {
        &self.endpoints
    }

    fn view(&self) -> StoreSnapshot {
        let (mut stores, mut lost) = (Vec::new(), Vec::new());
        let unhealthy = self.endpoints.config().unhealthy_timeout;
        for endpoint in self.endpoints.all() {
            let info = endpoint.info().unwrap_or_default();
            let is_store =
                info.store.is_some() || (endpoint.strict && *info == EndpointInfo::default());
            if !is_store
                || !is_picked(
                    &self.query.store_matchers,
                    &endpoint.address,
                    &info.label_sets,
                )
            {
                continue;
            }
            let (is_queryable, error) = (endpoint.is_queryable(), endpoint.lost(unhealthy));
            let pinned = Pinned {
                name: endpoint.name(),
                endpoint,
                info,
            };
            match error {
                _ if is_queryable => stores.push(pinned),
                Some(error) => lost.push((pinned, error)),
                None => {}
            }
        }
        let selects = self.query.max_concurrent_selects;
        StoreSnapshot {
            stores,
            lost,
            query: Arc::clone(&self.query),
            runtime: self.endpoints.runtime().clone(),
            places: selects.map(|places| Semaphore::new(places.clamp(1, Semaphore::MAX_PERMITS))),
            warnings: Mutex::default(),
        }
    }
}

impl Storage for StoreApi {
    fn snapshot(&self, _: TimeRange) -> BoxFuture<'_, Result<Arc<dyn Snapshot>, StorageError>> {
        ready(Ok(Arc::new(self.view()) as Arc<dyn Snapshot>)).boxed()
    }

    fn name(&self) -> Cow<'_, str> {
        "StoreAPI".into()
    }
}

/// A store that takes part in a query, with what it had said when the query began.
#[derive(Clone, Debug)]
pub(super) struct Pinned {
    pub(super) endpoint: Arc<Endpoint>,
    pub(super) info: Arc<EndpointInfo>,
    pub(super) name: Arc<StoreName>,
}

/// The stores that take part in a query.
pub(super) struct StoreSnapshot {
    pub(super) stores: Vec<Pinned>,
    /// Those that have answered some minutes ago, but do not now, and why.
    lost: Vec<(Pinned, String)>,
    pub(super) query: Arc<StoreQuery>,
    pub(super) runtime: Handle,
    /// How many selects may be under way.
    places: Option<Semaphore>,
    /// What the user should know of look-ups of names and values.
    pub(super) warnings: Mutex<Vec<String>>,
}

impl StoreSnapshot {
    /// The stores that can have what matches.
    pub(super) fn stores_with<'s>(
        &'s self,
        range: TimeRange,
        matchers: &'s [Matcher],
    ) -> impl Iterator<Item = &'s Pinned> {
        self.stores
            .iter()
            .filter(move |store| may_have(&store.info, range, matchers))
    }

    /// Warnings of stores that would have been asked, were they not unhealthy.
    pub(super) fn lost_with(
        &self,
        range: TimeRange,
        matchers: &[Matcher],
    ) -> impl Iterator<Item = String> {
        let lost = self.lost.iter();
        lost.filter(move |(store, _)| may_have(&store.info, range, matchers))
            .map(|(store, error)| {
                let StoreName { address, labels } = &*store.name;
                format!("store {labels} {address} is unhealthy and was not asked: {error}")
            })
    }

    /// # Errors
    /// If there is no store at all, and the answer of some is not enough.
    pub(super) fn check_any(&self) -> Result<(), StorageError> {
        if self.stores.is_empty() && !self.query.partial_response {
            return Err(StorageError::Other("no store APIs available".to_string()));
        }
        Ok(())
    }

    /// What a failure is to the query.
    pub(super) fn failed(
        &self,
        failure: StoreFailure,
        warnings: &mut Vec<String>,
    ) -> Result<(), StorageError> {
        match self.query.partial_response {
            true => warnings.push(failure.warning()),
            false => return Err(failure.into_error()),
        }
        Ok(())
    }

    async fn select_now(&self, request: SelectRequest<'_>) -> Result<Selected, StorageError> {
        self.check_any()?;
        let _place = match &self.places {
            Some(places) => {
                let began = Instant::now();
                let place = places.acquire().await;
                request.control.waited(began.elapsed());
                // The semaphore is never closed.
                place.ok()
            }
            None => None,
        };
        let message = request::series(&self.query, &request);
        let printed: Arc<[String]> = self.query.printed(request.matchers).into();
        let fetches: Vec<Fetch> = self
            .stores_with(request.range, request.matchers)
            .map(|store| self.fetch(store, message.clone(), &printed))
            .collect();
        let lost = self.lost_with(request.range, request.matchers);
        let mut warnings: Vec<String> = lost.collect();
        let series = self
            .fetch_all(fetches, request.control, &mut warnings)
            .await?;
        let (labels, source) = merge(series, request.symbols, request.control).await?;
        self.check_series(labels.len())?;
        warnings.sort_unstable();
        warnings.dedup();
        Ok(Selected::new(labels, Arc::new(source)).with_warnings(warnings))
    }

    fn check_series(&self, series: usize) -> Result<(), StorageError> {
        match self.query.max_series {
            Some(limit) if series as u64 > limit => Err(StorageError::Other(format!(
                "exceeded series limit: limit {limit} violated"
            ))),
            _ => Ok(()),
        }
    }

    fn fetch(&self, store: &Pinned, mut message: SeriesRequest, printed: &Arc<[String]>) -> Fetch {
        let facts = store.info.store.as_ref();
        let shard = self.query.shard.clone();
        let shard = shard.map(|shard| shard.without_replica_labels(&self.query.replica_labels));
        let knows_shards = facts.is_some_and(|facts| facts.supports_sharding);
        let (theirs, ours) = match knows_shards {
            true => (shard.as_ref().map(request::shard_info), None),
            false => (None, shard),
        };
        message.shard_info = theirs;
        Fetch {
            endpoint: Arc::clone(&store.endpoint),
            name: Arc::clone(&store.name),
            query: Arc::clone(&self.query),
            request: message,
            matchers: Arc::clone(printed),
            shard: ours,
        }
    }

    /// Reads the streams of all stores side by side, each in a task of its own; what
    /// has come of each, in the order of the stores.
    async fn fetch_all(
        &self,
        fetches: Vec<Fetch>,
        control: &dyn SelectControl,
        warnings: &mut Vec<String>,
    ) -> Result<Vec<(Arc<str>, SentSeries)>, StorageError> {
        let (events, mut arriving) = mpsc::channel(fetches.len().max(1));
        let names: Vec<Arc<StoreName>> = fetches.iter().map(|f| Arc::clone(&f.name)).collect();
        let mut tasks = Vec::with_capacity(fetches.len());
        for (number, fetch) in fetches.into_iter().enumerate() {
            let run = fetch.run(number, events.clone());
            tasks.push(Task::spawn(&self.runtime, run));
        }
        drop(events);
        let mut done: Vec<Option<SentSeries>> = names.iter().map(|_| None).collect();
        loop {
            let began = Instant::now();
            let event = arriving.recv().await;
            control.waited(began.elapsed());
            match event {
                None => break,
                Some(Event::Held(bytes)) => {
                    control.reserve(bytes)?;
                    control.check()?;
                }
                Some(Event::Done(number, fetched)) => {
                    let Fetched {
                        series,
                        warnings: of_store,
                        failure,
                    } = *fetched;
                    done[number] = Some(series);
                    warnings.extend(of_store);
                    if let Some(failure) = failure {
                        self.failed(failure, warnings)?;
                    }
                }
            }
        }
        let mut all = Vec::with_capacity(done.len());
        for (store, series) in names.into_iter().zip(done) {
            if let Some(series) = series {
                all.push((Arc::clone(&store.address), series));
            } else {
                let what = "the task that reads the stream has ended".to_string();
                let failure = StoreFailure {
                    store,
                    asked: Asked::MoreSeries,
                    cause: Cause::Invalid(what),
                };
                self.failed(failure, warnings)?;
            }
        }
        Ok(all)
    }
}

impl Snapshot for StoreSnapshot {
    fn select<'a>(
        &'a self,
        request: SelectRequest<'a>,
    ) -> BoxFuture<'a, Result<Selected, StorageError>> {
        self.select_now(request).boxed()
    }

    fn label_names<'a>(
        &'a self,
        request: LabelsRequest<'a>,
    ) -> BoxFuture<'a, Result<Vec<String>, StorageError>> {
        self.names_now(None, request).boxed()
    }

    fn label_values<'a>(
        &'a self,
        name: &'a str,
        request: LabelsRequest<'a>,
    ) -> BoxFuture<'a, Result<Vec<String>, StorageError>> {
        self.names_now(Some(name), request).boxed()
    }

    fn warnings(&self) -> Vec<String> {
        self.warnings.lock().clone()
    }

    fn is_fed_by_caller(&self) -> bool {
        true
    }

    fn time_range(&self) -> Option<TimeRange> {
        let ranges = || self.stores.iter().map(|store| store.info.range());
        let start = ranges().map(|range| range.start).min()?;
        let end = ranges().map(|range| range.end).max()?;
        Some(TimeRange { start, end })
    }
}

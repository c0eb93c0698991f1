//! The server as a storage.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Instant;

use futures::FutureExt;
use futures::future::{BoxFuture, try_join_all};
use quarrel_engine::labels::LabelList;
use quarrel_engine::storage::{
    LabelsRequest, Matcher, SelectControl, SelectHints, SelectRequest, Selected, Snapshot, Storage,
    StorageError, TimeRange,
};
use tokio::runtime::Handle;
use tokio::sync::mpsc;

use super::client::Client;
use super::config::RemoteReadConfig;
use super::error::{ReadError, RemoteReadError};
use super::fetch::{Event, Fetch};
use super::metrics::RemoteReadMetrics;
use super::request::Question;
use crate::sent::collect::SentSeries;
use crate::sent::merge::merge;
use crate::sent::source::SentSource;
use crate::tasks::Task;

/// How much of the data of storages beside it is not taken to be whole, ms: that of
/// Prometheus, two blocks of two hours.
const MARGIN_MS: i64 = 2 * 2 * 3_600_000;

/// A server of remote read, described in the [module documentation](super).
#[derive(Clone)]
pub struct RemoteRead {
    client: Arc<Client>,
    runtime: Handle,
    /// Storages that are read beside it.
    local: Arc<[Arc<dyn Storage>]>,
}

impl std::fmt::Debug for RemoteRead {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RemoteRead")
            .field("client", &self.client)
            .field("local", &self.local.len())
            .finish_non_exhaustive()
    }
}

impl RemoteRead {
    /// A server, whose answers are read by tasks of the current tokio runtime; queries may
    /// run anywhere. No request is made yet.
    ///
    /// # Errors
    /// If the settings cannot be used, a file that they name cannot be read, or there is
    /// no runtime.
    pub fn new(config: RemoteReadConfig) -> Result<Self, RemoteReadError> {
        let runtime = Handle::try_current().map_err(|_| RemoteReadError::NoRuntime)?;
        Ok(RemoteRead {
            client: Arc::new(Client::new(config)?),
            runtime,
            local: Arc::new([]),
        })
    }

    /// The same beside storages of newer data. Without
    /// [`RemoteReadConfig::read_recent`] it is asked for what is older than these have
    /// whole alone: older than four hours behind the first of their samples, as in
    /// Prometheus.
    #[must_use]
    pub fn beside(mut self, local: Vec<Arc<dyn Storage>>) -> Self {
        self.local = local.into();
        self
    }

    /// What was counted so far.
    pub fn metrics(&self) -> RemoteReadMetrics {
        let client = &self.client;
        client.counters.metrics(client.name(), &client.shown)
    }

    /// The last time that it is asked for, if there is one.
    async fn last(&self) -> Result<Option<i64>, StorageError> {
        if self.client.config.read_recent || self.local.is_empty() {
            return Ok(None);
        }
        let views = self
            .local
            .iter()
            .map(|local| local.snapshot(TimeRange::ALL));
        let views = try_join_all(views).await?;
        let starts = views
            .iter()
            .filter_map(|view| Some(view.time_range()?.start));
        Ok(starts.min().map(|start| start.saturating_add(MARGIN_MS)))
    }
}

impl Storage for RemoteRead {
    fn snapshot(&self, _: TimeRange) -> BoxFuture<'_, Result<Arc<dyn Snapshot>, StorageError>> {
        async {
            let snapshot = RemoteReadSnapshot {
                client: Arc::clone(&self.client),
                runtime: self.runtime.clone(),
                last: self.last().await?,
            };
            Ok(Arc::new(snapshot) as Arc<dyn Snapshot>)
        }
        .boxed()
    }

    fn name(&self) -> Cow<'_, str> {
        format!("remote read {}", self.client.name()).into()
    }
}

/// A query's view. It pins nothing: the protocol has no way to.
pub(super) struct RemoteReadSnapshot {
    client: Arc<Client>,
    runtime: Handle,
    /// The last time that is asked for.
    last: Option<i64>,
}

impl RemoteReadSnapshot {
    /// Asks for series; `None` if the server is not to be asked.
    pub(super) async fn fetch(
        &self,
        matchers: &[Matcher],
        range: TimeRange,
        hints: &SelectHints,
        control: &dyn SelectControl,
    ) -> Result<Option<SentSeries>, StorageError> {
        let range = TimeRange {
            start: range.start,
            end: self.last.map_or(range.end, |last| range.end.min(last)),
        };
        let Some(question) = Question::new(&self.client.config, matchers, range, hints) else {
            return Ok(None);
        };
        let (events, mut arriving) = mpsc::channel(1);
        let fetch = Fetch {
            client: Arc::clone(&self.client),
            question,
        };
        let _task = Task::spawn(&self.runtime, fetch.run(events));
        loop {
            let began = Instant::now();
            let event = arriving.recv().await;
            control.waited(began.elapsed());
            match event {
                Some(Event::Hold(bytes, go)) => {
                    control.reserve(bytes)?;
                    control.check()?;
                    // A reader that does not wait has run out of time, and says so.
                    let _ = go.send(());
                }
                Some(Event::Done(done)) => {
                    return done.map(Some).map_err(|error| error.of(&self.client.shown));
                }
                None => return Err(ReadError::Task.of(&self.client.shown)),
            }
        }
    }

    async fn select_now(&self, request: SelectRequest<'_>) -> Result<Selected, StorageError> {
        let SelectRequest {
            matchers,
            range,
            hints,
            control,
            ..
        } = request;
        let Some(series) = self.fetch(matchers, range, hints, control).await? else {
            let source = SentSource::with_capacity(Vec::new(), 0, 0);
            return Ok(Selected::new(LabelList::new(), Arc::new(source)));
        };
        let server = vec![(Arc::clone(&self.client.shown), series)];
        let (labels, source) = merge(server, request.symbols, control).await?;
        Ok(Selected::new(labels, Arc::new(source)))
    }
}

impl Snapshot for RemoteReadSnapshot {
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
        self.names(request).boxed()
    }

    fn label_values<'a>(
        &'a self,
        name: &'a str,
        request: LabelsRequest<'a>,
    ) -> BoxFuture<'a, Result<Vec<String>, StorageError>> {
        self.values(name, request).boxed()
    }

    fn is_fed_by_caller(&self) -> bool {
        true
    }
}

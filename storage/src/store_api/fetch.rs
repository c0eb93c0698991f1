//! The stream of series of one store.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use quarrel_engine::storage::TimeRange;
use quarrel_proto::labels::Label;
use quarrel_proto::store::{Series, SeriesRequest, SeriesResponse, SeriesResult};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tonic::{Code, Response, Status, Streaming};

use super::chunk;
use super::endpoint::{Client, Endpoint};
use super::failure::{Asked, Cause, StoreFailure, StoreName};
use super::metrics::StoreMethod;
use super::query::StoreQuery;
use super::request;
use crate::sent::chunk::SentChunk;
use crate::sent::collect::{Collector, SentSeries, Taken};
use crate::shard::Shard;

/// What a store is asked for, and how.
#[derive(Debug)]
pub(super) struct Fetch {
    pub(super) endpoint: Arc<Endpoint>,
    pub(super) name: Arc<StoreName>,
    pub(super) query: Arc<StoreQuery>,
    pub(super) request: SeriesRequest,
    /// The shard that is asked for, if the store does not know of it.
    pub(super) shard: Option<Shard>,
}

/// What has come of a store.
#[derive(Debug, Default)]
pub(super) struct Fetched {
    /// The series that have arrived.
    pub(super) series: SentSeries,
    /// What the store wants the user to know.
    pub(super) warnings: Vec<String>,
    /// Why there is no more.
    pub(super) failure: Option<StoreFailure>,
}

/// What the reader of a stream tells the select.
#[derive(Debug)]
pub(super) enum Event {
    /// A message that holds so many bytes was taken in.
    Held(usize),
    /// The stream with this number has ended.
    Done(usize, Box<Fetched>),
}

impl Fetch {
    /// Reads the stream to its end. What each message holds is told before the next one
    /// is read; if nobody listens any more, the stream ends.
    pub(super) async fn run(self, number: usize, events: mpsc::Sender<Event>) {
        let fetched = Box::new(self.fetch(&events).await);
        // Where nobody listens, the query has ended.
        let _ = events.send(Event::Done(number, fetched)).await;
    }

    async fn fetch(self, events: &mpsc::Sender<Event>) -> Fetched {
        let counters = self.endpoint.counters.of(StoreMethod::Series);
        counters.begin();
        let began = Instant::now();
        let range = TimeRange {
            start: self.request.min_time,
            end: self.request.max_time,
        };
        let mut collector = Collector::new(range, self.shard.clone());
        let mut warnings = Vec::new();
        let read = self.read(&mut collector, &mut warnings, events).await;
        let failure = read.err().map(|(asked, cause)| StoreFailure {
            store: Arc::clone(&self.name),
            asked,
            cause,
        });
        counters.end(began.elapsed(), failure.is_some());
        Fetched {
            series: collector.finish(),
            warnings,
            failure,
        }
    }

    async fn read(
        &self,
        collector: &mut Collector,
        warnings: &mut Vec<String>,
        events: &mpsc::Sender<Event>,
    ) -> Result<(), (Asked, Cause)> {
        let mut stream = self.begin().await.map_err(|cause| (Asked::Series, cause))?;
        let mut asked = Asked::Series;
        let mut samples = 0;
        loop {
            let next = self.endpoint.within(stream.message()).await;
            let Some(message) = next.map_err(|cause| (asked, cause))? else {
                return Ok(());
            };
            asked = Asked::MoreSeries;
            self.endpoint.counters.messages.fetch_add(1, Relaxed);
            let taken = match self.take(message, collector, warnings) {
                Ok(taken) => taken,
                Err(cause) => return Err((asked, cause)),
            };
            self.count(&taken);
            samples += taken.samples;
            self.check_limits(collector.len() as u64, samples)
                .map_err(|what| (asked, Cause::Invalid(what)))?;
            if events.send(Event::Held(taken.held)).await.is_err() {
                // The query has ended.
                return Ok(());
            }
        }
    }

    /// Begins the stream.
    async fn begin(&self) -> Result<Streaming<SeriesResponse>, Cause> {
        let ask = |mut client: Client| {
            let message = request::with_tenant(&self.query, self.request.clone());
            async move { client.series(message).await }
        };
        self.endpoint.ask(ask).await
    }

    /// Takes in a message.
    fn take(
        &self,
        message: SeriesResponse,
        collector: &mut Collector,
        warnings: &mut Vec<String>,
    ) -> Result<Taken, Cause> {
        let taken = match message.result {
            Some(SeriesResult::Series(series)) => collector.take([sent(series)]),
            Some(SeriesResult::Batch(batch)) => collector.take(batch.series.into_iter().map(sent)),
            Some(SeriesResult::Warning(text)) if !text.is_empty() => {
                if !self.query.partial_response {
                    return Err(Cause::Warned(text));
                }
                let held = text.len();
                warnings.push(text);
                Ok(Taken {
                    held,
                    ..Taken::default()
                })
            }
            // Hints say how the store has found its answer; nothing says nothing.
            Some(SeriesResult::Warning(_) | SeriesResult::Hints(_)) | None => Ok(Taken::default()),
        };
        taken.map_err(Cause::Invalid)
    }

    fn check_limits(&self, series: u64, samples: u64) -> Result<(), String> {
        let limits = [
            ("series", series, self.query.max_series),
            ("samples", samples, self.query.max_samples),
        ];
        for (what, number, limit) in limits {
            if let Some(limit) = limit.filter(|&limit| number > limit) {
                return Err(format!("exceeded {what} limit: limit {limit} violated"));
            }
        }
        Ok(())
    }

    fn count(&self, taken: &Taken) {
        let counters = &self.endpoint.counters;
        counters.bytes.fetch_add(taken.sent as u64, Relaxed);
        counters.series.fetch_add(taken.series, Relaxed);
        counters.chunks.fetch_add(taken.chunks, Relaxed);
        counters.samples.fetch_add(taken.samples, Relaxed);
    }
}

/// The labels and the chunks of a series.
pub(super) fn sent(
    series: Series,
) -> (
    Vec<Label>,
    impl Iterator<Item = Result<Option<SentChunk>, String>>,
) {
    (series.labels, series.chunks.into_iter().map(chunk::read))
}

impl Endpoint {
    /// Asks the store. Of a group, other members are tried where one is not there.
    pub(super) async fn ask<T, F>(&self, ask: impl Fn(Client) -> F) -> Result<T, Cause>
    where
        F: Future<Output = Result<Response<T>, Status>>,
    {
        let mut attempts = self.attempts();
        loop {
            attempts = attempts.saturating_sub(1);
            let no_address = || Status::unavailable("the group has no address");
            let client = self.store().ok_or_else(no_address).map_err(Cause::Status)?;
            match self.within(ask(client)).await {
                Ok(response) => return Ok(response.into_inner()),
                Err(Cause::Status(status))
                    if attempts > 0 && status.code() == Code::Unavailable => {}
                Err(cause) => return Err(cause),
            }
        }
    }

    /// Awaits an answer for as long as the store may send nothing.
    async fn within<T>(&self, answer: impl Future<Output = Result<T, Status>>) -> Result<T, Cause> {
        let Some(time) = self.response_timeout else {
            return answer.await.map_err(Cause::Status);
        };
        match tokio::time::timeout(time, answer).await {
            Ok(answer) => answer.map_err(Cause::Status),
            Err(_) => Err(Cause::Silent(time)),
        }
    }
}

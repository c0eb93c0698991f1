//! The stream of series of one store.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use quarrel_engine::storage::TimeRange;
use quarrel_proto::encoded::Encoded;
use quarrel_proto::store::SeriesRequest;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tonic::{Code, Response, Status, Streaming};

use super::endpoint::{Client, Endpoint};
use super::failure::{Asked, Cause, StoreFailure, StoreName};
use super::message;
use super::metrics::StoreMethod;
use super::observe::CallOutcome;
use super::query::StoreQuery;
use super::request;
use crate::sent::collect::{Collector, SentSeries, Taken};
use crate::shard::Shard;

/// What a store is asked for, and how.
#[derive(Debug)]
pub(super) struct Fetch {
    pub(super) endpoint: Arc<Endpoint>,
    pub(super) name: Arc<StoreName>,
    pub(super) query: Arc<StoreQuery>,
    pub(super) request: SeriesRequest,
    /// The matchers, printed for who watches calls.
    pub(super) matchers: Arc<[String]>,
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

/// What a stream has brought so far.
struct Progress<'a> {
    collector: &'a mut Collector,
    warnings: &'a mut Vec<String>,
    outcome: CallOutcome,
}

impl Progress<'_> {
    fn count(&mut self, taken: &Taken) {
        let outcome = &mut self.outcome;
        outcome.messages += 1;
        outcome.bytes += taken.sent as u64;
        outcome.series += taken.series;
        outcome.chunks += taken.chunks;
        outcome.samples += taken.samples;
    }
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
        let method = StoreMethod::Series.full_name();
        let (query, endpoint) = (&self.query, &self.endpoint.address);
        let mut observed = query.observed(endpoint, method, &self.matchers);
        let mut progress = Progress {
            collector: &mut collector,
            warnings: &mut warnings,
            outcome: CallOutcome::default(),
        };
        let headers = observed.as_ref().map(|call| call.headers());
        let headers = headers.unwrap_or_default();
        let read = self.read(&mut progress, &headers, events).await;
        let mut outcome = progress.outcome;
        let failure = read.err().map(|(asked, cause)| StoreFailure {
            store: Arc::clone(&self.name),
            asked,
            cause,
        });
        let elapsed = began.elapsed();
        counters.end(elapsed, failure.is_some());
        if let Some(call) = &mut observed {
            outcome.elapsed = elapsed;
            outcome.error = failure.as_ref().map(|failure| failure.cause.to_string());
            call.end(outcome);
        }
        Fetched {
            series: collector.finish(),
            warnings,
            failure,
        }
    }

    async fn read(
        &self,
        progress: &mut Progress<'_>,
        headers: &[(&'static str, String)],
        events: &mpsc::Sender<Event>,
    ) -> Result<(), (Asked, Cause)> {
        let begun = self.begin(headers).await;
        let mut stream = begun.map_err(|cause| (Asked::Series, cause))?;
        let mut asked = Asked::Series;
        loop {
            let next = self.endpoint.within(stream.message()).await;
            let Some(message) = next.map_err(|cause| (asked, cause))? else {
                return Ok(());
            };
            asked = Asked::MoreSeries;
            self.endpoint.counters.messages.fetch_add(1, Relaxed);
            let taken = self.take(&message, progress);
            let taken = taken.map_err(|cause| (asked, cause))?;
            self.count(&taken);
            progress.count(&taken);
            self.check_limits(progress.collector.len() as u64, progress.outcome.samples)
                .map_err(|what| (asked, Cause::Invalid(what)))?;
            if events.send(Event::Held(taken.held)).await.is_err() {
                // The query has ended.
                return Ok(());
            }
        }
    }

    /// Begins the stream.
    async fn begin(&self, headers: &[(&'static str, String)]) -> Result<Streaming<Encoded>, Cause> {
        let ask = |mut client: Client| {
            let message = request::with_headers(&self.query, headers, self.request.clone());
            async move { client.series(message).await }
        };
        self.endpoint.ask(ask).await
    }

    /// Takes in a message.
    fn take(&self, message: &Encoded, progress: &mut Progress<'_>) -> Result<Taken, Cause> {
        let message = message::read(message.bytes())
            .map_err(|error| Cause::Invalid(format!("not a message of the StoreAPI: {error}")))?;
        if let [text, ..] = &*message.warnings
            && !self.query.partial_response
        {
            return Err(Cause::Warned(text.clone()));
        }
        let taken = progress.collector.take(message.series);
        let mut taken = taken.map_err(Cause::Invalid)?;
        taken.held += message.warnings.iter().map(String::len).sum::<usize>();
        progress.warnings.extend(message.warnings);
        Ok(taken)
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

//! Asks.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use futures::{StreamExt as _, stream};
use quarrel_engine::{QueryTimes, Timestamp};

use super::options::BenchOptions;
use super::record::{Asked, Error, Record, Side, Timing};
use crate::answer::Answer;
use crate::cases::Case;
use crate::endpoint::{Endpoint, Reply};

/// The longest text of an error that is kept, bytes.
const REASON: usize = 400;

/// How far a run is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Requests that were answered or failed.
    pub requests: u64,
    /// Those that failed.
    pub failed: u64,
    /// The round, 0 for the cold one.
    pub round: u32,
}

/// Asks all queries of all endpoints in rounds. `show` is told of each query
/// that all endpoints were asked.
pub async fn run(
    endpoints: &[Endpoint],
    queries: &[(Case, QueryTimes)],
    options: &BenchOptions,
    mut show: impl FnMut(Progress),
) -> Record {
    let begun_ms = Timestamp::now().as_millis();
    let begin = Instant::now();
    let mut record = Record {
        endpoints: endpoints
            .iter()
            .map(|endpoint| endpoint.name().into())
            .collect(),
        begun_ms,
        seconds: 0.0,
        rounds: options.rounds,
        jobs: options.jobs,
        queries: queries
            .iter()
            .map(|query| empty(query, endpoints.len()))
            .collect(),
    };
    let pace = Arc::new(Pace::new(options, begin));
    let mut progress = Progress::default();
    for round in 0..=options.rounds {
        progress.round = round;
        let asked = stream::iter(queries.iter().enumerate())
            .map(|(number, query)| {
                let pace = Arc::clone(&pace);
                async move { (number, ask(endpoints, query, number, round, &pace).await) }
            })
            .buffer_unordered(options.jobs.max(1));
        let mut asked = std::pin::pin!(asked);
        while let Some((number, results)) = asked.next().await {
            for (side, result) in results {
                progress.requests += 1;
                progress.failed += u64::from(result.is_err());
                add(&mut record.queries[number].sides[side], round, result);
            }
            show(progress);
        }
        if pace.is_over() {
            break;
        }
    }
    record.seconds = begin.elapsed().as_secs_f64();
    record
}

fn empty((case, times): &(Case, QueryTimes), endpoints: usize) -> Asked {
    Asked {
        query: case.query.clone(),
        origin: case.origin.to_string(),
        times: (*times).into(),
        sides: vec![Side::default(); endpoints],
    }
}

fn add(side: &mut Side, round: u32, result: Result<Timing, Error>) {
    match result {
        Ok(timing) if round == 0 => side.cold = Some(timing),
        Ok(timing) => side.warm.push(timing),
        Err(error) => side.errors.push(error),
    }
}

/// Asks one endpoint after the other. Which one is first changes from query to
/// query and from round to round, so that no one always finds the caches of
/// disks and of a shared backend warm.
async fn ask(
    endpoints: &[Endpoint],
    (case, times): &(Case, QueryTimes),
    number: usize,
    round: u32,
    pace: &Pace,
) -> Vec<(usize, Result<Timing, Error>)> {
    let count = endpoints.len();
    let mut results = Vec::with_capacity(count);
    for place in 0..count {
        let side = (place + number + round as usize) % count;
        if !pace.wait().await {
            break;
        }
        let reply = endpoints[side].ask(&case.query, *times).await;
        results.push((
            side,
            match reply {
                Ok(reply) => timing(reply, round),
                Err(error) => Err(Error {
                    round,
                    status: None,
                    reason: error.to_string(),
                }),
            },
        ));
    }
    results
}

/// The times of an answer, or what went wrong with it.
fn timing(reply: Reply, round: u32) -> Result<Timing, Error> {
    let nanos = |duration: Duration| u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
    if (200..300).contains(&reply.status) && is_answer(&reply.body) {
        return Ok(Timing {
            round,
            first_byte_ns: nanos(reply.first_byte),
            last_byte_ns: nanos(reply.last_byte),
            sent_bytes: reply.sent,
        });
    }
    let start = &reply.body[..reply.body.len().min(REASON)];
    Err(Error {
        round,
        status: Some(reply.status),
        reason: reason(&reply.body).unwrap_or_else(|| String::from_utf8_lossy(start).into_owned()),
    })
}

/// Whether a body is a successful answer: a page of a proxy is none, however fast
/// it comes.
fn is_answer(body: &[u8]) -> bool {
    body.starts_with(br#"{"status":"success""#)
        || matches!(Answer::read(200, body.to_vec()), Ok(Answer::Data(_)))
}

/// The text of an error in the API's form.
fn reason(body: &[u8]) -> Option<String> {
    let value: serde_json::Value = serde_json::from_slice(body).ok()?;
    let mut reason = value["error"].as_str()?.to_string();
    let end = reason
        .char_indices()
        .map(|(at, _)| at)
        .take_while(|at| *at <= REASON)
        .last();
    if reason.len() > REASON {
        reason.truncate(end.unwrap_or(0));
    }
    Some(reason)
}

/// When requests may be made.
struct Pace {
    begin: Instant,
    duration: Duration,
    /// The time between two requests, in nanoseconds.
    period: u64,
    /// When the next one may be made, in nanoseconds after the begin.
    next: AtomicU64,
}

impl Pace {
    fn new(options: &BenchOptions, begin: Instant) -> Self {
        let rate = options.rate.filter(|rate| *rate > 0.0);
        Pace {
            begin,
            duration: options.duration,
            period: rate.map_or(0, |rate| (1e9 / rate) as u64),
            next: AtomicU64::new(0),
        }
    }

    fn is_over(&self) -> bool {
        self.begin.elapsed() >= self.duration
    }

    /// Waits for the next request's turn; whether there is one.
    async fn wait(&self) -> bool {
        if self.period > 0 {
            let now = u64::try_from(self.begin.elapsed().as_nanos()).unwrap_or(u64::MAX);
            let take = |next: u64| Some(next.max(now).saturating_add(self.period));
            let turn = self
                .next
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, take);
            let turn = turn.unwrap_or_default().max(now);
            if Duration::from_nanos(turn) >= self.duration {
                return false;
            }
            tokio::time::sleep(Duration::from_nanos(turn - now)).await;
        }
        !self.is_over()
    }
}

//! When queries are asked, and the data of an endpoint that say it.

use clap::Args;
use quarrel_compliance::cases::suite::Suite;
use quarrel_compliance::compare::Schedule;
use quarrel_compliance::endpoint::{Endpoint, EndpointData};
use quarrel_engine::{QueryRange, QueryTimes, Timestamp};

use super::data::parse_time;
use super::failure::Failure;
use super::options::Span;
use super::sources::SourceArgs;
use crate::time::{self, Moment};

/// How far back random queries look for data, days.
const DAYS_OF_RANDOM: i64 = 30;

/// When queries are asked that bring no times of their own.
#[derive(Debug, Args)]
#[command(next_help_heading = "Times")]
pub(super) struct TimeArgs {
    /// Ask at this time: RFC 3339, Unix seconds, or a duration before the end of the data
    /// (-1h). Can be repeated. Without times, two instants and a range inside the data are
    /// chosen.
    #[arg(long = "time", value_name = "TIME", allow_hyphen_values = true)]
    times: Vec<String>,
    /// Start of a range.
    #[arg(
        long,
        value_name = "TIME",
        requires = "end",
        allow_hyphen_values = true
    )]
    start: Option<String>,
    /// End of the range.
    #[arg(
        long,
        value_name = "TIME",
        requires = "start",
        allow_hyphen_values = true
    )]
    end: Option<String>,
    /// Step of the range.
    #[arg(long, value_name = "DURATION", default_value = "1m")]
    step: Span,
    /// Length of the range that is chosen.
    #[arg(long, value_name = "DURATION", default_value = "1h")]
    range: Span,
    /// First time of the data. Without this and the next, the times of the data are looked
    /// for.
    #[arg(
        long,
        value_name = "TIME",
        requires = "data_until",
        allow_hyphen_values = true
    )]
    data_from: Option<String>,
    /// Last time of the data.
    #[arg(
        long,
        value_name = "TIME",
        requires = "data_from",
        allow_hyphen_values = true
    )]
    data_until: Option<String>,
}

/// What the reference has, asked when it is needed.
pub(super) struct Lazy<'a> {
    endpoint: &'a Endpoint,
    reach: i64,
    data: Option<EndpointData>,
}

impl<'a> Lazy<'a> {
    pub(super) fn new(
        endpoint: &'a Endpoint,
        sources: &SourceArgs,
        times: &TimeArgs,
    ) -> Result<Self, Failure> {
        let known = match (&times.data_from, &times.data_until) {
            (Some(from), Some(until)) => {
                let now = Moment::now();
                let from = parse_time("data-from", from, now)?.timestamp();
                let until = parse_time("data-until", until, now)?.timestamp();
                Some(EndpointData::new(endpoint.clone(), (from, until)))
            }
            _ => None,
        };
        // Random queries are spread over all of the data.
        let reach = match sources.is_random() {
            true => DAYS_OF_RANDOM * 24 * 3_600_000,
            false => times.range.ms(),
        };
        Ok(Lazy {
            endpoint,
            reach,
            data: known,
        })
    }

    pub(super) async fn get(&mut self) -> Result<&EndpointData, Failure> {
        if self.data.is_none() {
            let name = self.endpoint.name();
            let bounds = self.endpoint.bounds(Timestamp::now(), self.reach).await;
            let bounds =
                bounds.map_err(|error| Failure::unasked(format_args!("{name}: {error}")))?;
            let bounds =
                bounds.ok_or_else(|| Failure::unasked(format_args!("{name} has no data")))?;
            self.data = Some(EndpointData::new(self.endpoint.clone(), bounds));
        }
        self.data.as_ref().ok_or_else(Failure::silent)
    }
}

impl TimeArgs {
    pub(super) async fn schedule(
        &self,
        suite: &Suite,
        data: &mut Lazy<'_>,
    ) -> Result<Schedule, Failure> {
        if self.is_given() {
            let mut given = self.times.iter().chain(&self.start).chain(&self.end);
            let last = match given.any(|text| is_relative(text)) {
                true => data.get().await?.between().1,
                false => Timestamp::from_millis(0),
            };
            return self.given(last);
        }
        if !suite.cases.is_empty() {
            let mut range = suite
                .times
                .resolve(Timestamp::now())
                .map_err(Failure::unasked)?;
            for tweak in &suite.tweaks {
                range = tweak.times(range).map_err(Failure::unasked)?;
            }
            return Ok(Schedule {
                times: vec![QueryTimes::Range(range)],
            });
        }
        let (first, last) = data.get().await?.between();
        Schedule::within(first, last, self.range.ms()).map_err(Failure::unasked)
    }

    /// Whether there are times.
    pub(super) fn is_given(&self) -> bool {
        !self.times.is_empty() || self.start.is_some()
    }

    /// The times that are given; relative ones count from `last`.
    fn given(&self, last: Timestamp) -> Result<Schedule, Failure> {
        let now = Moment::from_ms(last.as_millis());
        let mut times = Vec::new();
        for text in &self.times {
            let at = parse_time("time", text, now)?.timestamp();
            times.push(QueryTimes::Instant(at));
        }
        if let (Some(start), Some(end)) = (&self.start, &self.end) {
            let start = parse_time("start", start, now)?.timestamp();
            let end = parse_time("end", end, now)?.timestamp();
            let range = QueryRange::new(start..=end, self.step.duration());
            times.push(QueryTimes::Range(range.map_err(Failure::unasked)?));
        }
        Ok(Schedule { times })
    }
}

/// Whether a time counts from the end of the data.
fn is_relative(text: &str) -> bool {
    let at = |ms| time::parse_relative(text, Moment::from_ms(ms));
    at(0) != at(1)
}

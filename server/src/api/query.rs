//! `query` and `query_range`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::StreamExt;
use quarrel_engine::{
    ArrowForm, Query, QueryError, QueryOptions, QueryRange, QueryStats, QueryStream, QueryTimes,
    SeriesSet, Trailer, Value,
};
use quarrel_functions::fmt::quote;
use quarrel_functions::table::ValueType;
use quarrel_planner::Tree;

use super::analysis;
use super::answer::{Annotations, Answer, Next, Pieces, Print, reserve};
use super::arrow;
use super::call::{Call, Result};
use super::cost::{self, Comparison};
use super::error::{ApiError, ErrorType};
use super::request::Request;
use super::series::{SeriesPart, Times};
use super::stats;
use crate::duration::format_go_duration;
use crate::json;
use crate::metrics::{QueryKind, QueryTimer};
use crate::params::{parse_bool, parse_duration, parse_limit, parse_time};
use crate::time::Moment;
use crate::trace::Watch;

/// What is said of an answer that `limit` has cut.
pub(super) const TRUNCATED: &str = "results truncated due to limit";

/// The largest number of steps of a range query.
const MAX_STEPS: i64 = 11_000;

pub(super) async fn instant(call: Call) -> Result {
    let begin = Instant::now();
    let request = &call.request;
    let limit = limit(request)?;
    let at = optional_time(request, "time", Moment::now())?;
    let options = options(&call, begin)?;
    let comparison = compared(&call, at.timestamp(), &options).await?;
    let followed = Followed::begin(&call, QueryKind::Instant);
    let query = prepared(&call, at.timestamp(), options, Some(&followed.watch))?;
    run(query, request, limit, followed, comparison).await
}

pub(super) async fn range(call: Call) -> Result {
    let begin = Instant::now();
    let request = &call.request;
    let limit = limit(request)?;
    let range = Range::of(request)?;
    let options = options(&call, begin)?;
    let Some(times) = range.times()? else {
        check_range_type(&call).await?;
        let nothing = br#"{"resultType":"matrix","result":[]}"#;
        return Ok(Answer::json(nothing.to_vec(), Vec::new()));
    };
    let comparison = compared(&call, times, &options).await?;
    let followed = Followed::begin(&call, QueryKind::Range);
    let query = prepared(&call, times, options, Some(&followed.watch))?;
    run(query, request, limit, followed, comparison).await
}

/// What is counted of a query, and known of it beside its answer.
pub(super) struct Followed {
    timer: QueryTimer,
    watch: Watch,
}

impl Followed {
    fn begin(call: &Call, kind: QueryKind) -> Self {
        let request = &call.request;
        let analyze = matches!(request.value("analyze"), "true" | "1");
        let timer = call.api.metrics.query(kind);
        let watch = Watch::begin(&call.trace, request.value("query"), kind.name(), analyze);
        Followed { timer, watch }
    }

    /// The query has failed.
    fn failed(&mut self, error: &QueryError, trailer: Option<&Trailer>) -> ApiError {
        let stats = trailer.map(|trailer| &trailer.stats);
        let operators = trailer.and_then(|trailer| trailer.operators.clone());
        self.watch
            .finish(stats, operators, Some(&error.to_string()));
        failed(&mut self.timer, error, stats)
    }
}

/// The query of a request, which somebody may watch. If the client leaves, it is
/// canceled.
pub(super) fn prepared(
    call: &Call,
    times: impl Into<QueryTimes>,
    options: QueryOptions,
    watch: Option<&Watch>,
) -> std::result::Result<Query, ApiError> {
    let times = times.into();
    let of_request = match times {
        QueryTimes::Range(_) => QueryKind::Range,
        _ => QueryKind::Instant,
    };
    let mut read = call.read_options(of_request)?;
    if let Some(observer) = watch.and_then(Watch::observer) {
        read.observer = Some(observer);
    }
    let storage = call.source.storage(&read);
    let engine = &call.api.engine;
    let options = options.operator_stats(watch.is_some_and(Watch::wants_operators));
    let options = read.for_query(options, engine.options());
    let query = engine.query(call.request.value("query"), storage, times, options);
    let handle = query.cancel_handle();
    call.cancel.on_cancel(move || handle.cancel());
    Ok(query)
}

/// The estimate that a request wants to compare with what its query costs.
async fn compared(
    call: &Call,
    times: impl Into<QueryTimes>,
    options: &QueryOptions,
) -> std::result::Result<Option<Comparison>, ApiError> {
    if !cost::is_asked_for(call)? {
        return Ok(None);
    }
    let query = prepared(call, times, options.clone(), None)?;
    Ok(Some(Comparison::of(query).await))
}

/// The times that a range query asks for.
pub(super) struct Range {
    start: Moment,
    end: Moment,
    /// Nanoseconds.
    step: i64,
}

impl Range {
    pub(super) fn of(request: &Request) -> std::result::Result<Self, ApiError> {
        let time = |name| {
            let time = request.parsed(name, parse_time);
            time.map_err(|why| ApiError::parameter(name, why))
        };
        let (start, end) = (time("start")?, time("end")?);
        if end < start {
            return Err(ApiError::parameter(
                "end",
                "end timestamp must not be before start time",
            ));
        }
        let step = request.parsed("step", parse_duration);
        let step = step.map_err(|why| ApiError::parameter("step", why))?;
        if step <= 0 {
            let why = "zero or negative query resolution step widths are not accepted. \
                       Try a positive integer";
            return Err(ApiError::parameter("step", why));
        }
        if end.nanos_since(start) / step > MAX_STEPS {
            return Err(ApiError::bad_data(
                "exceeded maximum resolution of 11,000 points per timeseries. \
                 Try decreasing the query resolution (?step=XX)",
            ));
        }
        Ok(Range { start, end, step })
    }

    /// The times in milliseconds. There are none if the end is before the start
    /// then, since one of them is out of their range.
    pub(super) fn times(&self) -> std::result::Result<Option<QueryRange>, ApiError> {
        let step_ms = self.step / 1_000_000;
        if step_ms == 0 {
            return Err(ApiError::parameter(
                "step",
                "steps below one millisecond are not supported",
            ));
        }
        let (start, end) = (self.start.query_ms(), self.end.query_ms());
        if end < start {
            return Ok(None);
        }
        let times = QueryRange::from_millis(start..=end, step_ms);
        times
            .map(Some)
            .map_err(|error| ApiError::query(&error.into()))
    }
}

/// Checks the query of a range without steps, which is not run.
pub(super) async fn check_range_type(call: &Call) -> std::result::Result<(), ApiError> {
    let text = call.request.value("query");
    let value_type = |tree: &Tree| tree.expr().value_type();
    let options = QueryOptions::new();
    let value_type = call.api.engine.with_tree(text, &options, value_type).await;
    let value_type = value_type.map_err(|error| ApiError::query(&error))?;
    if !matches!(value_type, ValueType::Scalar | ValueType::Vector) {
        let shown = quote(value_type.documented());
        let why = format!(
            "invalid expression type {shown} for range query, must be Scalar or instant Vector"
        );
        return Err(ApiError::parameter("query", why));
    }
    Ok(())
}

/// The parameter `limit`; 0 means no limit.
pub(super) fn limit(request: &Request) -> std::result::Result<usize, ApiError> {
    let limit = request.parsed("limit", parse_limit);
    limit.map_err(|why| ApiError::parameter("limit", why))
}

/// An optional time.
pub(super) fn optional_time(
    request: &Request,
    name: &str,
    default: Moment,
) -> std::result::Result<Moment, ApiError> {
    time_of(request, name, default).map_err(|why| ApiError::parameter(name, why))
}

/// The same with an error that does not name the parameter.
pub(super) fn time_of(
    request: &Request,
    name: &str,
    default: Moment,
) -> std::result::Result<Moment, String> {
    match request.value(name) {
        "" => Ok(default),
        _ => request
            .parsed(name, parse_time)
            .map_err(|why| format!("invalid time value for '{name}': {why}")),
    }
}

/// How long a request lets its answer take.
pub(super) fn timeout(request: &Request) -> std::result::Result<Option<Duration>, ApiError> {
    if request.value("timeout").is_empty() {
        return Ok(None);
    }
    let nanos = request.parsed("timeout", parse_duration);
    let nanos = nanos.map_err(|why| ApiError::parameter("timeout", why))?;
    if nanos <= 0 {
        let shown = format_go_duration(nanos);
        let why = format!("timeout must be positive, got {shown}");
        return Err(ApiError::parameter("timeout", why));
    }
    Ok(Some(Duration::from_nanos(nanos.unsigned_abs())))
}

/// The options that a request sets, which was begun at `begin`.
pub(super) fn options(call: &Call, begin: Instant) -> std::result::Result<QueryOptions, ApiError> {
    let request = &call.request;
    let timeout = timeout(request)?;
    let lookback = match request.value("lookback_delta") {
        "" => 0,
        _ => request
            .parsed("lookback_delta", parse_duration)
            .map_err(|why| {
                ApiError::bad_data(format!("error parsing lookback delta duration: {why}"))
            })?,
    };
    const START_TIMESTAMPS: &str = "X-Prometheus-Use-Start-Timestamps";
    let start_timestamps = request.header(START_TIMESTAMPS);
    let use_start_timestamps = match start_timestamps {
        "" => None,
        text => Some(parse_bool(text).map_err(|why| {
            ApiError::bad_data(format!("error parsing {START_TIMESTAMPS} header: {why}"))
        })?),
    };
    // As in Prometheus, zero or less means the engine's own lookback.
    let lookback_delta = (lookback > 0).then(|| Duration::from_nanos(lookback.unsigned_abs()));
    let mut options = QueryOptions::new().per_step_stats(request.value("stats") == "all");
    options.timeout = timeout;
    options.lookback_delta = lookback_delta;
    options.use_start_timestamps = use_start_timestamps;
    if call.api.options.query_cost {
        cost::limits(request, &mut options, call.api.engine.options().timeout)?;
    }
    if timeout.is_some_and(|timeout| begin.elapsed() >= timeout) {
        // Prometheus finds out when it makes the query, more often than not.
        return Err(ApiError::parameter("query", "context deadline exceeded"));
    }
    Ok(options)
}

/// Runs a query until its first samples.
async fn run(
    query: Query,
    request: &Request,
    limit: usize,
    mut followed: Followed,
    comparison: Option<Comparison>,
) -> Result {
    if let Some(form) = arrow::wanted(request) {
        return run_arrow(query, form, limit, followed).await;
    }
    let stream = match query.stream().await {
        Ok(stream) => stream,
        Err(error) => return Err(followed.failed(&error, None)),
    };
    let mut pieces = QueryPieces::new(stream, limit, !request.value("stats").is_empty());
    pieces.followed = Some(followed);
    pieces.warnings.extend(stats_warning(request));
    let failure = comparison.as_ref().and_then(Comparison::warning);
    pieces.warnings.extend(failure);
    pieces.comparison = comparison;
    Ok(Answer::Data(Box::new(pieces)))
}

/// The warning about a value of the parameter `stats` that will go.
pub(super) fn stats_warning(request: &Request) -> Option<String> {
    let stats = request.value("stats");
    (!matches!(stats, "" | "true" | "all")).then(|| {
        let text = format!(
            "value {} for parameter \"stats\" is deprecated and will be rejected in the next \
             major release, use \"true\" or \"all\"",
            quote(stats)
        );
        request.shown("stats", text)
    })
}

/// Runs a query to its end.
async fn run_arrow(query: Query, form: ArrowForm, limit: usize, mut followed: Followed) -> Result {
    let mut result = match query.execute().await {
        Ok(result) => result,
        Err(error) => return Err(followed.failed(&error, None)),
    };
    followed.timer.finish("success", Some(&result.stats));
    // The Arrow form has no place for an analysis.
    let operators = result.operators.take();
    followed.watch.finish(Some(&result.stats), operators, None);
    if let Value::Vector(set) | Value::Matrix(set) = &mut result.value
        && limit > 0
        && set.len() > limit
    {
        *set = set.slice(0, limit);
        result.warnings.insert(0, TRUNCATED.to_string());
    }
    let response = arrow::respond(result, form);
    let internal = |error| ApiError::new(ErrorType::Internal, format!("Arrow: {error}"));
    response.map(Answer::Other).map_err(internal)
}

/// Counts a query that failed, and gives the API's error.
pub(crate) fn failed(
    timer: &mut QueryTimer,
    error: &QueryError,
    stats: Option<&QueryStats>,
) -> ApiError {
    let answer = ApiError::query(error);
    timer.finish(answer.kind.name(), stats);
    let is_of_store = matches!(error, QueryError::Storage(_) | QueryError::Chunk { .. });
    if is_of_store || answer.kind == ErrorType::Internal {
        tracing::error!(%error, "Query failed");
    }
    answer
}

/// A query's answer as the API's `data`, written while it is computed.
pub(crate) struct QueryPieces {
    /// `None` when all is written, or after an error.
    stream: Option<QueryStream>,
    begun: bool,
    /// A part of the answer, and how many of its series are written.
    part: Option<(Arc<SeriesPart>, usize)>,
    /// The answer's times, from its first part on.
    times: Option<Arc<Times>>,
    /// Series written so far, and the largest number of them; 0 means all.
    written: usize,
    limit: usize,
    truncated: bool,
    with_stats: bool,
    comparison: Option<Comparison>,
    warnings: Vec<String>,
    infos: Vec<String>,
    followed: Option<Followed>,
}

impl QueryPieces {
    pub(crate) fn new(stream: QueryStream, limit: usize, with_stats: bool) -> Self {
        QueryPieces {
            stream: Some(stream),
            begun: false,
            part: None,
            times: None,
            written: 0,
            limit,
            truncated: false,
            with_stats,
            comparison: None,
            warnings: Vec::new(),
            infos: Vec::new(),
            followed: None,
        }
    }

    async fn piece(&mut self) -> std::result::Result<Option<Print>, ApiError> {
        let Some(stream) = &mut self.stream else {
            return Ok(None);
        };
        if !std::mem::replace(&mut self.begun, true) {
            let (name, is_list) = (stream.type_name(), is_list(stream));
            return Ok(Some(Box::new(move |out| {
                out.extend_from_slice(b"{\"resultType\":");
                json::string(out, name);
                out.extend_from_slice(b",\"result\":");
                out.extend_from_slice(if is_list { b"[" } else { b"" });
            })));
        }
        if self.part.is_none() {
            match stream.next().await {
                Some(Ok(Value::Scalar { timestamp, value })) => {
                    return Ok(Some(Box::new(move |out| {
                        json::scalar(out, timestamp, value);
                    })));
                }
                Some(Ok(Value::String { timestamp, value })) => {
                    return Ok(Some(Box::new(move |out| {
                        json::string_result(out, timestamp, &value);
                    })));
                }
                Some(Ok(Value::Vector(set))) => self.begin(set, false),
                Some(Ok(Value::Matrix(set))) => self.begin(set, true),
                None => return Ok(Some(self.end())),
                Some(Err(error)) => return Err(self.fail(&error)),
            }
        }
        Ok(Some(self.series()))
    }

    fn begin(&mut self, set: SeriesSet, is_matrix: bool) {
        let times = self.times.get_or_insert_with(|| Arc::new(Times::of(&set)));
        let part = SeriesPart::new(set, is_matrix, Arc::clone(times));
        self.part = Some((Arc::new(part), 0));
    }

    /// Series of the current part that make a piece.
    fn series(&mut self) -> Print {
        let Some((part, from)) = self.part.take() else {
            return Box::new(|_| ());
        };
        let most = match self.limit {
            0 => part.len(),
            limit => part.len().min(from + (limit - self.written)),
        };
        let (end, size) = part.piece_end(from, most);
        let is_first = self.written == 0;
        self.written += end - from;
        if end < most {
            self.part = Some((Arc::clone(&part), end));
        }
        self.truncated |= end == most && most < part.len();
        Box::new(move |out| {
            reserve(out, size);
            part.print(from..end, is_first, out);
        })
    }

    /// What follows the series.
    fn end(&mut self) -> Print {
        let Some(stream) = self.stream.take() else {
            return Box::new(|_| ());
        };
        let is_list = is_list(&stream);
        let mut trailer = stream.finish();
        let own = std::mem::replace(&mut self.warnings, trailer.warnings);
        if self.truncated {
            self.warnings.push(TRUNCATED.to_string());
        }
        self.warnings.extend(own);
        self.infos = trailer.infos;
        let operators = trailer.operators.take();
        let watched = self.followed.take().and_then(|mut followed| {
            followed.timer.finish("success", Some(&trailer.stats));
            followed.watch.finish(Some(&trailer.stats), operators, None)
        });
        let (stats, with_stats) = (trailer.stats, self.with_stats);
        let comparison = self.comparison.take();
        Box::new(move |out| {
            out.extend_from_slice(if is_list { b"]" } else { b"" });
            if with_stats {
                out.extend_from_slice(b",\"stats\":");
                stats::write(&stats, out);
            }
            if let Some(comparison) = comparison {
                comparison.write(&stats, out);
            }
            if let Some(watched) = watched {
                out.extend_from_slice(b",\"analysis\":");
                analysis::write(&watched, out);
            }
            out.push(b'}');
        })
    }

    fn fail(&mut self, error: &QueryError) -> ApiError {
        let trailer = self.stream.take().map(QueryStream::finish);
        match &mut self.followed {
            Some(followed) => followed.failed(error, trailer.as_ref()),
            None => ApiError::query(error),
        }
    }
}

impl Pieces for QueryPieces {
    fn next(&mut self) -> Next<'_> {
        Box::pin(self.piece())
    }

    fn annotations(&mut self) -> Annotations {
        Annotations {
            warnings: std::mem::take(&mut self.warnings),
            infos: std::mem::take(&mut self.infos),
        }
    }
}

fn is_list(stream: &QueryStream) -> bool {
    matches!(stream.type_name(), "vector" | "matrix")
}

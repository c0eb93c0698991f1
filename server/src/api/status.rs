//! `status/*` and `/metrics`.

use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::Response;

use quarrel_engine::storage::TimeRange;
use quarrel_storage::tsdb::head::HeadStats;

use super::answer::Answer;
use super::call::{Call, Result};
use super::content_type::TEXT;
use super::error::{ApiError, ErrorType};
use super::logged;
use super::service::Api;
use crate::json;
use crate::params::parse_int;
use crate::time::{Moment, format_nanos};

/// The version of Prometheus whose API this is. Clients such as Grafana choose
/// their requests by it.
pub const PROMETHEUS_VERSION: &str = "3.16.0";

/// A JSON object of the fields.
fn object(fields: &[(&str, Field)]) -> Vec<u8> {
    let mut data = vec![b'{'];
    for (i, (name, field)) in fields.iter().enumerate() {
        data.extend_from_slice(if i > 0 { b"," } else { b"" });
        json::string_html(&mut data, name);
        data.push(b':');
        match field {
            Field::Text(text) => json::string_html(&mut data, text),
            Field::Number(number) => json::integer(&mut data, *number),
            Field::Flag(flag) => data.extend_from_slice(if *flag { b"true" } else { b"false" }),
        }
    }
    data.push(b'}');
    data
}

enum Field {
    Text(String),
    Number(i64),
    Flag(bool),
}

fn text(text: impl Into<String>) -> Field {
    Field::Text(text.into())
}

/// The version is that of the API; quarrel's own version is the revision.
fn build_info() -> Vec<u8> {
    object(&[
        ("version", text(PROMETHEUS_VERSION)),
        (
            "revision",
            text(concat!("quarrel-", env!("CARGO_PKG_VERSION"))),
        ),
        ("branch", text("quarrel")),
        ("buildUser", text("")),
        ("buildDate", text("")),
        ("goVersion", text("")),
    ])
}

pub(super) async fn build(_: Call) -> Result {
    Ok(Answer::json(build_info(), Vec::new()))
}

/// The page `/version`.
pub(super) fn version() -> Response {
    let mut body = build_info();
    body.push(b'\n');
    let mut response = Response::new(Body::from(body));
    response.headers_mut().insert(header::CONTENT_TYPE, TEXT);
    response
}

/// There is no configuration.
pub(super) async fn config(_: Call) -> Result {
    let data = object(&[("yaml", text("{}\n"))]);
    Ok(Answer::json(data, Vec::new()))
}

/// Which segments of the write-ahead log have been read: all, since then the
/// server is ready.
pub(super) async fn wal_replay(call: Call) -> Result {
    let (first, last) = match logged::head(&call.api).await? {
        Some(head) => head.wal_segments(),
        None => (0, 0),
    };
    let number = |number: u64| Field::Number(number as i64);
    let data = object(&[
        ("min", number(first)),
        ("max", number(last)),
        ("current", number(last)),
    ]);
    Ok(Answer::json(data, Vec::new()))
}

/// The most that lists of `status/tsdb` may have.
const MAX_LIMIT: i64 = 10_000;

/// What the head's series are made of.
pub(super) async fn tsdb(call: Call) -> Result {
    let limit = match call.request.value("limit") {
        "" => 10,
        text => match parse_int(text) {
            Ok(limit) if limit > MAX_LIMIT => {
                let why = format!("limit must not exceed {MAX_LIMIT}");
                return Err(ApiError::bad_data(why));
            }
            Ok(limit @ 1..) => limit as usize,
            _ => return Err(ApiError::bad_data("limit must be a positive number")),
        },
    };
    let tenant = call.tenant_label()?;
    let is_own = logged::is_own(&call.api, tenant.as_ref());
    let stats = match logged::head(&call.api).await?.filter(|_| is_own) {
        Some(head) => tokio::task::spawn_blocking(move || head.stats(limit)).await,
        None => Ok(HeadStats::default()),
    };
    let stats = stats.map_err(|error| ApiError::new(ErrorType::Internal, error.to_string()))?;
    let mut data = b"{\"headStats\":".to_vec();
    let count = |count: u64| Field::Number(count as i64);
    let range = stats.time_range.unwrap_or(TimeRange {
        // As in Prometheus, of a head without samples.
        start: i64::MAX,
        end: i64::MIN,
    });
    data.extend(object(&[
        ("numSeries", count(stats.series)),
        ("numLabelPairs", count(stats.label_pairs)),
        ("chunkCount", count(stats.chunks)),
        ("minTime", Field::Number(range.start)),
        ("maxTime", Field::Number(range.end)),
    ]));
    for (name, list) in [
        ("seriesCountByMetricName", &stats.series_by_metric_name),
        ("labelValueCountByLabelName", &stats.values_by_label_name),
        ("memoryInBytesByLabelName", &stats.bytes_by_label_name),
        ("seriesCountByLabelValuePair", &stats.series_by_label),
    ] {
        data.push(b',');
        json::string(&mut data, name);
        data.extend_from_slice(b":[");
        for (i, (name, value)) in list.iter().enumerate() {
            data.extend_from_slice(if i > 0 { b"," } else { b"" });
            data.extend(object(&[
                ("name", text(name.as_str())),
                ("value", count(*value)),
            ]));
        }
        data.push(b']');
    }
    data.push(b'}');
    Ok(Answer::json(data, Vec::new()))
}

pub(super) async fn runtime(call: Call) -> Result {
    let cwd = std::env::current_dir().map(|path| path.display().to_string());
    let cwd = cwd.unwrap_or_else(|_| "<error retrieving current working directory>".to_string());
    let tasks = tokio::runtime::Handle::current()
        .metrics()
        .num_alive_tasks();
    let options = call.api.engine.options();
    let cores = || std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let threads = options.threads.unwrap_or_else(cores);
    let memory = options
        .max_memory
        .and_then(|bytes| i64::try_from(bytes).ok());
    let data = object(&[
        ("startTime", text(format_nanos(call.api.start))),
        ("CWD", text(cwd)),
        ("hostname", text(hostname())),
        ("serverTime", text(format_nanos(Moment::now()))),
        ("reloadConfigSuccess", Field::Flag(true)),
        (
            "lastConfigTime",
            text(format_nanos(Moment {
                nanos: 0,
                ..call.api.start
            })),
        ),
        ("corruptionCount", Field::Number(0)),
        ("goroutineCount", Field::Number(tasks as i64)),
        ("GOMAXPROCS", Field::Number(threads as i64)),
        ("GOMEMLIMIT", Field::Number(memory.unwrap_or(i64::MAX))),
        ("GOGC", text("")),
        ("GODEBUG", text("")),
        ("storageRetention", text("")),
    ]);
    Ok(Answer::json(data, Vec::new()))
}

fn hostname() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname")
        .map(|name| name.trim().to_string())
        .or_else(|_| std::env::var("HOSTNAME"))
        .unwrap_or_else(|_| "localhost".to_string())
}

pub(super) async fn flags(call: Call) -> Result {
    let flags = &call.api.options.flags;
    let fields: Vec<(&str, Field)> = flags
        .iter()
        .map(|(name, value)| (name.as_str(), text(value.as_str())))
        .collect();
    Ok(Answer::json(object(&fields), Vec::new()))
}

/// The program's own metrics.
pub(super) fn metrics(api: &Api) -> Response {
    let mut response = Response::new(Body::from(api.metrics.render(&api.gauges())));
    let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

//! `status/*` and `/metrics`.

use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::Response;

use super::answer::Answer;
use super::call::{Call, Result};
use super::service::Api;
use crate::json;
use crate::time::{Moment, format_nanos};

/// The version of Prometheus whose API this is. Clients such as Grafana choose
/// their requests by it.
pub const PROMETHEUS_VERSION: &str = "3.16.0";

/// A JSON object of the fields.
fn object(fields: &[(&str, Field)]) -> Answer {
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
    Answer::json(data, Vec::new())
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
pub(super) async fn build(_: Call) -> Result {
    Ok(object(&[
        ("version", text(PROMETHEUS_VERSION)),
        (
            "revision",
            text(concat!("quarrel-", env!("CARGO_PKG_VERSION"))),
        ),
        ("branch", text("quarrel")),
        ("buildUser", text("")),
        ("buildDate", text("")),
        ("goVersion", text("")),
    ]))
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
    Ok(object(&[
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
    ]))
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
    Ok(object(&fields))
}

/// The program's own metrics.
pub(super) fn metrics(api: &Api) -> Response {
    let mut response = Response::new(Body::from(api.metrics.render(&api.gauges())));
    let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

//! What requests say about their data, in the parameters of Thanos. Empty ones count as
//! absent, since its query frontend sends such.

use quarrel_engine::storage::Matcher;
use quarrel_planner::ParserOptions;
use quarrel_storage::shard::Shard;
use serde::Deserialize;

use super::error::ApiError;
use super::request::Request;
use crate::metrics::QueryKind;
use crate::params::{parse_bool, parse_duration};
use crate::source::{ReadDefaults, ReadOptions, Source};

/// The parameter that says whether a store that fails is a warning.
pub(super) const PARTIAL_RESPONSE: &str = "partial_response";

/// The part of a range query's step that `max_source_resolution=auto` asks for, as in
/// Thanos.
const AUTO_PART: i64 = 5;

/// The shards that a query frontend splits a query into: JSON as Go reads it, in which
/// what is left out is zero.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ShardInfo {
    shard_index: i64,
    total_shards: i64,
    by: bool,
    labels: Option<Vec<String>>,
}

/// The options that a request sets.
pub(super) fn of(
    request: &Request,
    source: &dyn Source,
    kind: QueryKind,
) -> Result<ReadOptions, ApiError> {
    let mut options = source.options();
    options.shard = shard(request)?;
    let Some(defaults) = source.defaults() else {
        return Ok(options);
    };
    if let Some(dedup) = flag(request, "dedup")? {
        options.dedup = dedup;
    }
    if let Some(partial) = flag(request, PARTIAL_RESPONSE)? {
        options.partial_response = partial;
    }
    let labels = request.values("replicaLabels[]").map(str::to_string);
    let labels: Vec<String> = labels.collect();
    if !labels.is_empty() {
        options.replica_labels = labels;
    }
    options.max_resolution_ms = resolution(request, defaults, kind)?;
    let stores = request.values("storeMatch[]").map(selector);
    options.store_matchers = stores.collect::<Result<_, _>>()?;
    engine(request)?;
    Ok(options)
}

fn shard(request: &Request) -> Result<Option<Shard>, ApiError> {
    const NAME: &str = "shard_info";
    let text = request.value(NAME);
    if text.is_empty() {
        return Ok(None);
    }
    // A list is none, though serde reads structs from lists, too.
    let fields = serde_json::from_str::<Option<serde_json::Map<String, serde_json::Value>>>(text);
    let info = fields.and_then(|fields| serde_json::from_value(fields.unwrap_or_default().into()));
    let info: ShardInfo = info.map_err(|error| {
        let why = format!("not a description of a shard: {error}");
        ApiError::parameter(NAME, request.shown(NAME, why))
    })?;
    let labels = info.labels.unwrap_or_default();
    Ok(Shard::of(
        info.shard_index,
        info.total_shards,
        info.by,
        labels,
    ))
}

/// A parameter that is a flag.
fn flag(request: &Request, name: &str) -> Result<Option<bool>, ApiError> {
    match request.value(name) {
        "" => Ok(None),
        _ => request
            .parsed(name, parse_bool)
            .map(Some)
            .map_err(|why| bad_parameter(name, &why)),
    }
}

fn bad_parameter(name: &str, why: &str) -> ApiError {
    ApiError::bad_data(format!("'{name}' parameter: {why}"))
}

/// `max_source_resolution`, ms.
fn resolution(
    request: &Request,
    defaults: &ReadDefaults,
    kind: QueryKind,
) -> Result<i64, ApiError> {
    const NAME: &str = "max_source_resolution";
    let text = request.value(NAME);
    let nanos = match text {
        "" if !defaults.auto_downsampling => 0,
        "" | "auto" if kind == QueryKind::Instant => return Ok(defaults.instant_resolution_ms),
        // A step that is none is the query's error.
        "" | "auto" => request.parsed("step", parse_duration).unwrap_or(0) / AUTO_PART,
        _ => request
            .parsed(NAME, parse_duration)
            .map_err(|why| bad_parameter(NAME, &why))?,
    };
    if nanos < 0 && text != "auto" && !text.is_empty() {
        return Err(ApiError::bad_data(format!(
            "negative '{NAME}' is not accepted. Try a positive integer"
        )));
    }
    Ok(nanos.max(0) / 1_000_000)
}

/// A selector that is a parameter's value.
pub(super) fn selector(text: &str) -> Result<Vec<Matcher>, ApiError> {
    let parsed = quarrel_planner::parse_metric_selector(text, &ParserOptions::all());
    parsed.map_err(|error| ApiError::bad_data(error.to_string()))
}

/// `engine` has to be one of Thanos's; there is one engine here.
fn engine(request: &Request) -> Result<(), ApiError> {
    match request.value("engine") {
        "" | "prometheus" | "thanos" => Ok(()),
        other => Err(ApiError::bad_data(format!("'{other}' bad engine"))),
    }
}

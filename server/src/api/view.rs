//! Thanos's parameters of how a request wants to see the stores.

use quarrel_engine::storage::Matcher;
use quarrel_planner::ParserOptions;

use super::error::ApiError;
use super::request::Request;
use crate::params::{parse_bool, parse_duration};
use crate::source::{Source, View, ViewDefaults};

/// Steps of a range query in a window of `auto`, as in Thanos.
const STEPS_A_WINDOW: i64 = 5;

/// The view that a request asks for. `step` is the parameter of a range query.
pub(super) fn of(request: &Request, source: &dyn Source, is_range: bool) -> Result<View, ApiError> {
    let Some(defaults) = source.defaults() else {
        return Ok(ViewDefaults::default().view());
    };
    let mut view = defaults.view();
    if let Some(dedup) = flag(request, "dedup")? {
        view.dedup = dedup;
    }
    if let Some(partial) = flag(request, "partial_response")? {
        view.partial_response = partial;
    }
    let labels: Vec<String> = request
        .values("replicaLabels[]")
        .map(str::to_string)
        .collect();
    if !labels.is_empty() {
        view.replica_labels = labels;
    }
    view.max_source_resolution = resolution(request, defaults, is_range)?;
    view.store_matchers = request
        .values("storeMatch[]")
        .map(selector)
        .collect::<Result<_, _>>()?;
    Ok(view)
}

/// A parameter that is a flag; empty ones count as absent.
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
fn resolution(request: &Request, defaults: &ViewDefaults, is_range: bool) -> Result<i64, ApiError> {
    const NAME: &str = "max_source_resolution";
    let nanos = match request.value(NAME) {
        text if text == "auto" || (text.is_empty() && defaults.auto_downsampling) => match is_range
        {
            true => request.parsed("step", parse_duration).unwrap_or(0) / STEPS_A_WINDOW,
            false => return Ok(defaults.instant_resolution),
        },
        "" => 0,
        _ => request
            .parsed(NAME, parse_duration)
            .map_err(|why| bad_parameter(NAME, &why))?,
    };
    if nanos < 0 {
        return Err(ApiError::bad_data(format!(
            "negative '{NAME}' is not accepted. Try a positive integer"
        )));
    }
    Ok(nanos / 1_000_000)
}

/// A selector of `storeMatch[]`.
fn selector(text: &str) -> Result<Vec<Matcher>, ApiError> {
    let parsed = quarrel_planner::parse_metric_selector(text, &ParserOptions::all());
    parsed.map_err(|error| ApiError::bad_data(error.to_string()))
}

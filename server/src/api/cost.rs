//! What requests may ask about the cost of their queries where the feature
//! `query-cost` is on.

use std::time::Duration;

use quarrel_engine::{CostEstimate, Query, QueryOptions, QueryStats};
use quarrel_functions::fmt::quote;

use super::call::Call;
use super::error::ApiError;
use super::request::Request;
use crate::duration::format_go_duration;
use crate::json;
use crate::params::{parse_bool, parse_duration};

/// Whether the parameter `cost` asks for a comparison.
pub(super) fn is_asked_for(call: &Call) -> std::result::Result<bool, ApiError> {
    match call.request.value("cost") {
        text if text.is_empty() || !call.api.options.query_cost => Ok(false),
        text => parse_bool(text).map_err(|_| ApiError::parameter("cost", "must be a boolean")),
    }
}

/// An estimate that is shown beside what the query really cost.
pub(super) enum Comparison {
    Estimated(CostEstimate),
    /// Why there is none.
    Failed(String),
}

impl Comparison {
    pub(super) async fn of(query: Query) -> Self {
        match query.estimate().await {
            Ok(estimate) => Comparison::Estimated(estimate),
            Err(error) => Comparison::Failed(format!("cost estimation failed: {error}")),
        }
    }

    /// The warning of an estimate that failed.
    pub(super) fn warning(&self) -> Option<String> {
        match self {
            Comparison::Estimated(_) => None,
            Comparison::Failed(why) => Some(why.clone()),
        }
    }

    /// Writes the member `cost` of an answer.
    pub(super) fn write(&self, stats: &QueryStats, out: &mut Vec<u8>) {
        let Comparison::Estimated(estimate) = self else {
            return;
        };
        out.extend_from_slice(b",\"cost\":{\"estimated\":");
        counts(out, estimate.series, estimate.samples, 0);
        out.extend_from_slice(b",\"actual\":");
        counts(out, stats.series, stats.decoded_samples, stats.peak_samples);
        out.push(b'}');
    }
}

pub(super) fn counts(out: &mut Vec<u8>, series: u64, samples: u64, peak: u64) {
    out.extend_from_slice(b"{\"seriesTouched\":");
    json::integer(out, series as i64);
    out.extend_from_slice(b",\"samplesRead\":");
    json::integer(out, samples as i64);
    if peak > 0 {
        out.extend_from_slice(b",\"peakSamples\":");
        json::integer(out, peak as i64);
    }
    out.push(b'}');
}

/// Reads limits on the cost of a query; 0 means no limit. `ceiling` is the longest
/// time that a query may take.
pub(super) fn limits(
    request: &Request,
    options: &mut QueryOptions,
    ceiling: Option<Duration>,
) -> std::result::Result<(), ApiError> {
    let wrong =
        |name: &str, why: String| ApiError::bad_data(format!("error parsing {name}: {why}"));
    let number = |name: &str| match request.value(name) {
        "" => Ok(None),
        text => match text.parse::<u64>() {
            Ok(limit) if !text.starts_with('+') => Ok((limit > 0).then_some(limit)),
            _ => {
                let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
                let what = if is_number {
                    "value out of range"
                } else {
                    "invalid syntax"
                };
                let why = format!("strconv.ParseUint: parsing {}: {what}", quote(text));
                Err(wrong(name, request.shown(name, why)))
            }
        },
    };
    options.max_selected_series = number("max_series")?;
    options.max_samples_read = number("max_samples_read")?;
    const DURATION: &str = "max_query_duration";
    if request.value(DURATION).is_empty() {
        return Ok(());
    }
    let nanos = request.parsed(DURATION, parse_duration);
    let nanos = nanos.map_err(|why| wrong(DURATION, why))?;
    if nanos < 0 {
        let shown = format_go_duration(nanos);
        let why = format!("must not be negative, got {shown}");
        return Err(wrong(DURATION, why));
    }
    let asked = Duration::from_nanos(nanos.unsigned_abs());
    if let Some(ceiling) = ceiling.filter(|ceiling| asked > *ceiling) {
        let ceiling = i64::try_from(ceiling.as_nanos()).unwrap_or(i64::MAX);
        let (asked, ceiling) = (format_go_duration(nanos), format_go_duration(ceiling));
        let why = format!("requested {DURATION} of {asked} exceeds the server limit of {ceiling}");
        return Err(ApiError::bad_data(why));
    }
    if nanos > 0 {
        options.timeout = Some(options.timeout.map_or(asked, |own| own.min(asked)));
    }
    Ok(())
}

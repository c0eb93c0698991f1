//! `query_cost` and `query_range_cost`.

use std::time::Instant;

use quarrel_engine::{CostEstimate, QueryError, QueryOptions};

use super::answer::Answer;
use super::call::{Call, Result};
use super::cost::{counts, is_asked_for};
use super::error::{ApiError, ErrorType};
use super::query::{self, limit, optional_time};
use crate::time::Moment;

/// An estimate of an instant query.
pub(super) async fn instant(call: Call) -> Result {
    let begin = Instant::now();
    let request = &call.request;
    limit(request)?;
    is_asked_for(&call)?;
    let at = optional_time(request, "time", Moment::now())?;
    let options = query::options(&call, begin)?;
    estimate(&call, at.timestamp(), options).await
}

/// An estimate of a range query.
pub(super) async fn range(call: Call) -> Result {
    let begin = Instant::now();
    limit(&call.request)?;
    is_asked_for(&call)?;
    let range = query::Range::of(&call.request)?;
    let options = query::options(&call, begin)?;
    match range.times()? {
        Some(times) => estimate(&call, times, options).await,
        None => {
            query::check_range_type(&call).await?;
            Ok(answer(&CostEstimate::default(), Vec::new()))
        }
    }
}

async fn estimate(
    call: &Call,
    times: impl Into<quarrel_engine::QueryTimes>,
    mut options: QueryOptions,
) -> Result {
    // Limits are of the query's run.
    options.max_selected_series = None;
    options.max_samples_read = None;
    let query = query::prepared(call, times, options, None)?;
    let mut estimate = query.estimate().await.map_err(|error| match error {
        QueryError::Timeout { .. } => {
            let why = "cost estimation exceeded the query duration limit: \
                       context deadline exceeded";
            ApiError::new(ErrorType::Timeout, why)
        }
        error => ApiError::query(&error),
    })?;
    let mut warnings = std::mem::take(&mut estimate.warnings);
    warnings.extend(query::stats_warning(&call.request));
    Ok(answer(&estimate, warnings))
}

fn answer(estimate: &CostEstimate, warnings: Vec<String>) -> Answer {
    let mut data = b"{\"estimate\":".to_vec();
    counts(&mut data, estimate.series, estimate.samples, 0);
    data.push(b'}');
    Answer::json(data, warnings)
}

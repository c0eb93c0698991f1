//! `query_explain` and `query_range_explain`: the plan of a query, as Thanos names it.
//! The query does not run, but labels are read, since the plan depends on them.

use std::time::Instant;

use quarrel_engine::{QueryOptions, QueryTimes};

use super::analysis;
use super::answer::Answer;
use super::call::{Call, Result};
use super::error::ApiError;
use super::query::{self, optional_time};
use crate::time::Moment;

/// The plan of an instant query.
pub(super) async fn instant(call: Call) -> Result {
    let begin = Instant::now();
    let at = optional_time(&call.request, "time", Moment::now())?;
    let options = query::options(&call, begin)?;
    explain(&call, at.timestamp(), options).await
}

/// The plan of a range query.
pub(super) async fn range(call: Call) -> Result {
    let begin = Instant::now();
    let range = query::Range::of(&call.request)?;
    let options = query::options(&call, begin)?;
    match range.times()? {
        Some(times) => explain(&call, times, options).await,
        None => {
            query::check_range_type(&call).await?;
            Ok(Answer::json(b"{}".to_vec(), Vec::new()))
        }
    }
}

async fn explain(call: &Call, times: impl Into<QueryTimes>, options: QueryOptions) -> Result {
    let query = query::prepared(call, times, options, None)?;
    let explanation = query.explain().await;
    let explanation = explanation.map_err(|error| ApiError::query(&error))?;
    let mut data = Vec::new();
    analysis::write_plan(&explanation.operators, &mut data);
    Ok(Answer::json(data, Vec::new()))
}

//! What requests say about their data, in the parameters of Thanos. Empty ones count as
//! absent, since its query frontend sends such.

use quarrel_storage::shard::Shard;
use serde::Deserialize;

use super::error::ApiError;
use super::request::Request;
use crate::source::ReadOptions;

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

/// The options that a query's request sets.
pub(super) fn of(request: &Request) -> Result<ReadOptions, ApiError> {
    let mut options = ReadOptions::default();
    const SHARD: &str = "shard_info";
    match request.value(SHARD) {
        "" => {}
        text => {
            let info: Option<ShardInfo> = serde_json::from_str(text).map_err(|error| {
                let why = format!("not a description of a shard: {error}");
                ApiError::parameter(SHARD, request.shown(SHARD, why))
            })?;
            let info = info.unwrap_or_default();
            let labels = info.labels.unwrap_or_default();
            options.shard = Shard::of(info.shard_index, info.total_shards, info.by, labels);
        }
    }
    Ok(options)
}

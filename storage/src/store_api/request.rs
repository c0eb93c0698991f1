//! The messages that ask stores.
//!
//! A request says nothing of the labels that a query looks at, nor of the function and
//! the grouping above the selector. No store says whether it would leave labels out
//! (Thanos's `StoreInfo` tells of shards and replica labels alone), and rows of several
//! stores could then not be told apart; sidecars before Thanos 0.36 take a function as
//! leave to compute it, and give their rows other labels.

use quarrel_engine::storage::{Aggregate, Matcher, SelectHints, SelectRequest, TimeRange};
use quarrel_matchers::MatchOp;
use quarrel_proto::labels::{LabelMatcher, MatcherType};
use quarrel_proto::store::{
    Aggr, LabelNamesRequest, LabelValuesRequest, PartialResponseStrategy, QueryHints, Range,
    SeriesRequest, ShardInfo,
};
use tonic::Request;
use tonic::metadata::MetadataValue;

use super::query::StoreQuery;
use crate::shard::Shard;

/// Series that a store puts into one message.
const BATCH: i64 = 64;

/// The hint of a select that wants no samples, as Prometheus has it.
const NO_SAMPLES: &str = "series";

/// Whether a select wants labels alone.
pub(super) fn wants_no_samples(hints: &SelectHints) -> bool {
    hints.function == NO_SAMPLES
}

/// Asks for series.
pub(super) fn series(query: &StoreQuery, select: &SelectRequest<'_>) -> SeriesRequest {
    let (disabled, strategy) = partial_response(query);
    let skip_chunks = wants_no_samples(select.hints);
    SeriesRequest {
        min_time: select.range.start,
        max_time: select.range.end,
        matchers: matchers(select.matchers),
        max_resolution_window: match skip_chunks {
            true => i64::MAX,
            false => select.hints.max_resolution_ms,
        },
        aggregates: aggregates(select.hints),
        partial_response_disabled: disabled,
        partial_response_strategy: strategy,
        skip_chunks,
        query_hints: Some(QueryHints {
            step_millis: select.hints.step_ms,
            range: (select.hints.range_ms > 0).then_some(Range {
                millis: select.hints.range_ms,
            }),
            ..QueryHints::default()
        }),
        shard_info: query.shard.as_ref().map(shard_info),
        response_batch_size: BATCH,
        ..SeriesRequest::default()
    }
}

/// What is wanted of downsampled data; stores send raw samples where they have them.
fn aggregates(hints: &SelectHints) -> Vec<i32> {
    let kind = |aggregate: &Aggregate| match aggregate {
        Aggregate::Count => Aggr::Count,
        Aggregate::Sum => Aggr::Sum,
        Aggregate::Min => Aggr::Min,
        Aggregate::Max => Aggr::Max,
        Aggregate::Counter => Aggr::Counter,
    };
    match hints.aggregates.is_empty() {
        true => vec![Aggr::Raw as i32],
        false => hints.aggregates.iter().map(|a| kind(a) as i32).collect(),
    }
}

/// Asks for a shard.
pub(super) fn shard_info(shard: &Shard) -> ShardInfo {
    let number = |number| i64::try_from(number).unwrap_or(i64::MAX);
    ShardInfo {
        shard_index: number(shard.index),
        total_shards: number(shard.total),
        by: shard.by,
        labels: shard.labels.clone(),
    }
}

/// Asks for label names.
pub(super) fn label_names(
    query: &StoreQuery,
    range: TimeRange,
    of: &[Matcher],
    supports_without_replica_labels: bool,
) -> LabelNamesRequest {
    let (disabled, strategy) = partial_response(query);
    LabelNamesRequest {
        partial_response_disabled: disabled,
        partial_response_strategy: strategy,
        start: range.start,
        end: range.end,
        matchers: matchers(of),
        without_replica_labels: without(query, supports_without_replica_labels),
        ..LabelNamesRequest::default()
    }
}

/// Asks for the values of a label.
pub(super) fn label_values(
    query: &StoreQuery,
    label: &str,
    range: TimeRange,
    of: &[Matcher],
    supports_without_replica_labels: bool,
) -> LabelValuesRequest {
    let (disabled, strategy) = partial_response(query);
    LabelValuesRequest {
        label: label.to_string(),
        partial_response_disabled: disabled,
        partial_response_strategy: strategy,
        start: range.start,
        end: range.end,
        matchers: matchers(of),
        without_replica_labels: without(query, supports_without_replica_labels),
        ..LabelValuesRequest::default()
    }
}

fn without(query: &StoreQuery, supported: bool) -> Vec<String> {
    match supported {
        true => query.replica_labels.clone(),
        false => Vec::new(),
    }
}

fn partial_response(query: &StoreQuery) -> (bool, i32) {
    let strategy = match query.partial_response {
        true => PartialResponseStrategy::Warn,
        false => PartialResponseStrategy::Abort,
    };
    (!query.partial_response, strategy as i32)
}

fn matchers(matchers: &[Matcher]) -> Vec<LabelMatcher> {
    let message = |matcher: &Matcher| {
        let kind = match matcher.op() {
            MatchOp::Equal => MatcherType::Eq,
            MatchOp::NotEqual => MatcherType::Neq,
            MatchOp::Regex => MatcherType::Re,
            MatchOp::NotRegex => MatcherType::Nre,
        };
        LabelMatcher {
            r#type: kind as i32,
            name: matcher.name().to_string(),
            value: matcher.value().to_string(),
        }
    };
    matchers.iter().map(message).collect()
}

/// A request in the name of the query's tenant, with more headers.
pub(super) fn with_headers<T>(
    query: &StoreQuery,
    headers: &[(&'static str, String)],
    message: T,
) -> Request<T> {
    let mut request = Request::new(message);
    // What cannot be a header is no tenant that a store could know.
    if let Some(tenant) = &query.tenant
        && let Ok(value) = MetadataValue::try_from(&**tenant)
    {
        request.metadata_mut().insert("thanos-tenant", value);
    }
    for (name, value) in headers {
        if let Ok(value) = MetadataValue::try_from(&**value) {
            request.metadata_mut().insert(*name, value);
        }
    }
    request
}

#[cfg(test)]
mod tests {
    use quarrel_engine::labels::SymbolTable;

    use super::*;

    fn asked(query: &StoreQuery, hints: &SelectHints) -> SeriesRequest {
        let symbols = SymbolTable::new();
        let of = [
            Matcher::new(MatchOp::Equal, "a", "1").unwrap(),
            Matcher::new(MatchOp::NotEqual, "b", "2").unwrap(),
            Matcher::new(MatchOp::Regex, "c", "3.*").unwrap(),
            Matcher::new(MatchOp::NotRegex, "d", "").unwrap(),
        ];
        let range = TimeRange { start: -5, end: 70 };
        series(query, &SelectRequest::new(&of, range, hints, &symbols))
    }

    #[test]
    fn series_are_asked_for_as_thanos_does() {
        let mut hints = SelectHints::default();
        hints.function = "rate".to_string();
        hints.max_resolution_ms = 150_000;
        hints.aggregates = vec![Aggregate::Sum, Aggregate::Counter];
        (hints.range_ms, hints.step_ms) = (300_000, 15_000);
        let shard = Shard {
            index: 1,
            total: 2,
            by: true,
            labels: vec!["job".into()],
        };
        let query = StoreQuery {
            shard: Some(shard),
            replica_labels: vec!["replica".into()],
            ..StoreQuery::default()
        };
        let request = asked(&query, &hints);
        assert_eq!((request.min_time, request.max_time), (-5, 70));
        let matchers = request.matchers.iter();
        let matchers: Vec<(i32, &str, &str)> =
            matchers.map(|m| (m.r#type, &*m.name, &*m.value)).collect();
        assert_eq!(
            matchers,
            [(0, "a", "1"), (1, "b", "2"), (2, "c", "3.*"), (3, "d", "")]
        );
        assert_eq!(request.max_resolution_window, 150_000);
        assert_eq!(request.aggregates, [Aggr::Sum as i32, Aggr::Counter as i32]);
        assert_eq!(
            (
                request.partial_response_disabled,
                request.partial_response_strategy
            ),
            (false, 0)
        );
        assert!(!request.skip_chunks && request.without_replica_labels.is_empty());
        let shard = request.shard_info.unwrap();
        assert_eq!(
            (shard.shard_index, shard.total_shards, shard.by),
            (1, 2, true)
        );
        let hints = request.query_hints.unwrap();
        assert_eq!(
            (hints.step_millis, hints.range),
            (15_000, Some(Range { millis: 300_000 }))
        );
        assert!(hints.func.is_none() && hints.projection_labels.is_empty());
    }

    #[test]
    fn look_ups_of_series_need_no_chunks() {
        let mut hints = SelectHints::default();
        hints.function = "series".to_string();
        let query = StoreQuery {
            partial_response: false,
            ..StoreQuery::default()
        };
        let request = asked(&query, &hints);
        assert!(request.skip_chunks);
        assert_eq!(request.max_resolution_window, i64::MAX);
        assert_eq!(
            (
                request.partial_response_disabled,
                request.partial_response_strategy
            ),
            (true, 1)
        );
    }
}

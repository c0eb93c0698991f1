//! Selectors, aggregations, windows and joins over a few thousand series: the
//! kind of queries that the Thanos engine is benchmarked on.

use super::{HOUR, SECOND, START};
use crate::data::Shape;
use crate::query::BenchQuery;

/// Leaves room for windows of two hours before it.
const FROM: i64 = START + 3 * HOUR;
const TO: i64 = FROM + 2 * HOUR;

/// Over the block of 3,000 series, two hours at 30 s.
const RANGES: &[(&str, &str)] = &[
    ("select", "x"),
    ("sum", "sum(x)"),
    ("sum_by_job", "sum by (job) (x)"),
    ("sum_by_pod", "sum by (pod) (x)"),
    ("topk", "topk(2, x)"),
    ("bottomk", "bottomk(2, x)"),
    ("rate_1m", "rate(x[1m])"),
    ("rate_10m", "rate(x[10m])"),
    ("sum_rate_1m", "sum(rate(x[1m]))"),
    ("sum_rate_5m", "sum(rate(x[5m]))"),
    ("sum_rate_10m", "sum(rate(x[10m]))"),
    ("sum_rate_1h", "sum(rate(x[1h]))"),
    ("sum_by_pod_rate", "sum by (pod) (rate(x[1m]))"),
    ("sum_by_job_rate", "sum by (job) (rate(x[5m]))"),
    ("subquery", "sum_over_time(rate(x[1m])[10m:1m])"),
    ("quantile_by", "quantile by (zone) (0.9, x)"),
    (
        "binary_one_to_one",
        r#"x{zone="zone-1"} / ignoring (nothing) x{zone="zone-1"}"#,
    ),
    (
        "binary_many_to_one",
        "x / on (job) group_left () sum by (job) (x)",
    ),
    (
        "error_ratio",
        r#"sum by (job) (rate(x{zone="zone-1"}[5m])) / on (job) sum by (job) (rate(x[5m]))"#,
    ),
    ("scalar_multiply", "x * 10"),
    ("negate", "-x"),
    ("compare", "x > 10"),
    ("offset", "x offset 5m"),
    ("at", "x @ end()"),
    ("clamp", "clamp(1 - x, 10 - 5, 10)"),
    ("clamp_irate", "clamp(irate(x[1m]), 10 - 5, 10)"),
    ("absent", "absent(x)"),
    ("absent_none", "absent(nothing)"),
    ("count_over_time_5m", "count_over_time(x[5m])"),
    ("sum_over_time_5m", "sum_over_time(x[5m])"),
    ("sum_over_time_1h", "sum_over_time(x[1h])"),
    ("avg_over_time_1h", "avg_over_time(x[1h])"),
    ("min_over_time_1h", "min_over_time(x[1h])"),
    ("max_over_time_5m", "max_over_time(x[5m])"),
    ("max_over_time_1h", "max_over_time(x[1h])"),
    ("stddev_over_time_1h", "stddev_over_time(x[1h])"),
    ("last_over_time_5m", "last_over_time(x[5m])"),
    ("quantile_over_time_10m", "quantile_over_time(0.9, x[10m])"),
    ("regex", r#"sum(rate(x{pod=~"app-1.*-.*[0-4]"}[5m]))"#),
    ("one_series", r#"rate(x{instance="10.0.3.7:9100"}[5m])"#),
];

/// Over the same block, at the end of the same two hours.
const INSTANTS: &[(&str, &str)] = &[
    ("instant_select", "x"),
    ("instant_sum", "sum(x)"),
    ("instant_sum_rate_5m", "sum(rate(x[5m]))"),
    ("instant_sum_by_job_rate", "sum by (job) (rate(x[5m]))"),
    ("instant_count_values", r#"count_values("v", x)"#),
    ("instant_sort", "sort(x)"),
    ("instant_max_over_time_3h", "max_over_time(x[3h])"),
    ("instant_one_series", r#"x{instance="10.0.3.7:9100"}"#),
    ("instant_number", "1 + 1"),
];

/// Over 1,000 pods: two counters of three containers each, buckets, and native
/// histograms.
const PODS: &[&str] = &[
    "http_responses_total",
    "sum(http_responses_total)",
    "sum by (pod) (http_responses_total)",
    "topk by (container) (3, http_responses_total)",
    "rate(http_responses_total[1m])",
    "rate(http_responses_total[15m])",
    "sum by (container) (rate(http_responses_total[1m]))",
    "max_over_time(sum by (pod) (rate(http_responses_total[2m]))[10m:1m])",
    "quantile(0.95, http_responses_total)",
    "http_responses_total / ignoring (nothing) http_requests_total",
    "http_responses_total * on (pod) group_left () sum by (pod) (http_requests_total)",
    "http_requests_total >= bool 1000 or http_responses_total",
    "histogram_quantile(0.9, rate(http_response_seconds_bucket[5m]))",
    "histogram_quantile(0.9, sum by (le) (rate(http_response_seconds_bucket[5m])))",
    "histogram_quantile(0.9, sum by (le, pod) (http_response_seconds_bucket))",
    "rate(http_response_seconds[5m])",
    "sum(rate(http_response_seconds[5m]))",
    "histogram_quantile(0.9, sum(rate(http_response_seconds[5m])))",
    "histogram_count(sum(http_response_seconds))",
];

const PODS_INSTANTS: &[&str] = &[
    "sum by (pod) (rate(http_responses_total[5m]))",
    "histogram_quantile(0.9, sum by (le) (rate(http_response_seconds_bucket[5m])))",
    "sort_desc(http_responses_total)",
];

const QUICK: &[&str] = &[
    "select",
    "sum_rate_5m",
    "sum_by_pod_rate",
    "topk",
    "binary_many_to_one",
    "stddev_over_time_1h",
    "one_series",
    "instant_sum_rate_5m",
    "instant_one_series",
];

const QUICK_PODS: &[&str] = &[
    "sum by (pod) (http_responses_total)",
    "histogram_quantile(0.9, sum by (le) (rate(http_response_seconds_bucket[5m])))",
    "sum(rate(http_response_seconds[5m]))",
];

/// The queries over the block of 3,000 series.
pub(super) fn block() -> Vec<BenchQuery> {
    let named = |name: &'static str, query: BenchQuery| BenchQuery {
        name,
        quick: QUICK.contains(&name),
        ..query
    };
    let ranges = RANGES.iter().map(|&(name, text)| {
        let query = BenchQuery::range(Shape::X, text, (FROM, TO), 30 * SECOND);
        named(name, query)
    });
    let instants = INSTANTS
        .iter()
        .map(|&(name, text)| named(name, BenchQuery::instant(Shape::X, text, TO)));
    ranges.chain(instants).collect()
}

pub(super) fn queries() -> Vec<BenchQuery> {
    let mut all = block();
    let (from, to) = (START + HOUR, START + 3 * HOUR);
    all.extend(PODS.iter().map(|&text| {
        BenchQuery::range(Shape::Pods, text, (from, to), 30 * SECOND)
            .quick_if(QUICK_PODS.contains(&text))
    }));
    let instants = PODS_INSTANTS
        .iter()
        .map(|&text| BenchQuery::instant(Shape::Pods, text, to));
    all.extend(instants);
    all
}

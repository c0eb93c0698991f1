//! A month of short lives: many series, of which few have a sample at a time.

use super::{DAY, MINUTE, START};
use crate::data::Shape;
use crate::query::BenchQuery;

const MONTH: (i64, i64) = (START, START + 30 * DAY);
const ONE_DAY: (i64, i64) = (START + 20 * DAY, START + 21 * DAY);

/// `$w` is a window that reaches from one step to the next.
const TEXTS: &[&str] = &[
    "count(pod_requests_total)",
    "sum(rate(pod_requests_total[$w]))",
    "sum by (job) (rate(pod_requests_total[$w]))",
    "count by (node) (pod_requests_total)",
    "topk(5, rate(pod_requests_total[$w]))",
    r#"sum(rate(pod_requests_total{pod=~"batch-3-.*"}[$w]))"#,
    "rate(pod_requests_total[$w])",
];

pub(super) fn queries() -> Vec<BenchQuery> {
    let month = TEXTS.iter().map(|text| {
        let text = text.replace("$w", "31m");
        BenchQuery::range(Shape::Churn, text, MONTH, 30 * MINUTE)
    });
    let day = TEXTS.iter().map(|text| {
        let text = text.replace("$w", "4m");
        let quick = text.starts_with("sum by (job)") || text.starts_with("count(");
        BenchQuery::range(Shape::Churn, text, ONE_DAY, MINUTE).quick_if(quick)
    });
    let instants = [
        "count(pod_requests_total)",
        "sum by (job) (increase(pod_requests_total[1d]))",
        "count(count_over_time(pod_requests_total[30d]))",
    ]
    .map(|text| BenchQuery::instant(Shape::Churn, text, MONTH.1));
    month.chain(day).chain(instants).collect()
}

//! Native and classic histograms.

use super::{HOUR, MINUTE, SECOND, START};
use crate::data::Shape;
use crate::query::BenchQuery;

const RANGE: (i64, i64) = (START + HOUR, START + 2 * HOUR);
const WIDE: (i64, i64) = (START + 10 * MINUTE, START + 70 * MINUTE);

const NATIVE: &[&str] = &[
    "latency",
    "latency * 2",
    "histogram_count(rate(latency[5m]))",
    "histogram_avg(sum by (job) (increase(latency[5m])))",
    "sum_over_time(latency[10m])",
    "histogram_quantile(0.99, rate(latency[5m]))",
    "sum(rate(latency[5m]))",
    "rate(latency[5m])",
];

const CLASSIC: &[&str] = &[
    "histogram_quantile(0.99, sum by (le, job) (rate(latency_bucket[5m])))",
    "histogram_quantile(0.99, rate(latency_bucket[5m]))",
    r#"sum(rate(latency_bucket{le="+Inf"}[5m]))"#,
];

const WIDE_TEXT: &str = "histogram_quantile(0.99, sum by (le, job) (rate(wide_bucket[5m])))";

pub(super) fn queries() -> Vec<BenchQuery> {
    let native = NATIVE.iter().map(|&text| {
        let quick = text == "latency" || text == "sum(rate(latency[5m]))";
        BenchQuery::range(Shape::Native, text, RANGE, 30 * SECOND).quick_if(quick)
    });
    let classic = CLASSIC.iter().enumerate().map(|(nth, &text)| {
        BenchQuery::range(Shape::Classic, text, RANGE, 30 * SECOND).quick_if(nth == 0)
    });
    let instants = [
        (Shape::Native, NATIVE[5], RANGE.1),
        (Shape::Native, NATIVE[6], RANGE.1),
        (Shape::Classic, CLASSIC[0], RANGE.1),
        (Shape::Classic, WIDE_TEXT, WIDE.1),
    ]
    .map(|(data, text, at)| BenchQuery::instant(data, text, at));
    let wide = BenchQuery::range(Shape::Classic, WIDE_TEXT, WIDE, MINUTE);
    native
        .chain(classic)
        .chain([wide])
        .chain(instants)
        .collect()
}

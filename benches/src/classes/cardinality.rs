//! A million series of few samples.

use super::{MINUTE, START};
use crate::data::Shape;
use crate::query::BenchQuery;

const RANGE: (i64, i64) = (START + 10 * MINUTE, START + 20 * MINUTE);

const TEXTS: &[&str] = &[
    "count(x)",
    "sum(rate(x[5m]))",
    "sum by (job) (x)",
    "sum by (job) (rate(x[5m]))",
    "topk(5, rate(x[5m]))",
    "x * on (job) group_left () job_weight",
    "sum by (pod) (rate(x[5m]))",
];

pub(super) fn queries() -> Vec<BenchQuery> {
    let instants = TEXTS.iter().map(|&text| {
        BenchQuery::instant(Shape::Million, text, RANGE.1).quick_if(text == "sum(rate(x[5m]))")
    });
    let ranges = TEXTS
        .iter()
        .map(|&text| BenchQuery::range(Shape::Million, text, RANGE, MINUTE));
    instants.chain(ranges).collect()
}

//! quarrel alone: what a second thread gains, and how a small query fares beside
//! heavy ones.

use super::{HOUR, MINUTE, SECOND, START};
use crate::data::Shape;
use crate::query::BenchQuery;

/// A small query, and a heavy one that runs beside it several times at once.
#[derive(Clone, Debug)]
pub struct Beside {
    /// The query whose latency counts.
    pub small: BenchQuery,
    /// What runs beside it.
    pub heavy: BenchQuery,
    /// How often at once.
    pub times: u32,
}

const X: (i64, i64) = (START + 3 * HOUR, START + 5 * HOUR);
const WIDE: (i64, i64) = (START + 10 * MINUTE, START + 70 * MINUTE);

pub(super) fn queries() -> Vec<BenchQuery> {
    let x = |text: &str| BenchQuery::range(Shape::X, text, X, 30 * SECOND);
    let million = |text: &str| BenchQuery::instant(Shape::Million, text, START + 20 * MINUTE);
    vec![
        x("x").quick(),
        x("sum(rate(x[5m]))").quick(),
        x("sum by (pod) (rate(x[1m]))"),
        x("topk(2, x)"),
        x("stddev_over_time(x[1h])").quick(),
        x("quantile by (zone) (0.9, x)"),
        x("x / on (job) group_left () sum by (job) (x)").quick(),
        x("max_over_time(rate(x[1m])[10m:1m])"),
        BenchQuery::range(
            Shape::Classic,
            "histogram_quantile(0.99, sum by (le, job) (rate(wide_bucket[5m])))",
            WIDE,
            MINUTE,
        ),
        million("count(x)"),
        million("sum by (job) (rate(x[5m]))"),
        million("sum by (pod) (rate(x[5m]))"),
        million("topk(5, rate(x[5m]))"),
    ]
}

pub(super) fn beside() -> Beside {
    let heavy = "sum by (pod) (rate(x[1h]))";
    Beside {
        small: BenchQuery::instant(Shape::X, r#"x{instance="10.0.3.7:9100"}"#, X.1),
        heavy: BenchQuery::range(Shape::X, heavy, X, 30 * SECOND),
        times: 10,
    }
}

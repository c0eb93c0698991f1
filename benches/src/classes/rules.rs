//! What rules ask: one instant, few series of many.

use super::{MINUTE, START};
use crate::data::Shape;
use crate::query::BenchQuery;

const AT: i64 = START + 50 * MINUTE;

const TEXTS: &[&str] = &[
    "1 + 1",
    r#"requests_total{instance="instance-4711"}"#,
    r#"rate(requests_total{instance="instance-4711"}[5m]) > 0.5"#,
    r#"sum(rate(requests_total{group="group-7"}[5m]))"#,
    r#"max by (group) (requests_total{group="group-7"}) > 1000"#,
    r#"sum by (group) (rate(requests_total{job="job-7"}[5m]))"#,
    r#"count(requests_total{job="job-7"} > 1000)"#,
];

pub(super) fn queries() -> Vec<BenchQuery> {
    let instant = |text: &str| BenchQuery::instant(Shape::Rules, text, AT);
    let once = TEXTS.iter().map(|text| {
        let quick = text.contains("instance-4711\"}[") || text.contains("job-7\"}[");
        instant(text).quick_if(quick || *text == "1 + 1")
    });
    let prepared = TEXTS.iter().map(|text| instant(text).prepared());
    let many = [
        instant(r##"sum by (job) (rate(requests_total{instance="instance-#"}[5m])) > 0.5"##)
            .variants(10_000)
            .titled("10,000 different rules, 1 series each; mean"),
        instant(r##"sum by (job) (rate(requests_total{group="group-#"}[5m])) > 0.5"##)
            .variants(5_000)
            .titled("5,000 different rules, 20 series each; mean"),
    ];
    once.chain(prepared).chain(many).collect()
}

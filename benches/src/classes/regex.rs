//! Matchers of a million values of a label, in whole queries.

use super::{MINUTE, START};
use crate::data::Shape;
use crate::query::BenchQuery;

const AT: i64 = START + 20 * MINUTE;

/// The pod of a series, as `million` of `compliance/go/benchdata` names it.
fn pod(i: u32) -> String {
    let hex = i.wrapping_mul(2_654_435_761);
    format!("team-{}-service-{}-{hex:08x}", i % 20, i / 20 % 50)
}

/// Matchers, with what their rows say.
fn matchers() -> Vec<(String, &'static str)> {
    let literals: Vec<_> = (0..1_000).map(|i| pod(i * 997)).collect();
    let few = [pod(1), pod(500_000), pod(999_999)].join("|");
    let plain = [
        (format!(r#"pod="{}""#, pod(143)), "a literal, by ="),
        (format!(r#"pod=~"{few}""#), "three literals"),
        (
            format!(r#"pod=~"{}""#, literals.join("|")),
            "an alternation of 1,000 literals",
        ),
    ];
    let patterns = [
        (r#"pod=~"team-3-.*""#, "prefix"),
        (r#"pod=~".*7f""#, "suffix"),
        (r#"pod=~".*service-17.*""#, "contains"),
        (r#"pod=~"(?i)TEAM-3-SERVICE-7-.*""#, "any case"),
        (r#"pod!~"team-1.*""#, "negated"),
        (r#"pod=~".+""#, "all that is there"),
        (
            r#"pod=~"team-[0-9]+-service-(1|2)[0-9]-[a-f].*[0-9]{3}""#,
            "general",
        ),
    ];
    let patterns = patterns.map(|(matcher, about)| (matcher.to_string(), about));
    plain.into_iter().chain(patterns).collect()
}

pub(super) fn queries() -> Vec<BenchQuery> {
    let query = |(matcher, about): &(String, &'static str)| {
        let title = if matcher.len() > 100 {
            about.to_string()
        } else {
            format!("{about}: {matcher}")
        };
        BenchQuery::instant(Shape::Million, format!("count(x{{{matcher}}})"), AT).titled(title)
    };
    let matchers = matchers();
    let warm = matchers.iter().map(|matcher| {
        let quick = ["contains", "general", "a literal, by ="].contains(&matcher.1);
        query(matcher).quick_if(quick)
    });
    let cold = matchers.iter().map(|matcher| query(matcher).cold());
    warm.chain(cold).collect()
}

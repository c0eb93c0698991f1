//! The classes of queries that the table has, a file each.
//!
//! Names of metrics and labels, counts and times are those of
//! `compliance/go/benchdata`.

mod cardinality;
mod churn;
mod dashboards;
mod histograms;
mod regex;
mod rules;
mod thanos;
mod threads;
mod windows;

use crate::query::BenchQuery;

pub use threads::Beside;
pub use windows::{WINDOWS, Windowed, windowed};

const SECOND: i64 = 1_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// The time of the first samples, ms since 1970; `fixtures.Start` of the Go side.
const START: i64 = 1_700_006_400_000;

/// A class: a group of rows with a geometric mean of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// The kind of queries that the Thanos engine is benchmarked on.
    Thanos,
    /// Panels of dashboards, from half an hour to a month.
    Dashboards,
    /// A month of short lives.
    Churn,
    /// Functions of windows of several lengths.
    Windows,
    /// Instants that touch little of a large block.
    Rules,
    /// A million series.
    Cardinality,
    /// Matchers of a million values.
    Regex,
    /// Native and classic histograms.
    Histograms,
    /// quarrel alone, on one and on two threads.
    Threads,
}

impl Class {
    /// All of them, in the order of the table.
    pub const ALL: [Class; 9] = [
        Class::Thanos,
        Class::Dashboards,
        Class::Churn,
        Class::Windows,
        Class::Rules,
        Class::Cardinality,
        Class::Regex,
        Class::Histograms,
        Class::Threads,
    ];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Class::Thanos => "thanos",
            Class::Dashboards => "dashboards",
            Class::Churn => "churn",
            Class::Windows => "windows",
            Class::Rules => "rules",
            Class::Cardinality => "cardinality",
            Class::Regex => "regex",
            Class::Histograms => "histograms",
            Class::Threads => "threads",
        }
    }

    /// What it is, in a line.
    pub fn about(self) -> &'static str {
        match self {
            Class::Thanos => {
                "queries and data of the kind that the Thanos engine is benchmarked on: 3,000 series of 6 h, and 1,000 pods with 3 containers each, 11,000 classic buckets and 100 native histograms of 4 h, all at 30 s"
            }
            Class::Dashboards => {
                "panels of half an hour to 30 days, in Grafana's steps, over 1,900 series at 30 s in blocks of 2 h and 400 series at 60 s in blocks of 14 days"
            }
            Class::Churn => "30 days in which 100,000 pods lived for an hour each, at 60 s",
            Class::Windows => {
                "functions of windows of 5 m to 24 h, over 2 h in steps of 60 s, 100 series at 60 s"
            }
            Class::Rules => "instants that read 1 to 1,000 series of a block of 100,000",
            Class::Cardinality => "a million series of 24 samples at 60 s",
            Class::Regex => {
                "matchers of a million values, one for each series; a cold query is the first after the store was opened, with the files in the kernel's cache"
            }
            Class::Histograms => {
                "500 native histograms of 100 buckets, and 6,000 and 115,000 series of classic buckets"
            }
            Class::Threads => "quarrel alone, one thread against two",
        }
    }

    /// Its queries. Those of [`Class::Threads`] are asked on one thread and on
    /// two.
    pub fn queries(self) -> Vec<BenchQuery> {
        match self {
            Class::Thanos => thanos::queries(),
            Class::Dashboards => dashboards::queries(),
            Class::Churn => churn::queries(),
            Class::Windows => windows::queries(),
            Class::Rules => rules::queries(),
            Class::Cardinality => cardinality::queries(),
            Class::Regex => regex::queries(),
            Class::Histograms => histograms::queries(),
            Class::Threads => threads::queries(),
        }
    }
}

/// The queries over the block of 3,000 series, which criterion's benches name.
pub fn block_queries() -> Vec<BenchQuery> {
    thanos::block()
}

/// What shows how a small query fares beside heavy ones.
pub fn beside() -> Beside {
    threads::beside()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use quarrel_engine::{EngineOptions, ParserOptions};

    use super::*;

    #[test]
    fn all_queries_parse_and_differ() {
        let engine = EngineOptions::new()
            .parser(ParserOptions::all())
            .build()
            .expect("an engine");
        for class in Class::ALL {
            let mut seen = HashSet::new();
            let queries = class.queries();
            assert!(queries.iter().any(|q| q.quick), "{}", class.name());
            for query in queries {
                let text = query.text.replace('#', "1");
                let parsed = engine.prepare(&text);
                assert!(parsed.is_ok(), "{text}: {}", parsed.unwrap_err());
                assert!(query.times().is_ok(), "{text}");
                let as_asked = (
                    (query.text.clone(), query.data),
                    (query.start_ms, query.end_ms, query.step_ms),
                    (query.cold, query.prepared),
                );
                assert!(
                    seen.insert(format!("{as_asked:?}")),
                    "{text} stands there twice"
                );
            }
        }
    }

    #[test]
    fn panels_have_few_points() {
        for query in Class::Dashboards.queries() {
            let points = (query.end_ms - query.start_ms) / query.step_ms;
            assert!(points <= 1_500, "{}: {points}", query.text);
        }
    }
}

//! For programs.

use serde::Serialize;

use super::summary::Report;
use super::text::{differences, times, why, word};
use crate::answer::{Row, seconds};
use crate::compare::{Counts, Outcome, Verdict};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Written<'a> {
    reference: &'a str,
    test: &'a str,
    seconds: f64,
    counts: Numbers,
    queries: Vec<Query<'a>>,
    unused_entries: &'a [String],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Numbers {
    asked: usize,
    equal: usize,
    different: usize,
    accepted: usize,
    undetermined: usize,
    unasked: usize,
    with_samples: usize,
    empty: usize,
    errors: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Query<'a> {
    query: &'a str,
    times: String,
    source: &'a str,
    place: &'a str,
    verdict: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    smallest: Option<Smallest<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    differences: Vec<Different<'a>>,
}

#[derive(Serialize)]
struct Smallest<'a> {
    query: &'a str,
    times: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Different<'a> {
    kind: &'static str,
    count: usize,
    text: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reference: Option<Series>,
    #[serde(skip_serializing_if = "Option::is_none")]
    test: Option<Series>,
}

/// A series as the API has it: its times in seconds, and its values as texts.
#[derive(Serialize)]
struct Series {
    labels: String,
    values: Vec<(String, String)>,
}

pub(super) fn write(report: &Report) -> String {
    let all = report.outcomes.iter().chain(&report.equal);
    let written = Written {
        reference: &report.reference,
        test: &report.test,
        seconds: report.elapsed.as_secs_f64(),
        counts: numbers(&report.counts),
        queries: all.map(query).collect(),
        unused_entries: &report.unused,
    };
    // Nothing in it can fail to be written.
    let mut text = serde_json::to_string_pretty(&written).unwrap_or_default();
    text.push('\n');
    text
}

fn numbers(counts: &Counts) -> Numbers {
    Numbers {
        asked: counts.asked,
        equal: counts.equal,
        different: counts.different,
        accepted: counts.accepted,
        undetermined: counts.undetermined,
        unasked: counts.unasked,
        with_samples: counts.with_samples,
        empty: counts.empty,
        errors: counts.failures,
    }
}

fn query(outcome: &Outcome) -> Query<'_> {
    let reason = match &outcome.verdict {
        Verdict::Accepted(_, reason) => Some(reason.clone()),
        Verdict::Undetermined(how) => Some(why(*how).to_string()),
        Verdict::Unasked(error) => Some(error.to_string()),
        Verdict::Equal | Verdict::Different(_) => None,
    };
    let found = differences(&outcome.verdict).iter();
    Query {
        query: &outcome.case.query,
        times: times(outcome.times),
        source: &outcome.case.origin.source,
        place: &outcome.case.origin.place,
        verdict: word(&outcome.verdict),
        reason,
        smallest: outcome.smallest.as_ref().map(|small| Smallest {
            query: &small.query,
            times: small.times.map(times).unwrap_or_default(),
        }),
        differences: found
            .map(|one| Different {
                kind: one.kind.name(),
                count: one.count,
                text: &one.text,
                time: one.at.map(seconds),
                reference: one.rows.as_ref().and_then(|rows| series(&rows.reference)),
                test: one.rows.as_ref().and_then(|rows| series(&rows.test)),
            })
            .collect(),
    }
}

fn series(row: &Option<Row>) -> Option<Series> {
    let row = row.as_ref()?;
    let floats = row
        .floats
        .iter()
        .map(|(at, value)| (seconds(*at), quarrel_functions::fmt::format_g(*value)));
    Some(Series {
        labels: row.labels.to_string(),
        values: floats.collect(),
    })
}

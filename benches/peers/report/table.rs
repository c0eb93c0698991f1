//! The table of a class: a row a query.

use std::fmt::Write;

use quarrel_benches::BenchQuery;
use quarrel_benches::classes::Class;

use super::{code, duration, mib, ms, times};
use crate::row::{Outcome, Row};
use quarrel_benches::stats::geometric_mean;

/// The series that a query of [`Class::Cardinality`] reads.
const MILLION: f64 = 1e6;

/// The geometric mean of a class: how many times as fast as the better peer.
pub fn mean<'a>(rows: impl IntoIterator<Item = &'a Row>) -> Option<f64> {
    geometric_mean(rows.into_iter().filter_map(Row::times))
}

/// The table of a class, with its heading and its mean.
pub fn class(class: Class, rows: &[&Row], names: &[&str]) -> String {
    let mut out = format!("### {}\n\n{}.\n\n", class.name(), capital(class.about()));
    out += &header(class, names);
    for row in rows {
        out += &line(row);
    }
    if let Some(mean) = mean(rows.iter().copied()) {
        let _ = writeln!(out, "\nGeometric mean: {} times.", times(mean));
    }
    out
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().into_iter().flat_map(char::to_uppercase);
    first.chain(chars).collect()
}

fn header(class: Class, names: &[&str]) -> String {
    let peak = if class == Class::Cardinality {
        "peak, bytes a series"
    } else {
        "peak, MiB"
    };
    let mut out = String::from("| query | asked | rows |");
    for name in names {
        let _ = write!(out, " {name} |");
    }
    let _ = writeln!(out, " times | allocated, MiB | {peak} | remarks |");
    out += "| --- | --- | ---: |";
    out += &" ---: |".repeat(names.len());
    out += " ---: | ---: | ---: | --- |\n";
    out
}

fn line(row: &Row) -> String {
    let shown = match &row.query.title {
        Some(title) => title.replace('|', "\\|"),
        None => code(&row.query.text),
    };
    let mut out = format!("| {shown} | {} |", asked(&row.query));
    let rows = row.own().filter(|own| own.failure.is_none());
    let _ = write!(
        out,
        " {} |",
        rows.map_or("-".into(), |o| o.rows.to_string())
    );
    for outcome in &row.outcomes {
        let _ = write!(out, " {} |", time(outcome));
    }
    let bytes = |bytes: u64| {
        if row.class == Class::Cardinality {
            format!("{:.0}", bytes as f64 / MILLION)
        } else {
            mib(bytes)
        }
    };
    let _ = writeln!(
        out,
        " {} | {} | {} | {} |",
        row.times().map_or("-".into(), times),
        beside(row, |o| o.allocated, mib),
        beside(row, |o| o.peak, bytes),
        row.remarks().join(", "),
    );
    out
}

/// The times that a query asks for, and how it is asked.
fn asked(query: &BenchQuery) -> String {
    let mut out = if query.step_ms == 0 {
        "instant".to_string()
    } else {
        let range = duration(query.end_ms - query.start_ms);
        format!("{range}, step {}", duration(query.step_ms))
    };
    if query.prepared {
        out += ", prepared";
    }
    if query.cold {
        out += ", cold";
    }
    out
}

/// A median, or why there is none.
fn time(outcome: &Outcome) -> String {
    match (&outcome.failure, outcome.median()) {
        (Some(failure), _) => {
            let short: String = failure.chars().take(60).collect();
            short.replace('|', "\\|").replace('\n', " ")
        }
        (None, Some(ns)) => ms(ns),
        (None, None) => "-".to_string(),
    }
}

/// A figure of all engines.
fn beside(
    row: &Row,
    figure: impl Fn(&Outcome) -> Option<u64>,
    write: impl Fn(u64) -> String,
) -> String {
    let cells = row
        .outcomes
        .iter()
        .map(|outcome| figure(outcome).map_or("-".into(), &write));
    cells.collect::<Vec<String>>().join(" / ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row::tests::{outcome, row};

    #[test]
    fn a_table() {
        let rows = [
            row(vec![
                outcome(10, 3, 1, 1),
                outcome(80, 3, 20, 10),
                outcome(40, 3, 30, 4),
            ]),
            row(vec![
                outcome(10, 3, 1, 1),
                Outcome {
                    failure: Some("> 60 s".into()),
                    ..Outcome::default()
                },
                outcome(90, 3, 30, 4),
            ]),
        ];
        let rows: Vec<&Row> = rows.iter().collect();
        let text = class(Class::Thanos, &rows, &["quarrel", "Prometheus", "Thanos"]);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines.get(4..9),
            Some(
                &[
                    "| query | asked | rows | quarrel | Prometheus | Thanos | times | allocated, MiB | peak, MiB | remarks |",
                    "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- |",
                    "| `a \\| b` | 2h, step 30s | 3 | 10.00 | 80.00 | 40.00 | 4.0 | 1.00 / 20 / 30 | 1.00 / 10 / 4.00 |  |",
                    "| `a \\| b` | 2h, step 30s | 3 | 10.00 | > 60 s | 90.00 | 9.0 | 1.00 / - / 30 | 1.00 / - / 4.00 |  |",
                    "",
                ][..]
            )
        );
        assert_eq!(lines.last(), Some(&"Geometric mean: 6.0 times."));
    }

    #[test]
    fn how_it_is_asked() {
        let query = row(Vec::new()).query;
        assert_eq!(asked(&query.clone().cold()), "2h, step 30s, cold");
        let instant = BenchQuery {
            step_ms: 0,
            ..query
        };
        assert_eq!(asked(&instant.prepared()), "instant, prepared");
    }
}

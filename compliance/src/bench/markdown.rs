//! A run for comments on changes.

use std::fmt::Write as _;

use super::baseline::Changes;
use super::figures::{METHOD, digits, headline, ratio, short, span};
use super::record::Record;
use super::summary::Summary;
use super::text::{failures, head, lines, totals};

/// How many queries are listed.
const QUERIES: usize = 50;

pub(super) fn write(record: &Record, summary: &Summary, changes: &[Changes]) -> String {
    let mut out = format!("{}.\n\n", headline(record));
    table(&totals(record, summary), &mut out);
    for one in changes {
        let _ = write!(
            out,
            "\n**{}** against the earlier run: ratio {} over {} queries.\n\n",
            plain(&one.endpoint),
            ratio(one.ratio, one.interval),
            one.compared
        );
        for change in one.changed.iter().take(QUERIES) {
            let _ = writeln!(
                out,
                "- {} ({} → {}) {}",
                digits(change.now / change.before),
                span(change.before),
                span(change.now),
                code(&short(&change.query, 200))
            );
        }
    }
    let mut order = summary.slowest_first();
    order.truncate(QUERIES);
    out.push_str("\n<details><summary>Queries</summary>\n\n");
    let mut rows = vec![head(record)];
    rows.extend(lines(record, summary, &order));
    for row in &mut rows[1..] {
        if let Some(query) = row.last_mut() {
            *query = code(query);
        }
    }
    table(&rows, &mut out);
    out.push_str("\n</details>\n");
    let failures = failures(record);
    if !failures.is_empty() {
        let _ = write!(out, "\n{} failed:\n\n", failures.len());
    }
    for failure in failures.iter().take(QUERIES) {
        let _ = writeln!(out, "- {}", code(failure));
    }
    let _ = write!(out, "\n{METHOD}\n");
    out
}

fn table(rows: &[Vec<String>], out: &mut String) {
    for (number, row) in rows.iter().enumerate() {
        let cells: Vec<String> = row.iter().map(|cell| cell.replace('|', "\\|")).collect();
        let _ = writeln!(out, "| {} |", cells.join(" | "));
        if number == 0 {
            let _ = writeln!(out, "|{}", " --- |".repeat(row.len()));
        }
    }
}

/// A text without marks.
fn plain(text: &str) -> String {
    text.replace(['*', '`', '<', '['], "_")
}

/// A text as code, between as many backquotes as it needs.
fn code(text: &str) -> String {
    let mut fence = String::from("`");
    while text.contains(&fence) {
        fence.push('`');
    }
    let room = if text.starts_with('`') || text.ends_with('`') {
        " "
    } else {
        ""
    };
    format!("{fence}{room}{text}{room}{fence}")
}

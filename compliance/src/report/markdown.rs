//! For comments on changes, and issues.

use std::fmt::Write as _;

use super::summary::Report;
use super::text::{differences, sum, times};

/// Queries of one kind that are listed.
const MOST: usize = 50;

pub(super) fn write(report: &Report) -> String {
    let mut out = String::new();
    // Writing to a string does not fail.
    let _ = lines(report, &mut out);
    out
}

fn lines(report: &Report, out: &mut String) -> std::fmt::Result {
    writeln!(
        out,
        "## {} compared with {}\n",
        inline(&report.test),
        inline(&report.reference)
    )?;
    writeln!(out, "{}.", sum(&report.counts))?;
    for (kind, outcomes) in report.by_kind() {
        writeln!(out, "\n### {kind} ({})\n", outcomes.len())?;
        writeln!(out, "| query | times | difference | from |")?;
        writeln!(out, "| --- | --- | --- | --- |")?;
        for outcome in outcomes.iter().take(MOST) {
            let found = differences(&outcome.verdict);
            let texts: Vec<String> = found.iter().map(|one| inline(&one.to_string())).collect();
            writeln!(
                out,
                "| {} | {} | {} | {} |",
                code(&outcome.case.query),
                times(outcome.times),
                texts.join("<br>"),
                inline(&outcome.case.origin.to_string())
            )?;
        }
        if outcomes.len() > MOST {
            writeln!(out, "\nAnd {} more.", outcomes.len() - MOST)?;
        }
    }
    if !report.unused.is_empty() {
        writeln!(out, "\nKnown differences that were not met:\n")?;
        for name in &report.unused {
            writeln!(out, "- {}", code(name))?;
        }
    }
    Ok(())
}

/// A text in a line, or in a cell of a table, in which nothing is markup.
fn inline(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\r' => out.push(' '),
            '<' => out.push_str("&lt;"),
            '&' => out.push_str("&amp;"),
            '|' | '*' | '_' | '`' | '[' | ']' | '\\' | '~' => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    out
}

/// A query as code in a cell of a table.
fn code(query: &str) -> String {
    let line = query.replace(['\n', '\r'], " ").replace('|', "\\|");
    // The fence is longer than any run of backticks within.
    let longest = line.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    match line.contains('`') {
        true => format!("{fence} {line} {fence}"),
        false => format!("{fence}{line}{fence}"),
    }
}

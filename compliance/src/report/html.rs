//! A page in one file.

use std::fmt::Write as _;

use super::escape::escape;
use super::plot::plots;
use super::summary::Report;
use super::text::{differences, sum, times, why};
use crate::compare::{Outcome, Verdict};

const STYLE: &str = include_str!("page.css");

pub(super) fn write(report: &Report) -> String {
    let mut out = String::new();
    // Writing to a string does not fail.
    let _ = page(report, &mut out);
    out
}

fn page(report: &Report, out: &mut String) -> std::fmt::Result {
    let (test, reference) = (escape(&report.test), escape(&report.reference));
    write!(
        out,
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\">\
         <title>{test} compared with {reference}</title>\n<style>{STYLE}</style></head><body>\n\
         <h1>{test} compared with {reference}</h1>\n<p>{}.</p>\n",
        sum(&report.counts)
    )?;
    share(report, out)?;
    for (kind, outcomes) in report.by_kind() {
        writeln!(out, "<h2>{kind} ({})</h2>", outcomes.len())?;
        for outcome in outcomes {
            case(outcome, out)?;
        }
    }
    let others = report.outcomes.iter();
    let mut others = others
        .filter(|o| !matches!(o.verdict, Verdict::Different(_)))
        .peekable();
    if others.peek().is_some() {
        writeln!(out, "<h2>known, undetermined or not asked</h2>")?;
    }
    for outcome in others {
        case(outcome, out)?;
    }
    if !report.unused.is_empty() {
        writeln!(out, "<h2>known differences that were not met</h2>\n<ul>")?;
        for name in &report.unused {
            writeln!(out, "<li><code>{}</code></li>", escape(name))?;
        }
        writeln!(out, "</ul>")?;
    }
    if !report.equal.is_empty() {
        writeln!(out, "<h2>equal ({})</h2>\n<ul>", report.equal.len())?;
        for outcome in &report.equal {
            let query = escape(&outcome.case.query);
            writeln!(
                out,
                "<li><code>{query}</code> {}</li>",
                times(outcome.times)
            )?;
        }
        writeln!(out, "</ul>")?;
    }
    out.write_str("</body></html>\n")
}

/// A bar: how much is equal, known and different.
fn share(report: &Report, out: &mut String) -> std::fmt::Result {
    let counts = &report.counts;
    write!(out, "<div class=\"share\">")?;
    for (count, class) in [
        (counts.equal, "equal"),
        (counts.accepted + counts.undetermined, "known"),
        (counts.different + counts.unasked, "different"),
    ] {
        if count > 0 {
            write!(
                out,
                "<span class=\"{class}\" style=\"flex-grow:{count}\">{count}</span>"
            )?;
        }
    }
    writeln!(out, "</div>")
}

fn case(outcome: &Outcome, out: &mut String) -> std::fmt::Result {
    let case = &outcome.case;
    writeln!(
        out,
        "<section><pre>{}</pre>\n<p class=\"from\">{}, from {}</p>",
        escape(&case.query),
        times(outcome.times),
        escape(&case.origin.to_string())
    )?;
    if let Some(small) = &outcome.smallest {
        writeln!(
            out,
            "<p>smallest form that differs:</p><pre>{}</pre><p class=\"from\">{}</p>",
            escape(&small.query),
            small.times.map(times).unwrap_or_default()
        )?;
    }
    match &outcome.verdict {
        Verdict::Accepted(_, reason) => writeln!(out, "<p>known: {}</p>", escape(reason))?,
        Verdict::Undetermined(how) => writeln!(out, "<p>undetermined: {}</p>", why(*how))?,
        Verdict::Unasked(error) => {
            let error = error.to_string();
            writeln!(out, "<p>no answer of the reference: {}</p>", escape(&error))?;
        }
        Verdict::Equal | Verdict::Different(_) => {}
    }
    for difference in differences(&outcome.verdict) {
        writeln!(out, "<p>{}</p>", escape(&difference.to_string()))?;
        if let Some(plots) = plots(difference) {
            writeln!(out, "<div class=\"plots\">{plots}</div>")?;
        }
    }
    out.write_str("</section>\n")
}

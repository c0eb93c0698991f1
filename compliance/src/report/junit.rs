//! For what shows tests, in the form that JUnit's readers agree on: a suite, of
//! which each query is a case, with failures and skips.

use std::fmt::Write as _;

use super::escape::escape;
use super::summary::Report;
use super::text::{differences, times, why};
use crate::compare::{Outcome, Verdict};

pub(super) fn write(report: &Report) -> String {
    let mut out = String::new();
    let counts = &report.counts;
    let skipped = counts.accepted + counts.undetermined;
    let _ = write!(
        out,
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <testsuites>\n<testsuite name=\"{} compared with {}\" tests=\"{}\" failures=\"{}\" \
         errors=\"{}\" skipped=\"{skipped}\" time=\"{:.3}\">\n",
        escape(&report.test),
        escape(&report.reference),
        counts.asked,
        counts.different,
        counts.unasked,
        report.elapsed.as_secs_f64()
    );
    for outcome in report.outcomes.iter().chain(&report.equal) {
        let _ = case(outcome, &mut out);
    }
    // What is not listed is equal.
    let listed = report.outcomes.len() + report.equal.len();
    if counts.asked > listed {
        let count = counts.asked - listed;
        let _ = writeln!(out, "<!-- {count} more, with equal answers -->");
    }
    out.push_str("</testsuite>\n</testsuites>\n");
    out
}

fn case(outcome: &Outcome, out: &mut String) -> std::fmt::Result {
    write!(
        out,
        "<testcase classname=\"{}\" name=\"{} {}\"",
        escape(&outcome.case.origin.to_string()),
        escape(&outcome.case.query),
        times(outcome.times)
    )?;
    let skip = |reason: &str| format!("<skipped message=\"{}\"/>", escape(reason));
    let inner = match &outcome.verdict {
        Verdict::Equal => return out.write_str("/>\n"),
        Verdict::Different(found) => {
            let lines: Vec<String> = found.iter().map(ToString::to_string).collect();
            format!(
                "<failure type=\"{}\" message=\"{}\">{}</failure>",
                differences(&outcome.verdict)
                    .first()
                    .map_or("", |one| one.kind.name()),
                escape(lines.first().map_or("", String::as_str)),
                escape(&lines.join("\n"))
            )
        }
        Verdict::Accepted(_, reason) => skip(reason),
        Verdict::Undetermined(how) => skip(why(*how)),
        Verdict::Unasked(error) => {
            format!("<error message=\"{}\"/>", escape(&error.to_string()))
        }
    };
    writeln!(out, ">{inner}</testcase>")
}

//! For a terminal.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt::Write as _;

use quarrel_engine::QueryTimes;

use super::summary::Report;
use crate::answer::seconds;
use crate::compare::{Counts, Difference, Outcome, Undetermined, Verdict};

/// Queries of one kind that are listed, each with another smallest form.
const MOST: usize = 20;
/// Characters of a query, or of a difference, that are shown.
const WIDE: usize = 400;

pub(super) fn write(report: &Report) -> String {
    let mut out = String::new();
    // Writing to a string does not fail.
    let _ = lines(report, &mut out);
    out
}

fn lines(report: &Report, out: &mut String) -> std::fmt::Result {
    for (kind, outcomes) in report.by_kind() {
        writeln!(out, "{kind} ({})", outcomes.len())?;
        let groups = by_smallest(&outcomes);
        for (first, others) in groups.iter().take(MOST) {
            query(first, out)?;
            if let Some(small) = &first.smallest {
                let times = small.times.map(times).unwrap_or_default();
                writeln!(out, "    smallest: {} ({times})", shorten(&small.query))?;
            }
            for difference in differences(&first.verdict) {
                writeln!(out, "      {}", shorten(&difference.to_string()))?;
            }
            if *others > 0 {
                writeln!(out, "    {others} more come down to the same")?;
            }
        }
        if groups.len() > MOST {
            writeln!(out, "  and {} more", groups.len() - MOST)?;
        }
        writeln!(out)?;
    }
    for outcome in &report.outcomes {
        if let Verdict::Unasked(error) = &outcome.verdict {
            writeln!(out, "not asked: the reference gave no answer")?;
            query(outcome, out)?;
            writeln!(out, "      {error}\n")?;
        }
    }
    for name in &report.unused {
        writeln!(out, "known difference that was not met: {}", shorten(name))?;
    }
    write!(out, "{}", sum(&report.counts))?;
    writeln!(out, ", in {:.1} s", report.elapsed.as_secs_f64())
}

/// Outcomes with the same smallest form: the first of each, and how many others
/// there are.
fn by_smallest<'a>(outcomes: &[&'a Outcome]) -> Vec<(&'a Outcome, usize)> {
    let smallest = |outcome: &Outcome| {
        let small = outcome.smallest.as_ref().unwrap_or(&outcome.case);
        small.query.clone()
    };
    let mut groups: Vec<(&Outcome, usize)> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    for outcome in outcomes {
        match places.entry(smallest(outcome)) {
            Entry::Occupied(place) => groups[*place.get()].1 += 1,
            Entry::Vacant(place) => {
                place.insert(groups.len());
                groups.push((outcome, 0));
            }
        }
    }
    groups
}

fn query(outcome: &Outcome, out: &mut String) -> std::fmt::Result {
    let case = &outcome.case;
    writeln!(out, "  {}", shorten(&case.query))?;
    writeln!(out, "    {} ({})", times(outcome.times), case.origin)
}

/// The counts in one line.
pub(super) fn sum(counts: &Counts) -> String {
    let mut line = format!(
        "{} queries: {} equal, {} different",
        counts.asked, counts.equal, counts.different
    );
    for (count, what) in [
        (counts.accepted, "known to differ"),
        (counts.undetermined, "undetermined"),
        (counts.unasked, "without an answer of the reference"),
    ] {
        if count > 0 {
            let _ = write!(line, ", {count} {what}");
        }
    }
    let _ = write!(
        line,
        "; {} with samples, {} empty, {} errors",
        counts.with_samples, counts.empty, counts.failures
    );
    line
}

/// The times of a query, as the API takes them.
pub(super) fn times(times: QueryTimes) -> String {
    match times {
        QueryTimes::Instant(at) => format!("time={}", seconds(at.as_millis())),
        QueryTimes::Range(range) => format!(
            "start={} end={} step={}",
            seconds(range.start().as_millis()),
            seconds(range.end().as_millis()),
            seconds(range.step_millis())
        ),
    }
}

/// What became of a query, in a word.
pub(super) fn word(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Equal => "equal",
        Verdict::Different(_) => "different",
        Verdict::Accepted(..) => "accepted",
        Verdict::Undetermined(_) => "undetermined",
        Verdict::Unasked(_) => "unasked",
    }
}

/// Why there is more than one right answer.
pub(super) fn why(undetermined: Undetermined) -> &'static str {
    match undetermined {
        Undetermined::Reference => "the reference gives different answers",
        Undetermined::Fault => "the reference fails by a fault of its own",
        Undetermined::Tie => "an aggregation chooses among equal values",
    }
}

/// The differences of an outcome, if it has any.
pub(super) fn differences(verdict: &Verdict) -> &[Difference] {
    match verdict {
        Verdict::Different(differences) | Verdict::Accepted(differences, _) => differences,
        Verdict::Equal | Verdict::Undetermined(_) | Verdict::Unasked(_) => &[],
    }
}

fn shorten(text: &str) -> String {
    let mut chars = text.chars();
    let begin: String = chars.by_ref().take(WIDE).collect();
    match chars.next() {
        None => begin,
        Some(_) => format!("{begin}..."),
    }
}

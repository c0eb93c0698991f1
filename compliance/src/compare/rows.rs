//! Comparing the rows of two answers.

use std::collections::{HashMap, HashSet};

use quarrel_functions::fmt::format_g;

use super::difference::{Difference, Kind, Sides, cut};
use super::histograms::differs;
use super::tolerance::Tolerance;
use crate::answer::{Histogram, Labels, Row, seconds};

/// How many rows without a partner are searched for one with other labels.
const MOST_SEARCHED: usize = 500;

/// The differences between rows, in any order, most severe first, one of each
/// kind.
pub(super) fn compare_rows(
    reference: &[Row],
    test: &[Row],
    tolerance: &Tolerance,
) -> Vec<Difference> {
    let mut found = Found::default();
    let mut left: HashMap<&Labels, Vec<&Row>> = HashMap::with_capacity(test.len());
    for row in test.iter().rev() {
        left.entry(&row.labels).or_default().push(row);
    }
    let mut missing = Vec::new();
    for row in reference {
        let same = left.get_mut(&row.labels);
        let partner = same.and_then(|rows| take(rows, row, tolerance));
        match partner {
            Some(partner) => compare_samples(row, partner, tolerance, &mut found),
            None => missing.push(row),
        }
    }
    // In the order of the answer.
    let left: HashSet<*const Row> = left
        .into_values()
        .flatten()
        .map(std::ptr::from_ref)
        .collect();
    let extra = test
        .iter()
        .filter(|row| left.contains(&std::ptr::from_ref(*row)));
    let extra = extra.collect();
    compare_partnerless(missing, extra, tolerance, &mut found);
    found.0.sort_by_key(|difference| difference.kind);
    found.0
}

/// Takes the partner of a row from those with its labels: of several, which
/// Prometheus has in a few places, an equal one.
fn take<'a>(rows: &mut Vec<&'a Row>, row: &Row, tolerance: &Tolerance) -> Option<&'a Row> {
    if rows.len() > 1 {
        // Of very many a neighbour will do.
        let first = rows.len().saturating_sub(MOST_SEARCHED);
        let equal = rows[first..]
            .iter()
            .rposition(|other| equal(row, other, tolerance));
        if let Some(at) = equal.map(|at| first + at) {
            return Some(rows.remove(at));
        }
    }
    rows.pop()
}

/// Rows that have the same samples under other labels; the rest is missing, or
/// too much.
fn compare_partnerless(
    missing: Vec<&Row>,
    mut extra: Vec<&Row>,
    tolerance: &Tolerance,
    found: &mut Found,
) {
    let searched = missing.len().max(extra.len()) <= MOST_SEARCHED;
    for row in missing {
        let renamed = extra
            .iter()
            .position(|other| searched && !row.is_empty() && equal(row, other, tolerance));
        if let Some(at) = renamed {
            let other = extra.remove(at);
            let text = format!("reference {}; test {}", row.labels, other.labels);
            found.add(Kind::Labels, row.first_time(), Some(row), Some(other), text);
        } else {
            let text = format!("{}, {}", row.labels, count(row));
            found.add(Kind::MissingSeries, row.first_time(), Some(row), None, text);
        }
    }
    for row in extra {
        let text = format!("{}, {}", row.labels, count(row));
        found.add(Kind::ExtraSeries, row.first_time(), None, Some(row), text);
    }
}

fn count(row: &Row) -> String {
    match row.len() {
        1 => "1 sample".to_string(),
        count => format!("{count} samples"),
    }
}

fn equal(a: &Row, b: &Row, tolerance: &Tolerance) -> bool {
    let floats = |pair: (Option<&f64>, Option<&f64>)| match pair {
        (Some(x), Some(y)) => tolerance.equal(*x, *y),
        _ => false,
    };
    let histograms = |pair: (Option<&Histogram>, Option<&Histogram>)| match pair {
        (Some(x), Some(y)) => differs(x, y, tolerance).is_none(),
        _ => false,
    };
    pairs(&a.floats, &b.floats).all(|(_, pair)| floats(pair))
        && pairs(&a.histograms, &b.histograms).all(|(_, pair)| histograms(pair))
}

fn compare_samples(a: &Row, b: &Row, tolerance: &Tolerance, found: &mut Found) {
    let floats = pairs(&a.floats, &b.floats);
    for (at, pair) in floats {
        match pair {
            (Some(x), Some(y)) if tolerance.equal(*x, *y) => {}
            (Some(x), Some(y)) => {
                let text = || {
                    let (x, y) = (format_g(*x), format_g(*y));
                    format!("{} at {}: reference {x}; test {y}", a.labels, seconds(at))
                };
                found.note(Kind::Value, at, a, b, text);
            }
            (Some(x), None) => {
                let text = || format!("{} at {}: {}", a.labels, seconds(at), format_g(*x));
                found.note(Kind::MissingSamples, at, a, b, text);
            }
            (None, Some(y)) => {
                let text = || format!("{} at {}: {}", a.labels, seconds(at), format_g(*y));
                found.note(Kind::ExtraSamples, at, a, b, text);
            }
            (None, None) => {}
        }
    }
    for (at, pair) in pairs(&a.histograms, &b.histograms) {
        let place = || format!("{} at {}", a.labels, seconds(at));
        match pair {
            (Some(x), Some(y)) => {
                if let Some(what) = differs(x, y, tolerance) {
                    found.note(Kind::Histogram, at, a, b, || format!("{}: {what}", place()));
                }
            }
            (Some(_), None) => {
                let text = || format!("{}: a histogram", place());
                found.note(Kind::MissingSamples, at, a, b, text);
            }
            (None, Some(_)) => {
                let text = || format!("{}: a histogram", place());
                found.note(Kind::ExtraSamples, at, a, b, text);
            }
            (None, None) => {}
        }
    }
}

/// The samples of both sides, by time. Times that do not grow are met where
/// they stand.
fn pairs<'a, T>(
    a: &'a [(i64, T)],
    b: &'a [(i64, T)],
) -> impl Iterator<Item = (i64, (Option<&'a T>, Option<&'a T>))> {
    let (mut i, mut k) = (0, 0);
    std::iter::from_fn(move || {
        let (x, y) = (a.get(i), b.get(k));
        let at = match (x, y) {
            (Some(x), Some(y)) => x.0.min(y.0),
            (one, other) => one.or(other)?.0,
        };
        let x = x.filter(|x| x.0 == at);
        let y = y.filter(|y| y.0 == at);
        i += usize::from(x.is_some());
        k += usize::from(y.is_some());
        Some((at, (x.map(|x| &x.1), y.map(|y| &y.1))))
    })
}

/// Differences by kind: of each the first, and how many there are.
#[derive(Default)]
struct Found(Vec<Difference>);

impl Found {
    fn note(&mut self, kind: Kind, at: i64, a: &Row, b: &Row, text: impl FnOnce() -> String) {
        match self.0.iter_mut().find(|other| other.kind == kind) {
            Some(other) => other.count += 1,
            None => self.add(kind, Some(at), Some(a), Some(b), text()),
        }
    }

    fn add(
        &mut self,
        kind: Kind,
        at: Option<i64>,
        reference: Option<&Row>,
        test: Option<&Row>,
        text: String,
    ) {
        if let Some(other) = self.0.iter_mut().find(|other| other.kind == kind) {
            other.count += 1;
            return;
        }
        self.0.push(Difference {
            kind,
            count: 1,
            text: cut(text),
            at,
            rows: Some(Box::new(Sides {
                reference: reference.cloned(),
                test: test.cloned(),
            })),
        });
    }
}

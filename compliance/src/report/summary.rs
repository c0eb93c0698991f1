//! The report as it grows.

use std::time::Duration;

use crate::compare::{Accepted, Counts, Kind, Outcome, Verdict};

/// Differences that keep their series, for plots. Those of later ones are left
/// out, so that a report on an endpoint that has everything wrong stays small.
const MOST_SERIES: usize = 200;

/// What a comparison found.
#[derive(Clone, Debug)]
pub struct Report {
    /// What the reference is called.
    pub reference: String,
    /// What the endpoint is called that was compared with it.
    pub test: String,
    /// How many queries had each outcome.
    pub counts: Counts,
    /// All outcomes but those with equal answers, in the order of the queries.
    pub outcomes: Vec<Outcome>,
    /// Queries whose answers are equal, if they are kept.
    pub equal: Vec<Outcome>,
    /// Entries of the list of known differences that no query needed.
    pub unused: Vec<String>,
    /// How long it took.
    pub elapsed: Duration,
    keep_equal: bool,
    with_series: usize,
}

impl Report {
    /// An empty report. With `keep_equal` it lists queries whose answers are
    /// equal, too.
    pub fn new(reference: &str, test: &str, keep_equal: bool) -> Self {
        Report {
            reference: reference.to_string(),
            test: test.to_string(),
            counts: Counts::default(),
            outcomes: Vec::new(),
            equal: Vec::new(),
            unused: Vec::new(),
            elapsed: Duration::ZERO,
            keep_equal,
            with_series: 0,
        }
    }

    /// Adds what became of a query.
    pub fn add(&mut self, mut outcome: Outcome) {
        self.counts.add(&outcome);
        match &mut outcome.verdict {
            Verdict::Equal => {
                if self.keep_equal {
                    self.equal.push(outcome);
                }
                return;
            }
            Verdict::Different(differences) | Verdict::Accepted(differences, _) => {
                self.with_series += 1;
                if self.with_series > MOST_SERIES {
                    differences.iter_mut().for_each(|one| one.rows = None);
                }
            }
            Verdict::Undetermined(_) | Verdict::Unasked(_) => {}
        }
        self.outcomes.push(outcome);
    }

    /// Ends the report.
    pub fn finish(&mut self, accepted: &Accepted, elapsed: Duration) {
        self.elapsed = elapsed;
        let used = |name: &str| {
            self.outcomes.iter().any(|outcome| match &outcome.verdict {
                Verdict::Accepted(differences, _) => accepted
                    .entry(&outcome.case.query, differences)
                    .is_some_and(|entry| entry.name == name),
                _ => false,
            })
        };
        let names = accepted.entries().map(|entry| entry.name);
        self.unused = names
            .filter(|name| !used(name))
            .map(str::to_string)
            .collect();
    }

    /// The differing outcomes by the kind of their first difference, most
    /// severe first.
    pub(super) fn by_kind(&self) -> Vec<(Kind, Vec<&Outcome>)> {
        let of = |kind: Kind| {
            let outcomes = self.outcomes.iter();
            let those = outcomes.filter(|outcome| match &outcome.verdict {
                Verdict::Different(differences) => {
                    differences.first().map(|d| d.kind) == Some(kind)
                }
                _ => false,
            });
            (kind, those.collect::<Vec<_>>())
        };
        let all = Kind::ALL.into_iter().map(of);
        all.filter(|(_, outcomes)| !outcomes.is_empty()).collect()
    }
}

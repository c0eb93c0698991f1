//! Makes a query on which two servers differ smaller, down to the smallest form
//! that still shows the difference.
//!
//! A [`Shrinker`] has the questions, its user asks them. It works on the syntax
//! tree: it takes a part of an expression in the place of the whole, drops
//! matchers, modifiers and groupings, shortens strings, durations and numbers,
//! and takes fewer steps, at best one. A text that is no query is cut to pieces.
//! It is greedy: what it finds cannot be made smaller by one change, but a quite
//! different query may be smaller still.
//!
//! # Examples
//! ```
//! use quarrel_compliance::cases::{Case, Origin};
//! use quarrel_compliance::shrink::Shrinker;
//!
//! let query = r#"sum by (job) (rate(up{job="a"}[5m] offset 1m) + ceil(down))"#;
//! let mut shrinker = Shrinker::new(Case::new(query, Origin::default()), 300);
//! while let Some(smaller) = shrinker.candidate() {
//!     // Ask both servers here; this stands for a fault of `ceil`.
//!     let differs = smaller.query.contains("ceil");
//!     shrinker.tell(differs);
//! }
//! assert_eq!(shrinker.smallest().query, "ceil(down)");
//! ```

mod changes;
mod parts;
#[cfg(test)]
mod tests;
mod text;
mod times;

use std::collections::{HashSet, VecDeque};

use quarrel_engine::QueryTimes;
use quarrel_functions::table::ValueType;
use quarrel_planner::to_promql;

use crate::cases::Case;
use crate::syntax::tree;

/// A query that is made smaller, and the questions that are left.
#[derive(Clone, Debug)]
pub struct Shrinker {
    smallest: Case,
    budget: usize,
    /// A time at which the answers differ, in milliseconds.
    differs_at: Option<i64>,
    stage: Stage,
    /// What may be asked next.
    queue: VecDeque<Case>,
    /// What is asked now.
    pending: Option<Case>,
    asked: HashSet<(String, Option<QueryTimes>)>,
    /// Whether the smallest form is what a tree prints.
    canonical: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Begin,
    /// Does the difference stay if the query is written as Prometheus prints it?
    Print,
    /// Fewer steps.
    Times,
    /// A shorter text.
    Text,
    /// Fewer steps for the shorter text.
    TimesOfText,
}

impl Shrinker {
    /// A shrinker that asks at most `budget` questions.
    pub fn new(case: Case, budget: usize) -> Self {
        let asked = HashSet::from([(case.query.clone(), case.times)]);
        Shrinker {
            smallest: case,
            budget,
            differs_at: None,
            stage: Stage::Begin,
            queue: VecDeque::new(),
            pending: None,
            asked,
            canonical: false,
        }
    }

    /// With a time, in milliseconds since the epoch, at which the answers to a
    /// range query differ: the first guess when its steps are reduced.
    #[must_use]
    pub fn differing_at(mut self, millis: i64) -> Self {
        self.differs_at = Some(millis);
        self
    }

    /// The next question: do the answers to this smaller query differ, too? `None`
    /// at the end. [`Shrinker::tell`] takes the answer; until then the question is
    /// the same.
    pub fn candidate(&mut self) -> Option<Case> {
        while self.pending.is_none() {
            let Some(case) = self.queue.pop_front() else {
                self.stage = self.next_stage()?;
                self.fill();
                continue;
            };
            if self.budget == 0 {
                return None;
            }
            let key = (case.query.clone(), case.times);
            if self.is_useful(&case) && self.asked.insert(key) {
                self.budget -= 1;
                self.pending = Some(case);
            }
        }
        self.pending.clone()
    }

    /// Takes the answer to the last question.
    pub fn tell(&mut self, differs: bool) {
        let Some(case) = self.pending.take() else {
            return;
        };
        if self.stage == Stage::Print {
            self.canonical = differs;
        }
        if differs {
            self.smallest = case;
            self.fill();
        }
    }

    /// The smallest query so far on which the answers differ.
    pub fn smallest(&self) -> &Case {
        &self.smallest
    }

    fn next_stage(&self) -> Option<Stage> {
        match self.stage {
            Stage::Begin => Some(Stage::Print),
            Stage::Print => Some(Stage::Times),
            Stage::Times => Some(Stage::Text),
            Stage::Text => Some(Stage::TimesOfText),
            Stage::TimesOfText => None,
        }
    }

    /// Whether a candidate is a query that has answers at its times. If what is
    /// shrunk is none, anything goes.
    fn is_useful(&self, case: &Case) -> bool {
        if !self.canonical && self.stage != Stage::Print {
            return true;
        }
        let Some(tree) = tree(&case.query) else {
            return false;
        };
        match case.times {
            Some(QueryTimes::Range(_)) => matches!(
                tree.expr().value_type(),
                ValueType::Vector | ValueType::Scalar
            ),
            _ => true,
        }
    }

    /// Queues the questions of the stage about the smallest query.
    fn fill(&mut self) {
        self.queue.clear();
        match self.stage {
            Stage::Begin => {}
            Stage::Print => {
                if let Some(tree) = tree(&self.smallest.query) {
                    let text = to_promql(tree.expr());
                    self.canonical = text == self.smallest.query;
                    self.queue_texts([text]);
                }
            }
            Stage::Times | Stage::TimesOfText => {
                if let Some(times) = self.smallest.times {
                    let fewer = times::fewer(times, self.differs_at);
                    let cases = fewer.into_iter().map(|times| Case {
                        times: Some(times),
                        ..self.smallest.clone()
                    });
                    self.queue = cases.collect();
                }
            }
            Stage::Text => {
                let text = &self.smallest.query;
                let shorter = match tree(text) {
                    Some(tree) if self.canonical => changes::shorter(tree.expr(), text.len()),
                    _ => text::cuts(text),
                };
                self.queue_texts(shorter);
            }
        }
    }

    fn queue_texts(&mut self, texts: impl IntoIterator<Item = String>) {
        let cases = texts.into_iter().map(|query| Case {
            query,
            ..self.smallest.clone()
        });
        self.queue.extend(cases);
    }
}

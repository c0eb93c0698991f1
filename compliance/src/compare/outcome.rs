//! What became of a query.

use quarrel_engine::QueryTimes;

use super::difference::Difference;
use crate::answer::{Answer, Data};
use crate::cases::Case;
use crate::endpoint::AskError;

/// A query that was asked at some times, and what became of it.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The query.
    pub case: Case,
    /// When it was evaluated.
    pub times: QueryTimes,
    /// Whether the answers are equal.
    pub verdict: Verdict,
    /// What the reference's answer is like: a measure of what the query tests.
    pub answer: AnswerKind,
    /// The smallest form of the query that was found to differ in the same way.
    pub smallest: Option<Case>,
}

/// Whether the answers to a query are equal.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// They are.
    Equal,
    /// They differ.
    Different(Vec<Difference>),
    /// They differ in a way that is known, for a reason.
    Accepted(Vec<Difference>, String),
    /// There is more than one right answer.
    Undetermined(Undetermined),
    /// The reference did not answer.
    Unasked(AskError),
}

/// How it was found out that there is more than one right answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Undetermined {
    /// The reference gave another one when it was asked again.
    Reference,
    /// An aggregation chose among equal values.
    Tie,
    /// The reference failed by a fault of its own: `unexpected error`.
    Fault,
}

/// What an answer is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnswerKind {
    /// It has samples.
    Samples,
    /// It is a success without samples.
    Empty,
    /// It is an error.
    Failure,
    /// There is none.
    None,
}

impl AnswerKind {
    /// Of an answer.
    pub(super) fn of(answer: &Answer) -> Self {
        match answer {
            Answer::Data(Data { value, .. }) if value.samples() > 0 => AnswerKind::Samples,
            Answer::Data(_) => AnswerKind::Empty,
            Answer::Failure(_) => AnswerKind::Failure,
        }
    }
}

/// How many queries had each outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Queries in all, at all their times.
    pub asked: usize,
    /// With equal answers.
    pub equal: usize,
    /// With answers that differ.
    pub different: usize,
    /// With answers that differ in a known way.
    pub accepted: usize,
    /// With more than one right answer.
    pub undetermined: usize,
    /// To which the reference gave no answer.
    pub unasked: usize,
    /// To which the reference's answer has samples.
    pub with_samples: usize,
    /// To which the reference's answer is empty.
    pub empty: usize,
    /// To which the reference's answer is an error.
    pub failures: usize,
}

impl Counts {
    /// Counts an outcome.
    pub fn add(&mut self, outcome: &Outcome) {
        self.asked += 1;
        *match outcome.verdict {
            Verdict::Equal => &mut self.equal,
            Verdict::Different(_) => &mut self.different,
            Verdict::Accepted(..) => &mut self.accepted,
            Verdict::Undetermined(_) => &mut self.undetermined,
            Verdict::Unasked(_) => &mut self.unasked,
        } += 1;
        match outcome.answer {
            AnswerKind::Samples => self.with_samples += 1,
            AnswerKind::Empty => self.empty += 1,
            AnswerKind::Failure => self.failures += 1,
            AnswerKind::None => {}
        }
    }
}

//! Asking both, and comparing.

use std::sync::Arc;

use futures::{Stream, StreamExt as _};
use quarrel_engine::QueryTimes;
use quarrel_planner::Tree;
use quarrel_planner::ast::Expr;

use super::accept::Accepted;
use super::answers::{Promise, Strictness, compare};
use super::difference::{Difference, Kind};
use super::outcome::{AnswerKind, Outcome, Undetermined, Verdict};
use super::ties::{choices, explained};
use super::tweaks::{tolerance, tweak_reference, tweak_test};
use crate::answer::Answer;
use crate::cases::suite::Tweak;
use crate::cases::{Case, Expected};
use crate::endpoint::{AskError, Endpoint};
use crate::shrink::Shrinker;
use crate::syntax::tree;

/// Two endpoints, and how they are compared.
#[derive(Clone, Debug)]
pub struct Comparison {
    reference: Endpoint,
    test: Endpoint,
    options: Arc<CompareOptions>,
}

/// How endpoints are compared.
#[derive(Clone, Debug)]
pub struct CompareOptions {
    /// How strictly answers are compared.
    pub strictness: Strictness,
    /// Queries at a time, each asked of both endpoints.
    pub jobs: usize,
    /// How often the reference is asked again before a difference counts; four
    /// times as often where warnings and infos alone differ.
    pub repeats: usize,
    /// Whether a choice among equal values counts as a difference.
    pub strict_ties: bool,
    /// Differences that are known.
    pub accepted: Accepted,
    /// What makes up for differences that are no faults.
    pub tweaks: Vec<Tweak>,
    /// Questions to spend on making a query that differs smaller.
    pub shrink: usize,
}

impl Default for CompareOptions {
    fn default() -> Self {
        CompareOptions {
            strictness: Strictness::default(),
            jobs: 4,
            repeats: 15,
            strict_ties: false,
            accepted: Accepted::default(),
            tweaks: Vec::new(),
            shrink: 0,
        }
    }
}

impl Comparison {
    /// Compares a test endpoint with a reference.
    pub fn new(reference: Endpoint, test: Endpoint, options: CompareOptions) -> Self {
        Comparison {
            reference,
            test,
            options: Arc::new(options),
        }
    }

    /// The endpoint that is right.
    pub fn reference(&self) -> &Endpoint {
        &self.reference
    }

    /// The endpoint that is compared with it.
    pub fn test(&self) -> &Endpoint {
        &self.test
    }

    /// How they are compared.
    pub fn options(&self) -> &CompareOptions {
        &self.options
    }

    /// Asks all queries, some at a time, and hands out what became of each, in
    /// their order. To drop the stream ends it.
    pub fn outcomes(
        &self,
        queries: impl IntoIterator<Item = (Case, QueryTimes)>,
    ) -> impl Stream<Item = Outcome> {
        let asking = queries
            .into_iter()
            .map(|(case, times)| self.check(case, times));
        futures::stream::iter(asking).buffered(self.options.jobs.max(1))
    }

    /// Asks one query, and makes it smaller if the answers differ.
    pub async fn check(&self, case: Case, times: QueryTimes) -> Outcome {
        let (answer, verdict) = self.verdict(&case, times).await;
        let verdict = self.accept(&case, verdict);
        let smallest = match &verdict {
            Verdict::Different(differences) if self.shrinks(differences) => {
                self.shrink(&case, times, differences).await
            }
            _ => None,
        };
        Outcome {
            case,
            times,
            verdict,
            answer,
            smallest,
        }
    }

    async fn verdict(&self, case: &Case, times: QueryTimes) -> (AnswerKind, Verdict) {
        let (reference, test) = futures::join!(
            self.reference.query(&case.query, times),
            self.test.query(&case.query, times)
        );
        let answer = reference.as_ref().map_or(AnswerKind::None, AnswerKind::of);
        let verdict = match (reference, test) {
            (Err(error), _) => Verdict::Unasked(error),
            (Ok(reference), _) if faulty(&reference) => Verdict::Undetermined(Undetermined::Fault),
            (Ok(_), Err(error)) => Verdict::Different(vec![unanswered(&error)]),
            (Ok(reference), Ok(test)) => self.judge(case, times, reference, test).await,
        };
        (answer, verdict)
    }

    /// Whether smaller queries tell more. Where there is no answer they do not, and
    /// each would take its time.
    fn shrinks(&self, differences: &[Difference]) -> bool {
        let answered = differences
            .first()
            .is_some_and(|one| one.kind > Kind::Unreadable);
        self.options.shrink > 0 && answered
    }

    /// The smallest form of a query that shows a difference of the same kind.
    async fn shrink(
        &self,
        case: &Case,
        times: QueryTimes,
        differences: &[Difference],
    ) -> Option<Case> {
        let first = differences.first()?;
        let begin = Case {
            times: Some(times),
            ..case.clone()
        };
        let mut shrinker = Shrinker::new(begin.clone(), self.options.shrink);
        if let Some(at) = first.at {
            shrinker = shrinker.differing_at(at);
        }
        while let Some(smaller) = shrinker.candidate() {
            let times = smaller.times.unwrap_or(times);
            let (_, verdict) = self.verdict(&smaller, times).await;
            shrinker.tell(match verdict {
                Verdict::Different(found) => found.first().map(|one| one.kind) == Some(first.kind),
                _ => false,
            });
        }
        Some(shrinker.smallest().clone()).filter(|smallest| *smallest != begin)
    }

    async fn judge(
        &self,
        case: &Case,
        times: QueryTimes,
        mut reference: Answer,
        mut test: Answer,
    ) -> Verdict {
        if let Some(verdict) = expected(case.expected, &reference, &test) {
            return verdict;
        }
        let tweaks = &self.options.tweaks;
        tweak_reference(tweaks, times, &mut reference);
        tweak_test(tweaks, &mut test);
        let tree = tree(&case.query);
        let promise = promise(tree.as_ref(), times);
        let mut strictness = self.options.strictness.clone();
        strictness.tolerance = tolerance(tweaks, strictness.tolerance);
        let compare = |a: &Answer, b: &Answer| compare(a, b, promise, &strictness);
        let differences = compare(&reference, &test);
        if differences.is_empty() {
            return Verdict::Equal;
        }
        for _ in 0..self.repeats(&differences) {
            let Ok(mut again) = self.reference.query(&case.query, times).await else {
                break;
            };
            tweak_reference(tweaks, times, &mut again);
            if compare(&again, &test).is_empty() {
                return Verdict::Equal;
            }
            if !compare(&reference, &again).is_empty() {
                return Verdict::Undetermined(Undetermined::Reference);
            }
        }
        let choices = match &tree {
            Some(tree) if !self.options.strict_ties => choices(tree.expr()),
            _ => Vec::new(),
        };
        let answers = (&reference, &test);
        let tolerance = &strictness.tolerance;
        let tied = explained(
            &choices,
            answers,
            &differences,
            &self.reference,
            times,
            tolerance,
            tweaks,
        );
        match tied.await {
            true => Verdict::Undetermined(Undetermined::Tie),
            false => Verdict::Different(differences),
        }
    }

    /// How often the reference is asked again. Some of Prometheus's warnings and
    /// infos come once in three times, or more seldom.
    fn repeats(&self, differences: &[Difference]) -> usize {
        let notes = |one: &Difference| matches!(one.kind, Kind::Warnings | Kind::Infos);
        match differences.iter().all(notes) {
            true => self.options.repeats * 4,
            false => self.options.repeats,
        }
    }

    fn accept(&self, case: &Case, verdict: Verdict) -> Verdict {
        let Verdict::Different(differences) = verdict else {
            return verdict;
        };
        match self.options.accepted.entry(&case.query, &differences) {
            Some(known) => Verdict::Accepted(differences, known.reason.to_string()),
            None => Verdict::Different(differences),
        }
    }
}

/// Whether an answer is a fault of the engine, as Prometheus reports a panic.
fn faulty(answer: &Answer) -> bool {
    matches!(answer, Answer::Failure(failure) if failure.message.starts_with("unexpected error: "))
}

/// The verdict on answers that are not compared. Where the reference itself does
/// not do what is expected, the answers are compared.
fn expected(expected: Expected, reference: &Answer, test: &Answer) -> Option<Verdict> {
    let must_fail = match expected {
        Expected::Equal => return None,
        Expected::Failure => true,
        Expected::Success => false,
    };
    let as_expected = |answer: &Answer| matches!(answer, Answer::Failure(_)) == must_fail;
    if !as_expected(reference) {
        return None;
    }
    if as_expected(test) {
        // Two failures are compared by their types.
        return (!must_fail).then_some(Verdict::Equal);
    }
    let text = match test {
        Answer::Data(_) => "it must fail: test succeeds".to_string(),
        Answer::Failure(failure) => {
            format!(
                "it must succeed: test fails: {}: {:?}",
                failure.kind, failure.message
            )
        }
    };
    Some(Verdict::Different(vec![Difference::one(Kind::Error, text)]))
}

/// The difference between an answer and none.
fn unanswered(error: &AskError) -> Difference {
    let kind = match error {
        AskError::Timeout { .. } => Kind::Timeout,
        AskError::Connect(_) | AskError::Broken { .. } => Kind::Connection,
        _ => Kind::Unreadable,
    };
    Difference::one(kind, format!("test: {error}"))
}

/// The order that a query promises.
fn promise(tree: Option<&Tree>, times: QueryTimes) -> Promise {
    let (Some(tree), QueryTimes::Instant(_)) = (tree, times) else {
        return Promise::None;
    };
    match tree.expr().unparenthesized() {
        Expr::Call(call) => match call.function.name {
            "sort" | "sort_desc" => Promise::Values,
            "sort_by_label" | "sort_by_label_desc" => Promise::Rows,
            _ => Promise::None,
        },
        Expr::Aggregate(aggregate) if aggregate.grouping.is_empty() && !aggregate.without => {
            match aggregate.op.name {
                "topk" | "bottomk" => Promise::Values,
                _ => Promise::None,
            }
        }
        _ => Promise::None,
    }
}

//! Asking both, and comparing.

use std::sync::Arc;

use futures::{Stream, StreamExt as _};
use quarrel_engine::QueryTimes;
use quarrel_planner::ast::Expr;
use quarrel_planner::{ParserOptions, Tree, parse};

use super::accept::Accepted;
use super::answers::{Promise, Strictness, compare};
use super::difference::{Difference, Kind};
use super::outcome::{AnswerKind, Outcome, Undetermined, Verdict};
use super::ties::{choices, explained};
use crate::answer::Answer;
use crate::cases::{Case, Expected};
use crate::endpoint::{AskError, Endpoint};

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
    /// How often the reference is asked again before a difference counts.
    pub repeats: usize,
    /// Whether a choice among equal values counts as a difference.
    pub strict_ties: bool,
    /// Differences that are known.
    pub accepted: Accepted,
}

impl Default for CompareOptions {
    fn default() -> Self {
        CompareOptions {
            strictness: Strictness::default(),
            jobs: 4,
            repeats: 5,
            strict_ties: false,
            accepted: Accepted::default(),
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

    /// Asks one query.
    pub async fn check(&self, case: Case, times: QueryTimes) -> Outcome {
        let (reference, test) = futures::join!(
            self.reference.query(&case.query, times),
            self.test.query(&case.query, times)
        );
        let answer = reference.as_ref().map_or(AnswerKind::None, AnswerKind::of);
        let verdict = match (reference, test) {
            (Err(error), _) => Verdict::Unasked(error),
            (Ok(_), Err(error)) => Verdict::Different(vec![unanswered(&error)]),
            (Ok(reference), Ok(test)) => self.judge(&case, times, reference, test).await,
        };
        Outcome {
            verdict: self.accept(&case, verdict),
            case,
            times,
            answer,
            smallest: None,
        }
    }

    async fn judge(
        &self,
        case: &Case,
        times: QueryTimes,
        reference: Answer,
        test: Answer,
    ) -> Verdict {
        if let Some(verdict) = expected(case.expected, &reference, &test) {
            return verdict;
        }
        let tree = parse(&case.query, &ParserOptions::all()).ok();
        let promise = promise(tree.as_ref(), times);
        let strictness = &self.options.strictness;
        let differences = compare(&reference, &test, promise, strictness);
        if differences.is_empty() {
            return Verdict::Equal;
        }
        for _ in 0..self.options.repeats {
            let Ok(again) = self.reference.query(&case.query, times).await else {
                break;
            };
            if compare(&again, &test, promise, strictness).is_empty() {
                return Verdict::Equal;
            }
            if !compare(&reference, &again, promise, strictness).is_empty() {
                return Verdict::Undetermined(Undetermined::Reference);
            }
        }
        let choices = match &tree {
            Some(tree) if !self.options.strict_ties => choices(tree.expr()),
            _ => Vec::new(),
        };
        let answers = (&reference, &test);
        let tolerance = &strictness.tolerance;
        let explained = explained(
            &choices,
            answers,
            &differences,
            &self.reference,
            times,
            tolerance,
        );
        match explained.await {
            true => Verdict::Undetermined(Undetermined::Tie),
            false => Verdict::Different(differences),
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

/// The verdict on answers that are not compared.
fn expected(expected: Expected, reference: &Answer, test: &Answer) -> Option<Verdict> {
    let ends = |answer: &Answer| match answer {
        Answer::Data(_) => "succeeds".to_string(),
        Answer::Failure(failure) => format!("fails: {}: {}", failure.kind, failure.message),
    };
    let failed = |answer: &Answer| matches!(answer, Answer::Failure(_));
    let must_fail = match expected {
        Expected::Equal => return None,
        Expected::Failure => true,
        Expected::Success => false,
    };
    if failed(reference) == must_fail && failed(test) == must_fail {
        return Some(Verdict::Equal);
    }
    let must = if must_fail { "fail" } else { "succeed" };
    let text = format!(
        "it must {must}: reference {}; test {}",
        ends(reference),
        ends(test)
    );
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
    let mut expr = tree.expr();
    while let Expr::Paren(paren) = expr {
        expr = &paren.expr;
    }
    match expr {
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

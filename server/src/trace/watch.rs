//! What is to be known of a query beside its answer.

use std::collections::HashSet;
use std::sync::Arc;

use quarrel_engine::{OperatorTree, QueryStats};
use quarrel_storage::store_api::CallObserver;

use super::{CallLog, LoggedCall, QuerySpan, Trace};

/// Follows a query: for its trace, for its analysis, for both, or for nobody.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    span: QuerySpan,
    calls: Option<Arc<CallLog>>,
    analyze: bool,
}

/// What a query's operators did, and whom it has called.
#[derive(Debug, Default)]
pub(crate) struct Watched {
    /// The operators.
    pub(crate) operators: OperatorTree,
    /// The calls.
    pub(crate) calls: Vec<LoggedCall>,
}

impl Watch {
    /// A query begins. With `analyze` its answer says what its operators did.
    pub(crate) fn begin(trace: &Trace, text: &str, kind: &'static str, analyze: bool) -> Self {
        let span = trace.query(text, kind);
        let context = match analyze {
            true => Some(span.context().unwrap_or_default()),
            false => span.context(),
        };
        Watch {
            span,
            calls: context.map(CallLog::new),
            analyze,
        }
    }

    /// Who sees its calls to endpoints.
    pub(crate) fn observer(&self) -> Option<Arc<dyn CallObserver>> {
        let calls = self.calls.clone();
        calls.map(|calls| calls as Arc<dyn CallObserver>)
    }

    /// Whether it is to be known what its operators did.
    pub(crate) fn wants_operators(&self) -> bool {
        self.analyze || self.span.is_recording()
    }

    /// The query has ended. What it did, if its answer is to say so.
    pub(crate) fn finish(
        &mut self,
        stats: Option<&QueryStats>,
        operators: Option<OperatorTree>,
        error: Option<&str>,
    ) -> Option<Watched> {
        let calls = self.calls.take();
        let calls = calls.map_or_else(Vec::new, |calls| calls.take());
        (self.span).finish(stats, operators.as_ref(), &calls, error);
        let operators = operators.filter(|_| self.analyze)?;
        Some(Watched { operators, calls })
    }
}

impl Drop for Watch {
    /// A query that nobody waited for.
    fn drop(&mut self) {
        if self.calls.is_some() {
            self.finish(None, None, Some("the client has left"));
        }
    }
}

/// For each call, the operator that reads what it brings: the one whose selector has
/// the most of the call's matchers, and no others. There is none for calls that no
/// operator of the plan has caused, such as those for the labels of info metrics.
pub(crate) fn operators_of(operators: &OperatorTree, calls: &[LoggedCall]) -> Vec<Option<usize>> {
    let of = |call: &LoggedCall| {
        let asked: HashSet<&String> = call.matchers.iter().collect();
        let fits = |selector: &[String]| {
            !selector.is_empty() && selector.iter().all(|matcher| asked.contains(matcher))
        };
        let all = operators.operators.iter().enumerate();
        let fitting = all.filter(|(_, operator)| fits(&operator.selector));
        // Of equal ones the first.
        let best = fitting
            .rev()
            .max_by_key(|(_, operator)| operator.selector.len());
        best.map(|(at, _)| at)
    };
    calls.iter().map(of).collect()
}

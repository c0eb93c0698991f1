//! `info`: the info metrics that it reads, and their times.
//!
//! Info metrics are read at the time that the selectors of the first argument
//! look at, if that is one; otherwise at the time of the evaluation.

use quarrel_functions::table::{Kind, ValueType};
use quarrel_matchers::{MatchOp, Matcher};

use super::durations;
use super::options::PlanOptions;
use crate::ast::{AtModifier, DurationValue, Expr, VectorSelector};
use crate::with_stack;

/// The metric that is looked at if none is named.
const TARGET_INFO: &str = "target_info";

/// When something is looked at.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reference {
    /// The time that `@` fixes, ms.
    pub(super) at_ms: Option<i64>,
    pub(super) offset_ms: i64,
}

impl Reference {
    fn is(self, other: Reference) -> bool {
        match (self.at_ms, other.at_ms) {
            (None, None) => self.offset_ms == other.offset_ms,
            (Some(a), Some(b)) => a.wrapping_sub(self.offset_ms) == b.wrapping_sub(other.offset_ms),
            _ => false,
        }
    }
}

/// The time that all selectors of an expression's vectors look at. `None` if
/// they differ, if a vector has no selector, or if there is none at all. `at`
/// says which time `@` fixes.
pub(super) fn shared_reference(
    expr: &Expr,
    options: &PlanOptions,
    at: impl Fn(Option<AtModifier>) -> Option<i64>,
) -> Option<Reference> {
    let mut walk = Walk {
        options,
        at: &at,
        around: Vec::new(),
        found: None,
        differs: false,
    };
    walk.visit(expr);
    walk.found.filter(|_| !walk.differs)
}

struct Walk<'a> {
    options: &'a PlanOptions,
    at: &'a dyn Fn(Option<AtModifier>) -> Option<i64>,
    /// The subqueries around.
    around: Vec<Reference>,
    found: Option<Reference>,
    differs: bool,
}

impl Walk<'_> {
    /// Whether there is any selector in a vector's expression.
    fn visit(&mut self, expr: &Expr) -> bool {
        if !matches!(expr.value_type(), ValueType::Vector | ValueType::Matrix) {
            return false;
        }
        with_stack(|| {
            let found = match expr {
                Expr::VectorSelector(selector) => return self.selector(selector),
                Expr::MatrixSelector(matrix) => return self.selector(&matrix.selector),
                Expr::Subquery(subquery) => {
                    let reference = self.reference(subquery.at, &subquery.offset);
                    self.around.push(reference);
                    let found = self.visit(&subquery.expr);
                    self.around.pop();
                    found
                }
                Expr::Call(call) if call.function.kind == Kind::Info => {
                    // The second argument is none that is evaluated.
                    return call.args.first().is_some_and(|arg| self.visit(arg));
                }
                Expr::Call(call) => call
                    .args
                    .iter()
                    .fold(false, |found, arg| self.visit(arg) | found),
                Expr::Aggregate(aggregate) => self.visit(&aggregate.expr),
                Expr::Binary(binary) => self.visit(&binary.lhs) | self.visit(&binary.rhs),
                Expr::Unary(unary) => self.visit(&unary.expr),
                Expr::Paren(paren) => self.visit(&paren.expr),
                Expr::Number(_) | Expr::String(_) => false,
            };
            self.differs |= !found;
            found
        })
    }

    fn reference(&self, at: Option<AtModifier>, offset: &DurationValue) -> Reference {
        Reference {
            at_ms: (self.at)(at),
            // Durations were checked before.
            offset_ms: durations::resolve(offset, true, self.options).unwrap_or(0),
        }
    }

    fn selector(&mut self, selector: &VectorSelector) -> bool {
        let mut own = self.reference(selector.at, &selector.offset);
        for subquery in self.around.iter().rev() {
            if own.at_ms.is_some() {
                break;
            }
            own.offset_ms = own.offset_ms.wrapping_add(subquery.offset_ms);
            own.at_ms = subquery.at_ms;
        }
        self.differs |= self.found.is_some_and(|found| !found.is(own));
        self.found.get_or_insert(own);
        true
    }
}

/// Splits the matchers of `info`'s second argument into those of info metrics'
/// names, and those of the labels that are wanted.
pub(super) fn split(selector: Option<&VectorSelector>) -> (Vec<Matcher>, Vec<Matcher>) {
    let matchers = selector.map_or(&[][..], |selector| &selector.matchers);
    let (mut names, data): (Vec<Matcher>, Vec<Matcher>) = matchers
        .iter()
        .cloned()
        .partition(|matcher| matcher.name() == "__name__");
    if names.is_empty() {
        names.extend(Matcher::new(MatchOp::Equal, "__name__", TARGET_INFO));
    } else if names.iter().all(Matcher::is_negated) {
        // What is not wanted leaves all that are called so.
        let any = Matcher::new(MatchOp::Regex, "__name__", ".+_info");
        names.splice(0..0, any);
    }
    (names, data)
}

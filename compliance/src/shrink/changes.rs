//! The ways to make a tree smaller by one change.

use quarrel_functions::table::ValueType;
use quarrel_matchers::{MatchOp, Matcher};
use quarrel_planner::ast::*;
use quarrel_planner::{to_promql, with_stack};

use super::parts;
use super::text::{Texts, shorter_values};

/// The most changes of one tree that are tried.
const MOST_CHANGES: usize = 3_000;

/// How many parts near the root come before those near the leaves.
const FIRST_PARTS: usize = 50;

/// Lengths that are easy to read, in nanoseconds.
const ROUND_LENGTHS: [i64; 3] = [60_000_000_000, 300_000_000_000, 3_600_000_000_000];

/// Queries that are shorter than `length`, bytes, by one change of a tree; the
/// shortest first. Some of them may be no queries.
pub(super) fn shorter(root: &Expr, length: usize) -> Vec<String> {
    let mut out = Texts::default();
    let parts = parts::all(root);
    // Of a long query these are the first ones, and those without much below.
    let (first, others) = parts.split_at(parts.len().min(FIRST_PARTS));
    for part in first.iter().chain(others.iter().rev()) {
        if out.is_full() {
            break;
        }
        out.push(to_promql(&part.to_expr()));
    }
    for index in 0..MOST_CHANGES {
        let mut changed = root.clone();
        let mut change = Change { left: index };
        if out.is_full() || !change.expr(&mut changed) {
            break;
        }
        out.push(to_promql(&changed));
    }
    let mut out = out.into_vec();
    out.retain(|text| text.len() < length);
    out.sort_by_key(String::len);
    let mut seen = std::collections::HashSet::new();
    out.retain(|text| seen.insert(text.clone()));
    out
}

/// Makes the change that comes after `left` others, in the order of a walk.
struct Change {
    left: usize,
}

/// All methods say whether the change was made.
impl Change {
    /// Whether the change is the one to make.
    fn is_next(&mut self) -> bool {
        if self.left == 0 {
            return true;
        }
        self.left -= 1;
        false
    }

    /// Makes `change` if it is the one.
    fn make(&mut self, change: impl FnOnce()) -> bool {
        if self.is_next() {
            change();
            return true;
        }
        false
    }

    fn expr(&mut self, expr: &mut Expr) -> bool {
        with_stack(|| {
            let count = parts::replacements(expr).len();
            if self.left < count {
                let part = parts::replacements(expr)[self.left].to_expr();
                *expr = part;
                return true;
            }
            self.left -= count;
            let is_one = matches!(&*expr, Expr::Number(n) if n.value == 1.0 && !n.is_duration);
            if !is_one && expr.value_type() == ValueType::Scalar && self.is_next() {
                *expr = Expr::Number(NumberLiteral {
                    value: 1.0,
                    is_duration: false,
                    span: Span::default(),
                });
                return true;
            }
            if let Some(matrix) = without_subquery(expr)
                && self.is_next()
            {
                *expr = matrix;
                return true;
            }
            self.inside(expr)
        })
    }

    fn inside(&mut self, expr: &mut Expr) -> bool {
        match expr {
            Expr::Number(_) => false,
            Expr::String(literal) => self.string(literal),
            Expr::VectorSelector(selector) => self.selector(selector),
            Expr::MatrixSelector(matrix) => {
                self.length(&mut matrix.range) || self.selector(&mut matrix.selector)
            }
            Expr::Subquery(subquery) => self.subquery(subquery),
            Expr::Call(call) => self.call(call),
            Expr::Aggregate(aggregate) => self.aggregate(aggregate),
            Expr::Binary(binary) => self.binary(binary),
            Expr::Unary(unary) => self.expr(&mut unary.expr),
            Expr::Paren(paren) => self.expr(&mut paren.expr),
        }
    }

    fn string(&mut self, literal: &mut StringLiteral) -> bool {
        for value in shorter_values(&literal.value) {
            if self.is_next() {
                literal.value = value;
                literal.raw = None;
                return true;
            }
        }
        false
    }

    fn selector(&mut self, selector: &mut VectorSelector) -> bool {
        let named = usize::from(selector.name.is_some());
        for index in 0..selector.matchers.len().saturating_sub(named) {
            // Without a name it would select much more.
            let is_name = selector.matchers[index].name() == "__name__";
            if !is_name && self.make(|| drop(selector.matchers.remove(index))) {
                return true;
            }
        }
        for matcher in selector.matchers.iter_mut().rev().skip(named) {
            if self.matcher(matcher) {
                return true;
            }
        }
        let name = selector.matchers.iter().position(is_name);
        if let Some(index) = name.filter(|_| named == 0)
            && self.is_next()
        {
            let matcher = selector.matchers.remove(index);
            selector.name = Some(matcher.value().into());
            selector.matchers.push(matcher);
            return true;
        }
        let extended = selector.anchored || selector.smoothed;
        if extended && self.is_next() {
            (selector.anchored, selector.smoothed) = (false, false);
            return true;
        }
        self.modifiers(&mut selector.offset, &mut selector.at)
    }

    fn matcher(&mut self, matcher: &mut Matcher) -> bool {
        let (op, value) = (matcher.op(), matcher.value());
        let plain = match op {
            MatchOp::Regex => Some(MatchOp::Equal),
            MatchOp::NotRegex => Some(MatchOp::NotEqual),
            MatchOp::Equal | MatchOp::NotEqual => None,
        };
        let with_plain = plain.map(|op| (op, value.to_string()));
        let shorter = match matcher.name() {
            "__name__" => Vec::new(),
            _ => shorter_values(value),
        };
        let with_shorter = shorter.into_iter().map(|value| (op, value));
        for (op, value) in with_plain.into_iter().chain(with_shorter) {
            let Ok(changed) = Matcher::new(op, matcher.name(), &value) else {
                continue;
            };
            if self.is_next() {
                *matcher = changed;
                return true;
            }
        }
        false
    }

    fn modifiers(&mut self, offset: &mut DurationValue, at: &mut Option<AtModifier>) -> bool {
        if !offset.is_zero() && (self.make(|| *offset = DurationValue::ZERO) || self.length(offset))
        {
            return true;
        }
        if at.is_some() && self.make(|| *at = None) {
            return true;
        }
        matches!(at, Some(AtModifier::Timestamp(_))) && self.make(|| *at = Some(AtModifier::End))
    }

    fn length(&mut self, value: &mut DurationValue) -> bool {
        for round in ROUND_LENGTHS {
            let same = matches!(value, DurationValue::Known(nanos) if *nanos == round);
            if !same && self.make(|| *value = DurationValue::Known(round)) {
                return true;
            }
        }
        let DurationValue::Computed(expr) = &*value else {
            return false;
        };
        let parts = duration_parts(expr);
        if self.left < parts.len() {
            *value = DurationValue::Computed(parts[self.left].clone());
            return true;
        }
        self.left -= parts.len();
        false
    }

    fn subquery(&mut self, subquery: &mut Subquery) -> bool {
        if self.length(&mut subquery.range) {
            return true;
        }
        if subquery.step.is_some() && self.make(|| subquery.step = None) {
            return true;
        }
        self.modifiers(&mut subquery.offset, &mut subquery.at) || self.expr(&mut subquery.expr)
    }

    fn call(&mut self, call: &mut Call) -> bool {
        if call.args.len() > call.function.min_args() && self.make(|| drop(call.args.pop())) {
            return true;
        }
        call.args.iter_mut().any(|arg| self.expr(arg))
    }

    fn aggregate(&mut self, aggregate: &mut Aggregate) -> bool {
        let grouped = aggregate.without || !aggregate.grouping.is_empty();
        if grouped && self.is_next() {
            aggregate.grouping.clear();
            aggregate.without = false;
            return true;
        }
        self.names(&mut aggregate.grouping)
            || aggregate
                .param
                .as_mut()
                .is_some_and(|param| self.expr(param))
            || self.expr(&mut aggregate.expr)
    }

    /// Leaves a name out.
    fn names(&mut self, names: &mut Vec<String>) -> bool {
        (0..names.len()).any(|index| self.make(|| drop(names.remove(index))))
    }

    fn binary(&mut self, binary: &mut Binary) -> bool {
        if binary.return_bool && self.make(|| binary.return_bool = false) {
            return true;
        }
        if let Some(matching) = &mut binary.matching
            && self.matching(matching)
        {
            return true;
        }
        self.expr(&mut binary.lhs) || self.expr(&mut binary.rhs)
    }

    fn matching(&mut self, matching: &mut VectorMatching) -> bool {
        if matching.on || !matching.labels.is_empty() || !matching.include.is_empty() {
            let bare = VectorMatching {
                labels: Vec::new(),
                on: false,
                include: Vec::new(),
                ..matching.clone()
            };
            if self.is_next() {
                *matching = bare;
                return true;
            }
        }
        let grouped = matches!(
            matching.card,
            Cardinality::ManyToOne | Cardinality::OneToMany
        );
        if grouped && self.is_next() {
            matching.card = Cardinality::OneToOne;
            matching.include.clear();
            return true;
        }
        let filled = matching.fill_left.is_some() || matching.fill_right.is_some();
        if filled && self.is_next() {
            (matching.fill_left, matching.fill_right) = (None, None);
            return true;
        }
        self.names(&mut matching.labels) || self.names(&mut matching.include)
    }
}

/// All that stands below a duration that is an expression.
fn duration_parts(root: &DurationExpr) -> Vec<&DurationExpr> {
    let mut parts = vec![root];
    let mut next = 0;
    while let Some(part) = parts.get(next).copied() {
        match part {
            DurationExpr::Number(_) | DurationExpr::Step(_) | DurationExpr::Range(_) => {}
            DurationExpr::Unary { operand, .. } => parts.push(operand),
            DurationExpr::Binary { lhs, rhs, .. } => parts.extend([&**lhs, &**rhs]),
        }
        next += 1;
    }
    parts.split_off(1)
}

/// A subquery over a selector as a range selector.
fn without_subquery(expr: &Expr) -> Option<Expr> {
    let Expr::Subquery(subquery) = expr else {
        return None;
    };
    let Expr::VectorSelector(selector) = &subquery.expr else {
        return None;
    };
    Some(Expr::MatrixSelector(Box::new(MatrixSelector {
        selector: (**selector).clone(),
        range: subquery.range.clone(),
        span: subquery.span,
    })))
}

/// Whether a matcher can be written as a name before the braces.
fn is_name(matcher: &Matcher) -> bool {
    let letter = |c: char| c.is_ascii_alphabetic() || c == '_' || c == ':';
    matcher.name() == "__name__"
        && matcher.op() == MatchOp::Equal
        && matcher.value().starts_with(letter)
        && matcher
            .value()
            .chars()
            .all(|c| letter(c) || c.is_ascii_digit())
}

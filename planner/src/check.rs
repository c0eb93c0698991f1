//! The type check: the same rejections as Prometheus's, in its words.

use quarrel_functions::fmt::quote;
use quarrel_functions::table::{Kind, ValueType};

use crate::ast::*;
use crate::error::ParseError;
use crate::literal::is_space;
use crate::with_stack;

struct Checker<'a> {
    query: &'a str,
}

type Result<T> = std::result::Result<T, ParseError>;

/// Checks a tree, and settles what depends on types: set operators are
/// many-to-many, scalars have no matching.
pub(crate) fn check(expr: &mut Expr, query: &str) -> Result<()> {
    Checker { query }.check(expr).map(|_| ())
}

impl Checker<'_> {
    fn error<T>(&self, span: Span, message: impl Into<String>) -> Result<T> {
        Err(ParseError::new(self.query, span, message))
    }

    fn check(&self, expr: &mut Expr) -> Result<ValueType> {
        with_stack(|| match expr {
            Expr::Number(_) => Ok(ValueType::Scalar),
            Expr::String(_) => Ok(ValueType::String),
            Expr::VectorSelector(selector) => {
                self.selector(selector)?;
                Ok(ValueType::Vector)
            }
            Expr::MatrixSelector(matrix) => {
                self.selector(&matrix.selector)?;
                Ok(ValueType::Matrix)
            }
            Expr::Subquery(subquery) => {
                let span = subquery.span;
                match self.check(&mut subquery.expr)? {
                    ValueType::Vector => Ok(ValueType::Matrix),
                    other => {
                        let message = format!(
                            "subquery is only allowed on instant vector, got {other} instead"
                        );
                        self.error(span, message)
                    }
                }
            }
            Expr::Paren(paren) => self.check(&mut paren.expr),
            Expr::Unary(unary) => {
                let span = unary.span;
                match self.check(&mut unary.expr)? {
                    ok @ (ValueType::Scalar | ValueType::Vector) => Ok(ok),
                    other => {
                        let got = quote(other.documented());
                        let message = format!(
                            "unary expression only allowed on expressions of type scalar or instant vector, got {got}"
                        );
                        self.error(span, message)
                    }
                }
            }
            Expr::Aggregate(aggregate) => self.aggregate(aggregate),
            Expr::Call(call) => self.call(call),
            Expr::Binary(binary) => self.binary(binary),
        })
    }

    fn expect(&self, expr: &mut Expr, want: ValueType, context: &str) -> Result<()> {
        let span = expr.span();
        let got = self.check(expr)?;
        if got == want {
            return Ok(());
        }
        let (want, got) = (want.documented(), got.documented());
        self.error(
            span,
            format!("expected type {want} in {context}, got {got}"),
        )
    }

    fn selector(&self, selector: &VectorSelector) -> Result<()> {
        if let Some(name) = &selector.name {
            let last = selector.matchers.len().saturating_sub(1);
            if let Some(twice) = selector.matchers[..last]
                .iter()
                .find(|m| m.name() == "__name__")
            {
                let (a, b) = (quote(name), quote(twice.value()));
                return self.error(
                    selector.span,
                    format!("metric name must not be set twice: {a} or {b}"),
                );
            }
            return Ok(());
        }
        if !selector.may_match_empty && selector.matchers.iter().all(|m| m.matches_empty()) {
            let message = "vector selector must contain at least one non-empty matcher";
            return self.error(selector.span, message);
        }
        Ok(())
    }

    fn aggregate(&self, aggregate: &mut Aggregate) -> Result<ValueType> {
        self.expect(
            &mut aggregate.expr,
            ValueType::Vector,
            "aggregation expression",
        )?;
        if let (Some(want), Some(param)) = (aggregate.op.param, &mut aggregate.param) {
            self.expect(param, want, "aggregation parameter")?;
        }
        Ok(ValueType::Vector)
    }

    fn call(&self, call: &mut Call) -> Result<ValueType> {
        let function = call.function;
        let (declared, got) = (function.args.len(), call.args.len());
        let name = quote(function.name);
        if function.variadic == 0 && got != declared {
            let message = format!("expected {declared} argument(s) in call to {name}, got {got}");
            return self.error(call.span, message);
        }
        if function.variadic != 0 {
            let least = declared - 1;
            let most = least + function.variadic.max(0) as usize;
            if got < least {
                let message =
                    format!("expected at least {least} argument(s) in call to {name}, got {got}");
                return self.error(call.span, message);
            }
            if function.variadic > 0 && got > most {
                let message =
                    format!("expected at most {most} argument(s) in call to {name}, got {got}");
                return self.error(call.span, message);
            }
        }
        if function.kind == Kind::Info && got > 1 {
            self.info_selector(call)?;
        }
        for (i, arg) in call.args.iter_mut().enumerate() {
            let want = function.args[i.min(declared - 1)];
            self.expect(arg, want, &format!("call to function {name}"))?;
        }
        Ok(function.returns)
    }

    /// `info`'s second argument is a selector of labels, which may match all.
    fn info_selector(&self, call: &mut Call) -> Result<()> {
        let arg = &mut call.args[1];
        let got = arg.value_type();
        if got != ValueType::Vector {
            let (want, got) = (ValueType::Vector.documented(), got.documented());
            let message = format!(r#"expected type {want} in call to function "info", got {got}"#);
            return self.error(call.span, message);
        }
        let span = arg.span();
        match arg {
            Expr::VectorSelector(selector) if selector.name.is_some() => self.error(
                span,
                "expected label selectors only, got vector selector instead",
            ),
            Expr::VectorSelector(selector) => {
                selector.may_match_empty = true;
                Ok(())
            }
            _ => self.error(span, "expected label selectors only"),
        }
    }

    /// The operator of an expression is wrong. It is what stands between both
    /// sides without white space; Prometheus's range is a byte shorter.
    fn operator_error<T>(&self, binary: &Binary, message: impl Into<String>) -> Result<T> {
        let (start, end) = (binary.lhs.span().end, binary.rhs.span().start);
        let between = self.query.get(start as usize..end as usize);
        let between = between.unwrap_or_default();
        let from = between.len() - between.trim_start_matches(is_space).len();
        let to = between.trim_end_matches(is_space).len().max(from);
        let mark = Span {
            start: start + from as u32,
            end: start + to as u32,
        };
        let span = Span {
            end: mark.end.saturating_sub(1),
            ..mark
        };
        Err(ParseError::new(self.query, span, message).with_mark(mark))
    }

    fn binary(&self, binary: &mut Binary) -> Result<ValueType> {
        // A chain of operators leans left: each level takes its own piece of
        // stack, see `with_stack`.
        let lhs = self.check(&mut binary.lhs)?;
        let rhs = self.check(&mut binary.rhs)?;
        let op = binary.op;
        if binary.return_bool && !op.is_comparison() {
            let message = "bool modifier can only be used on comparison operators";
            return self.operator_error(binary, message);
        }
        let scalars = lhs == ValueType::Scalar && rhs == ValueType::Scalar;
        if op.is_comparison() && !binary.return_bool && scalars {
            let message = "comparisons between scalars must use BOOL modifier";
            return self.operator_error(binary, message);
        }
        let Some(matching) = &mut binary.matching else {
            return Ok(binary_type(lhs, rhs));
        };
        if op.is_set() && matching.card == Cardinality::OneToOne {
            matching.card = Cardinality::ManyToMany;
        }
        if let Some(both) = matching
            .labels
            .iter()
            .find(|l| matching.on && matching.include.contains(l))
        {
            let message = format!(
                "label {} must not occur in ON and GROUP clause at once",
                quote(both)
            );
            return self.operator_error(binary, message);
        }
        for (ty, side) in [(lhs, &binary.lhs), (rhs, &binary.rhs)] {
            if !matches!(ty, ValueType::Scalar | ValueType::Vector) {
                let message = "binary expression must contain only scalar and instant vector types";
                return self.error(side.span(), message);
            }
        }
        let fills = matching.fill_left.is_some() || matching.fill_right.is_some();
        if lhs != ValueType::Vector || rhs != ValueType::Vector {
            if !matching.labels.is_empty() {
                return self.error(
                    binary.span,
                    "vector matching only allowed between instant vectors",
                );
            }
            if fills {
                let message = "filling in missing series only allowed between instant vectors";
                return self.error(binary.span, message);
            }
            if op.is_set() {
                let op = quote(op.symbol());
                let message = format!("set operator {op} not allowed in binary scalar expression");
                return self.error(binary.span, message);
            }
            binary.matching = None;
        } else if op.is_set() {
            if matching.card != Cardinality::ManyToMany {
                let message = format!("no grouping allowed for {} operation", quote(op.symbol()));
                return self.error(binary.span, message);
            }
            if fills {
                let message = "filling in missing series not allowed for set operators";
                return self.error(binary.span, message);
            }
        }
        Ok(binary_type(lhs, rhs))
    }
}

fn binary_type(lhs: ValueType, rhs: ValueType) -> ValueType {
    if lhs == ValueType::Scalar && rhs == ValueType::Scalar {
        ValueType::Scalar
    } else {
        ValueType::Vector
    }
}

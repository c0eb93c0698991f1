//! From a checked syntax tree to a plan.

use quarrel_functions::fmt::quote;
use quarrel_functions::table::{
    AggregatorKind, Downsampled, ElementwiseFunction, HistogramFunction, Kind, LabelFunction,
    NullaryFunction, ValueType, WindowKind,
};

use self::absent::absent_labels;
use super::durations::{self, go_seconds};
use super::invariant::Invariants;
use super::options::PlanOptions;
use super::times::{Enclosing, Scope};
use super::totals::Totals;
use super::{
    Absent, CountValues, Elementwise, Histogram, HistogramQuantiles, Join, LogicalPlan, NodeInfo,
    Plan, PlanOp, Relabel, ScalarBinary, ScalarCall, Set, SetOp, Sort, SortOrder, Text,
    VectorScalar,
};
use crate::ast::{Aggregate, Binary, BinaryOp, Call, Expr, Span, StringLiteral, VectorMatching};
use crate::error::PlanError;
use crate::with_stack;

mod absent;
mod ranges;

use ranges::bare_range;

type Result<T> = std::result::Result<T, PlanError>;

/// Plans an expression of a query text. The plan does what Prometheus does at these times,
/// its oddities included, and no more: see [`crate::rules`].
///
/// # Errors
/// [`PlanError::Invalid`] and [`PlanError::Execution`] where Prometheus
/// refuses the query whatever the data, [`PlanError::Unsupported`] for what
/// is not evaluated yet.
pub fn build(expr: &Expr, query: &str, options: &PlanOptions) -> Result<LogicalPlan> {
    let value_type = expr.value_type();
    if !options.is_instant() && !matches!(value_type, ValueType::Scalar | ValueType::Vector) {
        let message = format!(
            "invalid expression type {} for range query, must be Scalar or instant Vector",
            quote(value_type.documented())
        );
        return Err(PlanError::Invalid {
            message,
            span: expr.span(),
        });
    }
    durations::check(expr, options)?;
    let mut builder = Builder {
        query,
        options,
        invariants: Invariants::of(expr, options),
        totals: Totals::of(expr),
        enclosing: Vec::new(),
        next_id: 0,
    };
    let scope = Scope {
        grid: options.grid(),
        settled: 0,
        prepared: true,
        hint_step_ms: options.step_ms.max(0),
        function: "",
        downsampled: Downsampled::Average,
        grouping: None,
        range_query: !options.is_instant() && options.start_ms < options.end_ms,
    };
    let root = expr.unparenthesized();
    match root {
        Expr::MatrixSelector(matrix) => {
            Ok(LogicalPlan::RawSelect(builder.raw_select(matrix, scope)?))
        }
        Expr::Subquery(subquery) => {
            let raw = builder.raw_subquery(subquery, scope)?;
            Ok(LogicalPlan::RawSubquery(raw))
        }
        Expr::String(literal) => Ok(LogicalPlan::Text(Text {
            node: builder.node_info(literal.span, scope.invariant()),
            text: literal.value.clone(),
        })),
        _ => Ok(LogicalPlan::Rows(builder.child(expr, scope)?)),
    }
}

struct Builder<'a> {
    query: &'a str,
    options: &'a PlanOptions,
    invariants: Invariants<'a>,
    totals: Totals,
    /// The subqueries around the node at hand, the outermost one first.
    enclosing: Vec<Enclosing>,
    next_id: u32,
}

impl<'a> Builder<'a> {
    fn unsupported<T>(&self, what: impl Into<String>, span: Span) -> Result<T> {
        let (line, column) = span.position(self.query);
        Err(PlanError::Unsupported {
            what: what.into(),
            span,
            line,
            column,
        })
    }

    /// A node, once all nodes below it are there.
    fn node(&mut self, span: Span, scope: Scope<'_>, value_type: ValueType, op: PlanOp) -> Plan {
        Plan {
            node: self.node_info(span, scope),
            value_type,
            shared: None,
            op,
        }
    }

    fn node_info(&mut self, span: Span, scope: Scope<'_>) -> NodeInfo {
        let id = self.next_id;
        self.next_id += 1;
        NodeInfo {
            id,
            span,
            argument_span: span,
            grid: scope.grid,
            range_query: scope.range_query,
        }
    }

    fn number(&mut self, value: f64, span: Span, scope: Scope<'_>) -> Plan {
        self.node(
            span,
            scope.invariant(),
            ValueType::Scalar,
            PlanOp::Number(value),
        )
    }

    /// An operand, which may be step-invariant where its parent is not.
    fn child(&mut self, expr: &'a Expr, scope: Scope<'a>) -> Result<Plan> {
        let scope = if self.invariants.contains(expr) {
            scope.invariant()
        } else {
            scope
        };
        with_stack(|| self.expr(expr, scope))
    }

    /// An argument of a call or an aggregation.
    fn argument(&mut self, expr: &'a Expr, scope: Scope<'a>) -> Result<Plan> {
        self.child(argument(expr, scope), scope)
    }

    fn expr(&mut self, expr: &'a Expr, scope: Scope<'a>) -> Result<Plan> {
        let span = expr.span();
        match expr {
            Expr::Number(literal) => Ok(self.number(literal.value, span, scope)),
            Expr::String(_) => self.unsupported("a string here", span),
            Expr::VectorSelector(selector) => self.instant(selector, scope),
            Expr::MatrixSelector(_) | Expr::Subquery(_) => Err(bare_range(span, scope)),
            Expr::Call(call) => self.call(call, scope),
            Expr::Aggregate(aggregate) => self.aggregate(aggregate, scope),
            Expr::Binary(binary) => self.binary(binary, scope),
            Expr::Unary(unary) => {
                let mut below = scope.plain();
                if unary.minus {
                    // The least of negated samples is not that of the samples.
                    below.downsampled = Downsampled::Average;
                }
                let mut input = self.child(&unary.expr, below)?;
                if !unary.minus {
                    input.node.argument_span = span;
                    return Ok(input);
                }
                let value_type = input.value_type;
                Ok(self.node(span, scope, value_type, PlanOp::Negate(Box::new(input))))
            }
            Expr::Paren(paren) => self.child(&paren.expr, scope.plain()),
        }
    }

    fn binary(&mut self, binary: &'a Binary, scope: Scope<'a>) -> Result<Plan> {
        let Binary {
            op,
            return_bool,
            span,
            ..
        } = *binary;
        let below = scope.below("", Downsampled::Average);
        let lhs = Box::new(self.child(&binary.lhs, below)?);
        let rhs = Box::new(self.child(&binary.rhs, below)?);
        let scalar = |plan: &Plan| plan.value_type == ValueType::Scalar;
        let (value_type, op) = match (scalar(&lhs), scalar(&rhs)) {
            (true, true)
                if matches!(op, BinaryOp::TrimUpper | BinaryOp::TrimLower)
                    && scope.grid.len > 0 =>
            {
                let symbol = quote(op.symbol());
                let message = format!("operator {symbol} not allowed for Scalar operations");
                return Err(PlanError::Execution { message, span });
            }
            (true, true) => {
                let op = PlanOp::ScalarBinary(ScalarBinary { op, lhs, rhs });
                (ValueType::Scalar, op)
            }
            (false, false) => {
                let matching = binary.matching.clone().unwrap_or_default();
                (
                    ValueType::Vector,
                    vectors(op, matching, return_bool, lhs, rhs),
                )
            }
            (scalar_left, _) => {
                let (vector, scalar) = if scalar_left { (rhs, lhs) } else { (lhs, rhs) };
                let op = PlanOp::VectorScalar(VectorScalar {
                    op,
                    vector,
                    scalar,
                    scalar_left,
                    return_bool,
                });
                (ValueType::Vector, op)
            }
        };
        Ok(self.node(span, scope, value_type, op))
    }

    fn aggregate(&mut self, aggregate: &'a Aggregate, scope: Scope<'a>) -> Result<Plan> {
        let Aggregate {
            op,
            without,
            span,
            ref grouping,
            ..
        } = *aggregate;
        let below = scope.below(op.name, op.downsampled);
        let grouped = Scope {
            grouping: Some((grouping, !without)),
            ..below
        };
        let grouping = grouping.clone();
        let op = match op.kind {
            AggregatorKind::Rows(kind) => {
                let unprepared = Scope {
                    prepared: false,
                    ..below
                };
                let param = aggregate.param.as_ref();
                let param = param.map(|expr| self.child(argument(expr, scope), unprepared));
                PlanOp::Aggregate(super::Aggregate {
                    op,
                    kind,
                    grouping,
                    without,
                    param: param.transpose()?.map(Box::new),
                    input: Box::new(self.argument(&aggregate.expr, grouped)?),
                })
            }
            AggregatorKind::CountValues => PlanOp::CountValues(CountValues {
                label: self.label_param(aggregate, scope)?,
                grouping,
                without,
                input: Box::new(self.argument(&aggregate.expr, grouped)?),
            }),
        };
        Ok(self.node(span, scope, ValueType::Vector, op))
    }

    /// The label name that an aggregator takes as its parameter.
    fn label_param(&self, aggregate: &Aggregate, scope: Scope<'_>) -> Result<String> {
        let Some(Expr::String(label)) = aggregate.param.as_ref().map(Expr::unparenthesized) else {
            return self.unsupported("a label that is no string", aggregate.span);
        };
        if !is_label_name(label) && scope.grid.len > 0 {
            let message = format!("invalid label name {}", label.quoted());
            let span = aggregate.span;
            return Err(PlanError::Execution { message, span });
        }
        Ok(label.value.clone())
    }

    fn call(&mut self, call: &'a Call, scope: Scope<'a>) -> Result<Plan> {
        let Call { function, span, .. } = *call;
        let args: Vec<&Expr> = call.args.iter().map(|arg| argument(arg, scope)).collect();
        let below = scope.below(function.name, function.downsampled);
        if function.args.contains(&ValueType::Matrix) {
            return self.window_call(call, &args, below);
        }
        let op = match function.kind {
            Kind::Nullary(nullary) => return Ok(self.nullary(nullary, span, scope)),
            Kind::Elementwise(kernel) => return self.elementwise(call, kernel, &args, below),
            Kind::ScalarOf => {
                let op = PlanOp::ScalarOf(self.first(&args, span, below)?);
                return Ok(self.node(span, scope, ValueType::Scalar, op));
            }
            Kind::VectorOf => PlanOp::VectorOf(self.first(&args, span, below)?),
            Kind::Absent => {
                let labels = args.first().map_or_else(Vec::new, |arg| absent_labels(arg));
                PlanOp::Absent(Absent {
                    input: self.first(&args, span, below)?,
                    labels,
                    drops_name: false,
                })
            }
            Kind::Label(kind) => {
                let params = strings(&args, below)?;
                if scope.grid.len > 0 {
                    check_label_bytes(kind, function.name, &args)?;
                }
                PlanOp::Relabel(Relabel {
                    function,
                    kind,
                    input: self.first(&args, span, below)?,
                    params,
                })
            }
            Kind::Sort(kind) => {
                let labels = strings(&args, below)?;
                PlanOp::Sort(Sort {
                    function,
                    kind,
                    input: self.first(&args, span, below)?,
                    labels,
                    order: match scope.range_query {
                        true => SortOrder::Ineffective,
                        false => SortOrder::Wanted,
                    },
                })
            }
            Kind::Histogram(HistogramFunction::Quantiles) => self.quantiles(&args, span, below)?,
            Kind::Histogram(kind) => {
                let (input, params) = self.operands(&args, span, below)?;
                PlanOp::Histogram(Histogram {
                    function,
                    kind,
                    params,
                    input,
                })
            }
            Kind::StartTimestamp => {
                if let [Expr::VectorSelector(selector)] = args[..] {
                    return self.timestamp(call, selector, WindowKind::LatestStart, below);
                }
                PlanOp::NoStartTimestamp(self.first(&args, span, below)?)
            }
            Kind::Info => return self.info(call, &args, below),
            Kind::Scalar(function) => {
                let [lhs, rhs] = args[..] else {
                    return self.unsupported("a call without arguments", span);
                };
                let op = PlanOp::ScalarCall(ScalarCall {
                    function,
                    lhs: Box::new(self.child(lhs, below)?),
                    rhs: Box::new(self.child(rhs, below)?),
                });
                return Ok(self.node(span, scope, ValueType::Scalar, op));
            }
            Kind::Window(_) | Kind::AbsentOverTime => {
                return self.unsupported(format!("function {}", quote(function.name)), span);
            }
        };
        Ok(self.node(span, scope, ValueType::Vector, op))
    }

    /// The first argument, which is a vector or a scalar.
    fn first(&mut self, args: &[&'a Expr], span: Span, scope: Scope<'a>) -> Result<Box<Plan>> {
        match args.first() {
            Some(arg) => Ok(Box::new(self.child(arg, scope)?)),
            None => self.unsupported("a call without arguments", span),
        }
    }

    /// The vector among the arguments, and the scalars beside it.
    fn operands(
        &mut self,
        args: &[&'a Expr],
        span: Span,
        scope: Scope<'a>,
    ) -> Result<(Box<Plan>, Vec<Plan>)> {
        let (mut input, mut params) = (None, Vec::new());
        for arg in args {
            let plan = self.child(arg, scope)?;
            match plan.value_type {
                ValueType::Vector => input = Some(Box::new(plan)),
                _ => params.push(plan),
            }
        }
        match input {
            Some(input) => Ok((input, params)),
            None => self.unsupported("a call without a vector", span),
        }
    }

    /// `histogram_quantiles(v, label, q...)`
    fn quantiles(&mut self, args: &[&'a Expr], span: Span, scope: Scope<'a>) -> Result<PlanOp> {
        let [input, label, quantiles @ ..] = args else {
            return self.unsupported("a call without arguments", span);
        };
        let Expr::String(label) = label.unparenthesized() else {
            return self.unsupported("a label that is no string", span);
        };
        let input = Box::new(self.child(input, scope)?);
        let quantiles = quantiles.iter().map(|q| self.child(q, scope));
        Ok(PlanOp::HistogramQuantiles(HistogramQuantiles {
            label: label.value.clone(),
            quantiles: quantiles.collect::<Result<_>>()?,
            input,
        }))
    }

    fn nullary(&mut self, nullary: NullaryFunction, span: Span, scope: Scope<'_>) -> Plan {
        let PlanOptions {
            start_ms,
            end_ms,
            step_ms,
            ..
        } = *self.options;
        let end_ms = if self.options.is_instant() {
            start_ms
        } else {
            end_ms
        };
        let value = match nullary {
            NullaryFunction::Time => {
                return self.node(span, scope, ValueType::Scalar, PlanOp::Time);
            }
            NullaryFunction::Pi => std::f64::consts::PI,
            NullaryFunction::Start => start_ms as f64 / 1000.0,
            NullaryFunction::End => end_ms as f64 / 1000.0,
            NullaryFunction::Range => go_seconds(end_ms.saturating_sub(start_ms)),
            NullaryFunction::Step if start_ms == end_ms => 0.0,
            NullaryFunction::Step => go_seconds(step_ms),
        };
        self.number(value, span, scope)
    }

    fn elementwise(
        &mut self,
        call: &'a Call,
        kernel: ElementwiseFunction,
        args: &[&'a Expr],
        scope: Scope<'a>,
    ) -> Result<Plan> {
        let Call { function, span, .. } = *call;
        if let (ElementwiseFunction::Timestamp, [Expr::VectorSelector(selector)]) = (kernel, args) {
            return self.timestamp(call, selector, WindowKind::LatestTimestamp, scope);
        }
        let (input, mut params) = if args.is_empty() {
            (self.evaluation_time(span, scope), Vec::new())
        } else {
            self.operands(args, span, scope)?
        };
        if params.is_empty() {
            params.extend(
                function
                    .default
                    .map(|value| self.number(value, span, scope)),
            );
        }
        let op = PlanOp::Elementwise(Elementwise {
            function,
            kernel,
            input,
            params,
        });
        Ok(self.node(span, scope, ValueType::Vector, op))
    }

    /// `vector(time())`, the argument of date functions that have none.
    fn evaluation_time(&mut self, span: Span, scope: Scope<'_>) -> Box<Plan> {
        let time = self.node(span, scope, ValueType::Scalar, PlanOp::Time);
        let op = PlanOp::VectorOf(Box::new(time));
        Box::new(self.node(span, scope, ValueType::Vector, op))
    }
}

/// An operation on two vectors.
fn vectors(
    op: BinaryOp,
    matching: VectorMatching,
    return_bool: bool,
    lhs: Box<Plan>,
    rhs: Box<Plan>,
) -> PlanOp {
    let set = match op {
        BinaryOp::And => Some(SetOp::And),
        BinaryOp::Or => Some(SetOp::Or),
        BinaryOp::Unless => Some(SetOp::Unless),
        _ => None,
    };
    match set {
        Some(op) => PlanOp::Set(Set {
            op,
            matching,
            lhs,
            rhs: vec![*rhs],
        }),
        None => PlanOp::Join(Join {
            op,
            matching,
            return_bool,
            lhs,
            rhs,
        }),
    }
}

/// An argument as Prometheus sees it: prepared trees have no parentheses
/// around arguments.
fn argument<'a>(expr: &'a Expr, scope: Scope<'_>) -> &'a Expr {
    if scope.prepared {
        expr.unparenthesized()
    } else {
        expr
    }
}

/// Whether a string may be a label's name: any text but an empty one.
fn is_label_name(literal: &StringLiteral) -> bool {
    literal.raw.is_none() && !literal.value.is_empty()
}

/// The string arguments of a call.
fn strings(args: &[&Expr], scope: Scope<'_>) -> Result<Vec<String>> {
    let mut out = Vec::new();
    for arg in args.iter().skip(1) {
        match arg {
            Expr::String(literal) => out.push(literal.value.clone()),
            other => {
                let message = "unexpected error: a string in parentheses".to_string();
                debug_assert!(!scope.prepared);
                return Err(PlanError::Execution {
                    message,
                    span: other.span(),
                });
            }
        }
    }
    Ok(out)
}

/// Refuses label names and patterns of `label_replace` and `label_join` that
/// are no UTF-8; the operator gets texts and would not see it.
fn check_label_bytes(kind: LabelFunction, function: &str, args: &[&Expr]) -> Result<()> {
    let destination = (1, "destination label name");
    // In Prometheus's order.
    let checked: Vec<(usize, &str)> = match kind {
        LabelFunction::Join => {
            let sources = (3..args.len()).map(|i| (i, "source label name"));
            sources.chain([destination]).collect()
        }
        LabelFunction::Replace => vec![(4, "regular expression"), destination],
    };
    for (i, what) in checked {
        if let Some(Expr::String(literal)) = args.get(i)
            && literal.raw.is_some()
        {
            let message = format!("invalid {what} in {function}(): {}", literal.value);
            return Err(PlanError::Execution {
                message,
                span: literal.span,
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;

//! Which parts of a tree have one value for all steps.

use std::collections::HashSet;

use quarrel_functions::table::{ElementwiseFunction, Kind};

use super::info::shared_reference;
use super::options::PlanOptions;
use crate::ast::{Expr, VectorSelector};
use crate::with_stack;

/// The nodes that are evaluated once, at the first step of their scope, by
/// their address in the tree.
#[derive(Debug)]
pub(super) struct Invariants<'a> {
    nodes: HashSet<*const Expr>,
    options: &'a PlanOptions,
}

/// What Prometheus knows about a node.
#[derive(Clone, Copy)]
struct Node {
    /// Whether all of it is step-invariant.
    invariant: bool,
    /// Whether it is worth to be evaluated once on its own.
    wrap: bool,
}

const CHANGES: Node = Node {
    invariant: false,
    wrap: false,
};
const WHOLE: Node = Node {
    invariant: true,
    wrap: true,
};

impl<'a> Invariants<'a> {
    /// Finds the step-invariant parts as Prometheus does: as high in the
    /// tree as possible, never in the parameter of an aggregation.
    pub(super) fn of(expr: &Expr, options: &'a PlanOptions) -> Self {
        let mut found = Invariants {
            nodes: HashSet::new(),
            options,
        };
        let root = found.visit(expr);
        found.mark(expr, root);
        found
    }

    /// Whether a node is evaluated once, while the one above it is not.
    pub(super) fn contains(&self, expr: &Expr) -> bool {
        self.nodes.contains(&std::ptr::from_ref(expr))
    }

    fn mark(&mut self, expr: &Expr, node: Node) {
        if node.wrap {
            self.nodes.insert(std::ptr::from_ref(expr));
        }
    }

    fn visit(&mut self, expr: &Expr) -> Node {
        with_stack(|| match expr {
            Expr::Number(_) | Expr::String(_) => Node {
                invariant: true,
                wrap: false,
            },
            Expr::VectorSelector(selector) => Node {
                wrap: pinned(selector),
                ..matrix(selector)
            },
            Expr::MatrixSelector(m) => matrix(&m.selector),
            Expr::Subquery(subquery) => {
                let inner = self.visit(&subquery.expr);
                self.mark(
                    &subquery.expr,
                    Node {
                        wrap: inner.invariant,
                        ..inner
                    },
                );
                Node {
                    invariant: subquery.at.is_some(),
                    wrap: false,
                }
            }
            Expr::Call(call) => self.call(call.function, &call.args),
            Expr::Aggregate(aggregate) => self.visit(aggregate.expr.unparenthesized()),
            Expr::Binary(binary) => {
                let (lhs, rhs) = (self.visit(&binary.lhs), self.visit(&binary.rhs));
                if lhs.invariant && rhs.invariant {
                    return WHOLE;
                }
                self.mark(&binary.lhs, lhs);
                self.mark(&binary.rhs, rhs);
                CHANGES
            }
            Expr::Unary(unary) => self.visit(&unary.expr),
            Expr::Paren(paren) => self.visit(&paren.expr),
        })
    }

    fn call(&mut self, function: &quarrel_functions::table::Function, args: &[Expr]) -> Node {
        // `info`'s second argument is none that is evaluated.
        let args = match args {
            [input, _] if function.kind == Kind::Info => std::slice::from_ref(input),
            _ => args,
        };
        let args: Vec<&Expr> = args.iter().map(Expr::unparenthesized).collect();
        let nodes: Vec<Node> = args.iter().map(|arg| self.visit(arg)).collect();
        let mut all = nodes.iter().all(|node| node.invariant);
        if let (Kind::Info, [input]) = (function.kind, &args[..]) {
            // Otherwise info metrics are read at each step.
            let at = |at| self.options.at(at);
            all = all && shared_reference(input, self.options, at).is_some();
        }
        let selectors = args
            .iter()
            .all(|arg| matches!(arg, Expr::VectorSelector(_)));
        // The time of a pinned sample is as fixed as its value; the time of
        // anything else is that of the step.
        let is_timestamp = function.kind == Kind::Elementwise(ElementwiseFunction::Timestamp);
        let fixed = !function.uses_eval_time || function.query_constant;
        if all && (fixed || (is_timestamp && selectors)) {
            return WHOLE;
        }
        for (arg, node) in args.into_iter().zip(nodes) {
            self.mark(arg, node);
        }
        CHANGES
    }
}

fn pinned(selector: &VectorSelector) -> bool {
    selector.at.is_some()
}

fn matrix(selector: &VectorSelector) -> Node {
    Node {
        invariant: pinned(selector),
        wrap: false,
    }
}

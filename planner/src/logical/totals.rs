//! Which selectors need the totals alone of native histograms.
//!
//! Prometheus decodes count and sum, but no buckets, where nothing above looks
//! at buckets. That is visible in answers: counter resets are then detected
//! while all samples are read. So it is part of the meaning, and spares work as
//! well.

use std::collections::HashSet;

use quarrel_functions::table::HistogramNeed;

use crate::ast::{BinaryOp, Expr, VectorSelector};
use crate::with_stack;

/// The selectors, by their address in the tree.
#[derive(Debug, Default)]
pub(super) struct Totals(HashSet<*const VectorSelector>);

/// The needs of the nodes above.
#[derive(Clone, Copy, Default)]
struct Above {
    /// One of them asks for totals.
    totals: bool,
    /// One of them needs buckets.
    buckets: bool,
}

impl Totals {
    /// Finds the selectors as Prometheus does.
    pub(super) fn of(expr: &Expr) -> Self {
        let mut found = Totals::default();
        found.visit(expr, Above::default());
        found
    }

    /// Whether a selector needs totals alone.
    pub(super) fn contains(&self, selector: &VectorSelector) -> bool {
        self.0.contains(&std::ptr::from_ref(selector))
    }

    fn visit(&mut self, expr: &Expr, above: Above) {
        with_stack(|| match expr {
            Expr::Number(_) | Expr::String(_) => {}
            Expr::VectorSelector(selector) => self.selector(selector, above),
            Expr::MatrixSelector(matrix) => self.selector(&matrix.selector, above),
            Expr::Subquery(subquery) => self.visit(&subquery.expr, above.with_buckets(true)),
            Expr::Call(call) => {
                let need = call.function.histograms;
                let above = Above {
                    totals: above.totals || need == HistogramNeed::Totals,
                    buckets: above.buckets || need == HistogramNeed::All,
                };
                call.args.iter().for_each(|arg| self.visit(arg, above));
            }
            Expr::Aggregate(aggregate) => {
                let above = above.with_buckets(aggregate.op.needs_buckets());
                if let Some(param) = &aggregate.param {
                    self.visit(param, above);
                }
                self.visit(&aggregate.expr, above);
            }
            Expr::Binary(binary) => {
                use BinaryOp as B;
                let compares = matches!(
                    binary.op,
                    B::TrimLower | B::TrimUpper | B::Equal | B::NotEqual
                );
                let above = above.with_buckets(compares);
                self.visit(&binary.lhs, above);
                self.visit(&binary.rhs, above);
            }
            Expr::Unary(unary) => self.visit(&unary.expr, above),
            Expr::Paren(paren) => self.visit(&paren.expr, above),
        });
    }

    fn selector(&mut self, selector: &VectorSelector, above: Above) {
        if above.totals && !above.buckets {
            self.0.insert(std::ptr::from_ref(selector));
        }
    }
}

impl Above {
    fn with_buckets(self, needed: bool) -> Self {
        Above {
            buckets: self.buckets || needed,
            ..self
        }
    }
}

//! Parts of a query that were read, or that wait for their end.

use quarrel_functions::table::Aggregator;

use crate::ast::{BinaryOp, Span};

use super::token::Token;

/// Something that was read, as far as checks without types ask for it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Operand {
    pub span: Span,
    pub shape: Shape,
}

/// What modifiers may be put to.
#[derive(Clone, Copy, Debug)]
pub(super) enum Shape {
    Selector(Modifiers),
    Range(Modifiers),
    Subquery(Modifiers),
    Other,
}

/// What waits for its end.
#[derive(Debug)]
pub(super) enum Frame {
    Paren(Span),
    Call(Call),
    Sign(Span),
    Binary {
        op: BinaryOp,
        /// Whether missing series are filled in.
        fills: bool,
        left: Span,
    },
}

/// A function or an aggregator whose arguments are read.
#[derive(Debug)]
pub(super) struct Call {
    pub name: Token,
    pub aggregator: Option<&'static Aggregator>,
    /// Whether `by` or `without` stood before the arguments.
    pub is_grouped: bool,
    pub arguments: usize,
}

/// Which modifiers a selector or a subquery has.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Modifiers {
    pub offset: bool,
    pub at: bool,
    pub anchored: bool,
    pub smoothed: bool,
}

impl Shape {
    pub fn modifiers(&mut self) -> Option<&mut Modifiers> {
        match self {
            Shape::Selector(m) | Shape::Range(m) | Shape::Subquery(m) => Some(m),
            Shape::Other => None,
        }
    }
}

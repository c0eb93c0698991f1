//! From PromQL text to a logical plan: grammar, syntax tree, type check,
//! printers, plan and optimizer rules. Knows neither Arrow nor I/O.

pub mod ast;
// What the grammar is made of names it so.
extern crate alloc;

mod check;
mod diagnose;
mod disabled;
mod error;
mod excerpt;
mod json;
pub mod literal;
pub mod logical;
mod matcher;
mod nesting;
mod options;
mod parser;
mod precedence;
mod pretty;
mod print;
mod recursion;
pub mod rules;
mod suggest;

pub use disabled::{AllowedModifiers, DisabledModifier};
pub use error::{ParseError, PlanError};
pub use json::{JsonTree, to_json};
pub use options::ParserOptions;
pub use parser::{Tree, parse, parse_metric_selector};
pub use pretty::{to_pretty, to_pretty_within};
pub use print::{format_duration, to_promql};

/// Stack that a recursive step over a tree may need, bytes; below it a new
/// piece of stack is taken, so that deep trees are safe on any thread.
const RED_ZONE: usize = 128 * 1024;
/// The size of such a piece, bytes.
const STACK_PIECE: usize = 2 * 1024 * 1024;

/// Runs a step of a recursion over a tree with enough stack.
pub fn with_stack<T>(step: impl FnOnce() -> T) -> T {
    stacker::maybe_grow(RED_ZONE, STACK_PIECE, step)
}

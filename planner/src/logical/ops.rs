//! What the nodes of a plan compute: one struct for each kind of node.

use quarrel_functions::table::{
    Aggregator, ElementwiseFunction, Function, HistogramFunction, LabelFunction, RowAggregation,
    ScalarFunction, SortFunction,
};
use quarrel_matchers::Matcher;

use super::Plan;
use crate::ast::{BinaryOp, VectorMatching};

/// An arithmetic or comparison operator on two scalars.
#[derive(Clone, Debug)]
pub struct ScalarBinary {
    /// The operator.
    pub op: BinaryOp,
    /// Left operand.
    pub lhs: Box<Plan>,
    /// Right operand.
    pub rhs: Box<Plan>,
}

/// `max_of(a, b)`, `min_of(a, b)`
#[derive(Clone, Debug)]
pub struct ScalarCall {
    /// The function.
    pub function: ScalarFunction,
    /// First argument.
    pub lhs: Box<Plan>,
    /// Second argument.
    pub rhs: Box<Plan>,
}

/// A function of each sample, with scalar arguments.
#[derive(Clone, Debug)]
pub struct Elementwise {
    /// The function.
    pub function: &'static Function,
    /// Its kernel.
    pub kernel: ElementwiseFunction,
    /// The vector.
    pub input: Box<Plan>,
    /// The scalars, in the order of the signature.
    pub params: Vec<Plan>,
}

/// An operator on a vector and a scalar.
#[derive(Clone, Debug)]
pub struct VectorScalar {
    /// The operator.
    pub op: BinaryOp,
    /// The vector.
    pub vector: Box<Plan>,
    /// The scalar.
    pub scalar: Box<Plan>,
    /// Whether the scalar stands on the left.
    pub scalar_left: bool,
    /// Whether a comparison gives 0 or 1 and does not filter.
    pub return_bool: bool,
}

/// An arithmetic or comparison operator on two vectors.
#[derive(Clone, Debug)]
pub struct Join {
    /// The operator.
    pub op: BinaryOp,
    /// How rows are matched.
    pub matching: VectorMatching,
    /// Whether a comparison gives 0 or 1 and does not filter.
    pub return_bool: bool,
    /// Left operand.
    pub lhs: Box<Plan>,
    /// Right operand.
    pub rhs: Box<Plan>,
}

/// `and`, `or`, `unless`
#[derive(Clone, Debug)]
pub struct Set {
    /// The operator.
    pub op: SetOp,
    /// How rows are matched.
    pub matching: VectorMatching,
    /// Left operand.
    pub lhs: Box<Plan>,
    /// Right operand. The rule on set chains makes several of them: the
    /// operator applies to each in turn, from the left.
    pub rhs: Vec<Plan>,
}

/// The set operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetOp {
    /// `and`
    And,
    /// `or`
    Or,
    /// `unless`
    Unless,
}

impl SetOp {
    /// The word in a query.
    pub const fn symbol(self) -> &'static str {
        match self {
            SetOp::And => "and",
            SetOp::Or => "or",
            SetOp::Unless => "unless",
        }
    }
}

/// An aggregation.
#[derive(Clone, Debug)]
pub struct Aggregate {
    /// The aggregator.
    pub op: &'static Aggregator,
    /// What computes it.
    pub kind: RowAggregation,
    /// The labels of `by` or `without`.
    pub grouping: Vec<String>,
    /// Whether `grouping` is `without`.
    pub without: bool,
    /// The number of `topk`, `quantile` and so on.
    pub param: Option<Box<Plan>>,
    /// What is aggregated.
    pub input: Box<Plan>,
}

/// `count_values`, whose labels depend on samples: a pipeline breaker.
#[derive(Clone, Debug)]
pub struct CountValues {
    /// The label that gets the value.
    pub label: String,
    /// The labels of `by` or `without`.
    pub grouping: Vec<String>,
    /// Whether `grouping` is `without`.
    pub without: bool,
    /// What is aggregated.
    pub input: Box<Plan>,
}

/// `label_replace`, `label_join`
#[derive(Clone, Debug)]
pub struct Relabel {
    /// The function.
    pub function: &'static Function,
    /// Which of the two it is.
    pub kind: LabelFunction,
    /// The vector.
    pub input: Box<Plan>,
    /// The string arguments.
    pub params: Vec<String>,
}

/// `sort`, `sort_desc`, `sort_by_label`, `sort_by_label_desc`
#[derive(Clone, Debug)]
pub struct Sort {
    /// The function.
    pub function: &'static Function,
    /// Which of the four it is.
    pub kind: SortFunction,
    /// The vector.
    pub input: Box<Plan>,
    /// The label names of the `by_label` forms.
    pub labels: Vec<String>,
    /// What becomes of the order.
    pub order: SortOrder,
}

/// What becomes of the order that a sort asks for. Sorts by value leave
/// histograms out in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SortOrder {
    /// Rows come in it.
    Wanted,
    /// It has no effect, since the query is a range query; that is annotated.
    Ineffective,
    /// It has no effect on the answer. Set by a rule.
    Needless,
}

/// `absent(v)`, and `absent_over_time(m)` over its presence.
#[derive(Clone, Debug)]
pub struct Absent {
    /// Rows whose presence counts.
    pub input: Box<Plan>,
    /// The labels of the one row that comes out, by name.
    pub labels: Vec<(String, String)>,
    /// Whether that row drops its name, as that of `absent_over_time` does.
    pub drops_name: bool,
}

/// `info`: rows with the labels of info metrics, a pipeline breaker.
#[derive(Clone, Debug)]
pub struct Info {
    /// The rows.
    pub input: Box<Plan>,
    /// The times of the info metrics' samples.
    pub series: Box<Plan>,
    /// Rows whose name matches all of these are left as they are.
    pub names: Vec<Matcher>,
    /// The labels that are wanted, and what they have to be; all if empty.
    pub data: Vec<Matcher>,
}

/// `histogram_quantile` and the other functions of histograms.
#[derive(Clone, Debug)]
pub struct Histogram {
    /// The function.
    pub function: &'static Function,
    /// Which of them it is.
    pub kind: HistogramFunction,
    /// The scalars, in the order of the signature.
    pub params: Vec<Plan>,
    /// The buckets.
    pub input: Box<Plan>,
}

/// `histogram_quantiles`, whose labels depend on samples: a pipeline breaker.
#[derive(Clone, Debug)]
pub struct HistogramQuantiles {
    /// The label that gets the quantile.
    pub label: String,
    /// The quantiles.
    pub quantiles: Vec<Plan>,
    /// The buckets.
    pub input: Box<Plan>,
}

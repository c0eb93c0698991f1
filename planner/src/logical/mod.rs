//! The logical plan: what is to be computed, at which times, without data.
//!
//! [`build`] turns a checked syntax tree and evaluation times into a
//! [`LogicalPlan`], whose rows are a tree of [`Plan`] nodes. Every node knows
//! its result type, its evaluation [`Grid`] and with it whether it changes from
//! step to step: a step-invariant node has a grid of one step whatever its
//! parent's, and the kernel that reads it broadcasts. Selectors are fused with
//! the window function above them. Optimizer rules live in [`crate::rules`],
//! one file each.

mod build;
mod display;
mod durations;
mod info;
mod invariant;
mod ops;
mod options;
mod select;
mod shift;
mod times;
mod totals;

pub use build::build;
pub(crate) use display::node_text;
pub use ops::*;
pub use options::PlanOptions;
pub use quarrel_functions::grid::Grid;
use quarrel_functions::table::ValueType;
pub use quarrel_functions::window::Extension;
pub use select::*;
pub use shift::moves_with_query;

use crate::ast::Span;

/// The plan of a query: what stands at its root.
#[derive(Clone, Debug)]
pub enum LogicalPlan {
    /// Rows over the query's times.
    Rows(Plan),
    /// A bare range selector: samples as they are.
    RawSelect(RawSelect),
    /// A bare subquery: the samples of its inner rows.
    RawSubquery(RawSubquery),
    /// A string.
    Text(Text),
}

/// A bare range selector at the root.
#[derive(Clone, Debug)]
pub struct RawSelect {
    /// The node's identity and times.
    pub node: NodeInfo,
    /// The samples.
    pub select: Select,
}

/// A bare subquery at the root.
#[derive(Clone, Debug)]
pub struct RawSubquery {
    /// The node's identity and times.
    pub node: NodeInfo,
    /// The inner expression; its grid is `inner`, or one step where it does
    /// not change.
    pub input: Plan,
    /// The subquery's times.
    pub inner: Grid,
}

/// A string at the root.
#[derive(Clone, Debug)]
pub struct Text {
    /// The node's identity and times.
    pub node: NodeInfo,
    /// The string.
    pub text: String,
}

impl LogicalPlan {
    /// The tree of nodes that compute rows, if there is one.
    pub fn rows(&self) -> Option<&Plan> {
        match self {
            LogicalPlan::Rows(plan) => Some(plan),
            LogicalPlan::RawSubquery(raw) => Some(&raw.input),
            LogicalPlan::RawSelect(_) | LogicalPlan::Text(_) => None,
        }
    }

    /// As [`LogicalPlan::rows`], to be changed.
    pub fn rows_mut(&mut self) -> Option<&mut Plan> {
        match self {
            LogicalPlan::Rows(plan) => Some(plan),
            LogicalPlan::RawSubquery(raw) => Some(&mut raw.input),
            LogicalPlan::RawSelect(_) | LogicalPlan::Text(_) => None,
        }
    }

    /// All nodes that compute rows, in no particular order.
    pub fn nodes(&self) -> Vec<&Plan> {
        let mut nodes: Vec<&Plan> = self.rows().into_iter().collect();
        let mut next = 0;
        while let Some(plan) = nodes.get(next).copied() {
            nodes.extend(plan.inputs());
            next += 1;
        }
        nodes
    }

    /// The selectors with the ids of their nodes, by id.
    pub fn selects(&self) -> Vec<(u32, &Select)> {
        let mut out: Vec<(u32, &Select)> = match self {
            LogicalPlan::RawSelect(raw) => vec![(raw.node.id, &raw.select)],
            _ => Vec::new(),
        };
        out.extend(self.nodes().into_iter().filter_map(|plan| match &plan.op {
            PlanOp::Window(window) => Some((plan.node.id, &window.select)),
            _ => None,
        }));
        out.sort_by_key(|(id, _)| *id);
        out
    }
}

/// What is known of every node, whatever it computes.
#[derive(Clone, Copy, Debug)]
pub struct NodeInfo {
    /// Its place in syntax-tree order (post-order), for annotations.
    pub id: u32,
    /// Where in the query text it stands.
    pub span: Span,
    /// Where it stands as an argument: at a plus sign in front of it, if there
    /// is one.
    pub argument_span: Span,
    /// Its evaluation times.
    pub grid: Grid,
    /// Whether Prometheus takes these times for a range: the end is later
    /// than the start, though there may be one time alone.
    pub range_query: bool,
}

/// What a node has in common with others of its plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SharedSubtree {
    /// Nodes of one plan with the same number compute the same.
    pub number: u32,
    /// Whether all of them are inputs of aggregations that fold rows while they
    /// are scanned, and need not keep any. They are computed once only if their
    /// rows are few.
    pub folded: bool,
}

/// A node that computes rows. Cloning and dropping are safe however deep it
/// is; so that dropping can be, no part can be moved out of a node: take its
/// `op` by [`std::mem::replace`].
#[derive(Debug)]
pub struct Plan {
    /// Its identity and times.
    pub node: NodeInfo,
    /// Scalar or vector.
    pub value_type: ValueType,
    /// Set by the rule on common subtrees: this node and others are computed once.
    pub shared: Option<SharedSubtree>,
    /// What it computes.
    pub op: PlanOp,
}

/// What a node computes.
#[derive(Clone, Debug)]
pub enum PlanOp {
    /// A number.
    Number(f64),
    /// `time()`: the evaluation time, in seconds.
    Time,
    /// An operator on two scalars.
    ScalarBinary(ScalarBinary),
    /// A function of two scalars.
    ScalarCall(ScalarCall),
    /// `scalar(v)`
    ScalarOf(Box<Plan>),
    /// `vector(s)`
    VectorOf(Box<Plan>),
    /// Unary minus, on scalars and vectors.
    Negate(Box<Plan>),
    /// A window function over a selector. An instant selector is the window
    /// function "latest".
    Window(Box<Window>),
    /// A window function over a subquery.
    SubqueryWindow(SubqueryWindow),
    /// A function of each sample.
    Elementwise(Elementwise),
    /// An operator on a vector and a scalar.
    VectorScalar(VectorScalar),
    /// An operator on two vectors.
    Join(Join),
    /// A set operator.
    Set(Set),
    /// An aggregation.
    Aggregate(Aggregate),
    /// `count_values`
    CountValues(CountValues),
    /// A function of labels.
    Relabel(Relabel),
    /// A sort.
    Sort(Sort),
    /// `absent` and `absent_over_time`
    Absent(Absent),
    /// `info`
    Info(Info),
    /// `start_timestamp` of anything but a selector, which has none. Computes its
    /// input all the same, which may be an error.
    NoStartTimestamp(Box<Plan>),
    /// A function of histograms.
    Histogram(Histogram),
    /// `histogram_quantiles`
    HistogramQuantiles(HistogramQuantiles),
}

impl Clone for Plan {
    fn clone(&self) -> Self {
        let op = crate::with_stack(|| self.op.clone());
        Plan { op, ..*self }
    }
}

impl Drop for Plan {
    fn drop(&mut self) {
        if !matches!(self.op, PlanOp::Number(_)) {
            let op = std::mem::replace(&mut self.op, PlanOp::Number(0.0));
            crate::with_stack(|| drop(op));
        }
    }
}

/// The inputs of a node, in the order of the syntax; once for references and
/// once for references that change them.
macro_rules! inputs_of {
    ($op:expr, $iter:ident $(, $mutable:tt)?) => {
        match $op {
            PlanOp::Number(_) | PlanOp::Time => Vec::new(),
            PlanOp::ScalarOf(input)
            | PlanOp::VectorOf(input)
            | PlanOp::Negate(input)
            | PlanOp::NoStartTimestamp(input)
            | PlanOp::Relabel(Relabel { input, .. })
            | PlanOp::Sort(Sort { input, .. })
            | PlanOp::CountValues(CountValues { input, .. })
            | PlanOp::Absent(Absent { input, .. }) => vec![input],
            PlanOp::ScalarBinary(ScalarBinary { lhs, rhs, .. })
            | PlanOp::ScalarCall(ScalarCall { lhs, rhs, .. })
            | PlanOp::Join(Join { lhs, rhs, .. }) => vec![lhs, rhs],
            PlanOp::Set(Set { lhs, rhs, .. }) => {
                std::iter::once(&$($mutable)? **lhs).chain(rhs.$iter()).collect()
            }
            PlanOp::Window(window) => window.call.params.$iter().collect(),
            PlanOp::SubqueryWindow(SubqueryWindow { input, call, .. }) => {
                std::iter::once(&$($mutable)? **input).chain(call.params.$iter()).collect()
            }
            PlanOp::Elementwise(Elementwise { input, params, .. }) => {
                std::iter::once(&$($mutable)? **input).chain(params.$iter()).collect()
            }
            PlanOp::Histogram(Histogram { params, input, .. }) => {
                params.$iter().chain(std::iter::once(&$($mutable)? **input)).collect()
            }
            PlanOp::HistogramQuantiles(HistogramQuantiles { quantiles, input, .. }) => {
                std::iter::once(&$($mutable)? **input).chain(quantiles.$iter()).collect()
            }
            PlanOp::VectorScalar(VectorScalar { vector, scalar, scalar_left, .. }) => {
                if *scalar_left { vec![scalar, vector] } else { vec![vector, scalar] }
            }
            PlanOp::Info(Info { input, series, .. }) => vec![input, series],
            PlanOp::Aggregate(Aggregate { param, input, .. }) => {
                let param = param.$iter().map(|param| &$($mutable)? **param);
                param.chain(std::iter::once(&$($mutable)? **input)).collect()
            }
        }
    };
}

impl Plan {
    /// Whether the node has one value for all of its parent's steps.
    pub fn is_invariant_for(&self, parent: &Grid) -> bool {
        self.node.grid.len == 1 && parent.len != 1
    }

    /// The node's inputs in the order of the syntax.
    pub fn inputs(&self) -> Vec<&Plan> {
        inputs_of!(&self.op, iter)
    }

    /// The node's inputs, to be changed.
    pub fn inputs_mut(&mut self) -> Vec<&mut Plan> {
        inputs_of!(&mut self.op, iter_mut, mut)
    }
}

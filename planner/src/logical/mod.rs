//! The logical plan: what is to be computed, at which times, without data.
//!
//! [`build`] turns a checked syntax tree and evaluation times into a tree of
//! [`Plan`] nodes. Every node knows its result type, its evaluation [`Grid`]
//! and with it whether it changes from step to step: a step-invariant node
//! has a grid of one step whatever its parent's, and the kernel that meets it
//! broadcasts. Selectors are fused with the window function above them.
//! Optimizer rules live in [`crate::rules`], one file each.

mod build;
mod display;
mod durations;
mod info;
mod invariant;
mod times;
mod totals;

pub use build::{PlanOptions, build};
pub(crate) use display::node_text;
pub use quarrel_functions::grid::Grid;
use quarrel_functions::table::{Function, ScalarFunction, ValueType};
pub use quarrel_functions::window::Extension;
use quarrel_matchers::Matcher;

use crate::ast::{AggregateOp, BinaryOp, Span, VectorMatching};

/// A node of the logical plan. Cloning and dropping are safe however deep it
/// is; so that dropping can be, no part can be moved out of a node: take its
/// `op` by [`std::mem::replace`].
#[derive(Debug)]
pub struct Plan {
    /// Its place in syntax-tree order (post-order), for annotations.
    pub id: u32,
    /// Where in the query text it stands.
    pub span: Span,
    /// Where it stands as an argument: at a plus sign in front of it, if there
    /// is one.
    pub argument_span: Span,
    /// Its evaluation times.
    pub grid: Grid,
    /// Whether the reference takes these times for a range: the end is later
    /// than the start, though there may be one time alone.
    pub range_query: bool,
    /// Scalar, vector, matrix or string.
    pub value_type: ValueType,
    /// Set by the rule on common subtrees: nodes of one plan with the same
    /// number compute the same and are computed once.
    pub shared: Option<u32>,
    /// What it computes.
    pub op: PlanOp,
}

/// What a node computes.
#[derive(Clone, Debug)]
pub enum PlanOp {
    /// A number.
    Number(f64),
    /// A string.
    String(String),
    /// A function without a vector or scalar argument: `time()`, `pi()`.
    Nullary(&'static Function),
    /// An arithmetic or comparison operator on two scalars.
    ScalarBinary {
        /// The operator.
        op: BinaryOp,
        /// Left operand.
        lhs: Box<Plan>,
        /// Right operand.
        rhs: Box<Plan>,
    },
    /// `max_of(a, b)`, `min_of(a, b)`
    ScalarFunction {
        /// The function.
        function: ScalarFunction,
        /// First argument.
        lhs: Box<Plan>,
        /// Second argument.
        rhs: Box<Plan>,
    },
    /// `scalar(v)`
    ScalarOf(Box<Plan>),
    /// `vector(s)`
    VectorOf(Box<Plan>),
    /// Unary minus, on scalars and vectors.
    Negate(Box<Plan>),
    /// A window function over a selector: one scan does both. An instant
    /// selector is the window function "latest".
    Window(Box<Window>),
    /// A bare range selector at the root: raw samples.
    RawSelect(Box<Select>),
    /// A bare subquery at the root: its inner rows.
    RawSubquery {
        /// The inner expression; its grid is `inner`, or one step where it
        /// does not change.
        input: Box<Plan>,
        /// The subquery's times.
        inner: Grid,
    },
    /// A window function over a subquery.
    SubqueryWindow {
        /// The inner expression; its grid is `inner`, or one step where it
        /// does not change.
        input: Box<Plan>,
        /// The subquery's times, without an offset of its own taken off: the
        /// times at which `input` is evaluated.
        inner: Grid,
        /// What is computed over each window.
        window: WindowCall,
    },
    /// A function of each sample, with scalar or string arguments.
    Elementwise {
        /// The function.
        function: &'static Function,
        /// The vector.
        input: Box<Plan>,
        /// The scalars, in the order of the signature.
        params: Vec<Plan>,
    },
    /// A vector and a scalar.
    VectorScalar {
        /// The operator.
        op: BinaryOp,
        /// The vector.
        vector: Box<Plan>,
        /// The scalar.
        scalar: Box<Plan>,
        /// Whether the scalar stands on the left.
        scalar_left: bool,
        /// Whether a comparison gives 0 or 1 and does not filter.
        return_bool: bool,
    },
    /// Two vectors, arithmetic or comparison.
    Join {
        /// The operator.
        op: BinaryOp,
        /// How rows find their partners.
        matching: VectorMatching,
        /// Whether a comparison gives 0 or 1 and does not filter.
        return_bool: bool,
        /// Left operand.
        lhs: Box<Plan>,
        /// Right operand.
        rhs: Box<Plan>,
    },
    /// `and`, `or`, `unless`
    Set {
        /// The operator.
        op: BinaryOp,
        /// How rows find their partners.
        matching: VectorMatching,
        /// Left operand.
        lhs: Box<Plan>,
        /// Right operand.
        rhs: Box<Plan>,
    },
    /// An aggregation.
    Aggregate {
        /// The aggregator.
        op: AggregateOp,
        /// The labels of `by` or `without`.
        grouping: Vec<String>,
        /// Whether `grouping` is `without`.
        without: bool,
        /// Whether it is computed in two stages: partial aggregates on the
        /// threads that scan, folded in the end. Set by a rule.
        split: bool,
        /// The number of `topk`, `quantile` and so on.
        param: Option<Box<Plan>>,
        /// What is aggregated.
        input: Box<Plan>,
    },
    /// `label_replace`, `label_join`
    Relabel {
        /// The function.
        function: &'static Function,
        /// The vector.
        input: Box<Plan>,
        /// The string arguments.
        params: Vec<String>,
    },
    /// `sort`, `sort_desc`, `sort_by_label`, `sort_by_label_desc`
    Sort {
        /// The function.
        function: &'static Function,
        /// The vector.
        input: Box<Plan>,
        /// The label names of the `by_label` forms.
        labels: Vec<String>,
        /// Whether rows come in this order.
        order: SortOrder,
    },
    /// `absent(v)`, and `absent_over_time(m)` over its presence.
    Absent {
        /// Rows whose presence counts.
        input: Box<Plan>,
        /// The labels of the one row that comes out, by name.
        labels: Vec<(String, String)>,
    },
    /// `info`: rows with the labels of info metrics.
    Info {
        /// The rows.
        input: Box<Plan>,
        /// The times of the info metrics' samples.
        series: Box<Plan>,
        /// Rows whose name matches all of these are left as they are.
        names: Vec<Matcher>,
        /// The labels that are wanted, and what they have to be; all if empty.
        data: Vec<Matcher>,
    },
    /// `start_timestamp` of anything but a selector, which has none. Computes its
    /// input all the same, which may be an error.
    NoStartTimestamp(Box<Plan>),
    /// `histogram_quantile` and its kin.
    Histogram {
        /// The function.
        function: &'static Function,
        /// The scalars, in the order of the signature.
        params: Vec<Plan>,
        /// The buckets.
        input: Box<Plan>,
    },
}

/// What becomes of the order that a sort asks for. Sorts by value leave
/// histograms out in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SortOrder {
    /// Rows come in it.
    Wanted,
    /// It stands in a range query, where it has no effect, and users are told.
    Ineffective,
    /// Nobody sees it. Set by a rule.
    Needless,
}

/// A selector: which series, and when to look at them.
#[derive(Clone, Debug)]
pub struct Select {
    /// All must match.
    pub matchers: Vec<Matcher>,
    /// The times that windows end at: the node's grid moved by `offset`, or
    /// one fixed time for `@`. Has the length of the node's grid, or 1.
    pub reference: Grid,
    /// The window before each time, ms: the range, or the lookback delta for
    /// an instant selector. Left-open, right-closed.
    pub range_ms: i64,
    /// How far `anchored` and `smoothed` look beyond the windows.
    pub extension: Option<Extension>,
    /// The closed range of time that samples are asked for, ms, narrowed by
    /// rules; empty if its end is earlier. Samples outside count as not there
    /// even if the store delivers them, see [`Select::is_cut`].
    pub time_range: (i64, i64),
    /// Set by the rule on shared selects: the store is asked once for the
    /// group's matchers, and this selector's own matchers pick from the answer.
    pub group: Option<SelectGroup>,
    /// The function or aggregator right above, for the store.
    pub function: String,
    /// The grouping right above, for the store.
    pub grouping: Vec<String>,
    /// Whether `grouping` is `by`.
    pub by: bool,
    /// The query's or subquery's step, ms; 0 for an instant query.
    pub hint_step_ms: i64,
    /// Label names that the plan above needs, if it needs not all. A store that
    /// leaves the others out still gives each series a row of its own, in the
    /// order of the full label sets. It keeps `__name__`, `__type__` and
    /// `__unit__`, and leaves labels out only if all series of its answer agree
    /// in these three: functions that drop them can then make no two series
    /// equal, which would have to be an error.
    pub projection: Option<Vec<String>>,
    /// Whether this is an instant selector.
    pub instant: bool,
    /// Whether native histograms are read without their buckets: count and
    /// sum, and what is known of resets from the samples before.
    pub totals_only: bool,
    /// Where the selector stands in the query.
    pub span: Span,
}

/// Selectors that share one select.
#[derive(Clone, Debug)]
pub struct SelectGroup {
    /// The group's number in its plan.
    pub id: u32,
    /// What the store is asked for; each selector of the group has these
    /// matchers, too, and perhaps more.
    pub matchers: Vec<Matcher>,
    /// The closed range of time over all selectors of the group, ms.
    pub time_range: (i64, i64),
}

/// A window function over a selector.
#[derive(Clone, Debug)]
pub struct Window {
    /// Set by the rule on shared windows: windows with the same number have
    /// the same series and the same windows, and share one decode.
    pub decode: Option<u32>,
    /// The samples.
    pub select: Select,
    /// What is computed over each window.
    pub call: WindowCall,
}

/// A window function with its arguments.
#[derive(Clone, Debug)]
pub struct WindowCall {
    /// What is computed.
    pub function: WindowKind,
    /// The scalar arguments, in the order of the signature, those that were
    /// left out with their defaults.
    pub params: Vec<Plan>,
    /// The windows' ends on the time line of the samples, see
    /// [`Select::reference`].
    pub reference: Grid,
    /// The windows' length, ms.
    pub range_ms: i64,
    /// See [`Select::extension`].
    pub extension: Option<Extension>,
    /// Whether start timestamps are read, where the store has them.
    pub start_timestamps: bool,
    /// Whether the function drops the metric name.
    pub drops_name: bool,
    /// Where the call's first argument stands, for annotations; nowhere (zero)
    /// if that is a subquery, as in the reference.
    pub argument: Span,
}

/// The window functions as plans know them.
#[derive(Clone, Copy, Debug)]
pub enum WindowKind {
    /// An instant selector: the latest sample unless it is stale.
    Latest,
    /// `timestamp(selector)`: the time of the latest sample, in seconds.
    LatestTimestamp,
    /// `start_timestamp(selector)`: the start timestamp of the latest sample,
    /// in seconds.
    LatestStart,
    /// A `smoothed` instant selector: the value between two samples.
    Smoothed,
    /// `info`'s look at an info metric: the time of the latest sample, in
    /// seconds, unless that is a histogram.
    InfoTime,
    /// A function of the table.
    Function(&'static Function),
}

impl WindowKind {
    /// The name that `explain` shows.
    pub fn name(&self) -> &'static str {
        match self {
            WindowKind::Latest => "latest",
            WindowKind::LatestTimestamp => "timestamp",
            WindowKind::LatestStart => "start_timestamp",
            WindowKind::Smoothed => "smoothed",
            WindowKind::InfoTime => "info",
            WindowKind::Function(function) => function.name,
        }
    }
}

impl Select {
    /// The closed range of time that the windows reach, ms.
    pub fn reach(&self) -> (i64, i64) {
        let (ends, range_ms) = match self.extension {
            Some(extension) => extension.widen(self.reference, self.range_ms),
            None => (self.reference, self.range_ms),
        };
        let oldest = ends.start_ms.saturating_sub(range_ms);
        (oldest.saturating_add(1), ends.end_ms())
    }

    /// Whether windows reach out of [`Select::time_range`], so that samples
    /// there have to be left out: with `@` in some odd places.
    pub fn is_cut(&self) -> bool {
        let (start, end) = self.reach();
        start < self.time_range.0 || end > self.time_range.1
    }
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

impl Plan {
    /// Whether the node has one value for all of its parent's steps.
    pub fn is_invariant_for(&self, parent: &Grid) -> bool {
        self.grid.len == 1 && parent.len != 1
    }

    /// The node's inputs in the order of the syntax.
    pub fn inputs(&self) -> Vec<&Plan> {
        match &self.op {
            PlanOp::Number(_) | PlanOp::String(_) | PlanOp::Nullary(_) | PlanOp::RawSelect(_) => {
                Vec::new()
            }
            PlanOp::ScalarOf(input)
            | PlanOp::VectorOf(input)
            | PlanOp::Negate(input)
            | PlanOp::NoStartTimestamp(input)
            | PlanOp::RawSubquery { input, .. }
            | PlanOp::Relabel { input, .. }
            | PlanOp::Sort { input, .. }
            | PlanOp::Absent { input, .. } => vec![input],
            PlanOp::Window(window) => window.call.params.iter().collect(),
            PlanOp::SubqueryWindow { input, window, .. } => {
                std::iter::once(&**input).chain(&window.params).collect()
            }
            PlanOp::Elementwise { input, params, .. } => {
                std::iter::once(&**input).chain(params).collect()
            }
            PlanOp::Histogram { input, params, .. } => {
                params.iter().chain(std::iter::once(&**input)).collect()
            }
            PlanOp::VectorScalar {
                vector,
                scalar,
                scalar_left: true,
                ..
            } => vec![scalar, vector],
            PlanOp::VectorScalar { vector, scalar, .. } => vec![vector, scalar],
            PlanOp::ScalarBinary { lhs, rhs, .. }
            | PlanOp::ScalarFunction { lhs, rhs, .. }
            | PlanOp::Join { lhs, rhs, .. }
            | PlanOp::Set { lhs, rhs, .. } => vec![lhs, rhs],
            PlanOp::Info { input, series, .. } => vec![input, series],
            PlanOp::Aggregate { input, param, .. } => param
                .iter()
                .map(|p| &**p)
                .chain(std::iter::once(&**input))
                .collect(),
        }
    }

    /// The node's inputs, to be changed.
    pub fn inputs_mut(&mut self) -> Vec<&mut Plan> {
        match &mut self.op {
            PlanOp::Number(_) | PlanOp::String(_) | PlanOp::Nullary(_) | PlanOp::RawSelect(_) => {
                Vec::new()
            }
            PlanOp::ScalarOf(input)
            | PlanOp::VectorOf(input)
            | PlanOp::Negate(input)
            | PlanOp::NoStartTimestamp(input)
            | PlanOp::RawSubquery { input, .. }
            | PlanOp::Relabel { input, .. }
            | PlanOp::Sort { input, .. }
            | PlanOp::Absent { input, .. } => vec![input],
            PlanOp::Window(window) => window.call.params.iter_mut().collect(),
            PlanOp::SubqueryWindow { input, window, .. } => std::iter::once(&mut **input)
                .chain(&mut window.params)
                .collect(),
            PlanOp::Elementwise { input, params, .. } => {
                std::iter::once(&mut **input).chain(params).collect()
            }
            PlanOp::Histogram { input, params, .. } => params
                .iter_mut()
                .chain(std::iter::once(&mut **input))
                .collect(),
            PlanOp::VectorScalar {
                vector,
                scalar,
                scalar_left: true,
                ..
            } => vec![scalar, vector],
            PlanOp::VectorScalar { vector, scalar, .. } => vec![vector, scalar],
            PlanOp::ScalarBinary { lhs, rhs, .. }
            | PlanOp::ScalarFunction { lhs, rhs, .. }
            | PlanOp::Join { lhs, rhs, .. }
            | PlanOp::Set { lhs, rhs, .. } => vec![lhs, rhs],
            PlanOp::Info { input, series, .. } => vec![input, series],
            PlanOp::Aggregate { input, param, .. } => param
                .iter_mut()
                .map(|p| &mut **p)
                .chain(std::iter::once(&mut **input))
                .collect(),
        }
    }
}

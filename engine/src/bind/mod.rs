//! Bind: from a logical plan and one view of a store to bound nodes.
//!
//! All selects of the query bring their series' labels first
//! ([`selections`]); then each node resolves its output labels, their order,
//! its groups and partners from labels alone, before any sample is decoded.
//! Late labels (`count_values`, `info`) are pipeline breakers: their inputs are run
//! while binding ([`late`]), and the node becomes rows at hand.

pub(crate) mod late;
mod marks;
pub(crate) mod selections;

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::sync::Arc;

use quarrel_functions::grid::Grid;
use quarrel_planner::logical::{Plan, PlanOp};
use quarrel_planner::with_stack;

use self::late::LateRows;
pub(crate) use self::marks::Marks;
use self::selections::Selections;
use crate::error::QueryError;
use crate::exec::context::QueryContext;
use crate::exec::gather::Gather;
use crate::exec::morsels::Morsels;
use crate::exec::operator::{Operator, Pruning};
use crate::exec::plan_node::PlanNode;
use crate::labels::LabelList;
use crate::operators;

/// A node that knows its rows' labels.
#[derive(Clone, Debug)]
pub(crate) struct Bound {
    /// One label set a row. A row's number is its place here.
    pub labels: Arc<LabelList>,
    /// Whether no two label sets can be equal.
    pub unique: bool,
    /// Which rows lose their name in the answer.
    pub marks: Marks,
    /// The evaluation times of the rows; one time where they do not change.
    pub grid: Grid,
    /// What computes the rows.
    pub operator: Arc<dyn Operator>,
    /// Its inputs.
    pub inputs: Inputs,
    /// The morsels of the scan below, as long as all partitions run alone.
    pub morsels: Option<Arc<Morsels>>,
}

/// The inputs of a node. Cheap to clone, and to drop at any depth.
#[derive(Clone, Debug, Default)]
pub(crate) struct Inputs(Option<Arc<Vec<Bound>>>);

impl From<Vec<Bound>> for Inputs {
    fn from(inputs: Vec<Bound>) -> Self {
        Inputs((!inputs.is_empty()).then(|| Arc::new(inputs)))
    }
}

impl std::ops::Deref for Inputs {
    type Target = [Bound];

    fn deref(&self) -> &[Bound] {
        self.0.as_deref().map_or(&[], Vec::as_slice)
    }
}

impl Drop for Inputs {
    fn drop(&mut self) {
        if let Some(inputs) = self.0.take() {
            with_stack(|| drop(inputs));
        }
    }
}

impl Bound {
    /// A node that computes row by row, in the partitions of its first input.
    pub fn row_wise(operator: Arc<dyn Operator>, inputs: Vec<Bound>, labels: RowLabels) -> Bound {
        let first = &inputs[0];
        Bound {
            labels: labels.list,
            unique: labels.unique,
            marks: labels.marks,
            grid: first.grid,
            operator,
            morsels: first.morsels.clone(),
            inputs: inputs.into(),
        }
    }

    /// A node that needs its whole inputs and has one partition.
    pub fn whole(
        operator: Arc<dyn Operator>,
        inputs: Vec<Bound>,
        labels: RowLabels,
        grid: Grid,
    ) -> Bound {
        Bound {
            labels: labels.list,
            unique: labels.unique,
            marks: labels.marks,
            grid,
            operator,
            inputs: inputs.into(),
            morsels: None,
        }
    }

    /// Says that rows outside of `keep` have no effect on anything above, so
    /// that their samples need not be decoded.
    pub fn prune(&self, keep: &[bool]) {
        let mut node = self;
        while node.operator.prune(keep) == Pruning::PassedOn {
            node = &node.inputs[0];
        }
    }

    /// The node's labels.
    pub fn row_labels(&self) -> RowLabels {
        RowLabels {
            list: Arc::clone(&self.labels),
            unique: self.unique,
            marks: self.marks.clone(),
        }
    }

    /// The same rows under other labels.
    pub fn relabeled(self, labels: RowLabels) -> Bound {
        Bound {
            labels: labels.list,
            unique: labels.unique,
            marks: labels.marks,
            ..self
        }
    }
}

/// The labels of a node's rows, and whether they are known to differ.
#[derive(Clone, Debug)]
pub(crate) struct RowLabels {
    /// One set a row.
    pub list: Arc<LabelList>,
    /// Whether no two are equal.
    pub unique: bool,
    /// Which rows lose their name in the answer.
    pub marks: Marks,
}

impl RowLabels {
    /// Label sets that may be equal.
    pub fn new(list: LabelList) -> Self {
        let unique = list.len() < 2;
        RowLabels {
            unique,
            ..RowLabels::unique(list)
        }
    }

    /// Label sets that are all different.
    pub fn unique(list: LabelList) -> Self {
        RowLabels::shared(Arc::new(list))
    }

    /// Label sets that are all different and belong to others, too.
    pub fn shared(list: Arc<LabelList>) -> Self {
        RowLabels {
            list,
            unique: true,
            marks: Marks::None,
        }
    }

    /// One row without labels.
    pub fn one() -> Self {
        RowLabels::unique(LabelList::one_empty())
    }
}

/// The times of the query itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct QueryTimes {
    /// First evaluation, ms.
    pub start_ms: i64,
    /// Last evaluation, ms.
    pub end_ms: i64,
    /// Their distance, ms; 0 for an instant query.
    pub step_ms: i64,
}

/// What binding needs to know.
pub(crate) struct Binder<'a> {
    /// The running query.
    pub context: &'a Arc<QueryContext>,
    /// The query's times.
    pub times: QueryTimes,
    selections: &'a Selections,
    late: &'a HashMap<u32, LateRows>,
    shared: RefCell<HashMap<u32, Bound>>,
    rows_wanted: Cell<Option<u32>>,
}

impl<'a> Binder<'a> {
    /// A binder over the answers of all selects, and what late nodes gave.
    pub fn new(
        context: &'a Arc<QueryContext>,
        times: QueryTimes,
        selections: &'a Selections,
        late: &'a HashMap<u32, LateRows>,
    ) -> Self {
        Binder {
            context,
            times,
            selections,
            late,
            shared: RefCell::default(),
            rows_wanted: Cell::new(None),
        }
    }

    /// The rows of a node, if they are at hand.
    pub fn rows_of(&self, id: u32) -> Option<&LateRows> {
        self.late.get(&id)
    }

    /// Gives up binding: node `id` wants its inputs' rows at hand first.
    pub fn want_rows(&self, id: u32) -> QueryError {
        self.rows_wanted.set(Some(id));
        QueryError::Internal(format!("plan node {id} is bound without rows"))
    }

    /// The node that gave up, if binding failed for that.
    pub fn rows_wanted(&self) -> Option<u32> {
        self.rows_wanted.get()
    }

    /// The series that the selector of plan node `id` brought.
    pub fn selection(&self, id: u32) -> Result<&selections::Selection, QueryError> {
        self.selections.of(id)
    }

    /// Whether names are removed when the answer is complete.
    pub fn delays_names(&self) -> bool {
        self.context.semantics.delayed_name_removal
    }

    /// Whether rows of equal labels stay as they are until the answer is
    /// complete: the reference does not look for them where names are removed
    /// at the end and a node is evaluated at one time alone.
    pub fn keeps_equal_rows(&self, plan: &Plan) -> bool {
        self.delays_names() && !plan.range_query
    }

    /// The labels of rows whose function drops the name: without it, or marked.
    pub fn drop_names(&self, labels: RowLabels) -> RowLabels {
        if self.delays_names() {
            labels.marked(Marks::All)
        } else {
            labels.without_metadata()
        }
    }

    /// Binds a node and all below it.
    ///
    /// # Errors
    /// What labels alone can tell to be wrong, such as an invalid label name.
    pub fn bind(&self, plan: &Plan) -> Result<Bound, QueryError> {
        with_stack(|| {
            if let Some(rows) = self.late.get(&plan.id) {
                return Ok(operators::rows::bind(rows));
            }
            let Some(number) = plan.shared else {
                return self.bind_op(plan);
            };
            if let Some(bound) = self.shared.borrow().get(&number) {
                return Ok(bound.clone());
            }
            let bound = operators::cache::bind(self, self.bind_op(plan)?);
            self.shared.borrow_mut().insert(number, bound.clone());
            Ok(bound)
        })
    }

    /// The one place that knows which operator computes which plan node.
    fn bind_op(&self, plan: &Plan) -> Result<Bound, QueryError> {
        match &plan.op {
            PlanOp::Number(_)
            | PlanOp::Nullary(_)
            | PlanOp::ScalarBinary { .. }
            | PlanOp::ScalarFunction { .. }
            | PlanOp::ScalarOf(_)
            | PlanOp::VectorOf(_) => operators::scalar::bind(self, plan),
            PlanOp::String(_) => Err(QueryError::Internal("a string has no rows".into())),
            PlanOp::Window(window) => operators::scan::bind(self, plan, window),
            PlanOp::RawSelect(_) | PlanOp::RawSubquery { .. } => Err(QueryError::Internal(
                "raw samples stand at the root alone".into(),
            )),
            PlanOp::SubqueryWindow {
                input,
                inner,
                window,
            } => operators::subquery::bind(self, plan, input, *inner, window),
            PlanOp::Elementwise { .. } | PlanOp::Negate(_) => {
                operators::elementwise::bind(self, plan)
            }
            PlanOp::VectorScalar { .. } => operators::vector_scalar::bind(self, plan),
            PlanOp::Join { .. } => operators::join::bind(self, plan),
            PlanOp::Set { .. } => operators::set::bind(self, plan),
            PlanOp::Info { .. } => Err(QueryError::Internal(
                "the labels of info metrics depend on their samples".into(),
            )),
            PlanOp::NoStartTimestamp(input) => {
                operators::no_start_timestamp::bind(self, plan, input)
            }
            PlanOp::Aggregate { .. } => operators::aggregate::bind(self, plan),
            PlanOp::Relabel { .. } => operators::relabel::bind(self, plan),
            PlanOp::Sort { .. } => operators::sort::bind(self, plan),
            PlanOp::Absent { .. } => operators::absent::bind(self, plan),
            PlanOp::Histogram { .. } => operators::histogram::bind(self, plan),
        }
    }
}

/// Turns bound nodes into a plan that can be shown and run. Cannot fail.
pub(crate) fn lower(bound: &Bound, context: &Arc<QueryContext>) -> Arc<PlanNode> {
    with_stack(|| {
        let inputs = bound
            .inputs
            .iter()
            .enumerate()
            .map(|(i, input)| {
                let plan = lower(input, context);
                match &input.morsels {
                    Some(morsels)
                        if morsels.partitions() > 1 && !bound.operator.takes_partitions(i) =>
                    {
                        let gather = Arc::new(Gather::new(Arc::clone(morsels)));
                        PlanNode::new(gather, vec![plan], context)
                    }
                    _ => plan,
                }
            })
            .collect();
        PlanNode::new(Arc::clone(&bound.operator), inputs, context)
    })
}

/// As [`lower`], with one partition at the root.
pub(crate) fn lower_root(bound: &Bound, context: &Arc<QueryContext>) -> Arc<PlanNode> {
    let plan = lower(bound, context);
    match &bound.morsels {
        Some(morsels) if morsels.partitions() > 1 => PlanNode::new(
            Arc::new(Gather::new(Arc::clone(morsels))),
            vec![plan],
            context,
        ),
        _ => plan,
    }
}

//! From a logical plan and one view of a store to bound nodes: the one place
//! that knows which operator computes which node.
//!
//! The tree is walked once, leaves first. Each operator's constructor gets its
//! own part of the plan and its inputs, bound already, and resolves the labels
//! of its rows before any sample is decoded. A pipeline breaker, whose labels
//! depend on samples, computes its inputs where it stands.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use quarrel_functions::table::RowAggregation;
use quarrel_planner::logical::{Aggregate, NodeInfo, Plan, PlanOp, RawSubquery};

use crate::bound::Bound;
use crate::error::QueryError;
use crate::exec::context::QueryContext;
use crate::exec::pool::give_way;
use crate::labels::LabelList;
use crate::operators::cache::Cached;
use crate::operators::join::JoinBinding;
use crate::operators::raw::RawRoot;
use crate::operators::{
    absent, aggregate, count_values, elementwise, histogram, info, join, limit_ratio, limitk,
    merge, no_start_timestamp, quantile, relabel, scalar, scan, set, sort, subquery, topk,
    vector_scalar,
};
use crate::selections::Selections;

/// Binds a tree of nodes as the root of a query: over `plan`'s own times, with
/// the names removed that its functions drop.
///
/// # Errors
/// What labels alone can tell to be wrong, such as an invalid label name; for
/// pipeline breakers the errors of their inputs; the query's limits.
pub(crate) async fn bind_root(
    plan: &Plan,
    context: &Arc<QueryContext>,
    selections: &Selections,
) -> Result<Bound, QueryError> {
    let bound = PhysicalPlanner::new(context, selections).bind(plan).await?;
    Ok(merge::finish(bound, plan.node.span))
}

/// Binds a bare subquery, whose inner rows are the answer.
///
/// # Errors
/// As [`bind_root`].
pub(crate) async fn bind_raw_subquery(
    raw: &RawSubquery,
    context: &Arc<QueryContext>,
    selections: &Selections,
) -> Result<RawRoot, QueryError> {
    let bound = PhysicalPlanner::new(context, selections)
        .bind(&raw.input)
        .await?;
    let bound = merge::finish(bound, raw.node.span);
    Ok(RawRoot::of_subquery(context, raw.inner, bound))
}

/// What is to be done with a node.
enum Step<'p> {
    /// Its inputs come first.
    Enter(&'p Plan),
    /// Its inputs, this many, are bound.
    Bind(&'p Plan, usize),
}

/// How long binding goes on before other queries may come in between.
const TURN: Duration = Duration::from_millis(2);

/// What binding needs for each row of a node's inputs beside twice their labels,
/// bytes: a place in a table of groups.
const BYTES_A_ROW: usize = 48;

/// What a node keeps of it: the number of a group, and a target of a merge.
const KEPT_A_ROW: usize = 8;

struct PhysicalPlanner<'a> {
    context: &'a Arc<QueryContext>,
    selections: &'a Selections,
    /// Nodes that are computed once, by their number in the plan.
    shared: HashMap<u32, Cached>,
}

/// The bound inputs of a node, in the order of [`Plan::inputs`].
struct Operands(std::vec::IntoIter<Bound>);

impl Operands {
    fn next(&mut self) -> Result<Bound, QueryError> {
        let missing = || QueryError::Internal("a node is bound before its inputs".into());
        self.0.next().ok_or_else(missing)
    }

    /// The inputs that are left.
    fn rest(self) -> Vec<Bound> {
        self.0.collect()
    }

    /// The `count` next inputs.
    fn take(&mut self, count: usize) -> Vec<Bound> {
        self.0.by_ref().take(count).collect()
    }
}

impl<'a> PhysicalPlanner<'a> {
    fn new(context: &'a Arc<QueryContext>, selections: &'a Selections) -> Self {
        PhysicalPlanner {
            context,
            selections,
            shared: HashMap::new(),
        }
    }

    /// Binds a node and all below it.
    async fn bind(mut self, root: &Plan) -> Result<Bound, QueryError> {
        let mut steps = vec![Step::Enter(root)];
        let mut bound: Vec<Bound> = Vec::new();
        let mut began = Instant::now();
        while let Some(step) = steps.pop() {
            if began.elapsed() > TURN {
                give_way().await;
                began = Instant::now();
            }
            match step {
                Step::Enter(plan) => match self.shared_node(plan) {
                    Some(node) => bound.push(node),
                    None => {
                        let inputs = plan.inputs();
                        steps.push(Step::Bind(plan, inputs.len()));
                        steps.extend(inputs.into_iter().rev().map(Step::Enter));
                    }
                },
                Step::Bind(plan, inputs) => {
                    let from = bound.len().saturating_sub(inputs);
                    let operands = bound.split_off(from);
                    let node = self.reserved(plan, operands).await?;
                    bound.push(self.share(plan, node));
                }
            }
        }
        Operands(bound.into_iter()).next()
    }

    /// The node of a common subtree that is bound already.
    fn shared_node(&self, plan: &Plan) -> Option<Bound> {
        self.shared.get(&plan.shared?.number).map(Cached::read)
    }

    /// Puts a cache above the node of a common subtree, if that pays.
    fn share(&mut self, plan: &Plan, node: Bound) -> Bound {
        let Some(shared) = plan.shared else {
            return node;
        };
        match Cached::new(node, shared) {
            Ok(cached) => {
                let first = cached.read();
                self.shared.insert(shared.number, cached);
                first
            }
            Err(node) => node,
        }
    }

    /// Binds a node over its inputs, within the query's limits: what it may need
    /// is reserved before, what it keeps stays reserved.
    async fn reserved(&self, plan: &Plan, operands: Vec<Bound>) -> Result<Bound, QueryError> {
        self.context.check()?;
        let mut account = self.context.account("labels");
        let lists: Vec<Arc<LabelList>> = operands.iter().map(|o| Arc::clone(&o.labels)).collect();
        let rows: usize = lists.iter().map(|list| list.len()).sum();
        let labels: usize = lists.iter().map(|list| list.bytes()).sum();
        account.grow(2 * labels + rows * BYTES_A_ROW)?;
        let node = self.bind_node(plan, Operands(operands.into_iter())).await?;
        let is_old = lists.iter().any(|list| list.shares(&node.labels));
        let new = if is_old { 0 } else { node.labels.bytes() };
        account.set(new + rows * KEPT_A_ROW)?;
        account.keep_lasting();
        Ok(node)
    }

    /// Binds a node over its inputs.
    async fn bind_node(&self, plan: &Plan, mut inputs: Operands) -> Result<Bound, QueryError> {
        let (context, node) = (self.context, plan.node);
        Ok(match &plan.op {
            PlanOp::Number(value) => scalar::number(node, *value),
            PlanOp::Time => scalar::time(node),
            PlanOp::ScalarBinary(binary) => {
                scalar::binary(node, binary, inputs.next()?, inputs.next()?)?
            }
            PlanOp::ScalarCall(call) => scalar::call(node, call, inputs.next()?, inputs.next()?),
            PlanOp::ScalarOf(_) => scalar::of_vector(node, inputs.next()?),
            PlanOp::VectorOf(_) => scalar::to_vector(node, inputs.next()?),
            PlanOp::Negate(_) => elementwise::negate(context, node, inputs.next()?),
            PlanOp::Window(window) => {
                let selection = self.selections.of(node.id)?.clone();
                scan::bind(context, node, window, selection, inputs.rest())
            }
            PlanOp::SubqueryWindow(window) => {
                let input = inputs.next()?;
                subquery::bind(context, node, window, input, inputs.rest())
            }
            PlanOp::Elementwise(call) => {
                let input = inputs.next()?;
                elementwise::bind(context, node, call, input, inputs.rest())
            }
            PlanOp::VectorScalar(operation) => {
                let (first, second) = (inputs.next()?, inputs.next()?);
                let (vector, scalar) = match operation.scalar_left {
                    true => (second, first),
                    false => (first, second),
                };
                vector_scalar::bind(context, node, operation, vector, scalar)?
            }
            PlanOp::Join(plan) => {
                match join::bind(context, node, plan, inputs.next()?, inputs.next()?)? {
                    JoinBinding::Bound(bound) => bound,
                    JoinBinding::Breaker(large) => large.bind(context, node, plan).await?,
                }
            }
            PlanOp::Set(plan) => set::bind(context, node, plan, inputs.rest())?,
            PlanOp::Aggregate(plan) => {
                let param = match plan.param {
                    Some(_) => Some(inputs.next()?),
                    None => None,
                };
                self.aggregate(node, plan, param, inputs.next()?)
            }
            // On a grid without steps nothing is evaluated, so no name is wrong.
            PlanOp::CountValues(_) | PlanOp::Relabel(_) if node.grid.len == 0 => inputs.next()?,
            PlanOp::CountValues(plan) => {
                count_values::bind(context, node, plan, inputs.next()?).await?
            }
            PlanOp::Relabel(plan) => relabel::bind(context, node, plan, inputs.next()?).await?,
            PlanOp::Sort(plan) => sort::bind(context, node, plan, inputs.next()?),
            PlanOp::Absent(plan) => absent::bind(context, node, plan, inputs.next()?),
            PlanOp::Info(plan) => {
                info::bind(context, node, plan, inputs.next()?, inputs.next()?).await?
            }
            PlanOp::NoStartTimestamp(_) => no_start_timestamp::bind(node, inputs.next()?),
            PlanOp::Histogram(plan) => {
                let params = inputs.take(plan.params.len());
                histogram::bind(context, node, plan, params, inputs.next()?)
            }
            PlanOp::HistogramQuantiles(plan) => {
                let input = inputs.next()?;
                histogram::quantiles::bind(context, node, plan, input, inputs.rest()).await?
            }
        })
    }
}

impl PhysicalPlanner<'_> {
    /// The operator of an aggregator.
    fn aggregate(
        &self,
        node: NodeInfo,
        plan: &Aggregate,
        param: Option<Bound>,
        input: Bound,
    ) -> Bound {
        let context = self.context;
        let grouped = (param, input);
        match plan.kind {
            RowAggregation::Fold(function) => {
                aggregate::bind(context, node, plan, function, grouped.1)
            }
            RowAggregation::TopK(order) => topk::bind(context, node, plan, order, grouped),
            RowAggregation::LimitK => limitk::bind(context, node, plan, grouped),
            RowAggregation::LimitRatio => limit_ratio::bind(context, node, plan, grouped),
            RowAggregation::Quantile => quantile::bind(context, node, plan, grouped),
        }
    }
}

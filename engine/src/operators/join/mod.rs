//! Arithmetic and comparison of two vectors.
//!
//! Rows are matched once, from labels ([`table`]); then whole rows are computed,
//! pair by pair ([`pairs`]): as those of the "many" side come, if nothing but its
//! own row decides on a pair ([`streamed`]), else when all are there
//! ([`compute`]). Prometheus matches series at each
//! step, and so do the errors here: two rows of one match group matter only at
//! steps at which both have a sample.

mod compute;
mod pairs;
mod streamed;
mod table;

use std::fmt;
use std::sync::Arc;

use parking_lot::Mutex;
use quarrel_planner::ast::{Cardinality, Span};
use quarrel_planner::logical::{Join as JoinPlan, NodeInfo};

use self::pairs::LastAnnotations;
use self::table::{Sides, Table};
use super::ops::SampleOp;
use super::{broadcast, merge, rows};
use crate::bound::{Bound, DropNames, MaterializedRows, RowLabels};
use crate::error::QueryError;
use crate::exec::context::QueryContext;
use crate::exec::morsels::Morsels;
use crate::exec::operator::{BatchStream, Operator, Run, computed};
use crate::exec::streamed::{Together, streamed as stream_rows};

#[derive(Debug)]
struct Join {
    op: SampleOp,
    symbol: &'static str,
    node: u32,
    card: Cardinality,
    table: Table,
    steps: usize,
    span: Span,
    /// The morsels of the "many" side, if its rows are joined as they come.
    streams: Option<Arc<Morsels>>,
    together: Together<streamed::One>,
    /// Those of the partitions that have ended.
    annotations: Mutex<LastAnnotations>,
}

/// What binding a join gives.
pub(crate) enum JoinBinding {
    /// A node.
    Bound(Bound),
    /// A pipeline breaker: labels alone allow very many pairs, so the operands'
    /// rows are needed first.
    Breaker(LargeJoin),
}

/// A join whose operands are computed before its table is made.
pub(crate) struct LargeJoin {
    op: SampleOp,
    lhs: Bound,
    rhs: Bound,
}

/// Binds an operation on two vectors.
///
/// # Errors
/// The memory limit, and operators that samples do not have.
pub(crate) fn bind(
    context: &Arc<QueryContext>,
    node: NodeInfo,
    plan: &JoinPlan,
    lhs: Bound,
    rhs: Bound,
) -> Result<JoinBinding, QueryError> {
    let op = SampleOp::of(plan.op, plan.return_bool, node.span)?;
    let lhs = broadcast::bind(lhs, node.grid);
    let rhs = broadcast::bind(rhs, node.grid);
    let sides = sides_of(context, plan, &lhs, &rhs)?;
    if sides.is_large() {
        return Ok(JoinBinding::Breaker(LargeJoin { op, lhs, rhs }));
    }
    let bound = with_sides(context, node, plan, op, sides, (lhs, rhs))?;
    Ok(JoinBinding::Bound(bound))
}

impl LargeJoin {
    /// Computes both operands and joins the rows that have samples.
    ///
    /// # Errors
    /// Those of the operands, one-to-one matches that are none, and the memory
    /// limit.
    pub async fn bind(
        self,
        context: &Arc<QueryContext>,
        node: NodeInfo,
        plan: &JoinPlan,
    ) -> Result<Bound, QueryError> {
        let lhs = MaterializedRows::of(&self.lhs, context, "join").await?;
        let rhs = MaterializedRows::of(&self.rhs, context, "join").await?;
        let (left, right) = (lhs.rows(), rhs.rows());
        let (lhs, rhs) = (rows::bind(lhs), rows::bind(rhs));
        let sides = sides_of(context, plan, &lhs, &rhs)?;
        if sides.is_large() {
            let (many, one) = by_side(plan.matching.card, left, right);
            let check = compute::Check {
                context,
                sides: &sides,
                card: plan.matching.card,
                steps: node.grid.len,
                span: node.span,
            };
            let mut account = context.account("join");
            check.one_side(&many, &one, &mut account)?;
        }
        with_sides(context, node, plan, self.op, sides, (lhs, rhs))
    }
}

/// The operands as the "many" and the "one" side.
fn by_side<T>(card: Cardinality, lhs: T, rhs: T) -> (T, T) {
    match card {
        Cardinality::OneToMany => (rhs, lhs),
        _ => (lhs, rhs),
    }
}

fn sides_of(
    context: &Arc<QueryContext>,
    plan: &JoinPlan,
    lhs: &Bound,
    rhs: &Bound,
) -> Result<Sides, QueryError> {
    let (many, one) = by_side(plan.matching.card, &lhs.labels, &rhs.labels);
    Sides::build(context, many, one, &plan.matching)
}

fn with_sides(
    context: &Arc<QueryContext>,
    node: NodeInfo,
    plan: &JoinPlan,
    op: SampleOp,
    sides: Sides,
    (lhs, rhs): (Bound, Bound),
) -> Result<Bound, QueryError> {
    let matching = &plan.matching;
    // Arithmetic drops names at once in any case, and a filter forgets that
    // its operands' are to be dropped, as in Prometheus.
    let (drop_names, drops_name) = match op {
        SampleOp::Bool(_) if context.semantics.delayed_name_removal => (DropNames::All, false),
        _ => (DropNames::None, op.drops_name()),
    };
    let (table, labels) = Table::build(context, sides, matching, drops_name)?;
    let (keep_many, keep_one) = table.sides.needed();
    let (many, one) = by_side(matching.card, &lhs, &rhs);
    many.prune(&keep_many);
    one.prune(&keep_one);
    let streams = many.morsels.clone().filter(|_| table.can_stream());
    let join = Join {
        op,
        symbol: plan.op.symbol(),
        node: node.id,
        card: matching.card,
        table,
        steps: node.grid.len,
        span: node.span,
        streams: streams.clone(),
        together: Together::default(),
        annotations: Mutex::default(),
    };
    let labels = RowLabels::new(labels).with_drop_names(drop_names);
    let bound = Bound {
        morsels: streams,
        ..Bound::whole(Arc::new(join), vec![lhs, rhs], labels, node.grid)
    };
    Ok(merge::bind(context, bound, node))
}

impl Join {
    /// Which input is the "many" side.
    fn many_input(&self) -> usize {
        by_side(self.card, 0, 1).0
    }
}

impl Operator for Join {
    fn name(&self) -> &'static str {
        "Join"
    }

    fn describe(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (card, sides) = (self.card.name(), &self.table.sides);
        write!(
            f,
            ": {:?} {card} groups={} pairs={}",
            self.op,
            sides.groups(),
            sides.pairs
        )?;
        for (side, fill) in [("many", sides.fill.many), ("one", sides.fill.one)] {
            if let Some(fill) = fill {
                write!(f, " fill {side}={fill}")?;
            }
        }
        match (&self.streams, self.many_input()) {
            (None, _) => Ok(()),
            (Some(_), 0) => f.write_str(" streams=left"),
            (Some(_), _) => f.write_str(" streams=right"),
        }
    }

    fn partitioned_input(&self) -> Option<usize> {
        self.streams.is_some().then(|| self.many_input())
    }

    fn stream(self: Arc<Self>, run: Run) -> BatchStream {
        if self.streams.is_some() {
            return stream_rows(self, run);
        }
        computed(async move { compute::compute(&self, &run).await })
    }
}

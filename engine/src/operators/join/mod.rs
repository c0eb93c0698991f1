//! Arithmetic and comparison of two vectors.
//!
//! Partners are found once, from labels ([`table`]); then whole rows are
//! computed ([`compute`], pair by pair in [`pairs`]). The reference looks for partners at each step, and
//! so do the errors here: two rows of one match group matter only at steps at
//! which both have a sample.

mod compute;
mod pairs;
mod table;

use std::fmt;
use std::sync::Arc;

use quarrel_planner::ast::{Cardinality, Span};
use quarrel_planner::logical::{Plan, PlanOp};

use self::table::{Sides, Table};
use super::ops::SampleOp;
use super::{broadcast, merge};
use crate::bind::{Binder, Bound, Marks, RowLabels};
use crate::error::QueryError;
use crate::exec::operator::{BatchStream, Operator, Run, computed};

#[derive(Debug)]
struct Join {
    op: SampleOp,
    symbol: &'static str,
    node: u32,
    card: Cardinality,
    table: Table,
    steps: usize,
    span: Span,
}

/// Binds an operation on two vectors.
pub(crate) fn bind(binder: &Binder<'_>, plan: &Plan) -> Result<Bound, QueryError> {
    let PlanOp::Join {
        op,
        matching,
        return_bool,
        lhs,
        rhs,
    } = &plan.op
    else {
        return Err(QueryError::Internal("not a join".into()));
    };
    let symbol = op.symbol();
    let op = SampleOp::of(*op, *return_bool, plan.span)?;
    let lhs = broadcast::bind(binder.bind(lhs)?, plan.grid);
    let rhs = broadcast::bind(binder.bind(rhs)?, plan.grid);
    let (many, one) = match matching.card {
        Cardinality::OneToMany => (&rhs, &lhs),
        _ => (&lhs, &rhs),
    };
    let sides = Sides::build(binder.context, &many.labels, &one.labels, matching)?;
    if sides.is_large() {
        check_at_hand(binder, plan, &sides, matching.card)?;
    }
    // Arithmetic drops names at once in any case, and a filter forgets that
    // its operands' are to be dropped, as in the reference.
    let (marks, drops_name) = match op {
        SampleOp::Bool(_) if binder.delays_names() => (Marks::All, false),
        _ => (Marks::None, op.drops_name()),
    };
    let (table, labels) = Table::build(binder.context, sides, matching, drops_name)?;
    let (keep_many, keep_one) = table.sides.needed();
    many.prune(&keep_many);
    one.prune(&keep_one);
    let join = Join {
        op,
        symbol,
        node: plan.id,
        card: matching.card,
        table,
        steps: plan.grid.len,
        span: plan.span,
    };
    let bound = Bound::whole(
        Arc::new(join),
        vec![lhs, rhs],
        RowLabels::new(labels).marked(marks),
        plan.grid,
    );
    Ok(merge::bind(binder, bound, plan))
}

/// Before a large table is made: makes sure with the rows at hand that those of
/// one group take turns. Without rows at hand, asks for them.
fn check_at_hand(
    binder: &Binder<'_>,
    plan: &Plan,
    sides: &Sides,
    card: Cardinality,
) -> Result<(), QueryError> {
    let inputs = plan.inputs();
    let rows = |input: usize| Some(binder.rows_of(inputs.get(input)?.id)?.rows());
    let (Some(lhs), Some(rhs)) = (rows(0), rows(1)) else {
        return Err(binder.want_rows(plan.id));
    };
    let (many, one) = match card {
        Cardinality::OneToMany => (rhs, lhs),
        _ => (lhs, rhs),
    };
    let check = compute::Check {
        context: binder.context,
        sides,
        card,
        steps: plan.grid.len,
        span: plan.span,
    };
    let mut account = binder.context.account("join");
    check.one_side(&many, &one, &mut account)
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
        Ok(())
    }

    fn stream(self: Arc<Self>, run: Run) -> BatchStream {
        computed(async move { compute::compute(&self, &run).await })
    }
}

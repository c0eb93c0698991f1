//! `and`, `or`, `unless`: rows masked by the other side's presence in their
//! match group, step by step. A chain of one operator is one node with many
//! operands.

use std::fmt;
use std::sync::Arc;

use quarrel_planner::ast::VectorMatching;
use quarrel_planner::logical::{NodeInfo, Set as SetPlan, SetOp};

use super::aggregate::grouping::LabelFilter;
use super::masks::GroupMasks;
use super::{broadcast, merge};
use crate::batch::{BatchBuilder, Row, SeriesBatch};
use crate::bound::{Bound, RowLabels};
use crate::error::QueryError;
use crate::exec::account::Account;
use crate::exec::context::QueryContext;
use crate::exec::operator::{BatchStream, Collecting, Operator, Output, Run, computed};
use crate::exec::streamed::{Streamed, Together, streamed};
use crate::labels::{Grouper, LabelList};

#[derive(Debug)]
struct Set {
    op: SetOp,
    /// For each row of each operand its match group.
    groups_of: Vec<Vec<u32>>,
    groups: usize,
    steps: usize,
    /// Of `and` and `unless`, whose first operand streams.
    together: Together<Others>,
}

/// Binds a set operator over its operands, the left one first.
pub(crate) fn bind(
    context: &Arc<QueryContext>,
    node: NodeInfo,
    set: &SetPlan,
    operands: Vec<Bound>,
) -> Result<Bound, QueryError> {
    let operands = operands.into_iter();
    let operands: Vec<Bound> = operands.map(|o| broadcast::bind(o, node.grid)).collect();
    let (groups_of, groups) = match_groups(context, &operands, &set.matching)?;
    prune(set.op, &operands, &groups_of, groups);
    let labels = if set.op == SetOp::Or {
        united(context, &operands)?
    } else {
        operands[0].row_labels()
    };
    let set = Set {
        op: set.op,
        groups_of,
        groups,
        steps: node.grid.len,
        together: Together::default(),
    };
    let morsels = operands[0].morsels.clone().filter(|_| set.streams());
    let bound = Bound {
        morsels,
        ..Bound::whole(Arc::new(set), operands, labels, node.grid)
    };
    Ok(merge::bind(context, bound, node))
}

/// Leaves out rows of match groups that the other side lacks, which have no
/// effect, but for `unless`, which keeps those on the left.
fn prune(op: SetOp, operands: &[Bound], groups_of: &[Vec<u32>], groups: usize) {
    if op == SetOp::Or {
        return;
    }
    for (operand, rows) in operands.iter().zip(groups_of).skip(1) {
        operand.prune(&in_groups(rows, &groups_of[0], groups));
        if op == SetOp::And {
            operands[0].prune(&in_groups(&groups_of[0], rows, groups));
        }
    }
}

/// The rows of all operands.
fn united(context: &QueryContext, operands: &[Bound]) -> Result<RowLabels, QueryError> {
    let mut all = LabelList::new();
    let mut drop_names = Vec::new();
    for operand in operands {
        context.check()?;
        for (row, labels) in operand.labels.iter().enumerate() {
            all.push(labels.iter().copied());
            drop_names.push(operand.drop_names.get(row));
        }
    }
    Ok(RowLabels::new(all).with_drop_names(drop_names.into_iter().collect()))
}

/// Which rows are of a group that the other side has.
fn in_groups(rows: &[u32], other: &[u32], groups: usize) -> Vec<bool> {
    let mut there = vec![false; groups];
    other.iter().for_each(|&group| there[group as usize] = true);
    rows.iter().map(|&group| there[group as usize]).collect()
}

/// For each row of each operand its match group, and how many groups there are.
fn match_groups(
    context: &QueryContext,
    operands: &[Bound],
    matching: &VectorMatching,
) -> Result<(Vec<Vec<u32>>, usize), QueryError> {
    let symbols = &context.symbols;
    let filter = if matching.on {
        LabelFilter::only(&matching.labels, symbols)
    } else {
        LabelFilter::all_but(&matching.labels, symbols)
    };
    let mut grouper = Grouper::default();
    let mut buffer = Vec::new();
    let mut groups_of = Vec::with_capacity(operands.len());
    for operand in operands {
        context.check()?;
        let numbers = operand.labels.iter().map(|row| {
            filter.apply(row, &mut buffer);
            grouper.id_of(&buffer)
        });
        groups_of.push(numbers.collect());
    }
    Ok((groups_of, grouper.len()))
}

impl Operator for Set {
    fn name(&self) -> &'static str {
        "Set"
    }

    fn describe(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, ": {} groups={}", self.op.symbol(), self.groups)?;
        match self.groups_of.len() {
            2 => Ok(()),
            operands => write!(f, " operands={operands}"),
        }
    }

    fn partitioned_input(&self) -> Option<usize> {
        self.streams().then_some(0)
    }

    fn stream(self: Arc<Self>, run: Run) -> BatchStream {
        if self.streams() {
            return streamed(self, run);
        }
        computed(async move { self.unite(&run).await })
    }
}

const WHAT: &str = "set operator";

impl Set {
    /// Starts to read the operands from one on, side by side.
    fn collect(&self, run: &Run, from: usize) -> Vec<Collecting> {
        let operands = run.inputs.iter().zip(&self.groups_of).skip(from);
        operands
            .map(|(input, rows)| input.collect(rows.len(), &run.context, WHAT))
            .collect()
    }

    /// `or`: the rows of each operand at the steps at which their group is in
    /// none before.
    async fn unite(&self, run: &Run) -> Result<Output, QueryError> {
        let mut account = run.context.account(WHAT);
        let mut masks = GroupMasks::new(self.groups, self.steps, &mut account)?;
        let mut output = Output::new(&run.context, WHAT);
        let mut offset = 0;
        let last = self.groups_of.len() - 1;
        for (i, (operand, groups)) in self
            .collect(run, 0)
            .into_iter()
            .zip(&self.groups_of)
            .enumerate()
        {
            let (rows, _account) = operand.await?;
            for row in rows.arrived() {
                let mask = masks.get(groups[row.series as usize]);
                output.push_kept(offset + row.series, &row, kept_by(mask, &row, false))?;
            }
            if i < last {
                masks.add(&rows, groups, &mut account)?;
            }
            offset += groups.len() as u32;
        }
        Ok(output)
    }

    /// Whether the rows of the first operand are filtered as they come.
    fn streams(&self) -> bool {
        self.op != SetOp::Or
    }
}

/// What the operands of `and` or `unless` behind the first leave of it.
#[derive(Debug)]
struct Others {
    /// For each group the steps at which it is in all of them, or in any.
    masks: Option<GroupMasks>,
    _account: Account,
}

/// `and`, `unless`: the rows of the first operand at the steps at which their group
/// is in all others, or in none.
impl Streamed for Set {
    type Others = Others;
    type State = ();

    fn together(&self) -> &Together<Others> {
        &self.together
    }

    fn streamed_input(&self) -> usize {
        0
    }

    async fn collect_others(&self, run: &Run) -> Result<Others, QueryError> {
        let mut account = run.context.account(WHAT);
        let size = (self.groups, self.steps);
        let mut masks: Option<GroupMasks> = None;
        let operands = self.collect(run, 1);
        for (operand, groups) in operands.into_iter().zip(&self.groups_of[1..]) {
            let (rows, _account) = operand.await?;
            match &mut masks {
                None => masks = Some(GroupMasks::of(&rows, groups, size, &mut account)?),
                Some(masks) if self.op == SetOp::Unless => {
                    masks.add(&rows, groups, &mut account)?;
                }
                Some(masks) => {
                    let mut own = run.context.account(WHAT);
                    masks.keep_common(&GroupMasks::of(&rows, groups, size, &mut own)?);
                }
            }
        }
        Ok(Others {
            masks,
            _account: account,
        })
    }

    fn begin(self: &Arc<Self>, _: &Run) -> Result<(), QueryError> {
        Ok(())
    }

    fn fill(
        &self,
        others: &Others,
        (): &mut (),
        batch: &SeriesBatch,
        next: &mut usize,
        builder: &mut BatchBuilder,
    ) -> Result<(), QueryError> {
        while *next < batch.len() && !builder.is_full() {
            let row = batch.row(*next);
            let group = self.groups_of[0][row.series as usize];
            let mask = others.masks.as_ref().and_then(|masks| masks.get(group));
            let keep = self.op == SetOp::And;
            builder.push_kept(row.series, &row, kept_by(mask, &row, keep));
            *next += 1;
        }
        Ok(())
    }

    fn end(&self, _: &Run, (): (), _: impl FnOnce() -> bool) {}
}

/// Which items of a row stand at steps at which the mask is `keep`; no mask is false
/// everywhere.
fn kept_by<'a>(mask: Option<&'a [bool]>, row: &Row<'_>, keep: bool) -> impl Fn(usize) -> bool + 'a {
    let first = row.first_step as usize;
    move |i| mask.is_some_and(|mask| mask[first + i]) == keep
}

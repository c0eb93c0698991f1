//! `and`, `or`, `unless`: rows masked by the other side's presence in their
//! match group, step by step.

use std::fmt;
use std::sync::Arc;

use quarrel_planner::ast::VectorMatching;
use quarrel_planner::logical::{NodeInfo, Set as SetPlan, SetOp};

use super::aggregate::grouping::LabelFilter;
use super::masks::group_masks;
use super::{broadcast, merge};
use crate::batch::Row;
use crate::bound::{Bound, RowLabels};
use crate::error::QueryError;
use crate::exec::context::QueryContext;
use crate::exec::operator::{BatchStream, Operator, Output, Run, both, computed};
use crate::labels::{Grouper, LabelList, SymbolTable};

#[derive(Debug)]
struct Set {
    op: SetOp,
    /// For each row of either side its match group.
    left: Vec<u32>,
    right: Vec<u32>,
    groups: usize,
    steps: usize,
}

/// Binds a set operator.
pub(crate) fn bind(
    context: &Arc<QueryContext>,
    node: NodeInfo,
    set: &SetPlan,
    lhs: Bound,
    rhs: Bound,
) -> Bound {
    let lhs = broadcast::bind(lhs, node.grid);
    let rhs = broadcast::bind(rhs, node.grid);
    let (left, right, groups) =
        match_groups(&lhs.labels, &rhs.labels, &set.matching, &context.symbols);
    // Rows of match groups that the other side lacks have no effect, but for
    // `unless`, which keeps those on the left.
    if set.op != SetOp::Or {
        rhs.prune(&in_groups(&right, &left, groups));
    }
    if set.op == SetOp::And {
        lhs.prune(&in_groups(&left, &right, groups));
    }
    let labels = if set.op == SetOp::Or {
        let mut both = (*lhs.labels).clone();
        rhs.labels
            .iter()
            .for_each(|row| both.push(row.iter().copied()));
        let drop_names = |side: &Bound| {
            let drop_names = side.drop_names.clone();
            (0..side.labels.len()).map(move |row| drop_names.get(row))
        };
        RowLabels::new(both).with_drop_names(drop_names(&lhs).chain(drop_names(&rhs)).collect())
    } else {
        lhs.row_labels()
    };
    let set = Set {
        op: set.op,
        left,
        right,
        groups,
        steps: node.grid.len,
    };
    let bound = Bound::whole(Arc::new(set), vec![lhs, rhs], labels, node.grid);
    merge::bind(context, bound, node)
}

/// Which rows are of a group that the other side has.
fn in_groups(rows: &[u32], other: &[u32], groups: usize) -> Vec<bool> {
    let mut there = vec![false; groups];
    other.iter().for_each(|&group| there[group as usize] = true);
    rows.iter().map(|&group| there[group as usize]).collect()
}

fn match_groups(
    left: &LabelList,
    right: &LabelList,
    matching: &VectorMatching,
    symbols: &SymbolTable,
) -> (Vec<u32>, Vec<u32>, usize) {
    let filter = if matching.on {
        LabelFilter::only(&matching.labels, symbols)
    } else {
        LabelFilter::all_but(&matching.labels, symbols)
    };
    let mut grouper = Grouper::default();
    let mut buffer = Vec::new();
    let mut number = |row: &[crate::labels::Label]| {
        filter.apply(row, &mut buffer);
        grouper.id_of(&buffer)
    };
    let left = left.iter().map(&mut number).collect();
    let right = right.iter().map(&mut number).collect();
    (left, right, grouper.len())
}

impl Operator for Set {
    fn name(&self) -> &'static str {
        "Set"
    }

    fn describe(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, ": {} groups={}", self.op.symbol(), self.groups)
    }

    fn stream(self: Arc<Self>, run: Run) -> BatchStream {
        computed(async move {
            let what = "set operator";
            let left = run.inputs[0].collect(self.left.len(), &run.context, what);
            let right = run.inputs[1].collect(self.right.len(), &run.context, what);
            let ((left, mut account), (right, _right)) = both(left, right).await?;
            let (masking, of_row) = if self.op == SetOp::Or {
                (&left, &self.left)
            } else {
                (&right, &self.right)
            };
            let masks = group_masks(masking, of_row, self.groups, self.steps, &mut account)?;
            let mut output = Output::new(&run.context, what);
            match self.op {
                SetOp::Or => {
                    for row in left.arrived() {
                        output.push_kept(row.series, &row, |_| true)?;
                    }
                    let offset = self.left.len() as u32;
                    for row in right.arrived() {
                        let mask = &masks[self.right[row.series as usize] as usize];
                        let number = offset + row.series;
                        masked(&row, number, mask.as_deref(), false, &mut output)?;
                    }
                }
                op => {
                    let keep = op == SetOp::And;
                    for row in left.arrived() {
                        let mask = &masks[self.left[row.series as usize] as usize];
                        masked(&row, row.series, mask.as_deref(), keep, &mut output)?;
                    }
                }
            }
            Ok(output)
        })
    }
}

/// The samples of a row at steps at which the mask is `keep`; no mask is
/// false everywhere.
fn masked(
    row: &Row<'_>,
    number: u32,
    mask: Option<&[bool]>,
    keep: bool,
    output: &mut Output,
) -> Result<(), QueryError> {
    match mask {
        None if keep => Ok(()),
        None => output.push_kept(number, row, |_| true),
        Some(mask) => {
            let mask = &mask[row.first_step as usize..];
            output.push_kept(number, row, |i| mask[i] == keep)
        }
    }
}

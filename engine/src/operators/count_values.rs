//! `count_values`: how many samples of each step have which value. The values
//! become labels, so this is a pipeline breaker that runs while binding.

use std::sync::Arc;

use quarrel_functions::fmt::{format_f, quote};
use quarrel_functions::grid::Grid;
use quarrel_functions::label::is_valid_label_name;
use quarrel_planner::logical::{Plan, PlanOp};
use rustc_hash::FxHashMap;

use super::aggregate::grouping::LabelFilter;
use crate::batch::Rows;
use crate::bind::late::LateRows;
use crate::error::QueryError;
use crate::exec::context::{Account, QueryContext};
use crate::exec::operator::Output;
use crate::labels::{Grouper, Label, LabelList, Symbol, set_label};

/// Counts the values of collected rows.
///
/// # Errors
/// When the label's name is none, and the memory limit.
pub(crate) fn evaluate(
    context: &Arc<QueryContext>,
    plan: &Plan,
    labels: &LabelList,
    grid: Grid,
    (rows, mut account): (Rows, Account),
) -> Result<LateRows, QueryError> {
    let PlanOp::Aggregate {
        grouping,
        without,
        param,
        ..
    } = &plan.op
    else {
        return Err(QueryError::Internal("not an aggregation".into()));
    };
    let Some(PlanOp::String(name)) = param.as_ref().map(|p| &p.op) else {
        return Err(QueryError::Internal(
            "count_values without a label name".into(),
        ));
    };
    if !is_valid_label_name(name) {
        let message = format!("invalid label name {}", quote(name));
        return Err(QueryError::execution(message, plan.span));
    }
    let symbols = &context.symbols;
    let name_symbol = symbols.intern(name);
    let filter = if *without {
        LabelFilter::all_but(grouping, symbols)
    } else {
        let mut names = grouping.clone();
        names.push(name.clone());
        LabelFilter::only(&names, symbols)
    };
    let mut counter = Counter {
        context,
        name: name_symbol,
        filter,
        steps: grid.len,
        texts: FxHashMap::default(),
        grouper: Grouper::default(),
        labels: LabelList::new(),
        counts: Vec::new(),
    };
    for row in rows.arrived() {
        context.check()?;
        counter.add(labels.get(row.series as usize), &row, &mut account)?;
    }
    let mut output = Output::default();
    let mut present = vec![false; grid.len];
    for (group, counts) in counter.counts.iter().enumerate() {
        for (p, &count) in present.iter_mut().zip(counts) {
            *p = count > 0.0;
        }
        output.push(group as u32, 0, counts, &present);
    }
    Ok(LateRows {
        labels: Arc::new(counter.labels),
        grid,
        batches: Arc::new(output.finish()),
        account: Arc::new(account),
    })
}

struct Counter<'a> {
    context: &'a QueryContext,
    name: Symbol,
    filter: LabelFilter,
    steps: usize,
    /// The text of each value seen, by its bits.
    texts: FxHashMap<u64, Symbol>,
    grouper: Grouper,
    labels: LabelList,
    counts: Vec<Vec<f64>>,
}

impl Counter<'_> {
    fn add(
        &mut self,
        labels: &[Label],
        row: &crate::batch::Row<'_>,
        account: &mut Account,
    ) -> Result<(), QueryError> {
        let mut groups: FxHashMap<Symbol, usize> = FxHashMap::default();
        let first = row.first_step as usize;
        for i in (0..row.values.len()).filter(|&i| row.is_present(i)) {
            let value = row.values[i];
            let text = *self
                .texts
                .entry(value.to_bits())
                .or_insert_with(|| self.context.symbols.intern(&format_f(value)));
            let group = match groups.get(&text) {
                Some(&group) => group,
                None => {
                    let group = self.group(labels, text, account)?;
                    groups.insert(text, group);
                    group
                }
            };
            self.counts[group][first + i] += 1.0;
        }
        Ok(())
    }

    fn group(
        &mut self,
        labels: &[Label],
        text: Symbol,
        account: &mut Account,
    ) -> Result<usize, QueryError> {
        let mut all = labels.to_vec();
        let label = Label {
            name: self.name,
            value: text,
        };
        set_label(&mut all, label, &self.context.symbols.read());
        let mut kept = Vec::new();
        self.filter.apply(&all, &mut kept);
        let group = self.grouper.id_of(&kept) as usize;
        if group == self.counts.len() {
            account.grow(self.steps * 8 + kept.len() * 32)?;
            self.counts.push(vec![0.0; self.steps]);
            self.labels.push(kept);
        }
        Ok(group)
    }
}

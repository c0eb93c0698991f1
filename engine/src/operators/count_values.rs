//! `count_values`: how many samples of each step have which value. The values
//! become labels, so this is a pipeline breaker that runs while binding.

use std::sync::Arc;

use quarrel_functions::fmt::{format_f, quote};
use quarrel_functions::grid::Grid;
use quarrel_functions::label::is_valid_label_name;
use quarrel_planner::logical::{CountValues, NodeInfo};
use rustc_hash::FxHashMap;

use super::aggregate::grouping::LabelFilter;
use super::rows;
use crate::batch::{Row, Rows};
use crate::bound::{Bound, DropNames, MaterializedRows, materialize};
use crate::error::QueryError;
use crate::exec::account::Account;
use crate::exec::context::QueryContext;
use crate::exec::operator::Output;
use crate::labels::{Grouper, Label, LabelList, Symbol, set_label};

/// Binds `count_values`: computes its input and then its rows.
///
/// # Errors
/// When the label's name is none, those of the input, and the query's limits.
pub(crate) async fn bind(
    context: &Arc<QueryContext>,
    node: NodeInfo,
    plan: &CountValues,
    input: Bound,
) -> Result<Bound, QueryError> {
    let rows = materialize(&input, context, WHAT).await?;
    let rows = count(context, node, plan, &input, rows)?;
    Ok(rows::bind(rows))
}

/// Counts the values of collected rows.
fn count(
    context: &Arc<QueryContext>,
    node: NodeInfo,
    plan: &CountValues,
    input: &Bound,
    (rows, mut account): (Rows, Account),
) -> Result<MaterializedRows, QueryError> {
    let (label, grouping) = (&plan.label, &plan.grouping);
    if !is_valid_label_name(label) {
        let message = format!("invalid label name {}", quote(label));
        return Err(QueryError::execution(message, node.span));
    }
    let symbols = &context.symbols;
    let name_symbol = symbols.intern(label);
    let filter = if plan.without {
        LabelFilter::all_but(grouping, symbols)
    } else {
        let mut names = grouping.clone();
        names.push(label.clone());
        LabelFilter::only(&names, symbols)
    };
    let mut counter = Counter {
        context,
        name: name_symbol,
        filter,
        texts: FxHashMap::default(),
        grouper: Grouper::default(),
        labels: LabelList::new(),
        steps: Vec::new(),
        account: context.account(WHAT),
    };
    for row in rows.arrived() {
        context.check()?;
        // A step number for each sample, in vectors that grow by doubling.
        account.grow(row.values.len() * 8)?;
        counter.add(input.labels.get(row.series as usize), &row)?;
    }
    drop(rows);
    counter.finish(input.grid)
}

/// The holder of the memory, which the limit's error names.
const WHAT: &str = "count_values";

struct Counter<'a> {
    context: &'a Arc<QueryContext>,
    name: Symbol,
    filter: LabelFilter,
    /// The text of each value seen, by its bits.
    texts: FxHashMap<u64, Symbol>,
    grouper: Grouper,
    labels: LabelList,
    /// For each group the step of each of its samples: most values are rare,
    /// so a count for each step would be mostly empty.
    steps: Vec<Vec<u32>>,
    account: Account,
}

impl Counter<'_> {
    fn add(&mut self, labels: &[Label], row: &Row<'_>) -> Result<(), QueryError> {
        let mut groups: FxHashMap<Symbol, usize> = FxHashMap::default();
        for i in row.samples() {
            let text = match row.histogram(i) {
                Some(h) => self.context.intern(&h.to_text())?,
                None => self.text(row.values[i])?,
            };
            let group = match groups.get(&text) {
                Some(&group) => group,
                None => {
                    let group = self.group(labels, text)?;
                    groups.insert(text, group);
                    group
                }
            };
            self.steps[group].push(row.first_step + i as u32);
        }
        Ok(())
    }

    fn text(&mut self, value: f64) -> Result<Symbol, QueryError> {
        if let Some(&text) = self.texts.get(&value.to_bits()) {
            return Ok(text);
        }
        let text = self.context.intern(&format_f(value))?;
        self.texts.insert(value.to_bits(), text);
        Ok(text)
    }

    fn group(&mut self, labels: &[Label], text: Symbol) -> Result<usize, QueryError> {
        let mut all = labels.to_vec();
        let label = Label {
            name: self.name,
            value: text,
        };
        set_label(&mut all, label, &self.context.symbols.read());
        let mut kept = Vec::new();
        self.filter.apply(&all, &mut kept);
        let group = self.grouper.id_of(&kept) as usize;
        if group == self.steps.len() {
            self.account.grow(GROUP_BYTES + kept.len() * 32)?;
            self.steps.push(Vec::new());
            self.labels.push(kept);
        }
        Ok(group)
    }

    fn finish(mut self, grid: Grid) -> Result<MaterializedRows, QueryError> {
        let mut output = Output::new(self.context, WHAT);
        let (mut counts, mut present) = (Vec::new(), Vec::new());
        for (group, steps) in self.steps.iter_mut().enumerate() {
            steps.sort_unstable();
            let (Some(&first), Some(&last)) = (steps.first(), steps.last()) else {
                continue;
            };
            counts.clear();
            counts.resize((last - first) as usize + 1, 0.0);
            steps
                .iter()
                .for_each(|&step| counts[(step - first) as usize] += 1.0);
            present.clear();
            present.extend(counts.iter().map(|&count| count > 0.0));
            output.push(group as u32, first, &counts, &present)?;
        }
        let batches = output.keep(&mut self.account)?;
        Ok(MaterializedRows {
            labels: Arc::new(self.labels),
            unique: true,
            // Labels made of values are kept whatever they are called.
            drop_names: DropNames::None,
            grid,
            batches: Arc::new(batches),
            account: Arc::new(self.account),
        })
    }
}

/// About what a group takes beside its labels: its value's text, its places
/// in tables.
const GROUP_BYTES: usize = 160;

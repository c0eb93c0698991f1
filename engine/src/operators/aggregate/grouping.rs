//! Which row belongs to which group.

use quarrel_planner::ast::Span;
use quarrel_planner::logical::{Plan, PlanOp};

use crate::bind::{Binder, Bound};
use crate::error::QueryError;
use crate::exec::context::QueryContext;
use crate::labels::{Grouper, Label, LabelList, Symbol, SymbolTable};
use crate::operators::broadcast;

/// The groups of an aggregation.
#[derive(Debug)]
pub(crate) struct Groups {
    /// For each input row its group.
    pub of_row: Vec<u32>,
    /// The labels of each group.
    pub labels: LabelList,
}

/// Which labels decide.
#[derive(Debug)]
pub(crate) struct LabelFilter {
    names: Vec<Symbol>,
    /// Whether `names` are those that count, or those that do not.
    keep: bool,
}

impl LabelFilter {
    /// The labels of `by` or `on`.
    pub fn only(names: &[String], symbols: &SymbolTable) -> Self {
        LabelFilter {
            names: known(names, symbols),
            keep: true,
        }
    }

    /// All but those of `without` or `ignoring`, and but name, type and unit.
    pub fn all_but(names: &[String], symbols: &SymbolTable) -> Self {
        let mut names = known(names, symbols);
        names.extend([Symbol::NAME, Symbol::TYPE, Symbol::UNIT]);
        LabelFilter { names, keep: false }
    }

    /// The labels that decide, out of a set.
    pub fn apply(&self, labels: &[Label], out: &mut Vec<Label>) {
        out.clear();
        out.extend(
            labels
                .iter()
                .filter(|l| self.names.contains(&l.name) == self.keep),
        );
    }
}

/// The symbols of names that any series has.
fn known(names: &[String], symbols: &SymbolTable) -> Vec<Symbol> {
    let symbols = symbols.read();
    names.iter().filter_map(|name| symbols.find(name)).collect()
}

/// Says that an aggregator passed over histograms.
pub(crate) fn annotate_ignored(context: &QueryContext, node: u32, span: Span, aggregator: &str) {
    let text = format!("ignored histogram in {aggregator} aggregation");
    context.annotations.info(node, span, text);
}

/// Binds the input of an aggregation that needs all rows of a step at once,
/// over all steps, and groups its rows.
pub(crate) fn bind_input(
    binder: &Binder<'_>,
    plan: &Plan,
    input: &Plan,
) -> Result<(Bound, Groups), QueryError> {
    let PlanOp::Aggregate {
        grouping, without, ..
    } = &plan.op
    else {
        return Err(QueryError::Internal("not an aggregation".into()));
    };
    let input = broadcast::bind(binder.bind(input)?, plan.grid);
    let groups = group(&input.labels, grouping, *without, &binder.context.symbols);
    Ok((input, groups))
}

/// Groups rows by the labels of `by` or `without`.
pub(crate) fn group(
    rows: &LabelList,
    names: &[String],
    without: bool,
    symbols: &SymbolTable,
) -> Groups {
    let filter = if without {
        LabelFilter::all_but(names, symbols)
    } else {
        LabelFilter::only(names, symbols)
    };
    let mut grouper = Grouper::default();
    let mut labels = LabelList::new();
    let mut buffer = Vec::new();
    let of_row = rows
        .iter()
        .map(|row| {
            filter.apply(row, &mut buffer);
            let group = grouper.id_of(&buffer);
            if group as usize == labels.len() {
                labels.push(buffer.iter().copied());
            }
            group
        })
        .collect();
    Groups { of_row, labels }
}

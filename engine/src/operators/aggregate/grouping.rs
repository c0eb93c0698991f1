//! Which row belongs to which group.

use quarrel_planner::ast::Span;
use quarrel_planner::logical::{Aggregate, NodeInfo};

use crate::bound::{Bound, RowLabels};
use crate::exec::context::QueryContext;
use crate::labels::{Grouper, Label, LabelList, Symbol, SymbolTable};
use crate::operators::broadcast;
use crate::operators::params::Params;

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

/// An aggregation that needs all rows of a step at once: its inputs over all
/// steps, its groups, and its parameter.
pub(crate) struct Grouped {
    /// The rows, and the parameter where it is no plain number.
    pub inputs: Vec<Bound>,
    /// The labels of the rows.
    pub labels: RowLabels,
    /// The groups of the rows.
    pub groups: Groups,
    /// The parameter, if there is one.
    pub param: Params,
    /// Where the parameter stands, or else the aggregation.
    pub param_span: Span,
}

impl Grouped {
    /// Groups the rows of `input`.
    pub fn new(
        context: &QueryContext,
        node: NodeInfo,
        aggregate: &Aggregate,
        param: Option<Bound>,
        input: Bound,
    ) -> Self {
        let input = broadcast::bind(input, node.grid);
        let groups = group(
            &input.labels,
            &aggregate.grouping,
            aggregate.without,
            &context.symbols,
        );
        let labels = input.row_labels();
        let mut inputs = vec![input];
        let plan = aggregate.param.as_deref();
        Grouped {
            labels,
            groups,
            param: Params::new(plan, param, node.grid, &mut inputs),
            param_span: plan.map_or(node.span, |param| param.node.argument_span),
            inputs,
        }
    }
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
    let mut buffer = Vec::new();
    let of_row = rows
        .iter()
        .map(|row| {
            filter.apply(row, &mut buffer);
            grouper.id_of(&buffer)
        })
        .collect();
    Groups {
        of_row,
        labels: grouper.into_sets(),
    }
}

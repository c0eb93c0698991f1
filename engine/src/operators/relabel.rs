//! `label_replace` and `label_join`: new labels for each row, settled while
//! binding. The rows themselves pass as they are, so there is no operator.

use std::collections::HashMap;

use quarrel_functions::label::{LabelError, LabelJoin, LabelReplace};
use quarrel_functions::table::{Kind, LabelFunction};
use quarrel_planner::logical::{Plan, PlanOp};

use super::merge;
use crate::bind::{Binder, Bound, RowLabels};
use crate::error::QueryError;
use crate::labels::{Label, LabelList, Symbol, SymbolTable, find_label, set_label};

/// Binds a function that changes labels.
pub(crate) fn bind(binder: &Binder<'_>, plan: &Plan) -> Result<Bound, QueryError> {
    let PlanOp::Relabel {
        function,
        input,
        params,
    } = &plan.op
    else {
        return Err(QueryError::Internal("not a function of labels".into()));
    };
    let params: Vec<&str> = params.iter().map(String::as_str).collect();
    let refused = |e: LabelError| QueryError::execution(e.to_string(), plan.span);
    let symbols = &binder.context.symbols;
    let input = binder.bind(input)?;
    let (destination, values) = match (function.kind, params.as_slice()) {
        (Kind::Label(LabelFunction::Replace), [destination, replacement, source, regex]) => {
            let replace =
                LabelReplace::new(destination, replacement, source, regex).map_err(refused)?;
            let values = replaced(&input.labels, &replace, symbols);
            (replace.destination, values)
        }
        (Kind::Label(LabelFunction::Join), [destination, separator, sources @ ..]) => {
            let sources = sources.iter().map(|s| (*s).to_string()).collect();
            let join = LabelJoin::new(destination, separator, sources).map_err(refused)?;
            let values = joined(&input.labels, &join, symbols);
            (join.destination, values)
        }
        _ => return Err(QueryError::unsupported(function.name, plan.span)),
    };
    let destination = symbols.intern(&destination);
    let list = with_values(&input.labels, destination, &values, symbols);
    // A name that was set here stays.
    let marks = if destination == Symbol::NAME {
        let marked = |(row, value): (usize, &Option<_>)| value.is_none() && input.marks.get(row);
        values.iter().enumerate().map(marked).collect()
    } else {
        input.marks.clone()
    };
    let labels = RowLabels::new(list).marked(marks);
    Ok(merge::bind_in_order(input.relabeled(labels), plan.span))
}

/// For each row the value that a label is set to, if it is.
type Values = Vec<Option<Symbol>>;

fn replaced(rows: &LabelList, replace: &LabelReplace, symbols: &SymbolTable) -> Values {
    let source = symbols.intern(&replace.source);
    let mut memo: HashMap<Symbol, Option<Symbol>> = HashMap::new();
    rows.iter()
        .map(|row| {
            let value = find_label(row, source).unwrap_or(Symbol::EMPTY);
            *memo.entry(value).or_insert_with(|| {
                let text = replace.value(symbols.read().get(value));
                text.map(|text| symbols.intern(&text))
            })
        })
        .collect()
}

fn joined(rows: &LabelList, join: &LabelJoin, symbols: &SymbolTable) -> Values {
    let sources: Vec<Symbol> = join
        .sources
        .iter()
        .map(|name| symbols.intern(name))
        .collect();
    rows.iter()
        .map(|row| {
            let text = {
                let read = symbols.read();
                join.value(sources.iter().map(|&source| read.value_of(row, source)))
            };
            Some(symbols.intern(&text))
        })
        .collect()
}

/// The rows with a label set to a value each, where there is one.
fn with_values(
    rows: &LabelList,
    name: Symbol,
    values: &[Option<Symbol>],
    symbols: &SymbolTable,
) -> LabelList {
    let symbols = symbols.read();
    let mut values = values.iter();
    rows.map(|row, out| {
        out.extend_from_slice(row);
        if let Some(Some(value)) = values.next() {
            set_label(
                out,
                Label {
                    name,
                    value: *value,
                },
                &symbols,
            );
        }
    })
}

//! `label_replace` and `label_join`: new labels for each row, settled while
//! binding. The rows themselves pass as they are, so there is no operator.

use std::collections::HashMap;
use std::sync::Arc;

use quarrel_functions::label::{LabelError, LabelJoin, LabelReplace};
use quarrel_functions::table::LabelFunction;
use quarrel_planner::logical::{NodeInfo, Relabel};

use super::merge;
use crate::bound::{Bound, RowLabels};
use crate::error::QueryError;
use crate::exec::context::QueryContext;
use crate::labels::{Label, LabelList, Symbol, SymbolTable, find_label, set_label};

/// Binds a function that changes labels.
///
/// # Errors
/// Label names and regular expressions that are none.
pub(crate) fn bind(
    context: &Arc<QueryContext>,
    node: NodeInfo,
    relabel: &Relabel,
    input: Bound,
) -> Result<Bound, QueryError> {
    let params: Vec<&str> = relabel.params.iter().map(String::as_str).collect();
    let refused = |e: LabelError| QueryError::execution(e.to_string(), node.span);
    let symbols = &context.symbols;
    let (destination, values) = match (relabel.kind, params.as_slice()) {
        (LabelFunction::Replace, [destination, replacement, source, regex]) => {
            let replace =
                LabelReplace::new(destination, replacement, source, regex).map_err(refused)?;
            let values = replaced(&input.labels, &replace, symbols);
            (replace.destination, values)
        }
        (LabelFunction::Join, [destination, separator, sources @ ..]) => {
            let sources = sources.iter().map(|s| (*s).to_string()).collect();
            let join = LabelJoin::new(destination, separator, sources).map_err(refused)?;
            let values = joined(&input.labels, &join, symbols);
            (join.destination, values)
        }
        _ => {
            let what = format!("{} with these arguments", relabel.function.name);
            return Err(QueryError::unsupported(what, node.span));
        }
    };
    let destination = symbols.intern(&destination);
    let list = with_values(&input.labels, destination, &values, symbols);
    // A name that was set here stays.
    let drop_names = if destination == Symbol::NAME {
        let flag = |(row, value): (usize, &Option<_>)| value.is_none() && input.drop_names.get(row);
        values.iter().enumerate().map(flag).collect()
    } else {
        input.drop_names.clone()
    };
    let labels = RowLabels::new(list).with_drop_names(drop_names);
    Ok(merge::bind_in_order(input.relabeled(labels), node.span))
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

//! `label_replace` and `label_join`: new labels for each row, settled while
//! binding. The rows themselves pass as they are, so there is no operator.

use std::collections::HashMap;
use std::sync::Arc;

use quarrel_functions::label::{LabelError, LabelJoin, LabelReplace};
use quarrel_functions::table::LabelFunction;
use quarrel_planner::ast::Span;
use quarrel_planner::logical::{NodeInfo, Relabel};

use super::merge;
use crate::bound::{Bound, RowLabels};
use crate::error::QueryError;
use crate::exec::context::QueryContext;
use crate::exec::pool::give_way;
use crate::labels::{Label, LabelList, Symbol, find_label, set_label};

/// Binds a function that changes labels.
///
/// # Errors
/// Label names and regular expressions that are none, label sets that are too
/// long, and the query's limits.
pub(crate) async fn bind(
    context: &Arc<QueryContext>,
    node: NodeInfo,
    relabel: &Relabel,
    input: Bound,
) -> Result<Bound, QueryError> {
    let params: Vec<&str> = relabel.params.iter().map(String::as_str).collect();
    let refused = |e: LabelError| QueryError::execution(e.to_string(), node.span);
    let mut new = NewValues {
        context,
        span: node.span,
        looked: 0,
    };
    let (destination, values) = match (relabel.kind, params.as_slice()) {
        (LabelFunction::Replace, [destination, replacement, source, regex]) => {
            let replace =
                LabelReplace::new(destination, replacement, source, regex, &context.regexes)
                    .map_err(refused)?;
            let values = new.replaced(&input.labels, &replace).await?;
            (replace.destination, values)
        }
        (LabelFunction::Join, [destination, separator, sources @ ..]) => {
            let sources = sources.iter().map(|s| (*s).to_string()).collect();
            let join = LabelJoin::new(destination, separator, sources).map_err(refused)?;
            let values = new.joined(&input.labels, &join).await?;
            (join.destination, values)
        }
        _ => {
            let what = format!("{} with these arguments", relabel.function.name);
            return Err(QueryError::unsupported(what, node.span));
        }
    };
    let destination = context.intern(&destination)?;
    let list = new.with_values(&input.labels, destination, &values).await?;
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

/// Longest string and label set, bytes: what Prometheus can encode.
const MAX_LABELS: usize = 1 << 24;

/// Values that are looked at between two looks at the query's limits, and
/// before other queries may come in between.
const VALUES_A_CHECK: usize = 4096;

/// Bytes of new strings that take as long as a value.
const BYTES_A_VALUE: usize = 64;

/// New strings, within the query's limits.
struct NewValues<'a> {
    context: &'a QueryContext,
    span: Span,
    /// Values looked at since the last check.
    looked: usize,
}

impl NewValues<'_> {
    /// Looks at the query's limits after enough work, and gives way.
    async fn look(&mut self, values: usize) -> Result<(), QueryError> {
        self.looked += values;
        if self.looked >= VALUES_A_CHECK {
            self.looked = 0;
            self.context.check()?;
            give_way().await;
        }
        Ok(())
    }

    /// Refuses a string or a label set that is too long, before it is made.
    fn fits(&self, bytes: usize) -> Result<(), QueryError> {
        if bytes > MAX_LABELS {
            let message = format!("a label set would have more than {MAX_LABELS} bytes");
            return Err(QueryError::execution(message, self.span));
        }
        Ok(())
    }

    async fn replaced(
        &mut self,
        rows: &LabelList,
        replace: &LabelReplace,
    ) -> Result<Values, QueryError> {
        let symbols = &self.context.symbols;
        let source = symbols.intern(&replace.source);
        let mut memo: HashMap<Symbol, Option<Symbol>> = HashMap::new();
        let mut values = Vec::with_capacity(rows.len());
        for row in rows.iter() {
            self.look(1).await?;
            let value = find_label(row, source).unwrap_or(Symbol::EMPTY);
            let new = match memo.get(&value) {
                Some(new) => *new,
                None => {
                    let text = replace.value(symbols.read().get(value), MAX_LABELS);
                    let mut bytes = 0;
                    let new = match text {
                        Ok(text) => {
                            bytes = text.as_ref().map_or(0, |text| text.len());
                            text.map(|text| self.context.intern(&text)).transpose()?
                        }
                        Err(_) => {
                            self.fits(usize::MAX)?;
                            None
                        }
                    };
                    let work = VALUES_A_CHECK / 16 + bytes / BYTES_A_VALUE;
                    self.look(work).await?;
                    *memo.entry(value).or_insert(new)
                }
            };
            values.push(new);
        }
        Ok(values)
    }

    async fn joined(&mut self, rows: &LabelList, join: &LabelJoin) -> Result<Values, QueryError> {
        let symbols = &self.context.symbols;
        let sources = join.sources.iter().map(|name| symbols.intern(name));
        let sources: Vec<Symbol> = sources.collect();
        let mut values = Vec::with_capacity(rows.len());
        let mut text = String::new();
        for row in rows.iter() {
            let work = 1 + sources.len() * row.len().div_ceil(8);
            self.look(work + text.len() / BYTES_A_VALUE).await?;
            {
                let read = symbols.read();
                let parts = || sources.iter().map(|&source| read.value_of(row, source));
                self.fits(join.length(parts()))?;
                join.value(parts(), &mut text);
            }
            values.push(Some(self.context.intern(&text)?));
        }
        Ok(values)
    }

    /// The rows with a label set to a value each, where there is one.
    async fn with_values(
        &mut self,
        rows: &LabelList,
        name: Symbol,
        values: &[Option<Symbol>],
    ) -> Result<LabelList, QueryError> {
        let mut list = LabelList::with_capacity(rows.len(), 8);
        let mut labels = Vec::new();
        for (row, value) in rows.iter().zip(values) {
            self.look(1).await?;
            labels.clear();
            labels.extend_from_slice(row);
            if let Some(value) = *value {
                let symbols = self.context.symbols.read();
                set_label(&mut labels, Label { name, value }, &symbols);
                let length =
                    |label: &Label| symbols.get(label.name).len() + symbols.get(label.value).len();
                self.fits(labels.iter().map(length).sum())?;
            }
            list.push(labels.iter().copied());
        }
        Ok(list)
    }
}

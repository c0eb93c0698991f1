//! `histogram_quantiles`: several quantiles at once, each under a label that
//! says which. The quantiles may change from step to step and with them the
//! labels, so this is a pipeline breaker that runs while binding.

use std::sync::Arc;

use quarrel_functions::fmt::format_openmetrics;
use quarrel_functions::grid::Grid;
use quarrel_planner::ast::Span;
use quarrel_planner::logical::{HistogramQuantiles, NodeInfo};
use rustc_hash::FxHashMap;

use super::groups::{self, Groups};
use super::question::{Annotator, Question};
use super::{Answers, with_native};
use crate::batch::Rows;
use crate::bound::{Bound, DropNames, MaterializedRows, materialize};
use crate::error::QueryError;
use crate::exec::account::Account;
use crate::exec::context::QueryContext;
use crate::exec::operator::Output;
use crate::labels::{Grouper, Label, LabelList, Symbol, set_label};
use crate::operators::params::Values;
use crate::operators::{self, broadcast, merge, quantile};

/// The holder of the memory, which the limit's error names.
const WHAT: &str = "histogram_quantiles";

/// Binds `histogram_quantiles`: computes its quantiles, its histograms, and then
/// its rows.
///
/// # Errors
/// Those of its inputs, and the query's limits.
pub(crate) async fn bind(
    context: &Arc<QueryContext>,
    node: NodeInfo,
    plan: &HistogramQuantiles,
    input: Bound,
    quantiles: Vec<Bound>,
) -> Result<Bound, QueryError> {
    let mut asked = Vec::new();
    for (quantile, bound) in plan.quantiles.iter().zip(quantiles) {
        let (rows, _account) = materialize(&bound, context, "parameter").await?;
        asked.push(Asked {
            span: quantile.node.argument_span,
            values: Values::of_rows(&rows, node.grid.len)?,
        });
    }
    let input = broadcast::bind(input, node.grid);
    let rows = materialize(&input, context, WHAT).await?;
    let rows = evaluate(context, node, plan, &input, rows, &asked)?;
    Ok(operators::rows::bind(rows))
}

/// A quantile that is asked for.
struct Asked {
    /// Where it stands.
    span: Span,
    values: Values,
}

/// Computes all quantiles of collected rows.
fn evaluate(
    context: &Arc<QueryContext>,
    node: NodeInfo,
    plan: &HistogramQuantiles,
    input: &Bound,
    (rows, mut account): (Rows, Account),
    asked: &[Asked],
) -> Result<MaterializedRows, QueryError> {
    let steps = node.grid.len;
    for Asked { span, values } in asked {
        for q in values.iter(steps) {
            quantile::warn(context, node.id, *span, q);
        }
    }
    let (groups, labels) = Groups::new(context, &input.labels);
    let classic = labels.len() as u32;
    let labels = with_native(labels, &input.labels).drop_name(context);
    let annotator = Annotator {
        node: node.id,
        span: plan.input.node.argument_span,
        grid: node.grid,
        labels: Arc::clone(&labels.list),
    };
    let site = (node.id, plan.input.node.argument_span);
    let arrived = groups.arrive(&rows, steps, site, &mut account)?;
    let mut answers = Answers::new(&annotator, &arrived, context);
    let mut named = Named {
        context,
        span: node.span,
        name: context.symbols.intern(&plan.label),
        texts: FxHashMap::default(),
        places: FxHashMap::default(),
        grouper: Grouper::default(),
        labels: LabelList::new(),
        rows: Vec::new(),
        keeps_equal_rows: merge::keeps_equal_rows(context, node),
        account,
    };
    for Asked { values, .. } in asked {
        let question = Question::Quantile(values.param());
        for (i, row) in arrived.native.iter().enumerate() {
            groups::check(context, i)?;
            let number = classic + row.series;
            answers.native(number, row, question);
            named.push(labels.list.get(number as usize), number, &answers, values)?;
        }
        for (i, (number, buckets)) in arrived.classic.iter().enumerate() {
            groups::check(context, i)?;
            answers.classic(*number, buckets, question);
            named.push(labels.list.get(*number as usize), *number, &answers, values)?;
        }
    }
    named.finish(node.grid, labels.drop_names)
}

/// The rows that come out, by their labels.
struct Named<'a> {
    context: &'a Arc<QueryContext>,
    span: Span,
    name: Symbol,
    /// The text of each quantile seen, by its bits.
    texts: FxHashMap<u64, Symbol>,
    /// The row of each histogram and quantile.
    places: FxHashMap<(u32, Symbol), usize>,
    grouper: Grouper,
    labels: LabelList,
    rows: Vec<(Vec<f64>, Vec<bool>)>,
    /// Whether a quantile that is asked for twice gives two rows.
    keeps_equal_rows: bool,
    account: Account,
}

impl Named<'_> {
    /// Takes a histogram's results, each under its step's quantile.
    fn push(
        &mut self,
        labels: &[Label],
        number: u32,
        answers: &Answers<'_>,
        quantiles: &Values,
    ) -> Result<(), QueryError> {
        let steps = answers.values.len();
        for (step, q) in quantiles.iter(steps).enumerate() {
            if !answers.present[step] {
                continue;
            }
            let place = self.place(labels, number, q, steps)?;
            let (values, present) = &mut self.rows[place];
            if std::mem::replace(&mut present[step], true) {
                return Err(QueryError::execution(merge::SAME_LABELS, self.span));
            }
            values[step] = answers.values[step];
        }
        Ok(())
    }

    fn place(
        &mut self,
        labels: &[Label],
        number: u32,
        q: f64,
        steps: usize,
    ) -> Result<usize, QueryError> {
        let symbols = &self.context.symbols;
        let text = *self
            .texts
            .entry(q.to_bits())
            .or_insert_with(|| symbols.intern(&format_openmetrics(q)));
        if let Some(&place) = self.places.get(&(number, text)) {
            return Ok(place);
        }
        let mut named = labels.to_vec();
        let label = Label {
            name: self.name,
            value: text,
        };
        set_label(&mut named, label, &symbols.read());
        let place = if self.keeps_equal_rows {
            self.rows.len()
        } else {
            self.grouper.id_of(&named) as usize
        };
        if place == self.rows.len() {
            self.account.grow(steps * 9 + named.len() * 32)?;
            self.rows.push((vec![0.0; steps], vec![false; steps]));
            self.labels.push(named);
        }
        if !self.keeps_equal_rows {
            self.places.insert((number, text), place);
        }
        Ok(place)
    }

    fn finish(mut self, grid: Grid, drop_names: DropNames) -> Result<MaterializedRows, QueryError> {
        let mut output = Output::new(self.context, WHAT);
        for (number, (values, present)) in self.rows.iter().enumerate() {
            output.push(number as u32, 0, values, present)?;
        }
        let batches = output.keep(&mut self.account)?;
        Ok(MaterializedRows {
            labels: Arc::new(self.labels),
            unique: !self.keeps_equal_rows,
            // All have the flag, or none has it.
            drop_names,
            grid,
            batches: Arc::new(batches),
            account: Arc::new(self.account),
        })
    }
}

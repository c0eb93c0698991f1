//! `histogram_quantiles`: several quantiles at once, each under a label that
//! says which. The quantiles may change from step to step and with them the
//! labels, so this is a pipeline breaker that runs while binding.

use std::sync::Arc;

use quarrel_functions::fmt::format_openmetrics;
use quarrel_functions::grid::Grid;
use quarrel_planner::ast::Span;
use quarrel_planner::logical::{Plan, PlanOp};
use rustc_hash::FxHashMap;

use super::groups::{self, Groups};
use super::{Annotator, Answers, Question, with_native};
use crate::batch::Rows;
use crate::bind::late::LateRows;

use crate::bind::{Binder, Bound, Marks};
use crate::error::QueryError;
use crate::exec::context::{Account, QueryContext};
use crate::exec::operator::Output;
use crate::labels::{Grouper, Label, LabelList, Symbol, set_label};
use crate::operators::params::Values;
use crate::operators::{merge, quantile};

/// Who holds the memory.
const WHAT: &str = "histogram_quantiles";

/// A quantile that is asked for.
pub(crate) struct Asked {
    /// Where it stands.
    pub span: Span,
    pub values: Values,
}

/// The parts of a call: the histograms, the label's name, the quantiles.
///
/// # Errors
/// If the plan is of another node.
pub(crate) fn parts(plan: &Plan) -> Result<(&Plan, &str, &[Plan]), QueryError> {
    match &plan.op {
        PlanOp::Histogram { params, input, .. } => match params.split_first() {
            Some((label, quantiles)) => match &label.op {
                PlanOp::String(name) => Ok((input, name, quantiles)),
                _ => Err(QueryError::Internal("a label that is no string".into())),
            },
            None => Err(QueryError::Internal("quantiles without a label".into())),
        },
        _ => Err(QueryError::Internal("not quantiles".into())),
    }
}

/// Computes all quantiles of collected rows.
///
/// # Errors
/// The query's limits.
pub(crate) fn evaluate(
    binder: &Binder<'_>,
    plan: &Plan,
    input: &Bound,
    (rows, mut account): (Rows, Account),
    asked: &[Asked],
) -> Result<LateRows, QueryError> {
    let context = binder.context;
    let (vector, label, _) = parts(plan)?;
    let steps = plan.grid.len;
    for Asked { span, values } in asked {
        for q in values.iter(steps) {
            quantile::warn(context, plan.id, *span, q);
        }
    }
    let (groups, labels) = Groups::new(binder, &input.labels);
    let classic = labels.len() as u32;
    let labels = binder.drop_names(with_native(labels, &input.labels));
    let annotator = Annotator {
        node: plan.id,
        span: vector.argument_span,
        grid: plan.grid,
        labels: Arc::clone(&labels.list),
    };
    let site = (plan.id, vector.argument_span);
    let arrived = groups.arrive(&rows, steps, site, &mut account)?;
    let mut answers = Answers::new(&annotator, &arrived, context);
    let mut named = Named {
        context,
        span: plan.span,
        name: context.symbols.intern(label),
        texts: FxHashMap::default(),
        places: FxHashMap::default(),
        grouper: Grouper::default(),
        labels: LabelList::new(),
        rows: Vec::new(),
        keeps_equal_rows: binder.keeps_equal_rows(plan),
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
    named.finish(plan.grid, labels.marks)
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

    fn finish(mut self, grid: Grid, marks: Marks) -> Result<LateRows, QueryError> {
        let mut output = Output::new(self.context, WHAT);
        for (number, (values, present)) in self.rows.iter().enumerate() {
            output.push(number as u32, 0, values, present)?;
        }
        let batches = output.keep(&mut self.account)?;
        Ok(LateRows {
            labels: Arc::new(self.labels),
            unique: !self.keeps_equal_rows,
            // They are all marked, or none is.
            marks,
            grid,
            batches: Arc::new(batches),
            account: Arc::new(self.account),
        })
    }
}

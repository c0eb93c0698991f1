//! `quantile(q, v)`: over all samples of a group at one step.

use std::fmt;
use std::sync::Arc;

use quarrel_functions::histogram::native::StepHistograms;
use quarrel_planner::ast::Span;
use quarrel_planner::logical::{Aggregate, NodeInfo};

use super::aggregate::grouping::{self, Grouped};
use super::aggregate::mixed::{DroppedNameSteps, Mixed};
use super::params::{Params, Values};
use crate::bound::Bound;
use crate::exec::context::QueryContext;
use crate::exec::operator::{BatchStream, Operator, Output, Run, computed};

#[derive(Debug)]
struct Quantile {
    q: Params,
    groups: Vec<u32>,
    count: usize,
    mixed: Option<Arc<Mixed>>,
    steps: usize,
    node: u32,
    /// Where the parameter stands.
    span: Span,
    /// Where the aggregated expression stands.
    input_span: Span,
}

/// Binds a quantile over groups.
pub(crate) fn bind(
    context: &QueryContext,
    node: NodeInfo,
    aggregate: &Aggregate,
    (param, input): (Option<Bound>, Bound),
) -> Bound {
    let mut grouped = Grouped::new(context, node, aggregate, param, input);
    let count = grouped.groups.labels.len();
    let (labels, mixed) = grouped.groups.take_rows(&grouped.labels.drop_names);
    let quantile = Quantile {
        q: grouped.param,
        count,
        groups: grouped.groups.of_row,
        mixed,
        steps: node.grid.len,
        node: node.id,
        span: grouped.param_span,
        input_span: aggregate.input.node.argument_span,
    };
    Bound::whole(Arc::new(quantile), grouped.inputs, labels, node.grid)
}

/// Warns of a quantile outside of [0, 1].
pub(crate) fn warn(context: &QueryContext, node: u32, span: Span, q: f64) {
    if quarrel_functions::quantile::is_valid_quantile(q) {
        return;
    }
    let q = quarrel_functions::fmt::format_g(q);
    let text = format!("quantile value should be between 0 and 1, got {q}");
    context.annotations.warn(node, span, text);
}

/// Warns of NaN, and of the largest and the smallest quantile. Where there is a
/// NaN, only an infinity is larger or smaller than all, as in Go.
fn warn_extremes(run: &Run, node: u32, span: Span, q: &Values, steps: usize) {
    let (mut least, mut most, mut nan) = (f64::MAX, f64::MIN, false);
    for value in q.iter(steps) {
        nan |= value.is_nan();
        least = least.min(value);
        most = most.max(value);
    }
    if nan {
        warn(&run.context, node, span, f64::NAN);
    }
    if most > 1.0 && (!nan || most.is_infinite()) {
        warn(&run.context, node, span, most);
    }
    if least < 0.0 && (!nan || least.is_infinite()) {
        warn(&run.context, node, span, least);
    }
}

impl Operator for Quantile {
    fn name(&self) -> &'static str {
        "Quantile"
    }

    fn describe(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            ": q={} groups={} of {}",
            self.q,
            self.count,
            self.groups.len()
        )
    }

    fn stream(self: Arc<Self>, run: Run) -> BatchStream {
        computed(async move {
            let q = &self.q.only(&run, "quantile").await?;
            let collecting = run.inputs[0].collect(self.groups.len(), &run.context, "quantile");
            let (input, mut account) = collecting.await?;
            warn_extremes(&run, self.node, self.span, q, self.steps);
            let mut members: Vec<Vec<u32>> = vec![Vec::new(); self.count];
            let mut order = Vec::new();
            let dropped = self
                .mixed
                .as_ref()
                .map(|mixed| DroppedNameSteps::new(mixed, self.steps));
            account.grow(dropped.as_ref().map_or(0, DroppedNameSteps::bytes))?;
            for row in input.arrived() {
                if row.has_histograms() {
                    grouping::annotate_ignored(
                        &run.context,
                        self.node,
                        self.input_span,
                        "quantile",
                    );
                }
                let group = self.groups[row.series as usize];
                if let Some(dropped) = &dropped {
                    dropped.add(group, &row);
                }
                if members[group as usize].is_empty() {
                    order.push(group);
                }
                members[group as usize].push(row.series);
            }
            account.grow(self.steps * 9)?;
            let mut values = vec![0.0; self.steps];
            let mut present = vec![false; self.steps];
            let mut at_step = Vec::new();
            let mut output = Output::new(&run.context, "quantile");
            for group in order {
                run.context.check()?;
                let rows: Vec<_> = members[group as usize]
                    .iter()
                    .filter_map(|&r| input.get(r))
                    .collect();
                for step in 0..self.steps {
                    at_step.clear();
                    at_step.extend(rows.iter().filter_map(|row| row.at_step(step)));
                    present[step] = !at_step.is_empty();
                    if present[step] {
                        values[step] =
                            quarrel_functions::quantile::quantile(q.param().at(step), &mut at_step);
                    }
                }
                let number = match &dropped {
                    Some(dropped) => dropped.row_of(group, &present, &StepHistograms::default()),
                    None => group,
                };
                output.push(number, 0, &values, &present)?;
            }
            Ok(output)
        })
    }
}

//! `quantile(q, v)`: over all samples of a group at one step.
//!
//! It needs all rows of a group, and is computed in blocks of steps, on all
//! threads: a block's samples are laid out by step first, since rows lie far apart.

use std::fmt;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;
use quarrel_functions::histogram::native::StepHistograms;
use quarrel_functions::quantile::{is_valid_quantile, quantile};
use quarrel_planner::ast::Span;
use quarrel_planner::logical::{Aggregate, NodeInfo};

use super::aggregate::grouping::{self, Grouped};
use super::aggregate::mixed::{DroppedNameSteps, Mixed};
use super::params::{Params, Values};
use crate::batch::{Row, Rows};
use crate::bound::Bound;
use crate::error::QueryError;
use crate::exec::context::QueryContext;
use crate::exec::operator::{BatchStream, Operator, Output, Run, computed};
use crate::exec::pieces::{self, Each};

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
    if is_valid_quantile(q) {
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
        computed(async move { self.compute(&run).await })
    }
}

impl Quantile {
    async fn compute(&self, run: &Run) -> Result<Output, QueryError> {
        let q = self.q.only(run, "quantile").await?;
        let collecting = run.inputs[0].collect(self.groups.len(), &run.context, "quantile");
        let (rows, mut account) = collecting.await?;
        warn_extremes(run, self.node, self.span, &q, self.steps);
        let mixed = self.mixed.as_ref();
        let dropped = mixed.map(|mixed| DroppedNameSteps::new(mixed, self.steps));
        account.grow(dropped.as_ref().map_or(0, DroppedNameSteps::bytes))?;
        let (members, order) = self.by_group(run, &rows, dropped.as_ref());
        let blocks = Arc::new(Blocks {
            q,
            steps: self.steps,
            rows,
            members,
            spare: Mutex::default(),
        });
        account.grow(blocks.bytes(run.context.partitions()))?;
        let mut output = Output::new(&run.context, "quantile");
        let (mut values, mut present) = (vec![0.0; self.steps], vec![false; self.steps]);
        for groups in order.chunks(blocks.groups_at_once()) {
            let computed = blocks.compute(run, groups).await?;
            for (place, &group) in groups.iter().enumerate() {
                blocks.row(&computed, place, &mut values, &mut present);
                let number = match &dropped {
                    Some(dropped) => dropped.row_of(group, &present, &StepHistograms::default()),
                    None => group,
                };
                output.push(number, 0, &values, &present)?;
            }
        }
        Ok(output)
    }

    /// The rows of each group, and the groups in the order in which they come.
    fn by_group(
        &self,
        run: &Run,
        rows: &Rows,
        dropped: Option<&DroppedNameSteps>,
    ) -> (Vec<Vec<u32>>, Vec<u32>) {
        let mut members: Vec<Vec<u32>> = vec![Vec::new(); self.count];
        let mut order = Vec::new();
        for row in rows.arrived() {
            if row.has_histograms() {
                grouping::annotate_ignored(&run.context, self.node, self.input_span, "quantile");
            }
            let group = self.groups[row.series as usize];
            if let Some(dropped) = dropped {
                dropped.add(group, &row);
            }
            if members[group as usize].is_empty() {
                order.push(group);
            }
            members[group as usize].push(row.series);
        }
        (members, order)
    }
}

/// Steps of a block: of each row some cache lines that follow each other.
const BLOCK: usize = 32;

/// Steps of all groups whose quantiles are there at a time, but for those of the
/// output.
const AT_ONCE: usize = 64 * 1024;

/// All rows by group, of which blocks of steps are computed.
struct Blocks {
    q: Values,
    steps: usize,
    rows: Rows,
    /// The rows of each group.
    members: Vec<Vec<u32>>,
    /// Room for the samples of a block, which no thread uses now.
    spare: Mutex<Vec<AtSteps>>,
}

/// The samples of a group at each step of a block.
type AtSteps = Vec<Vec<f64>>;

/// The quantiles of some groups, one after the other, at some steps.
type Block = Vec<Option<f64>>;

impl Blocks {
    fn groups_at_once(&self) -> usize {
        (AT_ONCE / self.steps.max(1)).max(1)
    }

    /// The most bytes that are needed beside the rows, on so many threads.
    fn bytes(&self, threads: usize) -> usize {
        let largest = self.members.iter().map(Vec::len).max().unwrap_or(0);
        let quantiles = self
            .steps
            .saturating_mul(self.groups_at_once().min(self.members.len()));
        let a_block = largest * self.steps.min(BLOCK) * size_of::<f64>();
        quantiles * size_of::<Option<f64>>() + threads * a_block + self.steps * 9
    }

    /// The steps of a block.
    fn steps_of(&self, block: usize) -> Range<usize> {
        let first = block * BLOCK;
        first..(first + BLOCK).min(self.steps)
    }

    /// All blocks of some groups.
    async fn compute(
        self: &Arc<Self>,
        run: &Run,
        groups: &[u32],
    ) -> Result<Arc<Vec<OnceLock<Block>>>, QueryError> {
        let count = self.steps.div_ceil(BLOCK);
        let computed: Vec<_> = (0..count).map(|_| OnceLock::new()).collect();
        let computed = Arc::new(computed);
        let (this, blocks) = (Arc::clone(self), Arc::clone(&computed));
        let groups: Arc<[u32]> = groups.into();
        let each: Each<QueryError> = Arc::new(move |number| {
            blocks[number].get_or_init(|| this.block(&groups, this.steps_of(number)));
            Ok(())
        });
        let ran = pieces::run(&run.context, count, each).await;
        ran.map_err(|failure| failure.told(|ended| ended))?;
        Ok(computed)
    }

    /// The row of the group at a place among those of `computed`.
    fn row(
        &self,
        computed: &[OnceLock<Block>],
        place: usize,
        values: &mut [f64],
        present: &mut [bool],
    ) {
        for (number, block) in computed.iter().filter_map(OnceLock::get).enumerate() {
            let steps = self.steps_of(number);
            let quantiles = &block[place * steps.len()..][..steps.len()];
            for (step, quantile) in steps.zip(quantiles) {
                present[step] = quantile.is_some();
                values[step] = quantile.unwrap_or(0.0);
            }
        }
    }

    /// The quantiles of some groups at some steps.
    fn block(&self, groups: &[u32], steps: Range<usize>) -> Block {
        let spare = self.spare.lock().pop();
        let mut at_steps = spare.unwrap_or_else(|| vec![Vec::new(); BLOCK]);
        let mut quantiles = Vec::with_capacity(groups.len() * steps.len());
        for &group in groups {
            let members = &self.members[group as usize];
            for at_step in &mut at_steps[..steps.len()] {
                at_step.reserve(members.len());
            }
            for row in members.iter().filter_map(|&row| self.rows.get(row)) {
                spread(&row, &steps, &mut at_steps);
            }
            for (step, at_step) in steps.clone().zip(&mut at_steps) {
                let q = self.q.param().at(step);
                quantiles.push((!at_step.is_empty()).then(|| quantile(q, at_step)));
                at_step.clear();
            }
        }
        self.spare.lock().push(at_steps);
        quantiles
    }
}

/// Appends the floats of a row at some steps to the samples of each step.
fn spread(row: &Row<'_>, steps: &Range<usize>, at_steps: &mut [Vec<f64>]) {
    let first = row.first_step as usize;
    let from = first.max(steps.start);
    let to = (first + row.values.len()).min(steps.end);
    if from >= to {
        return;
    }
    let at_steps = at_steps[from - steps.start..].iter_mut();
    for (i, at_step) in (from - first..to - first).zip(at_steps) {
        if row.is_present(i) {
            at_step.push(row.values[i]);
        }
    }
}

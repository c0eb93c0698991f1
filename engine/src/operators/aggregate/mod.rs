//! Aggregation into groups: one accumulator row for each group.
//!
//! Over a scan chain each partition folds every morsel into partial
//! accumulators while its rows are in cache, and the partials are merged in
//! the order of the morsels, so that answers do not depend on threads. Where each
//! group is one row, nothing is merged (`row_groups.rs`).
//! `topk`, `quantile` and `count_values` need all rows of a step at once and
//! have operators of their own.

mod fold;
pub(crate) mod grouping;
mod histograms;
pub(crate) mod mixed;
mod row_groups;
mod spare;

use std::fmt;
use std::sync::Arc;

use futures::{StreamExt, TryStreamExt};
use quarrel_functions::aggregate::{Accumulator, AggregateFunction};
use quarrel_functions::histogram::native::StepHistograms;
use quarrel_functions::table::{AggregatedHistograms, Aggregator};
use quarrel_planner::logical::{Aggregate as AggregatePlan, NodeInfo};

use self::fold::{Partial, PartialGroup, cover, partials};
use self::histograms::{AnnotationSite, HistogramGroup};
use self::mixed::{DroppedNameSteps, Mixed};
use self::row_groups::RowGroups;
use self::spare::SpareAccumulators;
use crate::bound::Bound;
use crate::error::QueryError;
use crate::exec::context::QueryContext;
use crate::exec::morsels::Morsels;
use crate::exec::operator::{BatchStream, Operator, Output, Run, computed};
use crate::exec::ordered::ordered;
use crate::labels::LabelList;

#[derive(Debug)]
struct Aggregate {
    function: AggregateFunction,
    aggregator: &'static Aggregator,
    site: AnnotationSite,
    /// The input's rows.
    rows: Arc<LabelList>,
    /// For each input row its group.
    groups: Arc<Vec<u32>>,
    count: usize,
    mixed: Option<Arc<Mixed>>,
    steps: usize,
    morsels: Option<Arc<Morsels>>,
    spare: Arc<SpareAccumulators>,
}

/// Binds an aggregation that folds one row after the other.
pub(crate) fn bind(
    context: &QueryContext,
    node: NodeInfo,
    aggregate: &AggregatePlan,
    function: AggregateFunction,
    input: Bound,
) -> Bound {
    let (grouping, without) = (&aggregate.grouping, aggregate.without);
    let mut groups = grouping::group(&input.labels, grouping, without, &context.symbols);
    let count = groups.labels.len();
    let (labels, mixed) = groups.take_rows(&input.drop_names);
    let grid = input.grid;
    let operator = Aggregate {
        function,
        aggregator: aggregate.op,
        site: AnnotationSite {
            node: node.id,
            span: aggregate.input.node.argument_span,
        },
        rows: Arc::clone(&input.labels),
        count,
        groups: Arc::new(groups.of_row),
        mixed,
        steps: grid.len,
        morsels: input.morsels.clone(),
        spare: Arc::new(SpareAccumulators::new(function, grid.len)),
    };
    if operator.count == operator.groups.len() && operator.mixed.is_none() {
        let operator = RowGroups(Arc::new(operator));
        return Bound::row_wise(Arc::new(operator), vec![input], labels);
    }
    Bound::whole(Arc::new(operator), vec![input], labels, grid)
}

impl Operator for Aggregate {
    fn name(&self) -> &'static str {
        "Aggregate"
    }

    fn describe(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mode = if self.morsels.is_some() {
            "partial by morsel, final"
        } else {
            "single"
        };
        write!(
            f,
            ": {} groups={} of {} mode={mode}",
            self.aggregator.name,
            self.count,
            self.groups.len()
        )
    }

    fn takes_partitions(&self, _: usize) -> bool {
        true
    }

    fn stream(self: Arc<Self>, run: Run) -> BatchStream {
        computed(async move { self.compute(&run).await })
    }
}

impl Aggregate {
    async fn compute(&self, run: &Run) -> Result<Output, QueryError> {
        let input = &run.inputs[0];
        let mut account = run.context.account("aggregate");
        let dropped = self
            .mixed
            .as_ref()
            .map(|mixed| Arc::new(DroppedNameSteps::new(mixed, self.steps)));
        account.grow(dropped.as_ref().map_or(0, |dropped| dropped.bytes()))?;
        let sources: Vec<_> = (0..input.partitions())
            .map(|p| partials(self, input.open(p), p, dropped.clone(), &run.context))
            .collect();
        let merged = if sources.len() > 1 {
            ordered(&run.context.pool, sources).boxed()
        } else {
            futures::stream::iter(sources)
                .flatten()
                .map_ok(|(_, partial)| partial)
                .boxed()
        };
        let mut total = Total {
            aggregate: self,
            groups: (0..self.count).map(|_| None).collect(),
            order: Vec::new(),
            account,
        };
        let total = merged
            .try_fold(&mut total, |total, partial| async move {
                total.take(partial)?;
                Ok(total)
            })
            .await?;
        total.account.grow(self.steps * 9)?;
        let mut finisher = Finisher::new(self, &run.context);
        let mut output = Output::new(&run.context, "aggregate").for_rows(total.order.len());
        for &group in &total.order {
            let Some(whole) = total.groups[group as usize].take() else {
                continue;
            };
            let GroupRow {
                first_step,
                values,
                present,
                histograms,
            } = finisher.finish(whole, dropped.is_some());
            let number = match &dropped {
                Some(dropped) => dropped.row_of(group, present, &histograms),
                None => group,
            };
            output.push_mixed(number, first_step, values, present, &histograms)?;
        }
        Ok(output)
    }
}

/// Makes rows of groups.
struct Finisher<'a> {
    site: AnnotationSite,
    context: &'a QueryContext,
    steps: usize,
    values: Vec<f64>,
    present: Vec<bool>,
}

/// The row of a group.
struct GroupRow<'f> {
    first_step: u32,
    values: &'f [f64],
    present: &'f [bool],
    histograms: StepHistograms,
}

impl<'a> Finisher<'a> {
    fn new(aggregate: &Aggregate, context: &'a QueryContext) -> Self {
        let steps = aggregate.steps;
        Finisher {
            site: aggregate.site,
            context,
            steps,
            values: vec![0.0; steps],
            present: vec![false; steps],
        }
    }

    /// The row of a group, over all steps if it has histograms or `whole` says so.
    fn finish(&mut self, group: TotalGroup, whole: bool) -> GroupRow<'_> {
        let TotalGroup {
            mut floats,
            histograms,
        } = group;
        if histograms.is_some() || whole {
            floats.cover(0..self.steps);
        }
        let steps = floats.covered();
        let values = &mut self.values[..steps.len()];
        let present = &mut self.present[..steps.len()];
        floats.finish(values, present);
        let histograms = match histograms {
            Some(group) => group.finish(present, self.site, self.context),
            None => StepHistograms::default(),
        };
        GroupRow {
            first_step: steps.start as u32,
            values,
            present,
            histograms,
        }
    }
}

/// The groups so far.
struct Total<'a> {
    aggregate: &'a Aggregate,
    groups: Vec<Option<TotalGroup>>,
    /// Groups in the order of their first row.
    order: Vec<u32>,
    account: crate::exec::account::Account,
}

struct TotalGroup {
    floats: Accumulator,
    histograms: Option<HistogramGroup>,
}

impl Total<'_> {
    fn take(&mut self, partial: Partial) -> Result<(), QueryError> {
        for part in partial.groups {
            let group = part.group as usize;
            let total = match self.groups[group].take() {
                Some(mut total) => {
                    self.add(&mut total.histograms, &part, Some(&total.floats))?;
                    let plan = (self.aggregate.function, self.aggregate.steps);
                    let covered = part.floats.covered();
                    cover(&mut total.floats, plan, covered, &mut self.account)?;
                    total.floats.merge(&part.floats);
                    self.aggregate.spare.give_back(part.floats);
                    total
                }
                None => {
                    self.order.push(part.group);
                    self.first(part)?
                }
            };
            self.groups[group] = Some(total);
        }
        Ok(())
    }

    /// A group of which this is the first part.
    fn first(&mut self, part: PartialGroup) -> Result<TotalGroup, QueryError> {
        let (function, steps) = (self.aggregate.function, part.floats.covered());
        self.account
            .grow(Accumulator::bytes(function, steps.len()))?;
        let mut histograms = None;
        self.add(&mut histograms, &part, None)?;
        Ok(TotalGroup {
            floats: part.floats,
            histograms,
        })
    }

    /// Adds a part's histograms; `floats` are those of all parts before.
    fn add(
        &mut self,
        total: &mut Option<HistogramGroup>,
        part: &PartialGroup,
        floats: Option<&Accumulator>,
    ) -> Result<(), QueryError> {
        let Aggregate {
            aggregator,
            steps,
            site,
            ..
        } = *self.aggregate;
        let AggregatedHistograms::Added(kind) = aggregator.histograms else {
            return Ok(());
        };
        if part.histograms.is_empty() {
            return Ok(());
        }
        let group = total.get_or_insert_with(|| HistogramGroup::new(kind, steps));
        let before = group.bytes();
        for row in &part.histograms {
            if let Some(row) = group.add(row, floats) {
                let context = self.account.context();
                histograms::annotate_broken(context, site, &self.aggregate.rows, row);
            }
        }
        self.account.grow(group.bytes().saturating_sub(before))
    }
}

//! Aggregation where each group is one row: there is nothing to merge, so rows
//! are computed where they are scanned, and no state of a group is kept.

use std::fmt;
use std::sync::Arc;

use arrow_array::RecordBatch;
use futures::StreamExt;
use quarrel_functions::aggregate::Accumulator;

use super::fold::groups_of;
use super::{Aggregate, Finisher, GroupRow, Total};
use crate::batch::{BatchBuilder, SeriesBatch};
use crate::error::QueryError;
use crate::exec::context::QueryContext;
use crate::exec::operator::{BatchStream, Operator, Run, series_batch};

/// An aggregation whose groups have the numbers of their rows.
#[derive(Debug)]
pub(super) struct RowGroups(pub Arc<Aggregate>);

impl Operator for RowGroups {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn describe(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, count) = (self.0.aggregator.name, self.0.count);
        write!(f, ": {name} groups={count} of {count} mode=row by row")
    }

    fn is_row_wise(&self) -> bool {
        true
    }

    fn stream(self: Arc<Self>, run: Run) -> BatchStream {
        let aggregate = Arc::clone(&self.0);
        let mut scratch = Scratch {
            floats: Accumulator::new(aggregate.function),
            values: Vec::new(),
            present: Vec::new(),
        };
        let input = run.inputs[0].open(run.partition);
        let context = run.context;
        let aggregated = move |record: Result<RecordBatch, QueryError>| {
            let batch = series_batch(&record?)?;
            let batch = match batch.has_histograms() {
                true => with_histograms(&aggregate, &Arc::new(batch), &context)?,
                false => scratch.aggregate(batch, &context),
            };
            Ok(RecordBatch::from(batch))
        };
        input.map(aggregated).boxed()
    }
}

/// The state of the one row at work.
struct Scratch {
    floats: Accumulator,
    values: Vec<f64>,
    present: Vec<bool>,
}

impl Scratch {
    /// The groups of a batch of floats.
    fn aggregate(&mut self, batch: SeriesBatch, context: &QueryContext) -> SeriesBatch {
        let mut builder = BatchBuilder::with_target(context.semantics.batch_items);
        builder.begin(batch.len(), &context.spare);
        for row in batch.rows() {
            let steps = row.values.len();
            let present = match row.is_full() {
                true => None,
                false => {
                    self.present.resize(steps, false);
                    row.write_presence(&mut self.present);
                    Some(&self.present[..])
                }
            };
            self.floats.clear();
            self.floats.cover(0..steps);
            self.floats.add(0, row.values, present);
            self.values.resize(steps, 0.0);
            self.present.resize(steps, false);
            self.floats.finish(&mut self.values, &mut self.present);
            builder.push(row.series, row.first_step, &self.values, &self.present);
        }
        context.spare.give_back(batch);
        builder.finish()
    }
}

/// The groups of a batch that has histograms.
fn with_histograms(
    aggregate: &Aggregate,
    batch: &Arc<SeriesBatch>,
    context: &Arc<QueryContext>,
) -> Result<SeriesBatch, QueryError> {
    let mut total = Total {
        aggregate,
        groups: Vec::new(),
        order: Vec::new(),
        account: context.account("aggregate"),
    };
    let mut finisher = Finisher::new(aggregate, context);
    let mut builder = BatchBuilder::with_target(context.semantics.batch_items);
    for part in groups_of(aggregate, batch, context)? {
        let number = part.group;
        let group = total.first(part)?;
        let GroupRow {
            first_step,
            values,
            present,
            histograms,
        } = finisher.finish(group, false);
        builder.push_mixed(number, first_step, values, present, &histograms);
    }
    Ok(builder.finish())
}

//! The first stage: rows of one partition into accumulators for each morsel.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use futures::StreamExt;
use quarrel_functions::aggregate::{Accumulator, AggregateFunction};
use quarrel_functions::table::{AggregatedHistograms, Aggregator};
use rustc_hash::FxHashMap;

use super::histograms::{AnnotationSite, HistogramRow};
use super::mixed::DroppedNameSteps;
use super::spare::SpareAccumulators;
use super::{Aggregate, grouping};
use crate::batch::SeriesBatch;
use crate::error::QueryError;
use crate::exec::account::Account;
use crate::exec::context::QueryContext;
use crate::exec::morsels::Morsels;
use crate::exec::operator::{BatchStream, series_batch};
use crate::exec::ordered::MorselStream;

/// The groups of one morsel, in the order of their first rows.
pub(super) struct Partial {
    pub groups: Vec<PartialGroup>,
    /// Bytes of the accumulators, given back when the partial is merged.
    #[expect(dead_code, reason = "held for its drop")]
    account: Account,
}

/// A group of one morsel.
pub(super) struct PartialGroup {
    pub group: u32,
    pub floats: Accumulator,
    /// Histograms, for aggregators that add them.
    pub histograms: Vec<HistogramRow>,
}

struct Folder {
    aggregate: FolderPlan,
    stream: BatchStream,
    partition: usize,
    context: Arc<QueryContext>,
    morsel: u32,
    places: FxHashMap<u32, usize>,
    groups: Vec<PartialGroup>,
    account: Account,
    present: Vec<bool>,
    ready: VecDeque<(u32, Partial)>,
    done: bool,
}

struct FolderPlan {
    function: AggregateFunction,
    aggregator: &'static Aggregator,
    site: AnnotationSite,
    groups: Arc<Vec<u32>>,
    steps: usize,
    morsels: Option<Arc<Morsels>>,
    dropped: Option<Arc<DroppedNameSteps>>,
    spare: Arc<SpareAccumulators>,
}

/// The partials of one partition's rows.
pub(super) fn partials(
    aggregate: &Aggregate,
    stream: BatchStream,
    partition: usize,
    dropped: Option<Arc<DroppedNameSteps>>,
    context: &Arc<QueryContext>,
) -> MorselStream<Partial> {
    let folder = Folder {
        partition,
        aggregate: FolderPlan {
            dropped,
            ..FolderPlan::of(aggregate)
        },
        ..Folder::new(aggregate, stream, context)
    };
    futures::stream::try_unfold(folder, Folder::next).boxed()
}

/// The groups of one batch.
///
/// # Errors
/// The memory limit.
pub(super) fn groups_of(
    aggregate: &Aggregate,
    batch: &Arc<SeriesBatch>,
    context: &Arc<QueryContext>,
) -> Result<Vec<PartialGroup>, QueryError> {
    let mut folder = Folder::new(aggregate, futures::stream::empty().boxed(), context);
    folder.add(batch)?;
    Ok(folder.groups)
}

impl FolderPlan {
    fn of(aggregate: &Aggregate) -> Self {
        FolderPlan {
            function: aggregate.function,
            aggregator: aggregate.aggregator,
            site: aggregate.site,
            groups: Arc::clone(&aggregate.groups),
            steps: aggregate.steps,
            morsels: aggregate.morsels.clone(),
            dropped: None,
            spare: Arc::clone(&aggregate.spare),
        }
    }
}

/// Makes an accumulator of an aggregation with so many steps cover `row`, and
/// reserves what it grows by.
pub(super) fn cover(
    floats: &mut Accumulator,
    (function, steps): (AggregateFunction, usize),
    row: Range<usize>,
    account: &mut Account,
) -> Result<(), QueryError> {
    let covered = floats.covered();
    if covered.start <= row.start && row.end <= covered.end && !covered.is_empty() {
        return Ok(());
    }
    let wide = floats.coverage_for(row, steps);
    account.grow(Accumulator::bytes(function, wide.len() - covered.len()))?;
    floats.cover(wide);
    Ok(())
}

impl Folder {
    fn new(aggregate: &Aggregate, stream: BatchStream, context: &Arc<QueryContext>) -> Self {
        Folder {
            aggregate: FolderPlan::of(aggregate),
            stream,
            partition: 0,
            context: Arc::clone(context),
            morsel: 0,
            places: FxHashMap::default(),
            groups: Vec::new(),
            account: context.account("aggregate"),
            present: Vec::new(),
            ready: VecDeque::new(),
            done: false,
        }
    }

    async fn next(mut self) -> Result<Option<((u32, Partial), Self)>, QueryError> {
        loop {
            if let Some(item) = self.ready.pop_front() {
                return Ok(Some((item, self)));
            }
            if self.done {
                return Ok(None);
            }
            match self.stream.next().await {
                None => {
                    self.flush();
                    self.done = true;
                }
                Some(record) => {
                    let batch = Arc::new(series_batch(&record?)?);
                    let current = match &self.aggregate.morsels {
                        Some(morsels) => morsels.current(self.partition),
                        None => 0,
                    };
                    if current != self.morsel {
                        self.flush();
                        self.morsel = current;
                    }
                    self.add(&batch)?;
                    // Rows of histograms may hold theirs.
                    if let Some(batch) = Arc::into_inner(batch) {
                        self.context.spare.give_back(batch);
                    }
                }
            }
        }
    }

    fn flush(&mut self) {
        if self.groups.is_empty() {
            return;
        }
        self.places.clear();
        let fresh = self.context.account("aggregate");
        let partial = Partial {
            groups: std::mem::take(&mut self.groups),
            account: std::mem::replace(&mut self.account, fresh),
        };
        self.ready.push_back((self.morsel, partial));
    }

    fn add(&mut self, batch: &Arc<SeriesBatch>) -> Result<(), QueryError> {
        for (number, row) in batch.rows().enumerate() {
            let group = self.aggregate.groups[row.series as usize];
            if let Some(dropped) = &self.aggregate.dropped {
                dropped.add(group, &row);
            }
            let first = row.first_step as usize;
            let place = self.place(group, first..first + row.values.len())?;
            if batch.has_histograms() && row.has_histograms() {
                self.add_histograms(place, batch, number)?;
            } else if row.is_full() {
                let floats = &mut self.groups[place].floats;
                floats.add(row.first_step as usize, row.values, None);
            } else {
                self.present.resize(row.values.len(), false);
                row.write_presence(&mut self.present);
                let floats = &mut self.groups[place].floats;
                floats.add(row.first_step as usize, row.values, Some(&self.present));
            }
        }
        Ok(())
    }

    /// Where a group is, which from now on covers `row`, too.
    fn place(&mut self, group: u32, row: Range<usize>) -> Result<usize, QueryError> {
        let function = self.aggregate.function;
        let place = match self.places.get(&group) {
            Some(&place) => place,
            None => {
                self.groups.push(PartialGroup {
                    group,
                    floats: self.aggregate.spare.take(),
                    histograms: Vec::new(),
                });
                self.places.insert(group, self.groups.len() - 1);
                self.groups.len() - 1
            }
        };
        let floats = &mut self.groups[place].floats;
        cover(
            floats,
            (function, self.aggregate.steps),
            row,
            &mut self.account,
        )?;
        Ok(place)
    }

    /// A row that has histograms, and perhaps floats.
    fn add_histograms(
        &mut self,
        place: usize,
        batch: &Arc<SeriesBatch>,
        number: usize,
    ) -> Result<(), QueryError> {
        let row = batch.row(number);
        let FolderPlan {
            aggregator, site, ..
        } = self.aggregate;
        let group = &mut self.groups[place];
        self.present.resize(row.values.len(), false);
        row.write_presence(&mut self.present);
        match aggregator.histograms {
            AggregatedHistograms::Added(_) => {
                let histograms = HistogramRow::new(batch, number, &group.floats);
                self.account.grow(histograms.bytes())?;
                group.histograms.push(histograms);
            }
            // They are samples like any other, as far as anything folds.
            AggregatedHistograms::Counted
            | AggregatedHistograms::Printed
            | AggregatedHistograms::Selected => {
                row.histograms().for_each(|(i, _)| self.present[i] = true);
            }
            AggregatedHistograms::Ignored => {
                grouping::annotate_ignored(&self.context, site.node, site.span, aggregator.name);
            }
        }
        let first = row.first_step as usize;
        group.floats.add(first, row.values, Some(&self.present));
        Ok(())
    }
}

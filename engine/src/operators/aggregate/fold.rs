//! The first stage: rows of one partition into accumulators for each morsel.

use std::collections::VecDeque;
use std::sync::Arc;

use futures::StreamExt;
use quarrel_functions::aggregate::Accumulator;
use rustc_hash::FxHashMap;

use super::Aggregate;
use super::mixed::MarkedSteps;
use crate::batch::SeriesBatch;
use crate::error::QueryError;
use crate::exec::context::{Account, QueryContext};
use crate::exec::morsels::Morsels;
use crate::exec::operator::{BatchStream, series_batch};
use crate::exec::ordered::MorselStream;

/// The groups of one morsel, in the order of their first rows.
pub(super) struct Partial {
    pub groups: Vec<(u32, Accumulator)>,
    /// Bytes of the accumulators, given back when the partial is merged.
    #[expect(dead_code, reason = "held for its drop")]
    account: Account,
}

struct Folder {
    aggregate: FolderPlan,
    stream: BatchStream,
    partition: usize,
    context: Arc<QueryContext>,
    morsel: u32,
    places: FxHashMap<u32, usize>,
    groups: Vec<(u32, Accumulator)>,
    account: Account,
    present: Vec<bool>,
    ready: VecDeque<(u32, Partial)>,
    done: bool,
}

struct FolderPlan {
    function: quarrel_functions::aggregate::AggregateFunction,
    groups: Arc<Vec<u32>>,
    steps: usize,
    morsels: Option<Arc<Morsels>>,
    marked: Option<Arc<MarkedSteps>>,
}

/// The partials of one partition's rows.
pub(super) fn partials(
    aggregate: &Aggregate,
    stream: BatchStream,
    partition: usize,
    marked: Option<Arc<MarkedSteps>>,
    context: &Arc<QueryContext>,
) -> MorselStream<Partial> {
    let folder = Folder {
        aggregate: FolderPlan {
            function: aggregate.function,
            groups: Arc::clone(&aggregate.groups),
            steps: aggregate.steps,
            morsels: aggregate.morsels.clone(),
            marked,
        },
        stream,
        partition,
        context: Arc::clone(context),
        morsel: 0,
        places: FxHashMap::default(),
        groups: Vec::new(),
        account: context.account("aggregate"),
        present: Vec::new(),
        ready: VecDeque::new(),
        done: false,
    };
    futures::stream::try_unfold(folder, Folder::next).boxed()
}

impl Folder {
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
                    let batch = series_batch(&record?)?;
                    let current = match &self.aggregate.morsels {
                        Some(morsels) => morsels.current(self.partition),
                        None => 0,
                    };
                    if current != self.morsel {
                        self.flush();
                        self.morsel = current;
                    }
                    self.add(&batch)?;
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

    fn add(&mut self, batch: &SeriesBatch) -> Result<(), QueryError> {
        let FolderPlan {
            function,
            groups,
            steps,
            marked,
            ..
        } = &self.aggregate;
        for row in batch.rows() {
            let group = groups[row.series as usize];
            if let Some(marked) = marked {
                marked.add(group, &row);
            }
            let place = match self.places.get(&group) {
                Some(&place) => place,
                None => {
                    self.account.grow(Accumulator::bytes(*function, *steps))?;
                    self.groups
                        .push((group, Accumulator::new(*function, *steps)));
                    self.places.insert(group, self.groups.len() - 1);
                    self.groups.len() - 1
                }
            };
            let accumulator = &mut self.groups[place].1;
            if row.is_full() {
                accumulator.add(row.first_step as usize, row.values, None);
            } else {
                self.present.resize(row.values.len(), false);
                row.write_presence(&mut self.present);
                accumulator.add(row.first_step as usize, row.values, Some(&self.present));
            }
        }
        Ok(())
    }
}

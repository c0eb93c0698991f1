//! Runs the partitions of a scan chain on the pool and brings their batches
//! together in the order of their morsels.
//!
//! A morsel is a fixed run of consecutive series. Partitions take morsels from
//! one shared counter, so each partition's morsels ascend; merging the
//! partitions by morsel number gives the same order on any number of threads,
//! and with it the same answers to the bit. Each partition has its own bounded
//! channel: the one that works on the lowest morsel never waits, since the
//! merge always reads it first.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use arrow_array::RecordBatch;
use futures::channel::mpsc;
use futures::{SinkExt, StreamExt};

use crate::error::QueryError;
use crate::exec::operator::{BatchStream, Operator, Run};
use crate::exec::pool::give_way;

/// Batches that a partition may be ahead of the merge.
const AHEAD: usize = 4;

/// Which morsel each partition works on, and the next one to take.
#[derive(Debug)]
pub struct Morsels {
    next: AtomicU32,
    count: u32,
    size: u32,
    rows: u32,
    current: Vec<AtomicU32>,
}

impl Morsels {
    /// The morsels of `rows` rows, for `partitions` takers.
    pub fn new(rows: u32, size: u32, partitions: usize) -> Self {
        Morsels {
            next: AtomicU32::new(0),
            count: rows.div_ceil(size.max(1)),
            size: size.max(1),
            rows,
            current: (0..partitions).map(|_| AtomicU32::new(0)).collect(),
        }
    }

    /// How many there are.
    pub fn count(&self) -> u32 {
        self.count
    }

    /// Takes the next morsel for a partition: its range of rows.
    pub fn take(&self, partition: usize) -> Option<std::ops::Range<u32>> {
        let morsel = self.next.fetch_add(1, Ordering::Relaxed);
        if morsel >= self.count {
            return None;
        }
        self.current[partition].store(morsel, Ordering::Release);
        let start = morsel * self.size;
        Some(start..(start + self.size).min(self.rows))
    }

    /// The morsel that a partition took last; its latest batch belongs to it.
    pub fn current(&self, partition: usize) -> u32 {
        self.current[partition].load(Ordering::Acquire)
    }
}

/// See the module's words.
#[derive(Debug)]
pub struct Gather {
    morsels: Arc<Morsels>,
}

impl Gather {
    /// A gather above the scan that takes `morsels`.
    pub fn new(morsels: Arc<Morsels>) -> Self {
        Gather { morsels }
    }
}

impl Operator for Gather {
    fn name(&self) -> &'static str {
        "Gather"
    }

    fn describe(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, ": morsels={}", self.morsels.count())
    }

    fn stream(self: Arc<Self>, run: Run) -> BatchStream {
        let input = run.inputs[0].clone();
        let partitions = input.partitions();
        if run.context.inline.load(Ordering::Relaxed) || partitions == 1 {
            let streams = (0..partitions).map(move |p| input.open(p));
            let merged = futures::stream::iter(streams).flatten();
            return merged
                .filter(|batch| {
                    futures::future::ready(batch.as_ref().is_ok_and(|b| b.num_rows() > 0) || batch.is_err())
                })
                .boxed();
        }
        let mut heads = Vec::with_capacity(partitions);
        for p in 0..partitions {
            let (mut sender, receiver) = mpsc::channel::<(u32, RecordBatch)>(AHEAD);
            let (input, morsels) = (input.clone(), Arc::clone(&self.morsels));
            let task = run.context.pool.spawn(async move {
                let mut stream = input.open(p);
                while let Some(batch) = stream.next().await {
                    let batch = batch?;
                    if sender.send((morsels.current(p), batch)).await.is_err() {
                        return Ok(()); // nobody listens any more
                    }
                    give_way().await;
                }
                Ok(())
            });
            heads.push(Head { receiver, task: Some(task), waiting: None });
        }
        futures::stream::try_unfold(Merge { heads }, Merge::next).boxed()
    }
}

/// The next batch of one partition.
struct Head {
    receiver: mpsc::Receiver<(u32, RecordBatch)>,
    task: Option<async_task::Task<Result<(), QueryError>>>,
    waiting: Option<(u32, RecordBatch)>,
}

impl Head {
    /// Makes sure that `waiting` holds the next batch unless there is none.
    async fn fill(&mut self) -> Result<(), QueryError> {
        if self.waiting.is_some() {
            return Ok(());
        }
        self.waiting = self.receiver.next().await;
        if self.waiting.is_none() && let Some(task) = self.task.take() {
            task.await?; // the partition ended: with an error perhaps
        }
        Ok(())
    }
}

struct Merge {
    heads: Vec<Head>,
}

impl Merge {
    async fn next(mut self) -> Result<Option<(RecordBatch, Merge)>, QueryError> {
        loop {
            for head in &mut self.heads {
                head.fill().await?;
            }
            let lowest = self
                .heads
                .iter_mut()
                .filter(|h| h.waiting.is_some())
                .min_by_key(|h| h.waiting.as_ref().map(|(morsel, _)| *morsel));
            let Some((_, batch)) = lowest.and_then(|head| head.waiting.take()) else {
                return Ok(None);
            };
            if batch.num_rows() > 0 {
                return Ok(Some((batch, self)));
            }
        }
    }
}

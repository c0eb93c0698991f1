//! Computes a subtree that stands in a query more than once, and keeps its rows
//! for all who read them.
//!
//! The rows of a scan chain are kept by partition, with the numbers of their
//! morsels: those who read them do so on all threads, and fold them as they
//! would fold the scan's. It is bad at rows that nobody would have kept.

use std::sync::Arc;

use futures::StreamExt;
use quarrel_planner::logical::SharedSubtree;
use tokio::sync::OnceCell;

use crate::batch::SeriesBatch;
use crate::bound::Bound;
use crate::error::QueryError;
use crate::exec::account::Account;
use crate::exec::morsels::Morsels;
use crate::exec::operator::{BatchStream, Operator, Run, series_batch};

/// Bytes of rows up to which a subtree is shared that is folded wherever it
/// occurs: to keep them is cheaper than to scan anew.
const SMALL_BYTES: usize = 32 << 20;

/// A node whose rows are computed once.
#[derive(Clone)]
pub(crate) struct Cached {
    kept: Arc<Kept>,
    input: Bound,
}

/// The rows of each partition, with their morsels.
#[derive(Debug)]
struct Kept {
    partitions: Vec<OnceCell<(Batches, Account)>>,
    /// Those of the input, if it has partitions.
    morsels: Option<Arc<Morsels>>,
}

type Batches = Arc<Vec<(u32, SeriesBatch)>>;

impl Cached {
    /// Keeps the rows of `input`; gives it back if they had better not be kept.
    pub fn new(input: Bound, shared: SharedSubtree) -> Result<Self, Bound> {
        let bytes = input.labels.len() * input.grid.len * size_of::<f64>();
        if shared.folded && bytes > SMALL_BYTES {
            return Err(input);
        }
        let morsels = input.morsels.clone();
        let partitions = morsels.as_ref().map_or(1, |morsels| morsels.partitions());
        let kept = Kept {
            partitions: (0..partitions).map(|_| OnceCell::new()).collect(),
            morsels,
        };
        Ok(Cached {
            kept: Arc::new(kept),
            input,
        })
    }

    /// One more node that reads the rows.
    pub fn read(&self) -> Bound {
        let morsels = self.kept.morsels.as_ref();
        let replayed = morsels.map(|morsels| Arc::new(morsels.replayed()));
        let operator = Cache {
            kept: Arc::clone(&self.kept),
            replayed: replayed.clone(),
        };
        Bound {
            operator: Arc::new(operator),
            inputs: vec![self.input.clone()].into(),
            morsels: replayed,
            ..self.input.clone()
        }
    }
}

#[derive(Debug)]
struct Cache {
    kept: Arc<Kept>,
    /// The morsels as this node's reader sees them.
    replayed: Option<Arc<Morsels>>,
}

impl Operator for Cache {
    fn name(&self) -> &'static str {
        "Cache"
    }

    fn partitioned_input(&self) -> Option<usize> {
        self.replayed.is_some().then_some(0)
    }

    fn stream(self: Arc<Self>, run: Run) -> BatchStream {
        let partition = run.partition;
        let read = async move {
            let cell = &self.kept.partitions[partition];
            let (batches, _) = cell.get_or_try_init(|| self.kept.read(&run)).await?;
            Ok::<_, QueryError>((Arc::clone(batches), self.replayed.clone()))
        };
        futures::stream::once(read)
            .flat_map(move |read| match read {
                Ok((batches, replayed)) => replay(batches, replayed, partition),
                Err(error) => futures::stream::once(async move { Err(error) }).boxed(),
            })
            .boxed()
    }
}

impl Kept {
    async fn read(&self, run: &Run) -> Result<(Batches, Account), QueryError> {
        let mut account = run.context.account("shared subtree");
        let mut stream = run.inputs[0].open(run.partition);
        let mut batches = Vec::new();
        while let Some(record) = stream.next().await {
            let batch = series_batch(&record?)?;
            account.grow(batch.bytes())?;
            account.hold_samples(batch.items() as u64)?;
            let morsels = self.morsels.as_ref();
            let morsel = morsels.map_or(0, |morsels| morsels.current(run.partition));
            batches.push((morsel, batch));
        }
        Ok((Arc::new(batches), account))
    }
}

/// Kept batches as a stream, which says of each to which morsel it belongs.
fn replay(batches: Batches, replayed: Option<Arc<Morsels>>, partition: usize) -> BatchStream {
    let next = move |i: usize| {
        let (morsel, batch) = &batches.get(i)?;
        if let Some(morsels) = &replayed {
            morsels.set_current(partition, *morsel);
        }
        Some((Ok(batch.clone().into()), i + 1))
    };
    futures::stream::unfold(0, move |i| std::future::ready(next(i))).boxed()
}

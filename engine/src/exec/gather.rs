//! Brings the partitions of a scan chain together, in the order of their
//! morsels.

use std::fmt;
use std::sync::Arc;

use arrow_array::RecordBatch;
use futures::{StreamExt, TryStreamExt};

use crate::exec::morsels::Morsels;
use crate::exec::operator::{BatchStream, Operator, Run, series_batch};
use crate::exec::ordered::ordered;

/// Makes one partition out of many, in the order of the morsels.
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
        write!(
            f,
            ": partitions={} morsels={}",
            self.morsels.partitions(),
            self.morsels.count()
        )
    }

    fn stream(self: Arc<Self>, run: Run) -> BatchStream {
        let sources = (0..run.inputs[0].partitions())
            .map(|p| {
                let morsels = Arc::clone(&self.morsels);
                let context = Arc::clone(&run.context);
                // A batch counts as long as it waits for its turn.
                let counted = move |record: RecordBatch| {
                    let mut account = context.account("gather");
                    account.grow(series_batch(&record)?.bytes())?;
                    Ok((morsels.current(p), (record, account)))
                };
                let batches = run.inputs[0].open(p);
                batches.map(move |batch| batch.and_then(&counted)).boxed()
            })
            .collect();
        ordered(&run.context.pool, sources)
            .map_ok(|(record, _account)| record)
            .boxed()
    }
}

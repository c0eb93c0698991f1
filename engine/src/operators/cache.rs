//! Computes a subtree that stands in a query more than once, and keeps its
//! rows for all who read them.

use std::sync::Arc;

use futures::StreamExt;
use tokio::sync::OnceCell;

use crate::batch::SeriesBatch;
use crate::bound::Bound;
use crate::error::QueryError;
use crate::exec::context::Account;
use crate::exec::operator::{BatchStream, Operator, Run, series_batch};

#[derive(Debug)]
struct Cache {
    rows: OnceCell<(Arc<Vec<SeriesBatch>>, Account)>,
}

/// A node that computes `input` once, however many read it.
pub(crate) fn bind(input: Bound) -> Bound {
    let (labels, grid) = (input.row_labels(), input.grid);
    let cache = Arc::new(Cache {
        rows: OnceCell::new(),
    });
    Bound::whole(cache, vec![input], labels, grid)
}

impl Operator for Cache {
    fn name(&self) -> &'static str {
        "Cache"
    }

    fn stream(self: Arc<Self>, run: Run) -> BatchStream {
        let read = async move {
            let (batches, _) = self.rows.get_or_try_init(|| read_all(&run)).await?;
            Ok::<_, QueryError>(Arc::clone(batches))
        };
        futures::stream::once(read)
            .flat_map(|read| match read {
                Ok(batches) => stream_of(batches),
                Err(error) => futures::stream::once(async move { Err(error) }).boxed(),
            })
            .boxed()
    }
}

/// Batches that are there already, as a stream.
pub(crate) fn stream_of(batches: Arc<Vec<SeriesBatch>>) -> BatchStream {
    futures::stream::iter((0..batches.len()).map(move |i| Ok(batches[i].clone().into()))).boxed()
}

async fn read_all(run: &Run) -> Result<(Arc<Vec<SeriesBatch>>, Account), QueryError> {
    let mut account = run.context.account("shared subtree");
    let mut stream = run.inputs[0].open(0);
    let mut batches = Vec::new();
    while let Some(record) = stream.next().await {
        let batch = series_batch(&record?)?;
        account.grow(batch.bytes())?;
        account.hold_samples(batch.items() as u64)?;
        batches.push(batch);
    }
    Ok((Arc::new(batches), account))
}

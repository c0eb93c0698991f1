//! Runs streams side by side on the pool and gives their items in the order
//! of their morsels.
//!
//! Each source's items carry ascending morsel numbers; merging the sources by
//! that number gives the same order on any number of threads, and with it the
//! same answers to the bit. Each source has its own bounded channel: the one
//! that works on the lowest morsel never waits, since the merge always reads
//! it first.

use futures::channel::mpsc;
use futures::stream::BoxStream;
use futures::{SinkExt, Stream, StreamExt};

use crate::error::QueryError;
use crate::exec::pool::{Pool, give_way};

/// Items that a source may be ahead of the merge.
const AHEAD: usize = 4;

/// Items with the number of the morsel that they come from.
pub type MorselStream<T> = BoxStream<'static, Result<(u32, T), QueryError>>;

/// Merges `sources`, each driven by a task on the pool. Dropping the stream
/// ends the tasks.
pub fn ordered<T: Send + 'static>(
    pool: &Pool,
    sources: Vec<MorselStream<T>>,
) -> impl Stream<Item = Result<T, QueryError>> + Send + use<T> {
    let heads = sources
        .into_iter()
        .map(|mut source| {
            let (mut sender, receiver) = mpsc::channel::<(u32, T)>(AHEAD);
            let task = pool.spawn(async move {
                while let Some(item) = source.next().await {
                    if sender.send(item?).await.is_err() {
                        return Ok(()); // nobody listens any more
                    }
                    give_way().await;
                }
                Ok(())
            });
            Head {
                receiver,
                task: Some(task),
                waiting: None,
            }
        })
        .collect();
    futures::stream::try_unfold(Merge { heads }, Merge::next)
}

/// The next item of one source.
struct Head<T> {
    receiver: mpsc::Receiver<(u32, T)>,
    task: Option<async_task::Task<Result<(), QueryError>>>,
    waiting: Option<(u32, T)>,
}

impl<T> Head<T> {
    /// Makes sure that `waiting` holds the next item unless there is none.
    async fn fill(&mut self) -> Result<(), QueryError> {
        if self.waiting.is_some() {
            return Ok(());
        }
        self.waiting = self.receiver.next().await;
        if self.waiting.is_none()
            && let Some(task) = self.task.take()
        {
            task.await?; // the source ended: with an error perhaps
        }
        Ok(())
    }
}

struct Merge<T> {
    heads: Vec<Head<T>>,
}

impl<T> Merge<T> {
    async fn next(mut self) -> Result<Option<(T, Self)>, QueryError> {
        for head in &mut self.heads {
            head.fill().await?;
        }
        let lowest = self
            .heads
            .iter_mut()
            .filter(|h| h.waiting.is_some())
            .min_by_key(|h| h.waiting.as_ref().map(|(morsel, _)| *morsel));
        let item = lowest.and_then(|head| head.waiting.take());
        Ok(item.map(|(_, item)| (item, self)))
    }
}

#[cfg(test)]
mod tests {
    use futures::TryStreamExt;

    use super::*;

    #[test]
    fn items_come_in_the_order_of_morsels() {
        let pool = Pool::new(3).unwrap();
        let sources = (0..3u32)
            .map(|p| {
                let items = (0..200u32).filter(move |m| m % 3 == p).map(|m| Ok((m, m)));
                futures::stream::iter(items).boxed()
            })
            .collect();
        let all: Vec<u32> =
            futures::executor::block_on(ordered(&pool, sources).try_collect()).unwrap();
        assert_eq!(all, (0..200).collect::<Vec<_>>());
    }

    #[test]
    fn an_error_of_a_source_ends_the_merge() {
        let pool = Pool::new(2).unwrap();
        let good = futures::stream::iter((0..9u32).map(|m| Ok((m * 2, m)))).boxed();
        let bad = futures::stream::iter([Ok((1, 1)), Err(QueryError::Internal("bad".into()))]);
        let merged = ordered(&pool, vec![good, bad.boxed()]).try_collect::<Vec<u32>>();
        assert!(futures::executor::block_on(merged).is_err());
    }
}

//! Work on the items of a stream, done side by side and given in order.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::BoxError;
use futures::future::{BoxFuture, ready};
use futures::stream::{BoxStream, Fuse};
use futures::{FutureExt as _, Stream, StreamExt as _};
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::task::JoinHandle;

/// What all answers of the process may have under way beyond one item each. Where
/// many answers are written at once, the threads are busy without, and what is
/// done ahead of a slow client takes memory.
static AHEAD: Semaphore = Semaphore::const_new(16);

/// Does `work` on some items at a time, at most as many as the runtime has threads.
/// After an error no more items are begun.
pub(crate) fn map<T, R, W>(
    items: impl Stream<Item = Result<T, BoxError>> + Send + 'static,
    work: W,
) -> SideBySide<Fuse<BoxStream<'static, Result<T, BoxError>>>, R, W>
where
    T: Send + 'static,
    R: Send + 'static,
    W: Fn(T) -> Result<R, BoxError> + Clone + Send + Unpin + 'static,
{
    SideBySide {
        items: items.boxed().fuse(),
        work,
        threads: Handle::current().metrics().num_workers(),
        begun: VecDeque::new(),
    }
}

/// See [`map`].
pub(crate) struct SideBySide<I, R, W> {
    items: I,
    work: W,
    threads: usize,
    begun: VecDeque<Begun<R>>,
}

/// An item that is worked on.
struct Begun<R> {
    result: BoxFuture<'static, Result<R, BoxError>>,
    /// Held by all but the first of an answer.
    _ahead: Option<SemaphorePermit<'static>>,
}

/// A task's result. The task fails by a panic, or when the runtime ends.
async fn done<R>(task: JoinHandle<Result<R, BoxError>>) -> Result<R, BoxError> {
    task.await?
}

impl<I, R, W> SideBySide<I, R, W> {
    /// The right to begin an item now.
    fn turn(&self) -> Option<Option<SemaphorePermit<'static>>> {
        match self.begun.len() {
            0 => Some(None),
            begun if begun < self.threads => Some(Some(AHEAD.try_acquire().ok()?)),
            _ => None,
        }
    }
}

impl<T, I, R, W> Stream for SideBySide<I, R, W>
where
    T: Send + 'static,
    I: Stream<Item = Result<T, BoxError>> + Unpin,
    R: Send + 'static,
    W: Fn(T) -> Result<R, BoxError> + Clone + Send + Unpin + 'static,
{
    type Item = Result<R, BoxError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        let mut ended = false;
        while let Some(ahead) = this.turn() {
            let Poll::Ready(item) = this.items.poll_next_unpin(cx) else {
                break;
            };
            let Some(item) = item else {
                ended = true;
                break;
            };
            let work = this.work.clone();
            this.begun.push_back(Begun {
                result: match item {
                    Ok(item) => done(tokio::spawn(async move { work(item) })).boxed(),
                    Err(error) => ready(Err(error)).boxed(),
                },
                _ahead: ahead,
            });
        }
        let Some(first) = this.begun.front_mut() else {
            return if ended {
                Poll::Ready(None)
            } else {
                Poll::Pending
            };
        };
        let result = futures::ready!(first.result.poll_unpin(cx));
        this.begun.pop_front();
        Poll::Ready(Some(result))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures::stream;

    use super::*;

    fn of(
        items: Vec<Result<u64, &'static str>>,
    ) -> impl Stream<Item = Result<u64, BoxError>> + Send + 'static {
        stream::iter(items).map(|item| item.map_err(Into::into))
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 3)]
    async fn results_are_in_order() {
        let items = of((0..100).map(Ok).collect());
        let results = map(items, |n| {
            std::thread::sleep(Duration::from_micros(n * 7919 % 300));
            Ok(n * 2)
        });
        let all: Vec<u64> = results.map(Result::unwrap).collect().await;
        assert_eq!(all, (0..100).map(|n| n * 2).collect::<Vec<_>>());
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 3)]
    async fn many_answers_have_little_ahead() {
        let items = || of((0..100).map(Ok).collect());
        let all = (0..40).map(|_| map(items(), Ok));
        let mut all: Vec<_> = all.map(Box::pin).collect();
        for stream in &mut all {
            assert_eq!(stream.next().await.unwrap().unwrap(), 0);
        }
        // What is begun: the next of each, and the others that may be ahead.
        let begun: usize = all.iter().map(|stream| stream.begun.len()).sum();
        assert!(begun <= 40 + 16, "{begun}");
    }

    #[tokio::test]
    async fn errors_and_panics_are_passed_on_in_their_place() {
        let items = of(vec![Ok(1), Err("no"), Ok(2), Ok(3)]);
        let results = map(items, |n| match n {
            2 => Err("two".into()),
            3 => panic!("three"),
            n => Ok(n),
        });
        let texts: Vec<Result<u64, String>> = results
            .map(|result| result.map_err(|error| error.to_string()))
            .collect()
            .await;
        assert_eq!(texts[..3], [Ok(1), Err("no".into()), Err("two".into())]);
        assert!(texts[3].as_ref().is_err_and(|why| why.contains("panic")));
    }
}

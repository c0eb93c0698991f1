//! Work on the items of a stream, done side by side and given in order.

use axum::BoxError;
use futures::{Stream, StreamExt as _};
use tokio::runtime::Handle;

/// Does `work` on some items at a time, as many as the runtime has threads. After
/// an error no more items are begun.
pub(super) fn map<T, R>(
    items: impl Stream<Item = Result<T, BoxError>> + Send,
    work: impl Fn(T) -> Result<R, BoxError> + Clone + Send + 'static,
) -> impl Stream<Item = Result<R, BoxError>> + Send
where
    T: Send + 'static,
    R: Send + 'static,
{
    let threads = Handle::current().metrics().num_workers();
    let begun = items.map(move |item| {
        let work = work.clone();
        let task = item.map(|item| tokio::spawn(async move { work(item) }));
        async move {
            // A task fails by a panic, or when the runtime ends.
            task?.await?
        }
    });
    begun.buffered(threads)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures::stream;

    use super::*;

    fn of(items: Vec<Result<u64, &'static str>>) -> impl Stream<Item = Result<u64, BoxError>> {
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

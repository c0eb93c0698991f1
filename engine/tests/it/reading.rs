//! Series that a look-up gives with their samples.

use std::sync::Arc;

use quarrel_engine::storage::{MatchOp, Matcher, Storage, TimeRange};
use quarrel_engine::{LimitError, Lookup, MemoryPool, QueryError, QueryOptions};

use crate::support::{engine, store};

fn matchers(of: &[(MatchOp, &str, &str)]) -> Vec<Matcher> {
    let matcher = |(op, name, value): &(MatchOp, &str, &str)| Matcher::new(*op, name, value);
    of.iter().map(|one| matcher(one).unwrap()).collect()
}

fn lookup(store: &Arc<dyn Storage>, of: Vec<Vec<Matcher>>, options: QueryOptions) -> Lookup {
    engine(2).lookup(Arc::clone(store), of, TimeRange::ALL, options)
}

fn x() -> Vec<Vec<Matcher>> {
    vec![matchers(&[(MatchOp::Equal, "__name__", "x")])]
}

fn three() -> Arc<dyn Storage> {
    store("x{a=\"1\"} 1 2 3\nx{a=\"2\"} 4\ny{b=\"3\"} 5")
}

#[tokio::test]
async fn a_reader_gives_labels_and_chunks() {
    let store = three();
    let reader = lookup(&store, x(), QueryOptions::new()).read().await;
    let reader = reader.unwrap();
    let symbols = reader.series.symbols.read();
    let rows = reader.series.labels.iter();
    let shown: Vec<String> = rows.map(|row| symbols.display(row)).collect();
    assert_eq!(shown, ["x{a=\"1\"}", "x{a=\"2\"}"]);
    drop(symbols);
    reader.prefetch(0..2).await.unwrap();
    let mut chunks = Vec::new();
    reader.chunks(0, &mut chunks).unwrap();
    assert_eq!((chunks[0].min_time, chunks[0].max_time), (0, 60_000));
    assert!(reader.take_warnings().is_empty());
}

#[tokio::test]
async fn matchers_may_match_the_empty_string() {
    let store = three();
    let without_a = vec![matchers(&[(MatchOp::Equal, "a", "")])];
    let found = lookup(&store, without_a, QueryOptions::new());
    let found = found.series().await.unwrap().found;
    assert_eq!(found.labels.len(), 1);
    let names = lookup(&store, Vec::new(), QueryOptions::new());
    assert_eq!(
        names.label_names().await.unwrap().found,
        ["__name__", "a", "b"]
    );
}

#[tokio::test]
async fn a_reader_is_of_one_selector() {
    let store = three();
    for selectors in [vec![], [x(), x()].concat()] {
        let reader = lookup(&store, selectors, QueryOptions::new()).read().await;
        assert!(matches!(reader.unwrap_err(), QueryError::BadData(_)));
    }
}

#[tokio::test]
async fn a_reader_has_limits() {
    let store = three();
    let mut options = QueryOptions::new();
    options.max_selected_series = Some(1);
    let error = lookup(&store, x(), options.clone())
        .read()
        .await
        .unwrap_err();
    let limit = LimitError::SelectedSeries { limit: 1 };
    assert!(matches!(error, QueryError::Limit(l) if l == limit));
    options.max_selected_series = Some(2);
    options.max_samples_read = Some(3);
    let reader = lookup(&store, x(), options).read().await.unwrap();
    reader.count_samples(3).unwrap();
    let error = reader.count_samples(1).unwrap_err();
    let limit = LimitError::SamplesRead { limit: 3 };
    assert!(matches!(error, QueryError::Limit(l) if l == limit));
}

#[tokio::test]
async fn a_reader_holds_its_labels_and_no_place() {
    let pool = MemoryPool::default();
    let options = quarrel_engine::EngineOptions::new()
        .threads(2)
        .memory_pool(pool.clone());
    let engine = options.build().unwrap();
    let store = three();
    let found = engine.lookup(store, x(), TimeRange::ALL, QueryOptions::new());
    let cancel = found.cancel_handle();
    let reader = found.read().await.unwrap();
    assert_eq!(engine.active_queries(), 0);
    assert!(pool.reserved() > 0);
    let mut chunks = Vec::new();
    reader.chunks(1, &mut chunks).unwrap();
    cancel.cancel();
    let error = reader.chunks(1, &mut chunks).unwrap_err();
    assert!(matches!(error, QueryError::Canceled { .. }));
    drop(reader);
    assert_eq!(pool.reserved(), 0);
}

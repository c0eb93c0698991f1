//! How queries end before their time: limits, cancellation, dropped futures.
//! Whatever ends one, the engine answers the next.

mod places;
mod sizes;
mod time;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures::FutureExt;
use quarrel_engine::storage::Storage;
use quarrel_engine::{
    Engine, EngineOptions, ErrorClass, LimitError, Query, QueryError, QueryOptions, QueryResult,
};

use quarrel_planner::ParserOptions;

use crate::fake::{Fake, Long, never};
use crate::support::{at_secs, over_secs};

/// More samples than a query that runs on the caller's thread may have.
const LARGE: u64 = 10_000_000;

fn engine(options: EngineOptions) -> Engine {
    Engine::new(options.threads(2)).unwrap()
}

fn at(engine: &Engine, store: &Arc<dyn Storage>, text: &str, seconds: i64) -> Query {
    let prepared = engine.prepare(text).unwrap();
    prepared.instant(Arc::clone(store), at_secs(seconds), QueryOptions::new())
}

fn over(engine: &Engine, store: &Arc<dyn Storage>, text: &str, times: (i64, i64, i64)) -> Query {
    let prepared = engine.prepare(text).unwrap();
    prepared.range(Arc::clone(store), over_secs(times), QueryOptions::new())
}

/// A query that must fail.
async fn refused(query: Query, text: &str) -> QueryError {
    match query.execute().await {
        Err(error) => error,
        Ok(result) => panic!("{text} answered with a {}", result.value.type_name()),
    }
}

/// The engine still answers.
async fn lives(engine: &Engine) {
    for estimate in [0, LARGE] {
        let store = Fake {
            estimate: Some(estimate),
            ..Fake::many("x", 3, 3)
        };
        let result = at(engine, &store.store(), "count(x)", 60).execute().await;
        assert_eq!(crate::support::show(&result.unwrap()), "{} 3@60");
    }
    // What runs for queries that failed ends soon, too.
    let begun = Instant::now();
    while engine.active_queries() > 0 && begun.elapsed() < Duration::from_secs(20) {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(engine.active_queries(), 0);
    assert_eq!(engine.waiting_queries(), 0);
}

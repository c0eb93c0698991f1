//! Stores of Thanos beside the program's own series, as one storage.
//!
//! The stores of this program are not there: what remains is the answer of the other
//! part, and the status of the endpoints.
//!
//! ```sh
//! cargo run -p quarrel-examples --bin stores
//! ```

use std::error::Error;
use std::sync::Arc;

use quarrel::storage::fanout::{Fanout, Part};
use quarrel::storage::memory::MemoryStorage;
use quarrel::storage::store_api::{EndpointSpec, Endpoints, EndpointsConfig, StoreApi, StoreQuery};
use quarrel::{Engine, QueryOptions, Timestamp};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let endpoints = Endpoints::start(EndpointsConfig::new([
        EndpointSpec::new("dns+thanos-store.example:10901")?,
        EndpointSpec::new("127.0.0.1:1")?,
    ]))?;
    endpoints.ready().await;
    let status = endpoints.status();
    for endpoint in &status {
        let state = endpoint.last_error.as_deref().unwrap_or("healthy");
        println!("{}: {state}", endpoint.name);
    }
    assert!(status.iter().all(|endpoint| !endpoint.is_healthy()));

    let memory = MemoryStorage::new();
    memory.append([("__name__", "up"), ("job", "api")], 0, 1.0)?;
    let stores = StoreApi::new(Arc::new(endpoints), StoreQuery::default());
    let parts = vec![
        Part::new(Arc::new(memory)).with_labels([("cluster", "here")])?,
        Part::new(Arc::new(stores)),
    ];
    let storage = Fanout::new(parts).with_partial_response(true);

    let engine = Engine::builder().build()?;
    let query = engine.prepare(r#"up{cluster="here"}"#)?;
    let at = Timestamp::from_secs(60);
    let query = query.instant(Arc::new(storage), at, QueryOptions::new());
    let answer = query.execute().await?.value;
    let series: Vec<String> = answer.iter().map(|series| series.metric()).collect();
    println!("{series:?}");
    assert_eq!(series, [r#"up{cluster="here", job="api"}"#]);
    Ok(())
}

//! A server of Prometheus's remote read beside the program's own series.
//!
//! The server of this program is not there: what remains is the answer of the other
//! part, and a warning that names the server.
//!
//! ```sh
//! cargo run -p quarrel-examples --bin remote_read
//! ```

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use quarrel::storage::fanout::{Fanout, Part};
use quarrel::storage::http_client::Secret;
use quarrel::storage::memory::MemoryStorage;
use quarrel::storage::remote_read::{RemoteRead, RemoteReadConfig};
use quarrel::{Engine, QueryOptions, Timestamp};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut config = RemoteReadConfig::new("http://127.0.0.1:1/api/v1/read");
    config.remote_timeout = Duration::from_secs(5);
    let token = Secret::from("not shown".to_string());
    config.http.bearer_token = Some(token);
    let prometheus = RemoteRead::new(config)?;
    println!("{prometheus:?}");

    let memory = MemoryStorage::new();
    memory.append([("__name__", "up"), ("job", "api")], 0, 1.0)?;
    let parts = vec![
        Part::new(Arc::new(memory)),
        Part::new(Arc::new(prometheus.clone())),
    ];
    let storage = Fanout::new(parts).with_partial_response(true);

    let engine = Engine::builder().build()?;
    let query = engine.prepare("up")?;
    let at = Timestamp::from_secs(60);
    let query = query.instant(Arc::new(storage), at, QueryOptions::new());
    let answer = query.execute().await?;
    let series: Vec<String> = answer.value.iter().map(|series| series.metric()).collect();
    println!("{series:?}, {:?}", answer.warnings);
    assert_eq!(series, [r#"up{job="api"}"#]);
    assert!(answer.warnings[0].contains("http://127.0.0.1:1/api/v1/read"));
    let metrics = prometheus.metrics();
    let failures: u64 = metrics.answers.iter().map(|answers| answers.failures).sum();
    assert_eq!((failures, metrics.running), (1, 0));
    Ok(())
}

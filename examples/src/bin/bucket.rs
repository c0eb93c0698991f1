//! Blocks in object storage, here those of a folder that stands for a bucket.
//!
//! ```sh
//! cargo run -p quarrel-examples --bin bucket
//! ```

use std::error::Error;
use std::sync::Arc;

use quarrel::storage::Storage;
use quarrel::storage::bucket::{Bucket, BucketConfig, BucketOptions, BucketQuery, BucketStorage};
use quarrel::storage::tsdb::{Tsdb, TsdbOptions};
use quarrel::{Engine, QueryOptions, Timestamp};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/demo-data");
    // The format of Thanos's --objstore.config-file.
    let config = BucketConfig::parse(&format!(
        "type: FILESYSTEM\nconfig:\n  directory: {directory:?}\n"
    ))?;
    let bucket = Arc::new(Bucket::open(&config, BucketOptions::default())?);
    bucket.ready().await?;
    let databases = bucket.databases();
    println!("{databases:?}");
    assert_eq!(databases.len(), 1, "blocks of the same external labels");

    let engine = Engine::builder().build()?;
    let ask = async |storage: Arc<dyn Storage>| -> Result<String, Box<dyn Error>> {
        let at = Timestamp::from_millis(databases[0].range.end);
        let query = engine.prepare("sort(sum by (job) (count_over_time(up[1h])))")?;
        let query = query.instant(storage, at, QueryOptions::new());
        let value = query.execute().await?.value;
        let row = |series: quarrel::SeriesRef<'_>| {
            let value = series.value()?.as_float()?;
            Some(format!("{} {value}", series.metric()))
        };
        let rows: Vec<String> = value.iter().filter_map(row).collect();
        Ok(rows.join("\n"))
    };
    let storage = BucketStorage::new(Arc::clone(&bucket), BucketQuery::default());
    let answer = ask(Arc::new(storage)).await?;
    println!("{answer}");

    // A data directory has the same blocks, and a head beside.
    let tsdb = Tsdb::open(directory, TsdbOptions::default())?;
    assert_eq!(answer, ask(Arc::new(tsdb)).await?);
    for operation in bucket.metrics().operations {
        println!("{}: {}", operation.operation.name(), operation.requests);
    }
    Ok(())
}

//! The benchmark block and the list of queries of all benches.
//!
//! Prometheus's own code writes the block (`compliance/go/cmd/mkblocks
//! -bench`): 3,000 series of 720 samples at 30 s. It is built once, in cargo's
//! target folder, and needs Go.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use quarrel_engine::storage::Storage;
use quarrel_engine::{
    Engine, QueryError, QueryOptions, QueryRange, QueryResult, QueryTimes, SeriesSet, Timestamp,
    Value,
};
use quarrel_storage::tsdb::{Tsdb, TsdbOptions};
use serde::Deserialize;

/// A query of the list.
#[derive(Clone, Debug, Deserialize)]
pub struct BenchQuery {
    /// Its short name.
    pub name: String,
    /// Its text.
    pub query: String,
    /// First evaluation time, ms.
    pub start_ms: i64,
    /// Last evaluation time, ms.
    pub end_ms: i64,
    /// Step, ms; 0 for an instant query.
    pub step_ms: i64,
}

/// Why a bench cannot run.
pub type BenchError = Box<dyn std::error::Error + Send + Sync>;

/// The Go module with the peers' engines and the program that builds blocks.
pub fn go_module() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../compliance/go")
}

/// Runs a program of a Go module and returns its output.
///
/// # Errors
/// When Go is missing, or the program fails.
pub fn go_run(module: &Path, args: &[&str]) -> Result<Vec<u8>, BenchError> {
    let output = Command::new("go")
        .arg("run")
        .args(args)
        .current_dir(module)
        .stderr(std::process::Stdio::inherit())
        .output()
        .map_err(|e| format!("the benchmark block and the peers need Go: {e}"))?;
    if !output.status.success() {
        return Err(format!("go run {}: {}", args.join(" "), output.status).into());
    }
    Ok(output.stdout)
}

/// The benchmark block's data directory, which is built if it does not exist.
///
/// # Errors
/// As [`go_run`].
pub fn bench_data() -> Result<PathBuf, BenchError> {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../target"),
        PathBuf::from,
    );
    let dir = target.join("bench-block");
    if !dir.is_dir() {
        let text = dir
            .to_str()
            .ok_or("the target folder's path is not UTF-8")?;
        go_run(&go_module(), &["./cmd/mkblocks", "-bench", "-out", text])?;
    }
    Ok(dir)
}

/// The queries that all engines are timed on.
///
/// # Errors
/// As [`go_run`].
pub fn queries() -> Result<Vec<BenchQuery>, BenchError> {
    let list = go_run(&go_module(), &["./cmd/prombench", "-list"])?;
    Ok(serde_json::from_slice(&list)?)
}

/// Opens a data directory.
///
/// # Errors
/// Those of the store.
pub fn open(dir: &Path) -> Result<Arc<dyn Storage>, BenchError> {
    Ok(Arc::new(Tsdb::open(dir, TsdbOptions::default())?))
}

impl BenchQuery {
    /// Parses, plans and runs the query.
    ///
    /// # Errors
    /// Those of the query.
    pub async fn run(
        &self,
        engine: &Engine,
        store: &Arc<dyn Storage>,
    ) -> Result<QueryResult, QueryError> {
        let prepared = engine.prepare(&self.query)?;
        let (store, options) = (Arc::clone(store), QueryOptions::default());
        let times: QueryTimes = if self.step_ms == 0 {
            Timestamp::from_millis(self.start_ms).into()
        } else {
            QueryRange::from_millis(self.start_ms..=self.end_ms, self.step_ms)?.into()
        };
        prepared.query(store, times, options).execute().await
    }
}

/// The number of rows of an answer.
pub fn rows(value: &Value) -> usize {
    value.series().map_or(1, SeriesSet::len)
}

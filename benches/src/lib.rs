//! The data and the queries of all benches.
//!
//! Prometheus's own code writes the data (`compliance/go/cmd/mkblocks -bench`).
//! They are built once, in cargo's target folder, which needs Go.

pub mod classes;
mod data;
pub mod machine;
mod markers;
pub mod memory;
mod query;
pub mod stats;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use quarrel_engine::storage::Storage;
use quarrel_engine::{SeriesSet, Value};
use quarrel_storage::tsdb::{Tsdb, TsdbOptions};

pub use crate::data::{Shape, bench_folder, go_build, go_module, target_folder};
pub use crate::query::BenchQuery;

/// Why a bench cannot run.
pub type BenchError = Box<dyn std::error::Error + Send + Sync>;

/// Opens a data directory, as `quarrel serve` does.
///
/// # Errors
/// Those of the store.
pub fn open(dir: &Path) -> Result<Arc<dyn Storage>, BenchError> {
    let mut options = TsdbOptions::default();
    options.reads_tables = true;
    Ok(Arc::new(Tsdb::open(dir, options)?))
}

/// The number of rows of an answer.
pub fn rows(value: &Value) -> usize {
    value.series().map_or(1, SeriesSet::len)
}

/// The folder of the repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Writes what a command has measured into a page of the repository, between the
/// markers of this name.
///
/// # Errors
/// When the page or its markers are missing.
pub fn write_page(page: &str, marker: &str, text: &str) -> Result<(), BenchError> {
    let path = root().join(page);
    let old = std::fs::read_to_string(&path)?;
    let new = markers::replace(&old, marker, text)
        .ok_or_else(|| format!("{page} has no markers called {marker}"))?;
    Ok(std::fs::write(path, new)?)
}

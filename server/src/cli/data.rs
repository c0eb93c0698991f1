//! The data that a command reads.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use quarrel_engine::storage::{Storage, TimeRange};
use quarrel_storage::bucket::{BucketQuery, BucketStorage};
use quarrel_storage::fanout::{Fanout, Part};
use quarrel_storage::tsdb::{Tsdb, TsdbOptions};

use super::bucket::BucketArgs;
use super::failure::Failure;
use super::remote_read::RemoteReadArgs;
use crate::time::{self, Moment};

/// The location of the data.
#[derive(Clone, Debug, Args)]
pub(super) struct DataArgs {
    /// Prometheus data directory. Without it, servers of remote read and a bucket, the
    /// bundled demo data is used.
    #[arg(long, short, value_name = "DIR")]
    data: Option<PathBuf>,
    #[command(flatten)]
    remote_read: RemoteReadArgs,
    #[command(flatten)]
    bucket: BucketArgs,
}

/// An open directory.
pub(super) struct Data {
    pub(super) storage: Arc<dyn Storage>,
    /// The time of the last sample, if there is any.
    pub(super) last: Option<Moment>,
}

impl DataArgs {
    /// The directory, or that of the demo data, with a message on stderr.
    pub(super) fn dir(&self) -> Result<PathBuf, Failure> {
        match &self.data {
            Some(dir) => Ok(dir.clone()),
            None => demo_dir(),
        }
    }

    /// Opens the directory, and the bucket and the servers of remote read beside it.
    pub(super) async fn open(&self) -> Result<Data, Failure> {
        let mut local: Vec<Arc<dyn Storage>> = Vec::new();
        if let Some(bucket) = self.bucket.open()? {
            let query = BucketQuery::default();
            local.push(Arc::new(BucketStorage::new(bucket, query)));
        }
        if self.data.is_some() || local.is_empty() && !self.remote_read.any() {
            local.push(open(&self.dir()?, TsdbOptions::default()).await?);
        }
        // Servers of remote read have newer samples, perhaps.
        let last = match self.remote_read.any() {
            true => None,
            false => last_of(&local).await?,
        };
        let servers = self.remote_read.open(&local, &[])?;
        let servers = servers.into_iter().map(|part| Arc::new(part.remote) as _);
        let mut all: Vec<Arc<dyn Storage>> = local.into_iter().chain(servers).collect();
        let storage = match all.len() {
            1 => all.remove(0),
            _ => Arc::new(Fanout::new(all.into_iter().map(Part::new).collect())),
        };
        Ok(Data { storage, last })
    }
}

/// The directory of the demo data, with a message on stderr.
pub(super) fn demo_dir() -> Result<PathBuf, Failure> {
    let dir = demo_data()?;
    eprintln!(
        "Using the demo data in {} (use --data DIR for your own).",
        dir.display()
    );
    Ok(dir)
}

/// The time of the last sample of all.
async fn last_of(storages: &[Arc<dyn Storage>]) -> Result<Option<Moment>, Failure> {
    let mut last = None;
    for storage in storages {
        let snapshot = storage.snapshot(TimeRange::ALL).await;
        let range = snapshot.map_err(Failure::new)?.time_range();
        last = last.max(range.map(|range| range.end));
    }
    Ok(last.map(Moment::from_ms))
}

/// Opens a data directory on a blocking thread, since the head is read from its
/// log.
pub(super) async fn open(dir: &Path, options: TsdbOptions) -> Result<Arc<Tsdb>, Failure> {
    let path = dir.to_path_buf();
    let opened = tokio::task::spawn_blocking(move || {
        let tsdb = Tsdb::open(&path, options).map_err(|error| error.to_string())?;
        match Tsdb::is_data_dir(&path) {
            true => Ok(tsdb),
            false => Err(no_data(&path)),
        }
    });
    let opened = opened.await.map_err(|error| error.to_string());
    let tsdb = opened.and_then(|tsdb| tsdb).map_err(|error| {
        let dir = dir.display();
        Failure::new(format_args!("cannot open {dir}: {error}"))
    })?;
    Ok(Arc::new(tsdb))
}

/// Why a directory is none of a Prometheus.
fn no_data(dir: &Path) -> String {
    let mut text = "no data of a Prometheus there: no block, no wal, no chunks_head".to_string();
    let below = dir.join("data");
    if Tsdb::is_data_dir(&below) {
        text.push_str(&format!("; did you mean {}?", below.display()));
    }
    text
}

/// The folder of the demo data: `$QUARREL_DEMO_DATA`, that of the source code
/// the program was built from, or one beside the program.
fn demo_data() -> Result<PathBuf, Failure> {
    if let Some(dir) = std::env::var_os("QUARREL_DEMO_DATA") {
        return Ok(PathBuf::from(dir));
    }
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/demo-data");
    let beside = std::env::current_exe().ok();
    let beside = beside
        .as_deref()
        .and_then(Path::parent)
        .map(|dir| dir.join("demo-data"));
    let found = [Some(source), beside]
        .into_iter()
        .flatten()
        .find(|dir| dir.is_dir());
    // The canonical path, if there is one.
    found
        .map(|dir| dir.canonicalize().unwrap_or(dir))
        .ok_or_else(|| {
            Failure::new("the demo data was not found; use --data DIR, or set QUARREL_DEMO_DATA")
        })
}

/// A time on the command line; relative ones count from `now`, the last
/// moment of the data.
pub(super) fn parse_time(name: &str, text: &str, now: Moment) -> Result<Moment, Failure> {
    time::parse_relative(text, now).ok_or_else(|| {
        Failure::new(format_args!(
            "--{name} {text:?} is not a time: use RFC 3339 (2023-11-15T01:20:00Z), \
             Unix seconds, or a duration before the end of the data (-1h30m)"
        ))
    })
}

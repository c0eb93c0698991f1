//! Which data a command works on.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use quarrel_engine::storage::{Snapshot, Storage, TimeRange};
use quarrel_storage::tsdb::{Tsdb, TsdbOptions};

use super::failure::Failure;
use crate::time::{self, Moment};

/// Where the data lies.
#[derive(Clone, Debug, Args)]
pub(super) struct DataArgs {
    /// Prometheus data directory. Without it, the bundled demo data is used.
    #[arg(long, short, value_name = "DIR")]
    data: Option<PathBuf>,
}

/// A directory that is open.
pub(super) struct Data {
    pub(super) storage: Arc<dyn Storage>,
    /// The last moment that there are samples of, if any.
    pub(super) last: Option<Moment>,
}

impl DataArgs {
    /// The directory, or that of the demo data, which is said on stderr.
    pub(super) fn dir(&self) -> Result<PathBuf, Failure> {
        if let Some(dir) = &self.data {
            return Ok(dir.clone());
        }
        let dir = demo_data()?;
        eprintln!(
            "Using the demo data in {} (--data DIR takes your own).",
            dir.display()
        );
        Ok(dir)
    }

    /// Opens it.
    pub(super) async fn open(&self) -> Result<Data, Failure> {
        let dir = self.dir()?;
        let storage = open(&dir).await?;
        let snapshot = storage
            .snapshot(TimeRange::ALL)
            .await
            .map_err(Failure::new)?;
        let last = last_moment(&*snapshot);
        Ok(Data { storage, last })
    }
}

fn last_moment(snapshot: &dyn Snapshot) -> Option<Moment> {
    Some(Moment::from_ms(snapshot.time_range()?.end))
}

/// Opens a data directory, away from the runtime's threads: a head has to be
/// read from its log.
pub(super) async fn open(dir: &Path) -> Result<Arc<dyn Storage>, Failure> {
    let path = dir.to_path_buf();
    let opened = tokio::task::spawn_blocking(move || Tsdb::open(path, TsdbOptions::default()));
    match opened.await {
        Ok(Ok(tsdb)) => Ok(Arc::new(tsdb)),
        Ok(Err(error)) => Err(Failure::new(format_args!(
            "cannot open {}: {error}",
            dir.display()
        ))),
        Err(error) => Err(Failure::new(format_args!(
            "cannot open {}: {error}",
            dir.display()
        ))),
    }
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
    // The short form of the path, where there is one.
    found
        .map(|dir| dir.canonicalize().unwrap_or(dir))
        .ok_or_else(|| {
            Failure::new("the demo data is not there; use --data DIR, or set QUARREL_DEMO_DATA")
        })
}

/// A time on the command line; relative ones count from `now`, the last
/// moment of the data.
pub(super) fn parse_time(name: &str, text: &str, now: Moment) -> Result<Moment, Failure> {
    time::parse_relative(text, now).ok_or_else(|| {
        Failure::new(format_args!(
            "--{name} {text:?} is no time: use RFC 3339 (2023-11-15T01:20:00Z), \
             Unix seconds, or a duration before the data's end (-1h30m)"
        ))
    })
}

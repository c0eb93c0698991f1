//! Settings that follow their files.

use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use parking_lot::Mutex;

use super::{Origin, Settings, WebConfigError};

/// Two changes within this time may leave a file with one time stamp.
const CLOSE: Duration = Duration::from_secs(2);

/// What tells that a file has changed: device, inode, size, seconds and
/// nanoseconds of its last change.
type Stamp = (u64, u64, u64, i64, i64);

/// Settings, read again when a file that they come from changes.
#[derive(Debug)]
pub(super) struct Watched {
    origin: Arc<Origin>,
    last: Mutex<Reading>,
    /// Held by the one that reads.
    reading: tokio::sync::Mutex<()>,
}

/// A reading of the files.
#[derive(Clone, Debug)]
struct Reading {
    outcome: Result<Arc<Settings>, WebConfigError>,
    /// The files and how they were before they were read.
    files: Arc<Vec<(PathBuf, Option<Stamp>)>>,
    /// Whether a change since would show.
    is_settled: bool,
}

impl Watched {
    /// # Errors
    /// If a file cannot be read, or a setting is wrong.
    pub(super) fn open(origin: Origin) -> Result<(Self, Arc<Settings>), WebConfigError> {
        let reading = Reading::new(&origin, origin.files());
        let settings = reading.outcome.clone()?;
        // The files that a file names are known only now.
        let reading = Reading::new(&origin, settings.files.clone());
        let watched = Watched {
            origin: Arc::new(origin),
            last: Mutex::new(reading),
            reading: tokio::sync::Mutex::new(()),
        };
        Ok((watched, settings))
    }

    /// The settings as they are now. A look at the files' time stamps takes
    /// microseconds; they are read on a thread for blocking work.
    ///
    /// # Errors
    /// If a file cannot be read, or a setting is wrong now.
    pub(super) async fn now(&self) -> Result<Arc<Settings>, WebConfigError> {
        if let Some(outcome) = self.last.lock().current() {
            return outcome;
        }
        let _one = self.reading.lock().await;
        let files: Vec<PathBuf> = {
            let last = self.last.lock();
            if let Some(outcome) = last.current() {
                return outcome;
            }
            last.files.iter().map(|(path, _)| path.clone()).collect()
        };
        let origin = Arc::clone(&self.origin);
        let reading = tokio::task::spawn_blocking(move || Reading::again(&origin, files)).await;
        let reading = reading.map_err(|error| WebConfigError::Read {
            path: self.origin.files().into_iter().next().unwrap_or_default(),
            why: error.to_string(),
        })?;
        let outcome = reading.outcome.clone();
        *self.last.lock() = reading;
        outcome
    }
}

impl Reading {
    /// Reads the settings; `files` are watched.
    fn new(origin: &Origin, files: Vec<PathBuf>) -> Self {
        let files: Vec<_> = files
            .into_iter()
            .map(|file| {
                let stamp = stamp(&file).ok();
                (file, stamp)
            })
            .collect();
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let now = now.unwrap_or_default();
        let is_settled = files.iter().all(|(_, stamp)| {
            let changed = stamp.map_or(0, |(.., seconds, _)| seconds.max(0)) as u64;
            now.saturating_sub(Duration::from_secs(changed)) > CLOSE
        });
        Reading {
            outcome: Settings::read(origin).map(Arc::new),
            files: Arc::new(files),
            is_settled,
        }
    }

    /// Reads the settings anew. If they name other files than before, once
    /// more, so that no change of those is missed.
    fn again(origin: &Origin, files: Vec<PathBuf>) -> Self {
        let reading = Reading::new(origin, files);
        let named = match &reading.outcome {
            Ok(settings) => settings.files.clone(),
            Err(_) => return reading,
        };
        if reading.files.iter().map(|(file, _)| file).eq(&named) {
            reading
        } else {
            Reading::new(origin, named)
        }
    }

    /// The outcome, if no file has changed.
    fn current(&self) -> Option<Result<Arc<Settings>, WebConfigError>> {
        let same = |(file, old): &(PathBuf, Option<Stamp>)| stamp(file).ok() == *old;
        let is_current = self.is_settled && self.files.iter().all(same);
        is_current.then(|| self.outcome.clone())
    }
}

fn stamp(path: &Path) -> io::Result<Stamp> {
    let meta = std::fs::metadata(path)?;
    Ok((
        meta.dev(),
        meta.ino(),
        meta.size(),
        meta.mtime(),
        meta.mtime_nsec(),
    ))
}

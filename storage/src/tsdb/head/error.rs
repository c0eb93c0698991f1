//! Errors and warnings of reading a head.

use std::io;
use std::path::PathBuf;

use crate::tsdb::data_path::DataPath;

/// Why a head cannot be read. Paths are those below the data directory.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HeadError {
    /// A file or directory was deleted or replaced while it was read: a running
    /// Prometheus has truncated or repaired its WAL. Reading again may succeed.
    #[error("{path} changed while it was read")]
    Changed {
        /// The file or directory.
        path: PathBuf,
    },
    /// An I/O error.
    #[error("{path}: {error}")]
    Io {
        /// The file concerned.
        path: PathBuf,
        /// The error of the system.
        error: io::Error,
    },
    /// Corrupt bytes with which Prometheus would not start either: in a
    /// checkpoint, or in the numbering of files.
    #[error("corrupt data in {path} at byte {offset}: {detail}")]
    Corrupt {
        /// The file concerned.
        path: PathBuf,
        /// Offset in the file, in bytes.
        offset: u64,
        /// The reason.
        detail: String,
    },
    /// A segment between the checkpoint and the last segment is missing.
    #[error("{dir}: segments are not sequential: {missing} is missing")]
    MissingSegment {
        /// The directory of segments.
        dir: PathBuf,
        /// The number that is missing.
        missing: u64,
    },
}

impl HeadError {
    /// An I/O error at `path`; a missing file has been deleted meanwhile.
    pub(super) fn io(path: &DataPath, error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound => HeadError::Changed {
                path: path.shown().into(),
            },
            _ => HeadError::Io {
                path: path.shown().into(),
                error,
            },
        }
    }

    /// Whether the files changed meanwhile, so that reading again may succeed.
    pub fn is_changed(&self) -> bool {
        matches!(self, HeadError::Changed { .. })
    }
}

/// A warning about data that is left out. Paths are those below the data
/// directory.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HeadWarning {
    /// Records after a torn or corrupt one are left out, as Prometheus drops
    /// them at its start.
    #[error(
        "{path} is corrupt at byte {offset} ({detail}): later records of this log are left out"
    )]
    LogCorrupt {
        /// The segment.
        path: PathBuf,
        /// Offset in the segment, in bytes.
        offset: u64,
        /// What is wrong.
        detail: String,
    },
    /// Chunks after a corrupt one are left out; the WAL has their samples.
    #[error(
        "{path} is corrupt at byte {offset} ({detail}): chunks that follow are read from the WAL instead"
    )]
    ChunksCorrupt {
        /// The head chunk file.
        path: PathBuf,
        /// Where in the file, in bytes.
        offset: u64,
        /// What is wrong.
        detail: String,
    },
    /// Records about series whose labels are not in the log.
    #[error(
        "{samples} samples and {markers} other records of unknown series in the log are left out"
    )]
    UnknownSeries {
        /// Float and histogram samples.
        samples: u64,
        /// Tombstones and m-map markers.
        markers: u64,
    },
    /// Histograms with an unknown schema.
    #[error("{0} histograms with an unknown schema in the log are left out")]
    UnknownSchema(u64),
}

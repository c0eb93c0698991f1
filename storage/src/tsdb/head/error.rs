//! What can go wrong with a head, and what is only worth a word.

use std::io;
use std::path::{Path, PathBuf};

/// Why a head cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HeadError {
    /// A file or directory vanished or was replaced while it was read: a live
    /// Prometheus has truncated its WAL or repaired it. List everything again
    /// and begin anew.
    #[error("{path} moved while it was read; read the directory again")]
    Moved {
        /// What moved.
        path: PathBuf,
    },
    /// The operating system refused.
    #[error("{path}: {source}")]
    Io {
        /// The file concerned.
        path: PathBuf,
        /// The system's own words.
        source: io::Error,
    },
    /// Bytes that are not what their format says, where Prometheus would not
    /// start either: in a checkpoint, or in the numbering of the files.
    #[error("corrupt data in {path} at byte {offset}: {detail}")]
    Corrupt {
        /// The file concerned.
        path: PathBuf,
        /// Where in the file, in bytes.
        offset: u64,
        /// What is wrong.
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
    /// An I/O error at `path`; a file that is no longer there has moved.
    pub(super) fn io(path: &Path, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::NotFound => HeadError::Moved { path: path.into() },
            _ => HeadError::Io {
                path: path.into(),
                source,
            },
        }
    }

    /// Whether listing the directory again and reading anew may help.
    pub fn is_moved(&self) -> bool {
        matches!(self, HeadError::Moved { .. })
    }
}

/// Something the user should know although the head could be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HeadWarning {
    /// Records after a tear or a corruption are not read, as Prometheus
    /// drops them when it starts.
    #[error("{path} is corrupt at byte {offset} ({detail}): what follows in this log is left out")]
    LogCorrupt {
        /// The segment.
        path: PathBuf,
        /// Where in the segment, in bytes.
        offset: u64,
        /// What is wrong.
        detail: String,
    },
    /// Chunks after a corruption are not read; the WAL stands in for them.
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
    /// Histograms with a schema that this version does not know.
    #[error("{0} histograms with an unknown schema in the log are left out")]
    UnknownSchema(u64),
}

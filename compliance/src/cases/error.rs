//! Why a source of queries cannot be read.

use std::io;
use std::path::{Path, PathBuf};

use super::case::Origin;
use super::data::DataError;

/// Why a source of queries cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CaseError {
    /// A file cannot be read.
    #[error("{}: {error}", path.display())]
    Read {
        /// Its path.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// A file is larger than what is read.
    #[error("{}: has {bytes} bytes, more than {limit}", path.display())]
    TooLarge {
        /// Its path.
        path: PathBuf,
        /// Its size.
        bytes: u64,
        /// The most that is read.
        limit: u64,
    },
    /// A pattern of file names has no file.
    #[error("no file matches {pattern}")]
    NoFile {
        /// The pattern.
        pattern: String,
    },
    /// A file is not of its format, or lacks something.
    #[error("{origin}: {problem}")]
    Format {
        /// The file and the place.
        origin: Origin,
        /// What is wrong.
        problem: String,
    },
    /// The data cannot be asked for values.
    #[error("{origin}: {error}")]
    Data {
        /// What needs the values.
        origin: Origin,
        /// Why they did not come.
        error: DataError,
    },
}

impl CaseError {
    /// Something is wrong at a place of a source.
    pub(super) fn format(origin: Origin, problem: impl std::fmt::Display) -> Self {
        CaseError::Format {
            origin,
            problem: problem.to_string(),
        }
    }

    pub(super) fn read(path: &Path, error: io::Error) -> Self {
        CaseError::Read {
            path: path.to_path_buf(),
            error,
        }
    }
}

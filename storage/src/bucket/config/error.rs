//! What can be wrong with the configuration of a bucket.

use std::path::PathBuf;

/// Why a configuration is none. It never has a secret in it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BucketConfigError {
    /// The text is not what it should be.
    #[error("configuration of the bucket: {0}")]
    Malformed(String),
    /// Nobody knows how to read such a bucket.
    #[error(
        "configuration of the bucket: type {0} is not supported; FILESYSTEM, S3, GCS and AZURE are"
    )]
    Provider(String),
    /// A setting cannot be heeded, or does not fit the others.
    #[error("configuration of the bucket: {key}: {why}")]
    Setting {
        /// Its name.
        key: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// A file cannot be read, or is not what it should be.
    #[error("{path}: {why}")]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
}

pub(super) fn setting(key: &'static str, why: impl Into<String>) -> BucketConfigError {
    BucketConfigError::Setting {
        key,
        why: why.into(),
    }
}

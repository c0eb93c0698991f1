//! Options of object storage, named as in Thanos.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use quarrel_storage::bucket::{Bucket, BucketConfig, BucketOptions};

use super::failure::Failure;
use super::options::{Size, Span};

/// A bucket whose blocks are read where they lie.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Bucket options")]
pub(super) struct BucketArgs {
    /// File with the configuration of object storage, YAML as in Thanos, of a bucket
    /// whose blocks are read.
    #[arg(
        long = "objstore.config-file",
        value_name = "FILE",
        conflicts_with = "objstore_config"
    )]
    objstore_config_file: Option<PathBuf>,
    /// As --objstore.config-file, the configuration itself.
    #[arg(long = "objstore.config", value_name = "YAML")]
    objstore_config: Option<String>,
    /// Directory in which tables of indexes, metadata of blocks, and parts of indexes and
    /// chunks are kept. One for each bucket. Without it they are fetched anew by each
    /// process.
    #[arg(long = "cache-dir", value_name = "DIR")]
    cache_dir: Option<PathBuf>,
    /// How often the bucket is listed.
    #[arg(
        long = "sync-block-duration",
        value_name = "DURATION",
        default_value = "3m"
    )]
    sync_interval: Span,
    /// How long a block is read after it was marked for deletion.
    #[arg(
        long = "ignore-deletion-marks-delay",
        value_name = "DURATION",
        default_value = "24h"
    )]
    deletion_delay: Span,
    /// Bytes of parts of indexes and chunks that are kept in memory.
    #[arg(
        long = "bucket.cache-size",
        value_name = "SIZE",
        default_value = "256MB"
    )]
    cache_size: Size,
    /// Bytes of parts of indexes and chunks that are kept in --cache-dir beside; 0 for
    /// none.
    #[arg(
        long = "bucket.disk-cache-size",
        value_name = "SIZE",
        default_value = "1GB"
    )]
    disk_cache_size: Size,
    /// Bytes of tables of indexes that are kept in memory.
    #[arg(
        long = "bucket.index-cache-size",
        value_name = "SIZE",
        default_value = "256MB"
    )]
    index_cache_size: Size,
    /// Maximum number of requests to the bucket at the same time.
    #[arg(
        long = "bucket.max-requests",
        value_name = "N",
        default_value = "64",
        value_parser = clap::value_parser!(u32).range(1..=100_000)
    )]
    max_requests: u32,
}

impl BucketArgs {
    /// Whether there is a bucket.
    pub(super) fn is_used(&self) -> bool {
        self.objstore_config_file.is_some() || self.objstore_config.is_some()
    }

    /// Opens the bucket, if there is one, on the current runtime.
    pub(super) fn open(&self) -> Result<Option<Arc<Bucket>>, Failure> {
        let config = match (&self.objstore_config_file, &self.objstore_config) {
            (Some(file), _) => BucketConfig::read(file),
            (None, Some(text)) => BucketConfig::parse(text),
            (None, None) => return Ok(None),
        };
        let config = config.map_err(Failure::new)?;
        let bytes = |size: Size| usize::try_from(size.0).unwrap_or(usize::MAX);
        let mut options = BucketOptions::default();
        options.cache_dir.clone_from(&self.cache_dir);
        options.sync_interval = self.sync_interval.duration();
        options.ignore_deletion_marks_delay = self.deletion_delay.duration();
        options.page_cache_bytes = bytes(self.cache_size);
        options.disk_cache_bytes = self.disk_cache_size.0;
        options.header_cache_bytes = bytes(self.index_cache_size);
        options.max_requests = self.max_requests as usize;
        let bucket = Bucket::open(&config, options).map_err(Failure::new)?;
        Ok(Some(Arc::new(bucket)))
    }

    /// The flags as `status/flags` shows them: without what may be secret.
    pub(super) fn flags(&self) -> Vec<(&'static str, String)> {
        let path = |path: &Option<PathBuf>| {
            let path = path.as_ref();
            path.map_or_else(String::new, |path| path.display().to_string())
        };
        let config = self.objstore_config.as_ref().map(|_| "<secret>");
        vec![
            ("objstore.config-file", path(&self.objstore_config_file)),
            ("objstore.config", config.unwrap_or_default().to_string()),
            ("cache-dir", path(&self.cache_dir)),
            ("sync-block-duration", self.sync_interval.to_string()),
            (
                "ignore-deletion-marks-delay",
                self.deletion_delay.to_string(),
            ),
            ("bucket.cache-size", self.cache_size.to_string()),
            ("bucket.disk-cache-size", self.disk_cache_size.to_string()),
            ("bucket.index-cache-size", self.index_cache_size.to_string()),
            ("bucket.max-requests", self.max_requests.to_string()),
        ]
    }
}

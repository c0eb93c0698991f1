//! How a bucket is read.

use std::path::PathBuf;
use std::time::Duration;

/// How a bucket is read.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct BucketOptions {
    /// Where tables of indexes, `meta.json` files, and pages of indexes and chunks are
    /// kept, so that they are fetched once; `None` for nowhere. Each bucket needs a directory of its own:
    /// what is kept of blocks that a bucket does not have is removed.
    pub cache_dir: Option<PathBuf>,
    /// How often the bucket is listed.
    pub sync_interval: Duration,
    /// How long a block is read after it was marked for deletion.
    /// `--ignore-deletion-marks-delay`.
    pub ignore_deletion_marks_delay: Duration,
    /// Bytes of parts of indexes and chunks that are kept in memory.
    pub page_cache_bytes: usize,
    /// Bytes of parts of indexes and chunks that are kept in [`BucketOptions::cache_dir`]
    /// beside; 0 for none.
    pub disk_cache_bytes: u64,
    /// Bytes of tables of indexes that are kept in memory.
    pub header_cache_bytes: usize,
    /// Most requests at a time.
    pub max_requests: usize,
}

impl Default for BucketOptions {
    fn default() -> Self {
        BucketOptions {
            cache_dir: None,
            sync_interval: Duration::from_secs(180),
            ignore_deletion_marks_delay: Duration::from_secs(24 * 3600),
            page_cache_bytes: 256 << 20,
            disk_cache_bytes: 1 << 30,
            header_cache_bytes: 256 << 20,
            max_requests: 64,
        }
    }
}

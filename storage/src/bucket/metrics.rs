//! What is counted of a bucket.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// What is asked of a bucket, named as Thanos's metrics name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BucketOperation {
    /// A listing.
    Iter,
    /// A whole object.
    Get,
    /// A part of an object.
    GetRange,
}

impl BucketOperation {
    pub(super) const ALL: [BucketOperation; 3] = [
        BucketOperation::Iter,
        BucketOperation::Get,
        BucketOperation::GetRange,
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            BucketOperation::Iter => "iter",
            BucketOperation::Get => "get",
            BucketOperation::GetRange => "get_range",
        }
    }
}

/// What was counted of one kind of operation.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct OperationMetrics {
    /// Which it is.
    pub operation: BucketOperation,
    /// How many there were, repetitions included.
    pub requests: u64,
    /// How many of them failed.
    pub failures: u64,
    /// Bytes of objects that came.
    pub fetched_bytes: u64,
    /// How long they took together.
    pub duration: Duration,
}

/// What was counted of a bucket since it was opened.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct BucketMetrics {
    /// The bucket's name.
    pub bucket: String,
    /// Each kind of operation.
    pub operations: Vec<OperationMetrics>,
    /// Blocks that queries read.
    pub blocks: u64,
    /// Blocks that were left out since they could not be read.
    pub skipped_blocks: u64,
    /// Listings that succeeded.
    pub syncs: u64,
    /// Listings that failed.
    pub sync_failures: u64,
    /// Pages of objects that were found in memory.
    pub page_hits: u64,
    /// Pages of objects that were found on disk.
    pub disk_page_hits: u64,
    /// Pages of objects that had to be fetched.
    pub page_misses: u64,
    /// Bytes of pages in memory.
    pub page_bytes: u64,
    /// Bytes of pages on disk.
    pub disk_page_bytes: u64,
    /// Bytes of tables of indexes in memory.
    pub header_bytes: u64,
    /// Tables of indexes that were made from their bucket.
    pub headers_built: u64,
}

#[derive(Debug, Default)]
pub(super) struct Counters {
    operations: [OperationCounters; 3],
    pub syncs: AtomicU64,
    pub sync_failures: AtomicU64,
    pub page_hits: AtomicU64,
    pub disk_page_hits: AtomicU64,
    pub page_misses: AtomicU64,
    pub headers_built: AtomicU64,
}

#[derive(Debug, Default)]
struct OperationCounters {
    requests: AtomicU64,
    failures: AtomicU64,
    bytes: AtomicU64,
    nanoseconds: AtomicU64,
}

impl Counters {
    /// Counts a request, with the bytes that came; `None` if it has failed.
    pub fn add(&self, operation: BucketOperation, took: Duration, bytes: Option<u64>) {
        let counters = &self.operations[operation as usize];
        counters.requests.fetch_add(1, Relaxed);
        let failed = u64::from(bytes.is_none());
        counters.failures.fetch_add(failed, Relaxed);
        counters.bytes.fetch_add(bytes.unwrap_or(0), Relaxed);
        let took = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        counters.nanoseconds.fetch_add(took, Relaxed);
    }

    pub fn operations(&self) -> Vec<OperationMetrics> {
        let of = |operation: BucketOperation| {
            let counters = &self.operations[operation as usize];
            OperationMetrics {
                operation,
                requests: counters.requests.load(Relaxed),
                failures: counters.failures.load(Relaxed),
                fetched_bytes: counters.bytes.load(Relaxed),
                duration: Duration::from_nanos(counters.nanoseconds.load(Relaxed)),
            }
        };
        BucketOperation::ALL.into_iter().map(of).collect()
    }
}

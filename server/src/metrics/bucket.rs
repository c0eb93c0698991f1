//! What is counted of a bucket, under the names of Thanos's where it has them.

use std::fmt::Write as _;

use quarrel_storage::bucket::{BucketMetrics, OperationMetrics};

use super::head;

/// Appends the metrics of the bucket, if there is one.
pub(super) fn write(out: &mut String, bucket: Option<&BucketMetrics>) {
    let Some(bucket) = bucket else { return };
    type Count = fn(&OperationMetrics) -> u64;
    let operations: [(&str, &str, Count); 3] = [
        (
            "thanos_objstore_bucket_operations_total",
            "Total number of all attempted operations against a bucket.",
            |of| of.requests,
        ),
        (
            "thanos_objstore_bucket_operation_failures_total",
            "Total number of operations against a bucket that failed.",
            |of| of.failures,
        ),
        (
            "thanos_objstore_bucket_operation_fetched_bytes_total",
            "Total number of bytes fetched from bucket.",
            |of| of.fetched_bytes,
        ),
    ];
    let name = &bucket.bucket;
    for (metric, help, count) in operations {
        head(out, metric, "counter", help);
        for of in &bucket.operations {
            let (operation, count) = (of.operation.name(), count(of));
            let _ = writeln!(
                out,
                "{metric}{{bucket={name:?},operation={operation:?}}} {count}"
            );
        }
    }
    let metric = "quarrel_bucket_operation_seconds_total";
    head(
        out,
        metric,
        "counter",
        "How long operations against a bucket took.",
    );
    for of in &bucket.operations {
        let (operation, seconds) = (of.operation.name(), of.duration.as_secs_f64());
        let _ = writeln!(
            out,
            "{metric}{{bucket={name:?},operation={operation:?}}} {seconds}"
        );
    }
    let singles = [
        (
            "thanos_bucket_store_blocks_loaded",
            "gauge",
            "Number of currently loaded blocks.",
            bucket.blocks,
        ),
        (
            "quarrel_bucket_skipped_blocks",
            "gauge",
            "Blocks that were left out since they could not be read.",
            bucket.skipped_blocks,
        ),
        (
            "thanos_blocks_meta_syncs_total",
            "counter",
            "Total blocks metadata synchronization attempts.",
            bucket.syncs + bucket.sync_failures,
        ),
        (
            "thanos_blocks_meta_sync_failures_total",
            "counter",
            "Total blocks metadata synchronization failures.",
            bucket.sync_failures,
        ),
        (
            "quarrel_bucket_page_hits_total",
            "counter",
            "Parts of objects that were found in memory.",
            bucket.page_hits,
        ),
        (
            "quarrel_bucket_disk_page_hits_total",
            "counter",
            "Parts of objects that were found on disk.",
            bucket.disk_page_hits,
        ),
        (
            "quarrel_bucket_page_misses_total",
            "counter",
            "Parts of objects that had to be fetched.",
            bucket.page_misses,
        ),
        (
            "quarrel_bucket_page_bytes",
            "gauge",
            "Bytes of parts of objects in memory.",
            bucket.page_bytes,
        ),
        (
            "quarrel_bucket_disk_page_bytes",
            "gauge",
            "Bytes of parts of objects on disk.",
            bucket.disk_page_bytes,
        ),
        (
            "quarrel_bucket_index_header_bytes",
            "gauge",
            "Bytes of tables of indexes in memory.",
            bucket.header_bytes,
        ),
        (
            "quarrel_bucket_index_headers_built_total",
            "counter",
            "Tables of indexes that were made from the bucket.",
            bucket.headers_built,
        ),
    ];
    for (metric, kind, help, value) in singles {
        head(out, metric, kind, help);
        let _ = writeln!(out, "{metric}{{bucket={name:?}}} {value}");
    }
}

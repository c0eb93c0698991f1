//! Objects of a bucket, and its configuration. Each input becomes a file of a bucket in
//! a directory, which is listed and queried as a user would.

use std::path::Path;
use std::sync::{Arc, LazyLock};

use futures::executor::block_on;
use quarrel_storage::bucket::{Bucket, BucketConfig, BucketOptions, BucketQuery, BucketStorage};
use tokio::runtime::Runtime;

use crate::directory::{self, BLOCK, INDEX, META, SEGMENT, query, write};
use crate::memory;
use crate::sealed::checksum;

/// Where requests run.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    let built = builder.worker_threads(1).enable_all().build();
    built.expect("a runtime")
});

/// `index`: edits of a real one, or all of it.
pub(crate) fn index(data: &[u8]) -> usize {
    bucket(&directory::edited_index(data), META, None)
}

/// `meta.json`.
pub(crate) fn meta(data: &[u8]) -> usize {
    bucket(INDEX, data, None)
}

/// The tables of an index in the cache directory: their content, whose checksum is made
/// right, or the whole file.
pub(crate) fn header(data: &[u8]) -> usize {
    let file = directory::described(data, |content| {
        [content, &checksum(content).to_be_bytes()].concat()
    });
    bucket(INDEX, META, Some(&file))
}

/// The configuration.
pub(crate) fn config(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    if let Ok(config) = BucketConfig::parse(text) {
        let _ = format!("{config:?}");
    }
}

fn bucket(index: &[u8], meta: &[u8], header: Option<&[u8]>) -> usize {
    let dir = tempfile::tempdir_in(memory()).expect("a directory");
    let objects = dir.path().join("objects");
    let at = |name: &str| format!("{BLOCK}/{name}");
    write(&objects, &at("index"), index);
    write(&objects, &at("meta.json"), meta);
    write(&objects, &at("chunks/000001"), SEGMENT);
    let mut options = BucketOptions::default();
    if let Some(header) = header {
        let cache = dir.path().join("cache");
        write(&cache, &at("index-header"), header);
        options.cache_dir = Some(cache);
    }
    read(&objects, options)
}

/// How many rows queries of a bucket give.
fn read(objects: &Path, options: BucketOptions) -> usize {
    let opened = {
        let _runtime = RUNTIME.enter();
        Bucket::open(&BucketConfig::filesystem(objects), options)
    };
    let bucket = Arc::new(opened.expect("a bucket"));
    if block_on(bucket.ready()).is_err() {
        return 0;
    }
    let _runtime = RUNTIME.enter();
    query(Arc::new(BucketStorage::new(bucket, BucketQuery::default())))
}

//! A bucket for tests: objects in memory, behind a store that counts what is asked of it,
//! and can be slow, fail, refuse, or damage what it gives.

use std::collections::HashSet;
use std::fmt;
use std::fs;
use std::ops::Range;
use std::path::Path as FsPath;
use std::sync::Arc;
use std::sync::LazyLock;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, GetResultPayload, ListResult, MultipartUpload,
    ObjectMeta, ObjectStore, ObjectStoreExt as _, PutMultipartOptions, PutOptions, PutPayload,
    PutResult, Result,
};
use parking_lot::Mutex;
use tokio::runtime::Runtime;
use tokio::sync::Semaphore;

use super::disk_pages::PAGE;
use super::file::File;
use super::objects::Objects;
use super::{Bucket, BucketOptions, BucketQuery, BucketStorage};
use crate::tsdb::testblock::{BlockSeries, write_block};

/// Where requests of tests run.
pub(super) static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(2).enable_all().build().unwrap()
});

/// How a store behaves.
#[derive(Clone, Debug, Default)]
pub(super) struct Behaviour {
    /// How long each answer takes.
    pub latency: Duration,
    /// How many of 100 requests fail, none of them twice: a third as the server's errors,
    /// a third as connections that break, a third as bodies that end too soon.
    pub failures: u64,
    /// Objects whose names have this in them are refused.
    pub denied: Option<String>,
    /// Objects whose names have this in them have bodies that always end too soon.
    pub short: Option<String>,
    /// A part of an object with this in its name is damaged, once.
    pub damages: Option<String>,
    /// Bodies come in slices of so many bytes, for each of which there is a permit here.
    pub gate: Option<(usize, Arc<Semaphore>)>,
    /// What is deleted as soon as an object is asked for: objects with the first in their
    /// names, when one with the second is asked for.
    pub deletes: Option<(String, String)>,
}

/// What was asked of a store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Asked {
    pub lists: u64,
    pub gets: u64,
    pub ranges: u64,
    pub bytes: u64,
}

/// Objects in memory.
#[derive(Debug)]
pub(super) struct TestStore {
    objects: InMemory,
    pub behaviour: Mutex<Behaviour>,
    asked: Mutex<Asked>,
    /// Names of objects that were read, one a request.
    pub names: Mutex<Vec<String>>,
    random: Mutex<fastrand::Rng>,
    /// Requests that have failed.
    failed: Mutex<HashSet<String>>,
}

impl fmt::Display for TestStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TestStore")
    }
}

impl TestStore {
    pub fn new() -> Arc<Self> {
        Arc::new(TestStore {
            objects: InMemory::new(),
            behaviour: Mutex::default(),
            asked: Mutex::default(),
            names: Mutex::default(),
            random: Mutex::new(fastrand::Rng::with_seed(7)),
            failed: Mutex::default(),
        })
    }

    /// Puts all files below a directory.
    pub fn upload(&self, dir: &FsPath) {
        self.upload_below(dir, "");
    }

    /// Puts all files below a directory, with a prefix before their names.
    pub fn upload_below(&self, dir: &FsPath, prefix: &str) {
        let mut dirs = vec![dir.to_path_buf()];
        while let Some(at) = dirs.pop() {
            for entry in fs::read_dir(at).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    dirs.push(path);
                    continue;
                }
                let name = path.strip_prefix(dir).unwrap().to_str().unwrap();
                self.put(&format!("{prefix}{name}"), fs::read(&path).unwrap());
            }
        }
    }

    pub fn put(&self, name: &str, bytes: impl Into<Bytes>) {
        let bytes: Bytes = bytes.into();
        let path = Path::from(name);
        let put = self.objects.put(&path, bytes.into());
        futures::executor::block_on(put).unwrap();
    }

    pub fn bytes(&self, name: &str) -> Bytes {
        let get = async { self.objects.get(&Path::from(name)).await?.bytes().await };
        futures::executor::block_on(get).unwrap()
    }

    pub fn delete(&self, with: &str) {
        let delete = async {
            let all: Vec<_> = self.objects.list(None).collect().await;
            for meta in all {
                let location = meta.unwrap().location;
                if location.as_ref().contains(with) {
                    self.objects.delete(&location).await.unwrap();
                }
            }
        };
        futures::executor::block_on(delete);
    }

    /// What was asked since the last question.
    pub fn asked(&self) -> Asked {
        self.names.lock().clear();
        std::mem::take(&mut self.asked.lock())
    }

    fn random(&self, below: u64) -> u64 {
        self.random.lock().u64(..below)
    }

    fn behaves(&self) -> Behaviour {
        self.behaviour.lock().clone()
    }
}

fn broken(what: &str) -> Error {
    Error::Generic {
        store: "test",
        source: what.to_string().into(),
    }
}

fn sliced(mut bytes: Bytes, size: usize) -> Vec<Result<Bytes>> {
    let mut slices = Vec::new();
    while !bytes.is_empty() {
        slices.push(Ok(bytes.split_to(size.min(bytes.len()))));
    }
    slices
}

fn is_in(part: &Option<String>, name: &str) -> bool {
    part.as_ref().is_some_and(|part| name.contains(part))
}

#[async_trait]
impl ObjectStore for TestStore {
    async fn put_opts(&self, at: &Path, payload: PutPayload, o: PutOptions) -> Result<PutResult> {
        self.objects.put_opts(at, payload, o).await
    }

    async fn put_multipart_opts(
        &self,
        at: &Path,
        o: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.objects.put_multipart_opts(at, o).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let (behaviour, name) = (self.behaves(), location.to_string());
        {
            let mut asked = self.asked.lock();
            match options.range {
                Some(_) => asked.ranges += 1,
                None => asked.gets += 1,
            }
            self.names.lock().push(name.clone());
        }
        if !behaviour.latency.is_zero() {
            tokio::time::sleep(behaviour.latency).await;
        }
        if let Some((gone, when)) = &behaviour.deletes
            && name.contains(when)
        {
            self.delete(gone);
        }
        if is_in(&behaviour.denied, &name) {
            return Err(Error::PermissionDenied {
                path: name,
                source: "403 Forbidden".into(),
            });
        }
        let what = format!("{name} {:?}", options.range);
        let fails = self.random(100) < behaviour.failures && self.failed.lock().insert(what);
        let how = self.random(3);
        if fails && how == 0 {
            return Err(broken("503 Service Unavailable"));
        }
        let result = self.objects.get_opts(location, options).await?;
        let (meta, range) = (result.meta.clone(), result.range.clone());
        let attributes = result.attributes.clone();
        let mut bytes = result.bytes().await?;
        let is_short = (fails && how == 2) || is_in(&behaviour.short, &name);
        if is_short {
            bytes.truncate(bytes.len() / 2);
        }
        if is_in(&behaviour.damages, &name) {
            self.behaviour.lock().damages = None;
            // All of it, so that what is read of it is hit.
            bytes = bytes.iter().map(|byte| byte ^ 0x10).collect();
        }
        self.asked.lock().bytes += bytes.len() as u64;
        let mut pieces = match &behaviour.gate {
            Some((size, _)) => sliced(bytes, *size),
            None => vec![Ok(bytes)],
        };
        if fails && how == 1 {
            pieces.push(Err(broken("connection reset by peer")));
        }
        let gate = behaviour.gate;
        let pieces = stream::iter(pieces).then(move |piece| {
            let gate = gate.clone();
            async move {
                if let Some((_, gate)) = gate {
                    gate.acquire().await.unwrap().forget();
                }
                piece
            }
        });
        Ok(GetResult {
            payload: GetResultPayload::Stream(pieces.boxed()),
            meta,
            range,
            attributes,
            extensions: Default::default(),
        })
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        self.objects.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.asked.lock().lists += 1;
        if is_in(&self.behaves().denied, "list") {
            let denied = Error::PermissionDenied {
                path: String::new(),
                source: "403 Forbidden".into(),
            };
            return stream::iter([Err(denied)]).boxed();
        }
        self.objects.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.objects.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.objects.copy_opts(from, to, options).await
    }
}

/// What Thanos adds to a `meta.json`.
pub(super) fn add_thanos(block: &FsPath, labels: &[(&str, &str)], resolution_ms: i64) {
    let path = block.join("meta.json");
    let mut meta: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    let labels: std::collections::BTreeMap<_, _> = labels.iter().copied().collect();
    meta["thanos"] = serde_json::json!({
        "version": 1,
        "labels": labels,
        "downsample": { "resolution": resolution_ms },
        "source": "test",
    });
    fs::write(path, meta.to_string()).unwrap();
}

/// Puts a block with external labels; its name.
pub(super) fn put_block(
    store: &TestStore,
    number: u32,
    labels: &[(&str, &str)],
    series: &[BlockSeries],
) -> String {
    let dir = tempfile::tempdir().unwrap();
    let block = write_block(dir.path(), number, series).unwrap();
    add_thanos(&block, labels, 0);
    store.upload(dir.path());
    block.file_name().unwrap().to_str().unwrap().to_string()
}

/// A series of these labels with a sample at each of some times.
pub(super) fn series(labels: &[(&str, &str)], times: Range<i64>, step: usize) -> BlockSeries {
    let mut labels: Vec<(String, String)> = labels
        .iter()
        .map(|(name, value)| (name.to_string(), value.to_string()))
        .collect();
    labels.sort();
    let samples = times.step_by(step).map(|t| (t, t as f64));
    (labels, samples.collect())
}

/// A bucket over a store, which was listed once.
pub(super) fn bucket(store: &Arc<TestStore>, options: BucketOptions) -> Arc<Bucket> {
    let bucket = unready(store, options);
    RUNTIME.block_on(bucket.ready()).unwrap();
    bucket
}

/// A bucket over a store.
pub(super) fn unready(store: &Arc<TestStore>, options: BucketOptions) -> Arc<Bucket> {
    let _runtime = RUNTIME.enter();
    let store = Arc::clone(store) as Arc<dyn ObjectStore>;
    Arc::new(Bucket::over(store, "", "test", options).unwrap())
}

/// The storage of a bucket, which takes some answers for enough or not.
pub(super) fn storage(bucket: &Arc<Bucket>, partial_response: bool) -> BucketStorage {
    let query = BucketQuery {
        partial_response,
        ..BucketQuery::default()
    };
    BucketStorage::new(Arc::clone(bucket), query)
}

/// A file of ten pages and a bit, page `n` of bytes `n`, whose bodies come page by page as
/// the semaphore permits.
pub(super) struct Gated {
    pub store: Arc<TestStore>,
    pub objects: Objects,
    pub file: File,
    pub gate: Arc<Semaphore>,
}

impl Gated {
    pub fn new() -> Self {
        let (store, gate) = (TestStore::new(), Arc::new(Semaphore::new(0)));
        let size = 10 * PAGE + 9;
        let bytes: Vec<u8> = (0..size).map(|at| (at / PAGE) as u8).collect();
        TestStore::put(&store, "file", bytes);
        store.behaviour.lock().gate = Some((PAGE as usize, Arc::clone(&gate)));
        let _runtime = RUNTIME.enter();
        let as_store = Arc::clone(&store) as Arc<dyn ObjectStore>;
        let objects = Objects::new(as_store, Path::default(), String::new(), 4, Arc::default());
        let file = File {
            name: "file".into(),
            key: (1, 1),
            ulid: *b"01M85E79XRE5Y0GPF7ZGGT2A8W",
            size,
        };
        Gated {
            store,
            objects,
            file,
            gate,
        }
    }
}

//! The objects of a bucket: requests, their repetition, and how many there are at a
//! time.

use std::future::Future;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::stream::{self, BoxStream};
use futures::{StreamExt as _, TryStreamExt as _};
use object_store::path::Path;
use object_store::{
    Error, GetOptions, GetResult, GetResultPayload, ObjectStore, ObjectStoreExt as _,
};
use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

use super::failure::{ObjectError, cleaned};
use super::metrics::{BucketOperation, Counters};
use crate::tasks::Task;

/// How often a request is sent. Beside the client's own repetitions these are for
/// bodies that end too soon.
const ATTEMPTS: u32 = 5;
/// The longest pause after the first failure, which doubles with each; pauses are
/// chosen at random up to it, so that clients do not come back together.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
/// No request is sent again after so long.
const REPEAT_FOR: Duration = Duration::from_secs(60);

/// An object as the listing has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Listed {
    /// Its name below the bucket's prefix.
    pub name: String,
    pub size: u64,
}

/// The objects below a prefix. Requests run on the runtime, whoever waits for them.
#[derive(Clone, Debug)]
pub(super) struct Objects(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    store: Arc<dyn ObjectStore>,
    prefix: Path,
    name: String,
    runtime: Handle,
    places: Semaphore,
    counters: Arc<Counters>,
}

impl Objects {
    /// Those of `store` below `prefix`, of which at most `places` are asked at a time.
    pub fn new(
        store: Arc<dyn ObjectStore>,
        prefix: Path,
        name: String,
        places: usize,
        counters: Arc<Counters>,
    ) -> Self {
        Objects(Arc::new(Inner {
            store,
            prefix,
            name,
            runtime: Handle::current(),
            places: Semaphore::new(places.clamp(1, Semaphore::MAX_PERMITS)),
            counters,
        }))
    }

    /// The bucket's name.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    pub fn runtime(&self) -> &Handle {
        &self.0.runtime
    }

    /// How errors call an object.
    pub fn shown(&self, object: &str) -> String {
        match self.0.prefix.as_ref() {
            "" => format!("{}/{object}", self.0.name),
            prefix => format!("{}/{prefix}/{object}", self.0.name),
        }
    }

    /// All objects.
    pub async fn list(&self) -> Result<Vec<Listed>, ObjectError> {
        let inner = Arc::clone(&self.0);
        let once = move || {
            let inner = Arc::clone(&inner);
            async move {
                let prefix = Some(&inner.prefix).filter(|prefix| !prefix.as_ref().is_empty());
                let found = inner.store.list(prefix).map_ok(|meta| {
                    let below = meta.location.prefix_match(&inner.prefix);
                    let parts = below.map(|parts| {
                        parts.fold(String::new(), |mut name, part| {
                            if !name.is_empty() {
                                name.push('/');
                            }
                            name.push_str(part.as_ref());
                            name
                        })
                    });
                    Listed {
                        name: parts.unwrap_or_default(),
                        size: meta.size,
                    }
                });
                found.try_collect::<Vec<Listed>>().await
            }
        };
        self.run(BucketOperation::Iter, "", once, |_| Ok(0)).await
    }

    /// A whole object of at most `limit` bytes.
    pub async fn get(&self, object: &str, limit: u64) -> Result<Bytes, ObjectError> {
        let (inner, path) = (Arc::clone(&self.0), self.path(object));
        let once = move || {
            let (inner, path) = (Arc::clone(&inner), path.clone());
            async move {
                let found = inner.store.get(&path).await?;
                let size = found.meta.size;
                if size > limit {
                    return Ok(Err(format!("has {size} bytes, more than {limit}")));
                }
                Ok(Ok((found.bytes().await?, size)))
            }
        };
        let got = self.run(BucketOperation::Get, object, once, |got| match got {
            Ok((bytes, size)) if bytes.len() as u64 == *size => Ok(bytes.len() as u64),
            Ok((bytes, size)) => Err(short(*size, bytes.len() as u64)),
            Err(_) => Ok(0),
        });
        match got.await? {
            Ok((bytes, _)) => Ok(bytes),
            Err(why) => Err(self.error(object, why)),
        }
    }

    /// Gives the bytes of a part of an object to `take`, in order, as they come. A request
    /// that is sent again asks for what has not come yet.
    pub async fn stream_range(
        &self,
        object: &str,
        range: Range<u64>,
        take: impl FnMut(Bytes) + Send + 'static,
    ) -> Result<(), ObjectError> {
        let (inner, path) = (Arc::clone(&self.0), self.path(object));
        let state = Arc::new(tokio::sync::Mutex::new((range.start, take)));
        let once = move || {
            let (inner, path, state) = (Arc::clone(&inner), path.clone(), Arc::clone(&state));
            async move {
                // Nobody else has it: requests follow each other.
                let (at, take) = &mut *state.lock().await;
                let begin = *at;
                let options = GetOptions::new().with_range(Some(begin..range.end));
                let mut body = stream_of(inner.store.get_opts(&path, options).await?).await?;
                while let Some(bytes) = body.next().await {
                    // What happens to the connection when all has come does not matter.
                    if *at == range.end {
                        break;
                    }
                    let mut bytes = bytes?;
                    bytes.truncate(usize::try_from(range.end - *at).unwrap_or(usize::MAX));
                    *at += bytes.len() as u64;
                    take(bytes);
                }
                Ok((*at - begin, range.end - begin))
            }
        };
        let operation = BucketOperation::GetRange;
        let whole = |&(came, wanted): &(u64, u64)| match came == wanted {
            true => Ok(came),
            false => Err(short(wanted, came)),
        };
        self.run(operation, object, once, whole).await.map(|_| ())
    }

    /// A part of an object.
    pub async fn get_range(&self, object: &str, range: Range<u64>) -> Result<Bytes, ObjectError> {
        let body = Arc::new(Mutex::new(Vec::new()));
        let to = Arc::clone(&body);
        let take = move |bytes: Bytes| to.lock().extend_from_slice(&bytes);
        self.stream_range(object, range, take).await?;
        let body = std::mem::take(&mut *body.lock());
        Ok(body.into())
    }

    fn path(&self, object: &str) -> Path {
        let name = match self.0.prefix.as_ref() {
            "" => object.to_string(),
            prefix => format!("{prefix}/{object}"),
        };
        // Names are as the listing had them.
        Path::parse(&name).unwrap_or_else(|_| Path::from(name))
    }

    fn error(&self, object: &str, why: String) -> ObjectError {
        ObjectError {
            object: self.shown(object),
            why,
            missing: false,
        }
    }

    /// Sends a request until its answer is whole, on the runtime. `bytes` says how many
    /// bytes an answer has, or what is wrong with it.
    async fn run<T, F>(
        &self,
        operation: BucketOperation,
        object: &str,
        once: impl Fn() -> F + Send + 'static,
        bytes: impl Fn(&T) -> Result<u64, String> + Send + 'static,
    ) -> Result<T, ObjectError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Error>> + Send + 'static,
    {
        let (this, name) = (self.clone(), object.to_string());
        let work = async move {
            let Inner {
                places, counters, ..
            } = &*this.0;
            // The semaphore is never closed.
            let _place = places.acquire().await;
            let began = Instant::now();
            let mut attempt = 1;
            loop {
                let sent = Instant::now();
                let answer = match once().await {
                    Ok(answer) => bytes(&answer).map(|bytes| (answer, bytes)).map_err(|why| {
                        let error = this.error(&name, why);
                        (error, true)
                    }),
                    Err(error) => Err(this.failed(&name, &error)),
                };
                let came = answer.as_ref().ok().map(|(_, bytes)| *bytes);
                counters.add(operation, sent.elapsed(), came);
                let (error, is_repeated) = match answer {
                    Ok((answer, _)) => return Ok(answer),
                    Err(failed) => failed,
                };
                if !is_repeated || attempt == ATTEMPTS || began.elapsed() > REPEAT_FOR {
                    return Err(error);
                }
                let longest = FIRST_PAUSE * 2u32.pow(attempt - 1);
                tokio::time::sleep(longest.mul_f64(fastrand::f64())).await;
                attempt += 1;
            }
        };
        match Task::spawn(&self.0.runtime, work).await {
            Ok(answer) => answer,
            Err(error) => Err(self.error(object, format!("the request has ended: {error}"))),
        }
    }

    /// What a client's error is, and whether the request is worth another try.
    fn failed(&self, object: &str, error: &Error) -> (ObjectError, bool) {
        let own = |why: &str| self.error(object, why.to_string());
        match error {
            Error::NotFound { .. } => {
                let mut error = own("is not there");
                error.missing = true;
                (error, false)
            }
            Error::PermissionDenied { .. } => (own("access is denied"), false),
            Error::Unauthenticated { .. } => (own("the credentials are not accepted"), false),
            Error::InvalidPath { .. }
            | Error::NotSupported { .. }
            | Error::NotImplemented { .. }
            | Error::Precondition { .. }
            | Error::NotModified { .. }
            | Error::UnknownConfigurationKey { .. } => {
                (self.error(object, cleaned(&error.to_string())), false)
            }
            error => (self.error(object, cleaned(&error.to_string())), true),
        }
    }
}

/// The body of an answer. That of a file comes at once.
async fn stream_of(answer: GetResult) -> Result<BoxStream<'static, Result<Bytes, Error>>, Error> {
    match answer.payload {
        GetResultPayload::Stream(body) => Ok(body),
        GetResultPayload::File(..) => {
            let bytes = answer.bytes().await;
            Ok(stream::once(async { bytes }).boxed())
        }
    }
}

fn short(wanted: u64, got: u64) -> String {
    format!("the answer has {got} bytes instead of {wanted}")
}

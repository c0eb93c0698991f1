//! Objects by number. A number is used once in a process, so that a handle that
//! was released, or is of another kind, finds nothing.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use crate::failure::Failure;

/// The next handle of any table; 0 is none.
static NEXT: AtomicU64 = AtomicU64::new(1);

/// The objects of one kind that Go holds.
#[derive(Debug)]
pub(crate) struct Handles<T> {
    what: &'static str,
    objects: Mutex<BTreeMap<u64, Arc<T>>>,
}

impl<T> Handles<T> {
    /// No objects; `what` names their kind in errors.
    pub const fn new(what: &'static str) -> Self {
        Handles {
            what,
            objects: Mutex::new(BTreeMap::new()),
        }
    }

    /// Adds an object and returns its handle.
    pub fn insert(&self, object: Arc<T>) -> u64 {
        let handle = NEXT.fetch_add(1, Ordering::Relaxed);
        self.objects.lock().insert(handle, object);
        handle
    }

    /// The object of a handle. It lives while it is used, even if it is
    /// released meanwhile.
    pub fn get(&self, handle: u64) -> Result<Arc<T>, Failure> {
        let found = self.objects.lock().get(&handle).cloned();
        found.ok_or_else(|| self.missing(handle))
    }

    /// Releases a handle.
    pub fn remove(&self, handle: u64) -> Result<Arc<T>, Failure> {
        let removed = self.objects.lock().remove(&handle);
        removed.ok_or_else(|| self.missing(handle))
    }

    /// How many objects there are.
    pub fn len(&self) -> usize {
        self.objects.lock().len()
    }

    fn missing(&self, handle: u64) -> Failure {
        Failure::NoSuchHandle {
            what: self.what,
            handle,
        }
    }
}

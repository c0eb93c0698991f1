//! The places of requests of remote read that are answered at once.

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::metrics::{Metrics, RemoteReadTimer};

/// Lets some requests in at a time.
#[derive(Debug)]
pub(crate) struct Gate(Option<Arc<Semaphore>>);

/// A place of a request, which is free again when this is dropped.
#[derive(Debug)]
pub(super) struct Place {
    _permit: Option<OwnedSemaphorePermit>,
    _timer: RemoteReadTimer,
}

impl Gate {
    /// So many at a time; 0 for any number.
    pub(crate) fn new(places: usize) -> Self {
        let semaphore = || Arc::new(Semaphore::new(places.min(Semaphore::MAX_PERMITS)));
        Gate((places > 0).then(semaphore))
    }

    /// Waits for a place.
    pub(super) async fn enter(&self, metrics: &Arc<Metrics>) -> Place {
        let began = Instant::now();
        let permit = match &self.0 {
            // The semaphore is never closed.
            Some(semaphore) => Arc::clone(semaphore).acquire_owned().await.ok(),
            None => None,
        };
        Place {
            _permit: permit,
            _timer: metrics.remote_read(began.elapsed()),
        }
    }
}

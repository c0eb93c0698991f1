//! The thread of a server.

use std::future::Future;
use std::io;

use tokio::runtime::{self, Runtime};

/// The runtime of a server: one thread, for bytes alone. It ends on drop.
#[derive(Debug)]
pub struct IoRuntime(Option<Runtime>);

impl IoRuntime {
    /// Starts the thread, which gets this name.
    ///
    /// # Errors
    /// If the system gives no thread.
    pub fn start(name: &str) -> io::Result<Self> {
        let runtime = runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name(name)
            .enable_all()
            .build()?;
        Ok(IoRuntime(Some(runtime)))
    }

    /// Starts a future on the thread, and does not wait for it.
    ///
    /// # Errors
    /// If the thread has ended.
    pub fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) -> io::Result<()> {
        let Some(runtime) = &self.0 else {
            return Err(io::Error::other("no runtime"));
        };
        runtime.spawn(future);
        Ok(())
    }

    /// Runs a future on the thread.
    ///
    /// # Errors
    /// If it panics.
    pub async fn run<T: Send + 'static>(
        &self,
        future: impl Future<Output = T> + Send + 'static,
    ) -> io::Result<T> {
        let Some(runtime) = &self.0 else {
            return Err(io::Error::other("no runtime"));
        };
        runtime.spawn(future).await.map_err(io::Error::other)
    }
}

impl Drop for IoRuntime {
    fn drop(&mut self) {
        // A runtime may not wait for its threads where tasks run.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

//! The HTTP server around the API: accepts, limits and closes connections.
//!
//! It has a thread of its own ([`HttpRuntime`]), on which nothing is computed, so that
//! the pages for health and metrics are answered however busy the API is.

mod framing;
mod head;
mod reader;
mod refusal;
mod stalled;
mod tls;

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{self, Runtime};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tower::Service as _;

use reader::{Handover, RequestReader};
use refusal::Refusal;
use stalled::WriteLimited;

use crate::api::BodyBudget;
use crate::web_config::WebConfig;

/// Pause after a connection could not be accepted, as when no file
/// descriptor is left.
const PAUSE: Duration = Duration::from_millis(50);

/// The buffers of a connection, bytes: more than what is left of a large head when
/// hyper gets it.
const BUFFER: usize = 128 << 10;

/// How long the rest of a request that was refused is read, as by Go: a client
/// that still sends when its connection is closed does not see the answer.
const LINGER: Duration = Duration::from_millis(500);

/// Options of the server.
#[derive(Clone, Debug)]
pub struct HttpOptions {
    /// The time limit for the head of a request, which also closes idle
    /// connections.
    pub read_timeout: Duration,
    /// How long a client may accept nothing of its answer.
    pub write_timeout: Duration,
    /// The largest number of connections over all listeners.
    pub max_connections: usize,
    /// How long requests may continue after the stop.
    pub grace: Duration,
    /// What large heads of requests may hold.
    pub budget: Arc<dyn BodyBudget>,
    /// TLS, passwords and headers.
    pub web: Option<Arc<WebConfig>>,
}

/// The runtime of the server: one thread, for bytes alone. It ends on drop.
#[derive(Debug)]
pub struct HttpRuntime(Option<Runtime>);

impl HttpRuntime {
    /// Starts the thread.
    ///
    /// # Errors
    /// If the system gives no thread.
    pub fn start() -> io::Result<Self> {
        let runtime = runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("quarrel-http")
            .enable_all()
            .build()?;
        Ok(HttpRuntime(Some(runtime)))
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

impl Drop for HttpRuntime {
    fn drop(&mut self) {
        // A runtime may not wait for its threads where tasks run.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// Serves until `stop` is done, then waits for running requests during the
/// grace period. Requests that run longer are dropped, and their queries end.
pub async fn serve(
    listeners: Vec<TcpListener>,
    router: Router,
    options: HttpOptions,
    stop: impl Future<Output = ()>,
) {
    let (stopper, stopped) = watch::channel(false);
    let permits = Arc::new(Semaphore::new(options.max_connections));
    let mut accepting = JoinSet::new();
    for listener in listeners {
        let (router, options) = (router.clone(), options.clone());
        let (permits, stopped) = (Arc::clone(&permits), stopped.clone());
        accepting.spawn(accept(listener, router, options, permits, stopped));
    }
    stop.await;
    // The receivers above live until their tasks end.
    let _ = stopper.send(true);
    while accepting.join_next().await.is_some() {}
}

async fn accept(
    listener: TcpListener,
    router: Router,
    options: HttpOptions,
    permits: Arc<Semaphore>,
    mut stopped: watch::Receiver<bool>,
) {
    let mut connections = JoinSet::new();
    loop {
        let next = async {
            // The semaphore is never closed.
            let permit = Arc::clone(&permits).acquire_owned().await.ok();
            (permit, listener.accept().await)
        };
        tokio::select! {
            () = wait(&mut stopped) => break,
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
            (permit, accepted) = next => match accepted {
                Ok((stream, _)) => {
                    let (router, options) = (router.clone(), options.clone());
                    let stopped = stopped.clone();
                    connections.spawn(async move {
                        connection(stream, router, options, stopped).await;
                        drop(permit);
                    });
                }
                Err(error) => {
                    if !is_of_the_client(&error) {
                        tracing::error!(%error, "Accept failed");
                        tokio::time::sleep(PAUSE).await;
                    }
                }
            }
        }
    }
    drop(listener);
    let ended = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(options.grace, ended).await.is_err() {
        tracing::warn!("Requests cut off by the end of the grace period");
        connections.shutdown().await;
    }
}

/// Waits for the stop.
async fn wait(stopped: &mut watch::Receiver<bool>) {
    // A dropped sender means the same.
    let _ = stopped.wait_for(|stopped| *stopped).await;
}

/// Whether a connection failed before it was accepted.
fn is_of_the_client(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset
    )
}

/// Serves one connection, after its handshake if there is TLS.
async fn connection(
    stream: TcpStream,
    router: Router,
    options: HttpOptions,
    mut stopped: watch::Receiver<bool>,
) {
    let _ = stream.set_nodelay(true);
    let Some(web) = options.web.as_ref().filter(|web| web.has_tls()) else {
        let stream = WriteLimited::new(stream, options.write_timeout);
        return requests(stream, router, options, stopped).await;
    };
    let accepted = tokio::select! {
        accepted = tls::accept(stream, &options, web) => accepted,
        () = wait(&mut stopped) => return,
    };
    match accepted {
        Ok(stream) => requests(stream, router, options, stopped).await,
        Err(error) => tracing::debug!(%error, "TLS handshake failed"),
    }
}

/// Serves the requests of a connection. When the client disconnects, the
/// handler's future is dropped, and with it its query.
async fn requests<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    router: Router,
    options: HttpOptions,
    mut stopped: watch::Receiver<bool>,
) {
    let web = options.web;
    let mut reader = RequestReader::new(stream, options.budget);
    let handover = reader.handover();
    let of_service = handover.clone();
    let service = service_fn(move |request: Request<Incoming>| {
        let (router, web) = (router.clone(), web.clone());
        let request = completed(request, &of_service);
        async move { Ok::<_, Infallible>(answer(request, router, web).await) }
    });
    let ended = {
        let serving = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(options.read_timeout)
            .max_buf_size(BUFFER)
            .serve_connection(TokioIo::new(&mut reader), service);
        let mut serving = pin!(serving);
        tokio::select! {
            ended = serving.as_mut() => ended,
            () = wait(&mut stopped) => {
                serving.as_mut().graceful_shutdown();
                serving.await
            }
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "Connection ended");
    }
    if handover.has_refused() {
        let rest = read_to_end(reader.into_inner());
        // It was refused however this ends.
        let _ = tokio::time::timeout(LINGER, rest).await;
    }
}

/// Reads and forgets what a client sends.
async fn read_to_end<S: AsyncRead + Unpin>(mut stream: S) -> io::Result<()> {
    let mut space = [0; 4 << 10];
    while stream.read(&mut space).await? > 0 {}
    Ok(())
}

/// A request with what stands beside its head, or why it is refused.
fn completed(
    mut request: Request<Incoming>,
    handover: &Handover,
) -> Result<Request<Incoming>, Refusal> {
    let refusal = handover.begin(&mut request);
    match refusal.or_else(|| refusal::of_host(&request)) {
        Some(refusal) => Err(refusal),
        None => Ok(request),
    }
}

/// Answers a request if the web configuration lets it pass.
async fn answer(
    request: Result<Request<Incoming>, Refusal>,
    mut router: Router,
    web: Option<Arc<WebConfig>>,
) -> Response<Body> {
    let request = match request {
        Ok(request) => request,
        Err(refusal) => return refusal.response(),
    };
    let extra = match &web {
        Some(web) => match web.admit(request.headers()).await {
            Ok(extra) => Some(extra),
            Err(refused) => return refused,
        },
        None => None,
    };
    let Ok(mut response) = router.call(request.map(Body::new)).await;
    if let Some(extra) = extra {
        extra.set(response.headers_mut());
    }
    response
}

#[cfg(test)]
mod tests;

//! The HTTP server around the API: accepts, limits and closes connections.

use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

/// Pause after a connection could not be accepted, as when no file
/// descriptor is left.
const PAUSE: Duration = Duration::from_millis(50);

/// Options of the server.
#[derive(Clone, Copy, Debug)]
pub struct HttpOptions {
    /// The time limit for the head of a request, which also closes idle
    /// connections.
    pub read_timeout: Duration,
    /// The largest number of connections over all listeners.
    pub max_connections: usize,
    /// How long requests may continue after the stop.
    pub grace: Duration,
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
        let (router, permits, stopped) = (router.clone(), Arc::clone(&permits), stopped.clone());
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
                    let (router, stopped) = (router.clone(), stopped.clone());
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

/// Serves one connection. When the client disconnects, the handler's future is
/// dropped, and with it its query.
async fn connection(
    stream: TcpStream,
    router: Router,
    options: HttpOptions,
    mut stopped: watch::Receiver<bool>,
) {
    let _ = stream.set_nodelay(true);
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(options.read_timeout)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    let mut serving = pin!(serving);
    let ended = tokio::select! {
        ended = serving.as_mut() => ended,
        () = wait(&mut stopped) => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "Connection ended");
    }
}

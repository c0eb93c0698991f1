//! What the servers of HTTP and of gRPC share: a thread for bytes, connections that
//! are accepted within bounds, and clients that do not read.

mod runtime;
pub(crate) mod stalled;

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

pub use runtime::IoRuntime;

/// Pause after a connection could not be accepted, as when no file
/// descriptor is left.
const PAUSE: Duration = Duration::from_millis(50);

/// The time limit for a handshake of TLS, if that for reading is not shorter.
pub(crate) const HANDSHAKE_LIMIT: Duration = Duration::from_secs(10);

/// Bounds of a server.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// The largest number of connections over all listeners.
    pub(crate) max_connections: usize,
    /// How long requests may continue after the stop.
    pub(crate) grace: Duration,
}

/// Serves until `stop` is done, then waits for the connections' futures during the
/// grace period. Those that take longer are dropped. `connect` serves a connection,
/// and learns of the stop by its second argument.
pub(crate) async fn serve<C, F>(
    listeners: Vec<TcpListener>,
    bounds: Bounds,
    connect: C,
    stop: impl Future<Output = ()>,
) where
    C: Fn(TcpStream, watch::Receiver<bool>) -> F + Clone + Send + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    let (stopper, stopped) = watch::channel(false);
    let permits = Arc::new(Semaphore::new(bounds.max_connections));
    let mut accepting = JoinSet::new();
    for listener in listeners {
        let (connect, permits) = (connect.clone(), Arc::clone(&permits));
        accepting.spawn(accept(
            listener,
            connect,
            bounds.grace,
            permits,
            stopped.clone(),
        ));
    }
    stop.await;
    // The receivers above live until their tasks end.
    let _ = stopper.send(true);
    while accepting.join_next().await.is_some() {}
}

async fn accept<C, F>(
    listener: TcpListener,
    connect: C,
    grace: Duration,
    permits: Arc<Semaphore>,
    mut stopped: watch::Receiver<bool>,
) where
    C: Fn(TcpStream, watch::Receiver<bool>) -> F + Send + 'static,
    F: Future<Output = ()> + Send + 'static,
{
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
                    let connection = connect(stream, stopped.clone());
                    connections.spawn(async move {
                        connection.await;
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
    if tokio::time::timeout(grace, ended).await.is_err() {
        tracing::warn!("Requests cut off by the end of the grace period");
        connections.shutdown().await;
    }
}

/// Waits for the stop.
pub(crate) async fn wait(stopped: &mut watch::Receiver<bool>) {
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

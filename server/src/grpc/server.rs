//! Connections of HTTP/2.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::call::{self, CallLimits};
use super::running::{Running, idle};
use super::state::Grpc;
use crate::api::BodyBudget;
use crate::net::stalled::WriteLimited;
use crate::net::{self, Bounds, HANDSHAKE_LIMIT, wait};
use crate::tenancy::ClientCertificate;
use crate::web_config::FlaggedTls;

/// Calls that a connection may have at a time.
const MAX_CALLS: u32 = 128;
/// What a client may send before it is read, bytes, of one call and of all calls of a
/// connection. Requests are small.
const CALL_WINDOW: u32 = 64 << 10;
const CONNECTION_WINDOW: u32 = 128 << 10;
/// The most that a call's answer holds in the connection's buffers, bytes.
const SEND_BUFFER: usize = 256 << 10;
/// The largest list of headers, bytes.
const MAX_HEADERS: u32 = 16 << 10;
/// How often a silent peer is asked whether it is there, and how long it may take.
const KEEP_ALIVE: Duration = Duration::from_secs(60);
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(20);
/// How long a connection without calls may take to end.
const LINGER: Duration = Duration::from_secs(1);

/// Options of the gRPC server.
#[derive(Clone, Debug)]
pub struct GrpcOptions {
    /// The time limit for a request, after which an idle connection is closed, too.
    pub read_timeout: Duration,
    /// How long a client may accept nothing of an answer.
    pub write_timeout: Duration,
    /// The largest number of connections over all listeners.
    pub max_connections: usize,
    /// How long calls may continue after the stop, or after their connection has
    /// become too old.
    pub grace: Duration,
    /// How old a connection may become; `None`: as old as it likes.
    pub max_connection_age: Option<Duration>,
    /// What large requests may hold.
    pub budget: Arc<dyn BodyBudget>,
    /// TLS.
    pub tls: Option<Arc<FlaggedTls>>,
}

/// Serves until `stop` is done, then waits for running calls during the grace
/// period. Those that take longer are dropped, and their queries end.
pub async fn serve(
    listeners: Vec<TcpListener>,
    grpc: Arc<Grpc>,
    options: GrpcOptions,
    stop: impl Future<Output = ()>,
) {
    let bounds = Bounds {
        max_connections: options.max_connections,
        grace: options.grace,
    };
    let options = Arc::new(options);
    let connect = move |stream, stopped| {
        let (grpc, options) = (Arc::clone(&grpc), Arc::clone(&options));
        connection(stream, grpc, options, stopped)
    };
    net::serve(listeners, bounds, connect, stop).await;
}

/// Serves one connection, after its handshake if there is TLS.
async fn connection(
    stream: TcpStream,
    grpc: Arc<Grpc>,
    options: Arc<GrpcOptions>,
    mut stopped: watch::Receiver<bool>,
) {
    let _ = stream.set_nodelay(true);
    let stream = WriteLimited::new(stream, options.write_timeout);
    let Some(tls) = &options.tls else {
        return calls(stream, None, grpc, options, stopped).await;
    };
    let accepted = tokio::select! {
        accepted = handshake(stream, tls, options.read_timeout) => accepted,
        () = wait(&mut stopped) => return,
    };
    match accepted {
        Ok(stream) => {
            let certificate = ClientCertificate::of(stream.get_ref().1);
            calls(stream, certificate, grpc, options, stopped).await;
        }
        Err(error) => tracing::debug!(%error, "TLS handshake of gRPC failed"),
    }
}

async fn handshake(
    stream: WriteLimited<TcpStream>,
    tls: &FlaggedTls,
    read_timeout: Duration,
) -> io::Result<TlsStream<WriteLimited<TcpStream>>> {
    let config = tls.config().await.map_err(|error| {
        tracing::error!(%error, "Unable to read the certificates of gRPC");
        io::Error::other(error)
    })?;
    let shake = TlsAcceptor::from(config).accept(stream);
    let late = |_| io::Error::new(io::ErrorKind::TimedOut, "the handshake lasts too long");
    let accepted = tokio::time::timeout(HANDSHAKE_LIMIT.min(read_timeout), shake).await;
    accepted.map_err(late)?
}

/// Serves the calls of a connection. When the client leaves, the futures of its
/// calls are dropped, and with them their queries.
async fn calls<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    stream: S,
    certificate: Option<ClientCertificate>,
    grpc: Arc<Grpc>,
    options: Arc<GrpcOptions>,
    mut stopped: watch::Receiver<bool>,
) {
    let running = Arc::new(Running::default());
    let of_service = Arc::clone(&running);
    let limits = CallLimits {
        read_timeout: options.read_timeout,
        write_timeout: options.write_timeout,
        budget: Arc::clone(&options.budget),
    };
    let service = service_fn(move |mut request: Request<Incoming>| {
        if let Some(certificate) = &certificate {
            request.extensions_mut().insert(certificate.clone());
        }
        let (grpc, limits, call) = (Arc::clone(&grpc), limits.clone(), of_service.begin());
        async move { Ok::<_, Infallible>(call::answer(&grpc, request, &limits, call).await) }
    });
    let serving = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .max_concurrent_streams(MAX_CALLS)
        .initial_stream_window_size(CALL_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_send_buf_size(SEND_BUFFER)
        .max_header_list_size(MAX_HEADERS)
        .keep_alive_interval(KEEP_ALIVE)
        .keep_alive_timeout(KEEP_ALIVE_TIMEOUT)
        .serve_connection(TokioIo::new(stream), service);
    let mut serving = pin!(serving);
    let old = async {
        match options.max_connection_age {
            Some(age) => sleep_until(Instant::now() + jittered(age)).await,
            None => std::future::pending().await,
        }
    };
    // What the calls that are there may still take.
    let rest = tokio::select! {
        ended = serving.as_mut() => return log_end(ended),
        // The one who accepts connections ends them after the grace period.
        () = wait(&mut stopped) => None,
        () = old => Some(options.grace),
        () = idle(&running, options.read_timeout) => Some(LINGER),
    };
    serving.as_mut().graceful_shutdown();
    match rest {
        None => log_end(serving.await),
        Some(rest) => match tokio::time::timeout(rest, serving).await {
            Ok(ended) => log_end(ended),
            Err(_) => tracing::debug!("gRPC connection cut off"),
        },
    }
}

/// An age that differs by up to a tenth, so that connections that were made
/// together do not end together.
fn jittered(age: Duration) -> Duration {
    let tick = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let share = tick.unwrap_or_default().subsec_nanos() % 1000;
    age.mul_f64(0.9 + f64::from(share) / 5000.0)
}

fn log_end(ended: hyper::Result<()>) {
    if let Err(error) = ended {
        tracing::debug!(%error, "gRPC connection ended");
    }
}

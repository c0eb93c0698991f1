//! The HTTP server around the API: accepts, limits and closes connections.
//!
//! It has a thread of its own, on which nothing is computed, so that the pages for
//! health and metrics are answered however busy the API is.

mod framing;
mod head;
mod reader;
mod refusal;
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
use tokio::sync::watch;
use tower::Service as _;

use reader::{Handover, RequestReader};
use refusal::Refusal;

use crate::api::BodyBudget;
use crate::net::stalled::WriteLimited;
use crate::net::{self, Bounds, wait};
use crate::tenancy::ClientCertificate;
use crate::web_config::WebConfig;

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

/// Serves until `stop` is done, then waits for running requests during the
/// grace period. Requests that run longer are dropped, and their queries end.
pub async fn serve(
    listeners: Vec<TcpListener>,
    router: Router,
    options: HttpOptions,
    stop: impl Future<Output = ()>,
) {
    let bounds = Bounds {
        max_connections: options.max_connections,
        grace: options.grace,
    };
    let connect = move |stream, stopped| {
        let (router, options) = (router.clone(), options.clone());
        connection(stream, router, options, stopped)
    };
    net::serve(listeners, bounds, connect, stop).await;
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
        return requests(stream, None, router, options, stopped).await;
    };
    let accepted = tokio::select! {
        accepted = tls::accept(stream, &options, web) => accepted,
        () = wait(&mut stopped) => return,
    };
    match accepted {
        Ok(stream) => {
            let certificate = ClientCertificate::of(stream.get_ref().1);
            requests(stream, certificate, router, options, stopped).await;
        }
        Err(error) => tracing::debug!(%error, "TLS handshake failed"),
    }
}

/// Serves the requests of a connection. When the client disconnects, the
/// handler's future is dropped, and with it its query.
async fn requests<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    certificate: Option<ClientCertificate>,
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
        let mut request = completed(request, &of_service);
        if let (Ok(request), Some(certificate)) = (&mut request, &certificate) {
            request.extensions_mut().insert(certificate.clone());
        }
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

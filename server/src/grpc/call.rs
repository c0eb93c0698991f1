//! A call: its request is read on the server's thread, and answered by a task on the
//! API's runtime.
//!
//! The frames of the answer go through a channel of one: the task makes the next when
//! the client has taken the last. If the client leaves, the task is aborted, and
//! what it computes is canceled. A client that takes nothing for too long loses its
//! task, too.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::BoxError;
use axum::body::Body;
use axum::http::response::Parts;
use axum::http::{HeaderMap, Method as HttpMethod, Request, Response, StatusCode, header};
use bytes::Bytes;
use hyper::body::{Body as HttpBody, Frame, Incoming};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout};
use tonic::{Code, Status};

use super::call_info::{CallInfo, MAX_REQUEST};
use super::deadline;
use super::methods;
use super::running::RunningCall;
use super::state::Grpc;
use crate::api::{BodyBudget, BodyError, CancelSlot, TaskGuard, receive_body};
use crate::metrics::GrpcTimer;
use crate::tenancy::ClientCertificate;
use crate::trace::Trace;

/// What stands before a message.
const PREFIX: usize = 5;
/// Frames of an answer that wait for the client.
const AHEAD: usize = 1;

/// Bounds on what a client may do.
#[derive(Clone, Debug)]
pub(super) struct CallLimits {
    pub(super) read_timeout: Duration,
    pub(super) write_timeout: Duration,
    pub(super) budget: Arc<dyn BodyBudget>,
}

/// Answers a call.
pub(super) async fn answer(
    grpc: &Arc<Grpc>,
    request: Request<Incoming>,
    limits: &CallLimits,
    running: RunningCall,
) -> Response<Answer> {
    if let Some(refused) = refused(&request) {
        return refused;
    }
    let Some(method) = methods::find(request.uri().path()) else {
        return Status::unimplemented("no such service or method").into_http();
    };
    let certificate = request.extensions().get::<ClientCertificate>();
    let tenant = match grpc.tenant(request.headers(), certificate) {
        Ok(tenant) => tenant,
        Err(why) => return why.into_http(),
    };
    let trace = trace(grpc, method, request.headers());
    let timer = grpc
        .api
        .metrics
        .call(method.service, method.name, method.kind);
    let caller = Caller {
        tenant,
        trace: trace.clone(),
    };
    let began = begin(grpc, method, request, limits, caller).await;
    match began {
        Ok(Begun {
            parts,
            frames,
            guard,
        }) => {
            let rest = Rest {
                frames,
                guard,
                timer,
                trace,
                _running: running,
            };
            Response::from_parts(parts, Answer(Some(rest)))
        }
        Err(response) => {
            let code = code_of(response.headers());
            timer.finish(code);
            end(&trace, code);
            response
        }
    }
}

/// Who calls, and the trace of the call.
struct Caller {
    tenant: String,
    trace: Trace,
}

/// The trace of a call. Checks, which come all the time, have none.
fn trace(grpc: &Grpc, method: &methods::Method, headers: &HeaderMap) -> Trace {
    if method.is_check() {
        return Trace::default();
    }
    let name = format!("{}/{}", method.service, method.name);
    let header = |name: &str| headers.get(name)?.to_str().ok();
    grpc.api.options.tracer.request("grpc", &name, header)
}

fn end(trace: &Trace, code: Code) {
    let is_error = !matches!(code, Code::Ok | Code::Cancelled);
    trace.answered("rpc.grpc.status_code", code as i64, is_error);
}

/// The answer to what is no call of gRPC.
fn refused(request: &Request<Incoming>) -> Option<Response<Answer>> {
    let content_type = request.headers().get(header::CONTENT_TYPE);
    let is_grpc = content_type.is_some_and(|kind| kind.as_bytes().starts_with(b"application/grpc"));
    let status = match () {
        () if request.method() != HttpMethod::POST => StatusCode::METHOD_NOT_ALLOWED,
        () if !is_grpc => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        () => return None,
    };
    let mut response = Response::new(Answer::default());
    *response.status_mut() = status;
    Some(response)
}

/// An answer whose frames are to come.
struct Begun {
    parts: Parts,
    frames: mpsc::Receiver<Piece>,
    guard: TaskGuard,
}

/// Reads the request and waits until the answer begins. A response without a body is
/// an `Err`.
async fn begin(
    grpc: &Arc<Grpc>,
    method: &'static methods::Method,
    request: Request<Incoming>,
    limits: &CallLimits,
    caller: Caller,
) -> Result<Begun, Response<Answer>> {
    let wait = deadline::timeout(request.headers());
    let wait = wait.map_err(|why| Status::invalid_argument(why).into_http())?;
    let deadline = wait.map(|wait| Instant::now() + wait);
    let (mut parts, body) = request.into_parts();
    let most = wait.map_or(limits.read_timeout, |wait| wait.min(limits.read_timeout));
    let budget = Arc::clone(&limits.budget);
    let received = receive_body(Body::new(body), MAX_REQUEST + PREFIX, most, budget).await;
    let received = received.map_err(|error| unread(&error).into_http())?;
    let cancel = CancelSlot::default();
    parts.extensions.insert(CallInfo {
        tenant: caller.tenant,
        trace: caller.trace,
        cancel: cancel.clone(),
        deadline,
    });
    let grpc = Arc::clone(grpc);
    let runtime = grpc.api.options.runtime.clone();
    let work = async move {
        // The room counts until the message is decoded and answered.
        let (bytes, room) = (received.bytes, received.room);
        let request = Request::from_parts(parts, Body::from(bytes));
        let response = methods::dispatch(&grpc, method, request).await;
        drop(room);
        response
    };
    let (made, ready) = oneshot::channel();
    let task = runtime.spawn(produce(work, made, deadline, limits.write_timeout));
    let guard = TaskGuard::new(task.abort_handle(), cancel);
    let Ok(made) = ready.await else {
        return Err(Status::internal("the handler failed").into_http());
    };
    match made {
        Made::Whole(parts) => {
            guard.disarm();
            Err(Response::from_parts(parts, Answer::default()))
        }
        Made::Begun(parts, frames) => Ok(Begun {
            parts,
            frames,
            guard,
        }),
    }
}

/// Why a request was not read.
fn unread(error: &BodyError) -> Status {
    match error {
        BodyError::Late => Status::deadline_exceeded("the request did not end in time"),
        BodyError::NoRoom => Status::unavailable(error.to_string()),
        BodyError::TooLarge => {
            let why = format!("a request has at most {MAX_REQUEST} bytes");
            Status::resource_exhausted(why)
        }
        BodyError::Broken(_) => Status::cancelled(error.to_string()),
    }
}

/// What a task hands over first.
enum Made {
    /// An answer without frames.
    Whole(Parts),
    Begun(Parts, mpsc::Receiver<Piece>),
}

/// A part of an answer's body.
enum Piece {
    Data(Bytes),
    /// The end of an answer. A channel that only closes broke off.
    Trailers(HeaderMap),
}

/// The task. An error of a send means that nobody waits.
async fn produce(
    work: impl Future<Output = Response<tonic::body::Body>>,
    made: oneshot::Sender<Made>,
    deadline: Option<Instant>,
    write_timeout: Duration,
) {
    let late = async {
        match deadline {
            Some(deadline) => tokio::time::sleep_until(deadline).await,
            None => std::future::pending().await,
        }
    };
    let mut late = pin!(late);
    let response = tokio::select! {
        response = work => response,
        () = late.as_mut() => late_status().into_http(),
    };
    let (parts, mut body) = response.into_parts();
    if body.is_end_stream() {
        let _ = made.send(Made::Whole(parts));
        return;
    }
    let (pieces, receiver) = mpsc::channel(AHEAD);
    if made.send(Made::Begun(parts, receiver)).is_err() {
        return;
    }
    loop {
        // A piece is not made before there is room for it.
        let Ok(Ok(room)) = timeout(write_timeout, pieces.reserve()).await else {
            return;
        };
        let next = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx));
        let piece = tokio::select! {
            frame = next => piece(frame),
            () = late.as_mut() => Piece::Trailers(trailers(&late_status())),
        };
        let more = matches!(piece, Piece::Data(_));
        room.send(piece);
        if !more {
            return;
        }
    }
}

fn late_status() -> Status {
    Status::deadline_exceeded("the client's deadline has passed")
}

fn piece(frame: Option<Result<Frame<Bytes>, Status>>) -> Piece {
    match frame {
        Some(Ok(frame)) => match frame.into_data() {
            Ok(data) => Piece::Data(data),
            Err(frame) => Piece::Trailers(frame.into_trailers().unwrap_or_default()),
        },
        Some(Err(status)) => Piece::Trailers(trailers(&status)),
        None => Piece::Trailers(trailers(&Status::internal("the answer has no status"))),
    }
}

/// A status as the end of an answer.
fn trailers(status: &Status) -> HeaderMap {
    let mut headers = HeaderMap::new();
    // A text that cannot be a header leaves the code.
    if status.add_header(&mut headers).is_err() {
        headers.insert(Status::GRPC_STATUS, (status.code() as i32).into());
    }
    headers
}

/// The code that an answer or its end carries.
fn code_of(headers: &HeaderMap) -> Code {
    let status = headers.get(Status::GRPC_STATUS);
    status.map_or(Code::Ok, |status| Code::from_bytes(status.as_bytes()))
}

/// The body of an answer; empty by default.
#[derive(Default)]
pub(super) struct Answer(Option<Rest>);

struct Rest {
    frames: mpsc::Receiver<Piece>,
    guard: TaskGuard,
    timer: GrpcTimer,
    trace: Trace,
    _running: RunningCall,
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let Some(rest) = &mut self.0 else {
            return Poll::Ready(None);
        };
        let piece = ready!(rest.frames.poll_recv(cx));
        let trailers = match piece {
            Some(Piece::Data(data)) => return Poll::Ready(Some(Ok(Frame::data(data)))),
            Some(Piece::Trailers(trailers)) => trailers,
            None => trailers(&Status::internal("the answer broke off")),
        };
        if let Some(rest) = self.0.take() {
            rest.guard.disarm();
            let code = code_of(&trailers);
            rest.timer.finish(code);
            end(&rest.trace, code);
        }
        Poll::Ready(Some(Ok(Frame::trailers(trailers))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_none()
    }
}

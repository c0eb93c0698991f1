//! A connection as hyper reads it: one head at a time, which is looked at before
//! hyper gets it (see [`super::head`]), and bodies as they are.
//!
//! hyper alone says what a head means. When it hands a request to the service, the
//! service says here what body follows ([`Handover::begin`]), so that this reader
//! finds the next head where hyper expects one.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use axum::http::Request;
use hyper::body::{Body as _, Incoming};
use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::framing::Framing;
use super::head::{self, Head, MAX_HEAD};
use super::refusal::Refusal;
use crate::api::body::{BodyBudget, Room};
use crate::target::RawTarget;

/// How much is read at once, bytes.
const READ: usize = 8 << 10;

/// What hyper gets for a head that is refused.
const REFUSED: &[u8] = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

/// What reader and service tell each other about the request at hand.
#[derive(Clone, Debug, Default)]
pub(super) struct Handover(Arc<Mutex<Slots>>);

#[derive(Debug, Default)]
struct Slots {
    /// What stands beside the head that hyper got last.
    target: Option<RawTarget>,
    refusal: Option<Refusal>,
    /// The body behind it; `None` until the service has the request.
    body: Option<Framing>,
}

impl Handover {
    /// Completes a request that hyper has read.
    pub(super) fn begin(&self, request: &mut Request<Incoming>) -> Option<Refusal> {
        let body = request.body();
        let length = match body.is_end_stream() {
            true => Some(0),
            false => body.size_hint().exact(),
        };
        let mut slots = self.0.lock();
        slots.body = Some(length.map_or(Framing::CHUNKED, Framing::Length));
        if let Some(target) = slots.target.take() {
            request.extensions_mut().insert(target);
        }
        slots.refusal
    }

    /// Whether a head was refused.
    pub(super) fn has_refused(&self) -> bool {
        self.0.lock().refusal.is_some()
    }
}

/// What hyper is reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Before or in a head, of which hyper has nothing yet.
    Head,
    /// A head that hyper has.
    Given,
    Body(Framing),
    /// What nobody looks at.
    Open,
    /// What follows a head that was refused. hyper reads none of it.
    Refused,
}

/// A connection whose heads are looked at. It holds a head until it is complete.
#[derive(Debug)]
pub(super) struct RequestReader<S> {
    stream: S,
    stage: Stage,
    /// Bytes for hyper, the next one at `given`.
    ready: Vec<u8>,
    given: usize,
    /// Bytes behind these.
    held: Vec<u8>,
    /// How many of them have been searched for the end of the head.
    searched: usize,
    is_ended: bool,
    handover: Handover,
    budget: Arc<dyn BodyBudget>,
    room: Room,
}

impl<S: AsyncRead + Unpin> RequestReader<S> {
    pub(super) fn new(stream: S, budget: Arc<dyn BodyBudget>) -> Self {
        RequestReader {
            stream,
            stage: Stage::Head,
            ready: Vec::new(),
            given: 0,
            held: Vec::new(),
            searched: 0,
            is_ended: false,
            handover: Handover::default(),
            room: Room::empty(Arc::clone(&budget)),
            budget,
        }
    }

    pub(super) fn into_inner(self) -> S {
        self.stream
    }

    pub(super) fn handover(&self) -> Handover {
        self.handover.clone()
    }

    /// Takes the next head, if it is held as a whole.
    fn take_head(&mut self) {
        self.room.shrink_to(0);
        if self.room.grow(self.held.capacity()).is_err() {
            return self.refuse(Refusal::NoRoom);
        }
        let is_blank = |byte: &&u8| matches!(**byte, b'\r' | b'\n');
        let blank = self.held.iter().take_while(is_blank).count();
        if blank > 0 {
            self.held.drain(..blank);
            self.searched = 0;
        }
        match head::end(&self.held, self.searched) {
            Some(end) if end <= MAX_HEAD => self.give(end),
            None if self.held.len() <= MAX_HEAD => {
                self.searched = self.held.len().saturating_sub(2);
            }
            _ => self.refuse(Refusal::TooLarge),
        }
    }

    fn give(&mut self, end: usize) {
        let rest = self.held.split_off(end);
        let head = std::mem::replace(&mut self.held, rest);
        let mut room = std::mem::replace(&mut self.room, Room::empty(Arc::clone(&self.budget)));
        let of_target = || {
            room.shrink_to(head.len());
            std::mem::replace(&mut room, Room::empty(Arc::clone(&self.budget)))
        };
        let head = match head::examine(&head, of_target) {
            Head::Plain => head,
            Head::Shortened(short, target) => {
                self.handover.0.lock().target = target;
                short
            }
            Head::Refused(refusal) => return self.refuse(refusal),
        };
        self.begin(head);
    }

    /// Hands hyper a head.
    fn begin(&mut self, head: Vec<u8>) {
        self.handover.0.lock().body = None;
        (self.ready, self.given) = (head, 0);
        self.searched = 0;
        self.stage = Stage::Given;
    }

    fn refuse(&mut self, refusal: Refusal) {
        self.handover.0.lock().refusal = Some(refusal);
        self.held = Vec::new();
        self.room.shrink_to(0);
        self.begin(REFUSED.to_vec());
    }

    /// Reads more of a head.
    fn fill(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut space = [0; READ];
        let mut space = ReadBuf::new(&mut space);
        ready!(Pin::new(&mut self.stream).poll_read(context, &mut space))?;
        self.held.extend_from_slice(space.filled());
        self.is_ended = space.filled().is_empty();
        Poll::Ready(Ok(()))
    }

    /// Reads straight into hyper's buffer. What hyper must not see yet is held.
    fn read_through(
        &mut self,
        context: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let begin = out.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, out))?;
        let bytes = &out.filled()[begin..];
        if bytes.is_empty() {
            self.is_ended = true;
            return Poll::Ready(Ok(()));
        }
        let seen = match &mut self.stage {
            Stage::Body(framing) => framing.advance(bytes),
            Stage::Head => match head::end(bytes, 0) {
                Some(end) if self.is_plain(&bytes[..end]) => {
                    self.handover.0.lock().body = None;
                    self.stage = Stage::Given;
                    end
                }
                _ => 0,
            },
            Stage::Given | Stage::Open | Stage::Refused => bytes.len(),
        };
        self.held.extend_from_slice(&out.filled()[begin + seen..]);
        out.set_filled(begin + seen);
        Poll::Ready(Ok(()))
    }

    fn is_plain(&self, head: &[u8]) -> bool {
        let nothing = || Room::empty(Arc::clone(&self.budget));
        !matches!(head[0], b'\r' | b'\n') && matches!(head::examine(head, nothing), Head::Plain)
    }

    /// The stage after what is known by now.
    fn next_stage(&self) -> Stage {
        match self.stage {
            Stage::Given if self.handover.has_refused() => Stage::Refused,
            // hyper asks for more of a head that is complete: it refuses it.
            Stage::Given => self.handover.0.lock().body.map_or(Stage::Open, Stage::Body),
            Stage::Body(framing) if framing.is_ended() => Stage::Head,
            stage => stage,
        }
    }
}

/// Moves as many bytes as fit.
fn pass(bytes: &[u8], out: &mut ReadBuf<'_>) -> usize {
    let count = bytes.len().min(out.remaining());
    out.put_slice(&bytes[..count]);
    count
}

impl<S: AsyncRead + Unpin> AsyncRead for RequestReader<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let begin = out.filled().len();
        loop {
            if this.given < this.ready.len() {
                this.given += pass(&this.ready[this.given..], out);
                if this.given == this.ready.len() {
                    this.ready = Vec::new();
                }
                return Poll::Ready(Ok(()));
            }
            this.given = 0;
            if out.filled().len() > begin {
                return Poll::Ready(Ok(()));
            }
            this.stage = this.next_stage();
            if this.stage == Stage::Refused {
                return Poll::Pending;
            }
            let is_head = this.stage == Stage::Head;
            match this.held.is_empty() {
                true if this.is_ended => return Poll::Ready(Ok(())),
                true => {
                    ready!(this.read_through(context, out))?;
                    if this.is_ended {
                        return Poll::Ready(Ok(()));
                    }
                }
                false if is_head => {
                    this.take_head();
                    if this.stage == Stage::Head {
                        if this.is_ended {
                            this.stage = Stage::Open;
                        } else {
                            ready!(this.fill(context))?;
                        }
                    }
                }
                false => {
                    let most = this.held.len().min(out.remaining());
                    let bytes = &this.held[..most];
                    let count = match &mut this.stage {
                        Stage::Body(framing) => framing.advance(bytes),
                        _ => most,
                    };
                    out.put_slice(&this.held[..count]);
                    this.held.drain(..count);
                }
            }
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for RequestReader<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

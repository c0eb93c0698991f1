//! Runs handlers apart from the threads that serve HTTP.
//!
//! A task on the API's runtime parses, computes, prints and compresses. It hands
//! over a small answer as a whole. The pieces of a large one go through a short
//! channel: the task makes the next ones when the client has read the last. If
//! the client leaves, the task is aborted, and what it computes is canceled.

use std::future::Future;
use std::sync::Arc;

use axum::body::{Body, BodyDataStream, HttpBody as _};
use axum::http::response::Parts;
use axum::response::Response;
use bytes::Bytes;
use futures::{StreamExt as _, stream};
use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};
use tokio::task::AbortHandle;

use super::answer::PIECE;

/// How many pieces of an answer wait for the client, beside those that are printed
/// side by side.
const AHEAD: usize = 1;

/// What is to be canceled when nobody waits for an answer any more. An aborted
/// task ends where it waits; a hook also reaches what is being computed.
#[derive(Clone, Default)]
pub(crate) struct CancelSlot(Arc<Mutex<Slot>>);

#[derive(Default)]
enum Slot {
    #[default]
    Empty,
    Hook(Box<dyn FnOnce() + Send>),
    Canceled,
}

impl CancelSlot {
    /// Has `hook` called if the client leaves, at once if it has left already;
    /// it replaces the hook before it. It runs on the HTTP thread and must
    /// return soon.
    pub(crate) fn on_cancel(&self, hook: impl FnOnce() + Send + 'static) {
        let mut slot = self.0.lock();
        if matches!(*slot, Slot::Canceled) {
            drop(slot);
            hook();
        } else {
            *slot = Slot::Hook(Box::new(hook));
        }
    }

    fn cancel(&self) {
        let slot = std::mem::replace(&mut *self.0.lock(), Slot::Canceled);
        if let Slot::Hook(hook) = slot {
            hook();
        }
    }
}

/// Ends a task when it is dropped before the task is done.
pub(crate) struct TaskGuard {
    task: AbortHandle,
    slot: CancelSlot,
    done: bool,
}

impl TaskGuard {
    /// A guard of `task`, which also cancels what is in `slot`.
    pub(crate) fn new(task: AbortHandle, slot: CancelSlot) -> Self {
        TaskGuard {
            task,
            slot,
            done: false,
        }
    }

    /// The task is done.
    pub(crate) fn disarm(mut self) {
        self.done = true;
    }
}

impl Drop for TaskGuard {
    fn drop(&mut self) {
        if !self.done {
            self.slot.cancel();
            self.task.abort();
        }
    }
}

/// What a task hands over first.
enum Made {
    Whole(Response),
    Begun(Parts, mpsc::Receiver<Piece>),
}

enum Piece {
    Bytes(Bytes),
    Failed(axum::Error),
    /// The end of a complete answer; a channel that only closes broke off.
    End,
}

/// Runs `answer` on `runtime`. Dropping the future, or the answer's body before
/// its end, ends the task and calls the hook in `slot`. `None` means that the
/// runtime is shut down.
pub(super) async fn run(
    runtime: &Handle,
    slot: CancelSlot,
    answer: impl Future<Output = Response> + Send + 'static,
) -> Option<Response> {
    let (made, ready) = oneshot::channel();
    let task = runtime.spawn(produce(answer, made));
    let guard = TaskGuard::new(task.abort_handle(), slot);
    match ready.await.ok()? {
        Made::Whole(response) => {
            guard.disarm();
            Some(response)
        }
        Made::Begun(parts, pieces) => Some(Response::from_parts(parts, rest(pieces, guard))),
    }
}

/// The body of an answer that is being made.
fn rest(pieces: mpsc::Receiver<Piece>, guard: TaskGuard) -> Body {
    Body::from_stream(stream::unfold(Some((pieces, guard)), |state| async move {
        let (mut pieces, guard) = state?;
        match pieces.recv().await {
            Some(Piece::Bytes(bytes)) => Some((Ok(bytes), Some((pieces, guard)))),
            Some(Piece::Failed(error)) => Some((Err(error), None)),
            Some(Piece::End) => {
                guard.disarm();
                None
            }
            None => Some((Err(axum::Error::new("the answer broke off")), None)),
        }
    }))
}

/// The task. An error of a send means that nobody waits.
async fn produce(answer: impl Future<Output = Response>, made: oneshot::Sender<Made>) {
    let (parts, body) = answer.await.into_parts();
    let is_small = body.size_hint().exact().is_some();
    let mut body = body.into_data_stream();
    let begin = match begin(&mut body, is_small).await {
        Ok((bytes, true)) => {
            let _ = made.send(Made::Whole(Response::from_parts(parts, Body::from(bytes))));
            return;
        }
        Ok((bytes, false)) => Piece::Bytes(bytes),
        Err(error) => Piece::Failed(error),
    };
    let (pieces, receiver) = mpsc::channel(AHEAD);
    let failed = matches!(begin, Piece::Failed(_));
    // The channel is empty.
    let _ = pieces.try_send(begin);
    if made.send(Made::Begun(parts, receiver)).is_err() || failed {
        return;
    }
    // A piece is not fetched before there is room for it.
    while let Ok(room) = pieces.reserve().await {
        let piece = match body.next().await {
            Some(Ok(bytes)) => Piece::Bytes(bytes),
            Some(Err(error)) => Piece::Failed(error),
            None => Piece::End,
        };
        let more = matches!(piece, Piece::Bytes(_));
        room.send(piece);
        if !more {
            return;
        }
    }
}

/// The first bytes of a body, and whether they are all: always so if
/// `is_small`, else if there is less than a [`PIECE`] of them.
async fn begin(body: &mut BodyDataStream, is_small: bool) -> Result<(Bytes, bool), axum::Error> {
    let mut first = Bytes::new();
    while let Some(bytes) = body.next().await {
        let bytes = bytes?;
        first = if first.is_empty() {
            bytes
        } else {
            [first, bytes].concat().into()
        };
        if !is_small && first.len() >= PIECE {
            return Ok((first, false));
        }
    }
    Ok((first, true))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
    use std::time::Duration;

    use super::*;

    /// A slot, and how often its hook was called.
    fn counted() -> (CancelSlot, Arc<AtomicUsize>) {
        let (slot, calls) = (CancelSlot::default(), Arc::new(AtomicUsize::new(0)));
        let counter = Arc::clone(&calls);
        slot.on_cancel(move || {
            counter.fetch_add(1, SeqCst);
        });
        (slot, calls)
    }

    /// Waits until nobody else holds `alive`.
    async fn alone(alive: &Arc<()>) -> bool {
        for _ in 0..500 {
            if Arc::strong_count(alive) == 1 {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        false
    }

    /// A body of pieces; `alive` is held as long as it is.
    fn pieces(count: usize, made: Arc<AtomicUsize>, alive: Arc<()>) -> Body {
        let piece = move |_| {
            let _held = &alive;
            made.fetch_add(1, SeqCst);
            Ok::<_, std::io::Error>(Bytes::from(vec![b'x'; PIECE]))
        };
        Body::from_stream(stream::iter((0..count).map(piece)))
    }

    #[tokio::test]
    async fn a_dropped_request_ends_its_task() {
        let (alive, (slot, calls)) = (Arc::new(()), counted());
        let held = Arc::clone(&alive);
        let work = async move {
            let _held = held;
            std::future::pending().await
        };
        let runtime = Handle::current();
        let mut request = Box::pin(run(&runtime, slot.clone(), work));
        assert!(futures::poll!(&mut request).is_pending());
        assert_eq!(calls.load(SeqCst), 0);
        drop(request);
        assert_eq!(calls.load(SeqCst), 1);
        assert!(alone(&alive).await, "the task goes on");
        let late = Arc::clone(&calls);
        slot.on_cancel(move || {
            late.fetch_add(10, SeqCst);
        });
        assert_eq!(calls.load(SeqCst), 11);
    }

    #[tokio::test]
    async fn small_answers_are_whole_and_cancel_nothing() {
        let (slot, calls) = counted();
        let parts = ["ab", "", "c"].map(|part| Ok::<_, std::io::Error>(Bytes::from(part)));
        let body = Body::from_stream(stream::iter(parts));
        let work = std::future::ready(Response::new(body));
        let response = run(&Handle::current(), slot, work).await.unwrap();
        assert_eq!(response.body().size_hint().exact(), Some(3));
        drop(response);
        assert_eq!(calls.load(SeqCst), 0);
    }

    #[tokio::test]
    async fn large_answers_arrive_whole() {
        let (alive, made, (slot, calls)) = (Arc::new(()), Arc::default(), counted());
        let body = pieces(20, Arc::clone(&made), Arc::clone(&alive));
        let work = std::future::ready(Response::new(body));
        let response = run(&Handle::current(), slot, work).await.unwrap();
        let all = axum::body::to_bytes(response.into_body(), 1 << 24).await;
        assert_eq!(all.unwrap().len(), 20 * PIECE);
        assert!(alone(&alive).await);
        assert_eq!(calls.load(SeqCst), 0);
    }

    #[tokio::test]
    async fn a_task_is_few_pieces_ahead_and_ends_with_its_body() {
        let (alive, made, (slot, calls)) = (Arc::new(()), Arc::default(), counted());
        let body = pieces(usize::MAX, Arc::clone(&made), Arc::clone(&alive));
        let work = std::future::ready(Response::new(body));
        let response = run(&Handle::current(), slot, work).await.unwrap();
        let mut body = response.into_body().into_data_stream();
        for read in 1..10 {
            assert_eq!(body.next().await.unwrap().unwrap().len(), PIECE);
            for _ in 0..10 {
                tokio::task::yield_now().await;
            }
            // Beside those in the channel, one waits to be sent.
            assert!(made.load(SeqCst) <= read + AHEAD + 1);
        }
        drop(body);
        assert_eq!(calls.load(SeqCst), 1);
        assert!(alone(&alive).await, "the task goes on");
    }

    #[tokio::test]
    async fn a_panic_in_the_middle_breaks_the_answer_off() {
        let part = |at: usize| {
            assert!(at < 3, "a bug");
            Ok::<_, std::io::Error>(Bytes::from(vec![b'x'; PIECE]))
        };
        let body = Body::from_stream(stream::iter((0..10).map(part)));
        let work = std::future::ready(Response::new(body));
        let slot = CancelSlot::default();
        let response = run(&Handle::current(), slot, work).await.unwrap();
        let all = axum::body::to_bytes(response.into_body(), 1 << 24).await;
        assert!(all.is_err());
    }
}

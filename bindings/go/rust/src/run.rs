//! A query from its first call to its end.
//!
//! The query's future is polled on the calling thread while Go calls
//! [`Run::next`], and rests between the calls; larger queries compute on the
//! engine's own threads. Each call ends with a request for samples, or with the
//! end of the query.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures::StreamExt;
use futures::channel::mpsc::UnboundedReceiver;
use futures::channel::oneshot;
use futures::future::BoxFuture;
use parking_lot::{Mutex, MutexGuard};
use quarrel_engine::{CancelHandle, Engine, QueryError, QueryResult};

use crate::failure::Failure;
use crate::options::{QueryMessage, SubquerySteps};
use crate::storage::{GoStorage, Wanted};
use crate::{answer, options};

/// What a query needs from its caller, or returns.
#[derive(Debug, PartialEq)]
pub(crate) enum Step {
    /// The query needs the samples that the message describes.
    Select(Vec<u8>),
    /// The answer.
    Done(Vec<u8>),
}

/// A query that Go runs.
pub(crate) struct Run {
    cancel: CancelHandle,
    state: Mutex<Option<State>>,
}

struct State {
    query: BoxFuture<'static, Result<QueryResult, QueryError>>,
    wanted: UnboundedReceiver<Wanted>,
    /// The select that Go is answering now.
    answering: Option<Answering>,
    subquery_steps: Arc<SubquerySteps>,
}

struct Answering {
    parts: Vec<Bytes>,
    answer: oneshot::Sender<Vec<Bytes>>,
}

/// Makes an engine from its message.
pub(crate) fn new_engine(message: &[u8]) -> Result<Engine, Failure> {
    Ok(Engine::new(options::engine_options(message)?)?)
}

impl Run {
    /// Parses a query; it starts with the first [`Run::next`].
    pub fn new(engine: &Engine, message: &[u8]) -> Result<Self, Failure> {
        let message = QueryMessage::decode(message)?;
        let prepared = engine.prepare(&message.text)?;
        let (storage, wanted) = GoStorage::new();
        let QueryMessage { times, options, .. } = message;
        let query = prepared.query(storage, times, options);
        Ok(Run {
            cancel: query.cancel_handle(),
            state: Mutex::new(Some(State {
                query: Box::pin(query.execute()),
                wanted,
                answering: None,
                subquery_steps: message.subquery_steps,
            })),
        })
    }

    /// Ends the query from elsewhere.
    pub fn cancel(&self) {
        self.cancel.cancel();
    }

    fn lock(&self) -> Result<MutexGuard<'_, Option<State>>, Failure> {
        let locked = self.state.try_lock();
        locked.ok_or(Failure::Misuse("the query is in use already"))
    }

    /// Runs the query until it needs samples or ends. After its end every call
    /// fails.
    pub fn next(&self) -> Result<Step, Failure> {
        let mut slot = self.lock()?;
        let state = slot
            .as_mut()
            .ok_or(Failure::Misuse("the query has ended"))?;
        if state.answering.is_some() {
            return Err(Failure::Misuse("a select waits for its answer"));
        }
        match futures::executor::block_on(poll_fn(|cx| state.poll(cx))) {
            Progress::Select(Wanted { message, answer }) => {
                let parts = Vec::new();
                state.answering = Some(Answering { parts, answer });
                Ok(Step::Select(message))
            }
            Progress::Done(result) => {
                let steps = Arc::clone(&state.subquery_steps);
                *slot = None;
                steps.check()?;
                Ok(Step::Done(answer::encode(&(*result)?)?))
            }
        }
    }

    /// Takes a part of the answer to the current select.
    pub fn answer(&self, part: &[u8], last: bool) -> Result<(), Failure> {
        let mut slot = self.lock()?;
        let nothing = Failure::Misuse("no select waits for an answer");
        let Some(state) = slot.as_mut() else {
            return Err(nothing);
        };
        let Some(mut answering) = state.answering.take() else {
            return Err(nothing);
        };
        answering.parts.push(Bytes::copy_from_slice(part));
        if last {
            // The receiver is gone if the query was cancelled.
            let _ = answering.answer.send(answering.parts);
        } else {
            state.answering = Some(answering);
        }
        Ok(())
    }
}

enum Progress {
    Select(Wanted),
    Done(Box<Result<QueryResult, QueryError>>),
}

impl State {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Progress> {
        if let Poll::Ready(result) = Pin::new(&mut self.query).poll(cx) {
            return Poll::Ready(Progress::Done(Box::new(result)));
        }
        match self.wanted.poll_next_unpin(cx) {
            Poll::Ready(Some(wanted)) => Poll::Ready(Progress::Select(wanted)),
            // All senders are gone: no more selects, the query still computes.
            Poll::Ready(None) | Poll::Pending => Poll::Pending,
        }
    }
}

//! A query from its first call to its last.
//!
//! The query's future is polled on the calling thread while the caller is in
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

use crate::answer::{self, FloatPoint};
use crate::failure::Failure;
use crate::options;
use crate::options::{QueryMessage, SubquerySteps};
use crate::parts::{Part, SpareParts};
use crate::storage::{CallerStorage, SelectedLabels, Wanted};

/// An engine with what its queries share beside it.
#[derive(Debug)]
pub(crate) struct RunEngine {
    engine: Engine,
    spare: Arc<SpareParts>,
}

/// What a query needs from its caller, or returns.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Step {
    /// The query needs the samples that the message describes.
    Select,
    /// The message is the answer.
    Done,
}

/// A query that a caller runs.
pub(crate) struct Run {
    cancel: CancelHandle,
    spare: Arc<SpareParts>,
    state: Mutex<State>,
}

struct State {
    stage: Stage,
    labels: SelectedLabels,
    /// The last message to the caller, who reads it until his next call.
    message: Vec<u8>,
}

enum Stage {
    Running(Box<Running>),
    Answered(Box<QueryResult>),
    Ended,
}

struct Running {
    query: BoxFuture<'static, Result<QueryResult, QueryError>>,
    wanted: UnboundedReceiver<Wanted>,
    /// The select that the caller is answering now.
    answering: Option<Answering>,
    subquery_steps: Arc<SubquerySteps>,
}

struct Answering {
    parts: Vec<Bytes>,
    /// What the caller writes to.
    open: Option<Part>,
    answer: oneshot::Sender<Vec<Bytes>>,
}

/// Makes an engine from its message.
pub(crate) fn new_engine(message: &[u8]) -> Result<RunEngine, Failure> {
    Ok(RunEngine {
        engine: Engine::new(options::engine_options(message)?)?,
        spare: Arc::default(),
    })
}

impl Run {
    /// Makes a query; it starts with the first [`Run::next`].
    pub fn new(engine: &RunEngine, message: &[u8]) -> Result<Self, Failure> {
        let message = QueryMessage::decode(message)?;
        let labels = SelectedLabels::default();
        let (storage, wanted) = CallerStorage::new(&labels);
        let QueryMessage { times, options, .. } = message;
        let query = engine.engine.query(&message.text, storage, times, options);
        Ok(Run {
            cancel: query.cancel_handle(),
            spare: Arc::clone(&engine.spare),
            state: Mutex::new(State {
                stage: Stage::Running(Box::new(Running {
                    query: Box::pin(query.execute()),
                    wanted,
                    answering: None,
                    subquery_steps: message.subquery_steps,
                })),
                labels,
                message: Vec::new(),
            }),
        })
    }

    /// Ends the query from elsewhere.
    pub fn cancel(&self) {
        self.cancel.cancel();
    }

    fn lock(&self) -> Result<MutexGuard<'_, State>, Failure> {
        let locked = self.state.try_lock();
        locked.ok_or(Failure::Misuse("the query is in use already"))
    }

    /// Runs the query until it needs samples or ends, and gives `use_message` what
    /// there is to say. After its end every call fails.
    pub fn next<T>(&self, use_message: impl FnOnce(Step, &[u8]) -> T) -> Result<T, Failure> {
        let mut state = self.lock()?;
        let state = &mut *state;
        let Stage::Running(running) = &mut state.stage else {
            return Err(Failure::Misuse("the query has ended"));
        };
        if running.answering.is_some() {
            return Err(Failure::Misuse("a select waits for its answer"));
        }
        match futures::executor::block_on(poll_fn(|cx| running.poll(cx))) {
            Progress::Select(Wanted { message, answer }) => {
                running.answering = Some(Answering {
                    parts: Vec::new(),
                    open: None,
                    answer,
                });
                state.message = message;
                Ok(use_message(Step::Select, &state.message))
            }
            Progress::Done(result) => {
                let steps = Arc::clone(&running.subquery_steps);
                state.stage = Stage::Ended;
                steps.check()?;
                let result = (*result)?;
                state.message = answer::encode(&result, &state.labels.lock())?;
                state.stage = Stage::Answered(Box::new(result));
                Ok(use_message(Step::Done, &state.message))
            }
        }
    }

    fn answering<'a>(&self, state: &'a mut State) -> Result<&'a mut Option<Answering>, Failure> {
        match &mut state.stage {
            Stage::Running(running) if running.answering.is_some() => Ok(&mut running.answering),
            _ => Err(Failure::Misuse("no select waits for an answer")),
        }
    }

    /// Memory of at least `least` bytes for the next part of the answer to the
    /// current select, in the place of what was asked for before.
    pub fn part(&self, least: usize) -> Result<(*mut u8, usize), Failure> {
        let mut state = self.lock()?;
        let slot = self.answering(&mut state)?;
        let part = Part::new(&self.spare, least);
        let open = slot.as_mut().map(|answering| answering.open.insert(part));
        let open = open.ok_or(Failure::Misuse("no select waits for an answer"))?;
        Ok(open.memory())
    }

    /// Takes the first `len` bytes of the memory that was asked for as a part of
    /// the answer.
    pub fn answer(&self, len: usize, last: bool) -> Result<(), Failure> {
        let mut state = self.lock()?;
        let slot = self.answering(&mut state)?;
        let Some(mut answering) = slot.take() else {
            return Err(Failure::Misuse("no select waits for an answer"));
        };
        if len > 0 {
            let filled = answering.open.take().and_then(|part| part.filled(len));
            match filled {
                Some(bytes) => answering.parts.push(bytes),
                None => {
                    *slot = Some(answering);
                    return Err(Failure::Misuse("a part is longer than its memory"));
                }
            }
        }
        if last {
            // The receiver is gone if the query was cancelled.
            let _ = answering.answer.send(answering.parts);
        } else {
            *slot = Some(answering);
        }
        Ok(())
    }

    /// Writes the floats of the answer, one series after the other.
    pub fn floats(&self, points: &mut [FloatPoint]) -> Result<(), Failure> {
        let state = self.lock()?;
        let Stage::Answered(result) = &state.stage else {
            return Err(Failure::Misuse("the query has no answer"));
        };
        answer::write_floats(result, points)
    }
}

enum Progress {
    Select(Wanted),
    Done(Box<Result<QueryResult, QueryError>>),
}

impl Running {
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

//! A query from its first call to its last.
//!
//! The query's future is polled on the calling thread while the caller is in
//! [`Run::next`], and rests between the calls; larger queries compute on the
//! engine's own threads. Each call ends with a request for samples, or with the
//! end of the query.
//!
//! Of a large select the caller brings the labels first. When all selects have
//! theirs, he brings the chunks ([`Run::feed`]), and the engine computes
//! meanwhile.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use futures::StreamExt;
use futures::channel::mpsc::UnboundedReceiver;
use futures::channel::oneshot;
use futures::future::BoxFuture;
use parking_lot::{Mutex, MutexGuard};
use quarrel_engine::{CancelHandle, Engine, QueryError, QueryResult};

use crate::allocator;
use crate::answer::{self, FloatPoint};
use crate::failure::Failure;
use crate::message::Writer;
use crate::options;
use crate::options::{QueryMessage, SubquerySteps};
use crate::parts::{Part, SpareParts};
use crate::samples::ReadSeries;
use crate::storage::{AllAnswered, CallerStorage, Wanted};
use crate::texts::Told;
use crate::writer::SeriesWriter;

/// An engine with what its queries share beside it.
#[derive(Debug)]
pub(crate) struct RunEngine {
    engine: Engine,
    /// Samples up to which a query may be computed where it is polled: such a
    /// query must not wait for chunks.
    inline_samples: u64,
    spare: Arc<SpareParts>,
}

/// What a query needs from its caller, or returns.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Step {
    /// The query needs the samples that the message describes, of one select or
    /// of several.
    Select,
    /// The query computes and needs the chunks of a select, whose number the
    /// message has.
    Feed,
    /// The query computes on the engine's threads.
    Busy,
    /// The message is the answer.
    Done,
}

/// A query that a caller runs.
pub(crate) struct Run {
    cancel: CancelHandle,
    spare: Arc<SpareParts>,
    state: Mutex<State>,
    /// Of a caller who hands over series by calls: what he was told of a select, and
    /// what he has handed over.
    pub told: Mutex<Told>,
    pub series: Mutex<SeriesWriter>,
}

struct State {
    stage: Stage,
    answered: AllAnswered,
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
    /// How the query ended, if that was found while the caller fed it.
    finished: Option<Box<Result<QueryResult, QueryError>>>,
    /// The selects that the caller is answering now, one after the other. He is
    /// told all at once: some storages want to know all before they read.
    answering: VecDeque<Answering>,
    /// The series whose chunks the caller brings now.
    feeding: Option<Feeding>,
    /// What the caller writes to.
    open: Option<Part>,
    subquery_steps: Arc<SubquerySteps>,
}

struct Answering {
    parts: Vec<Bytes>,
    answer: oneshot::Sender<Vec<Bytes>>,
}

/// Series that are complete when the caller says so, or never.
struct Feeding(Weak<ReadSeries>);

impl Drop for Feeding {
    fn drop(&mut self) {
        if let Some(series) = self.0.upgrade() {
            series.end();
        }
    }
}

/// Makes an engine from its message.
pub(crate) fn new_engine(message: &[u8]) -> Result<RunEngine, Failure> {
    allocator::keep_pages();
    let options = options::engine_options(message)?;
    Ok(RunEngine {
        inline_samples: options.inline_samples,
        engine: Engine::new(options)?,
        spare: Arc::default(),
    })
}

impl Run {
    /// Makes a query; it starts with the first [`Run::next`].
    pub fn new(engine: &RunEngine, message: &[u8]) -> Result<Self, Failure> {
        let message = QueryMessage::decode(message)?;
        let answered = AllAnswered::default();
        let (storage, wanted) = CallerStorage::new(&answered, engine.inline_samples);
        let QueryMessage { times, options, .. } = message;
        let storage = Arc::new(storage);
        let query = engine.engine.query(&message.text, storage, times, options);
        Ok(Run {
            cancel: query.cancel_handle(),
            spare: Arc::clone(&engine.spare),
            told: Mutex::default(),
            series: Mutex::default(),
            state: Mutex::new(State {
                stage: Stage::Running(Box::new(Running {
                    query: Box::pin(query.execute()),
                    wanted,
                    finished: None,
                    answering: VecDeque::new(),
                    feeding: None,
                    open: None,
                    subquery_steps: message.subquery_steps,
                })),
                answered,
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
    /// there is to say. After its end every call fails. Where it would wait for the
    /// engine's threads, or for a place among the running queries, it does so if
    /// `waits`, and else says so.
    pub fn next<T>(
        &self,
        waits: bool,
        use_message: impl FnOnce(Step, &[u8]) -> T,
    ) -> Result<T, Failure> {
        let mut state = self.lock()?;
        let state = &mut *state;
        let Stage::Running(running) = &mut state.stage else {
            return Err(Failure::Misuse("the query has ended"));
        };
        if !running.answering.is_empty() || running.feeding.is_some() {
            return Err(Failure::Misuse("a select waits for its answer"));
        }
        match running.advance(&state.answered, waits) {
            Progress::Busy => Ok(use_message(Step::Busy, &[])),
            Progress::Select(selects) => {
                let mut message = Writer::default();
                message.len(selects.len())?;
                state.message = message.into_bytes();
                for Wanted { message, answer } in selects {
                    state.message.extend_from_slice(&message);
                    let parts = Vec::new();
                    running.answering.push_back(Answering { parts, answer });
                }
                Ok(use_message(Step::Select, &state.message))
            }
            Progress::Feed(number, series) => {
                running.feeding = Some(Feeding(series));
                let mut message = Writer::default();
                message.len(number)?;
                state.message = message.into_bytes();
                Ok(use_message(Step::Feed, &state.message))
            }
            Progress::Done(result) => {
                let steps = Arc::clone(&running.subquery_steps);
                state.stage = Stage::Ended;
                steps.check()?;
                let result = (*result)?;
                state.message = answer::encode(&result, &state.answered.lock())?;
                state.stage = Stage::Answered(Box::new(result));
                Ok(use_message(Step::Done, &state.message))
            }
        }
    }

    /// Memory of at least `least` bytes for the next part of what the query waits
    /// for, in the place of what was asked for before.
    pub fn part(&self, least: usize) -> Result<(*mut u8, usize), Failure> {
        let mut state = self.lock()?;
        let Stage::Running(running) = &mut state.stage else {
            return Err(NOTHING_WAITS);
        };
        if running.answering.is_empty() && running.feeding.is_none() {
            return Err(NOTHING_WAITS);
        }
        let part = Part::new(&self.spare, least);
        Ok(running.open.insert(part).memory())
    }

    /// Takes the first `len` bytes of the memory that was asked for as a part of
    /// the answer to the current select.
    pub fn answer(&self, len: usize, last: bool) -> Result<(), Failure> {
        let mut state = self.lock()?;
        let Stage::Running(running) = &mut state.stage else {
            return Err(NOTHING_WAITS);
        };
        let mut answering = running.answering.pop_front().ok_or(NOTHING_WAITS)?;
        let filled = running.filled(len);
        if let Ok(part) = &filled {
            answering.parts.extend(part.clone());
        }
        if last && filled.is_ok() {
            // The receiver is gone if the query was cancelled.
            let _ = answering.answer.send(answering.parts);
        } else {
            running.answering.push_front(answering);
        }
        filled.map(|_| ())
    }

    /// Takes the first `len` bytes of the memory that was asked for as chunks of
    /// the current series. Says whether the query still needs them.
    pub fn feed(&self, len: usize, last: bool) -> Result<bool, Failure> {
        let mut state = self.lock()?;
        let Stage::Running(running) = &mut state.stage else {
            return Err(NOTHING_WAITS);
        };
        let Feeding(series) = running.feeding.as_ref().ok_or(NOTHING_WAITS)?;
        let series = series.upgrade();
        let filled = running.filled(len)?;
        if let (Some(series), Some(part)) = (&series, filled) {
            series.feed(part)?;
        }
        let wanted = series.is_some() && !running.is_finished();
        if last || !wanted {
            running.feeding = None;
        }
        Ok(wanted)
    }

    /// The requests of the selects that wait for an answer, of which the first is to
    /// be answered first: what the caller was told, of which he has answered some.
    pub fn requests<T>(&self, read: impl FnOnce(&[u8], usize) -> T) -> Result<T, Failure> {
        let state = self.lock()?;
        match &state.stage {
            Stage::Running(running) if !running.answering.is_empty() => {
                Ok(read(&state.message, running.answering.len()))
            }
            _ => Err(NOTHING_WAITS),
        }
    }

    /// The answer.
    pub fn answered<T>(&self, read: impl FnOnce(&QueryResult) -> T) -> Result<T, Failure> {
        let state = self.lock()?;
        match &state.stage {
            Stage::Answered(result) => Ok(read(result)),
            _ => Err(Failure::Misuse("the query has no answer")),
        }
    }

    /// Writes the floats of the answer, one series after the other.
    pub fn floats(&self, points: &mut [FloatPoint]) -> Result<(), Failure> {
        self.answered(|result| answer::write_floats(result, points))?
    }
}

const NOTHING_WAITS: Failure = Failure::Misuse("no select waits for an answer");

enum Progress {
    Select(Vec<Wanted>),
    Feed(usize, Weak<ReadSeries>),
    Busy,
    Done(Box<Result<QueryResult, QueryError>>),
}

impl Running {
    /// The first bytes of what the caller wrote to; nothing for none.
    fn filled(&mut self, len: usize) -> Result<Option<Bytes>, Failure> {
        if len == 0 {
            return Ok(None);
        }
        let filled = self.open.take().and_then(|part| part.filled(len));
        let filled = filled.ok_or(Failure::Misuse("a part is longer than its memory"))?;
        Ok(Some(filled))
    }

    /// Goes on until the query needs its caller, or ends.
    fn advance(&mut self, answered: &AllAnswered, waits: bool) -> Progress {
        let mut context = Context::from_waker(Waker::noop());
        if let Poll::Ready(progress) = self.poll(&mut context) {
            return progress;
        }
        // All selects have their labels. What computes may wait for chunks.
        for (number, select) in answered.lock().iter_mut().enumerate() {
            if let Some(series) = select.later.take().filter(|s| s.strong_count() > 0) {
                return Progress::Feed(number, series);
            }
        }
        match waits {
            true => futures::executor::block_on(poll_fn(|cx| self.poll(cx))),
            false => Progress::Busy,
        }
    }

    /// Lets the query go on as far as it does without waiting, and says whether it
    /// came to its end.
    fn is_finished(&mut self) -> bool {
        if self.finished.is_none() {
            let mut context = Context::from_waker(Waker::noop());
            if let Poll::Ready(result) = Pin::new(&mut self.query).poll(&mut context) {
                self.finished = Some(Box::new(result));
            }
        }
        self.finished.is_some()
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Progress> {
        if let Some(result) = self.finished.take() {
            return Poll::Ready(Progress::Done(result));
        }
        if let Poll::Ready(result) = Pin::new(&mut self.query).poll(cx) {
            return Poll::Ready(Progress::Done(Box::new(result)));
        }
        let mut selects = Vec::new();
        while let Poll::Ready(Some(wanted)) = self.wanted.poll_next_unpin(cx) {
            selects.push(wanted);
        }
        match selects.is_empty() {
            // There may be no more selects; then the query computes.
            true => Poll::Pending,
            false => Poll::Ready(Progress::Select(selects)),
        }
    }
}

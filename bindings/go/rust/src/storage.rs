//! The storage that the caller of a query has: each select waits until he brings
//! its answer.

use std::sync::{Arc, Weak};

use bytes::Bytes;
use futures::channel::{mpsc, oneshot};
use futures::future::BoxFuture;
use parking_lot::Mutex;
use quarrel_engine::labels::LabelList;
use quarrel_engine::storage::{
    LabelsRequest, SelectRequest, Selected, Snapshot, Storage, StorageError, TimeRange,
};
use quarrel_matchers::{MatchOp, Matcher};

use crate::message::{MessageError, Writer};
use crate::samples::{self, ReadSeries, Source};

/// A select that waits for its answer.
#[derive(Debug)]
pub(crate) struct Wanted {
    /// The request as a message.
    pub message: Vec<u8>,
    /// Where the parts of the answer go.
    pub answer: oneshot::Sender<Vec<Bytes>>,
}

/// What a select brought.
#[derive(Debug, Default)]
pub(crate) struct Answered {
    /// The labels, if there are all of them: where the query's answer has them
    /// unchanged, its rows are those of the select.
    pub labels: Option<LabelList>,
    /// The series, if their chunks come later.
    pub later: Option<Weak<ReadSeries>>,
}

/// What the selects of a query brought, by their number.
pub(crate) type AllAnswered = Arc<Mutex<Vec<Answered>>>;

/// Sends the selects of a query to its caller.
#[derive(Clone, Debug)]
pub(crate) struct CallerStorage {
    requests: mpsc::UnboundedSender<Wanted>,
    answered: AllAnswered,
    at_once: u64,
}

impl CallerStorage {
    /// A storage, and the receiver of its requests. Of a select that has no more
    /// than `at_once` samples the caller brings all at once.
    pub fn new(answered: &AllAnswered, at_once: u64) -> (Self, mpsc::UnboundedReceiver<Wanted>) {
        let (requests, wanted) = mpsc::unbounded();
        let storage = CallerStorage {
            requests,
            answered: Arc::clone(answered),
            at_once,
        };
        (storage, wanted)
    }
}

impl Storage for CallerStorage {
    fn snapshot(&self, range: TimeRange) -> BoxFuture<'_, Result<Arc<dyn Snapshot>, StorageError>> {
        let storage = self.clone();
        let snapshot: Arc<dyn Snapshot> = Arc::new(CallerSnapshot { storage, range });
        Box::pin(std::future::ready(Ok(snapshot)))
    }
}

struct CallerSnapshot {
    storage: CallerStorage,
    range: TimeRange,
}

impl CallerSnapshot {
    /// The number of a new select.
    fn number(&self) -> usize {
        let mut answered = self.storage.answered.lock();
        answered.push(Answered::default());
        answered.len() - 1
    }
}

impl Snapshot for CallerSnapshot {
    fn is_fed_by_caller(&self) -> bool {
        true
    }

    fn select<'a>(
        &'a self,
        request: SelectRequest<'a>,
    ) -> BoxFuture<'a, Result<Selected, StorageError>> {
        Box::pin(async move {
            let other = |failure: MessageError| StorageError::Other(failure.to_string());
            let gone = |_| StorageError::Other("the query's caller is gone".into());
            let CallerStorage {
                requests,
                answered,
                at_once,
            } = &self.storage;
            let number = self.number();
            let projection = request.projection.filter(|_| has_one_name(&request));
            let request = request.with_projection(projection);
            let message = encode(number, (self.range, *at_once), &request).map_err(other)?;
            let (answer, parts) = oneshot::channel();
            let wanted = Wanted { message, answer };
            let sent = requests.unbounded_send(wanted);
            sent.map_err(|_| StorageError::Other("the query's caller is gone".into()))?;
            let parts = parts.await.map_err(gone)?;
            let (labels, series) =
                samples::selected(parts, request.symbols, *at_once).map_err(other)?;
            let projected = request.projection.is_some();
            answered.lock()[number] = Answered {
                labels: (!projected).then(|| labels.clone()),
                later: (!series.is_complete()).then(|| Arc::downgrade(&series)),
            };
            let selected = Selected::new(labels, Arc::new(Source(series)));
            Ok(match projected {
                true => selected.with_projected_labels(),
                false => selected,
            })
        })
    }

    fn label_names<'a>(
        &'a self,
        _: LabelsRequest<'a>,
    ) -> BoxFuture<'a, Result<Vec<String>, StorageError>> {
        Box::pin(std::future::ready(Err(labels_unsupported())))
    }

    fn label_values<'a>(
        &'a self,
        _: &'a str,
        _: LabelsRequest<'a>,
    ) -> BoxFuture<'a, Result<Vec<String>, StorageError>> {
        Box::pin(std::future::ready(Err(labels_unsupported())))
    }
}

fn labels_unsupported() -> StorageError {
    StorageError::Unsupported("label names and values come from the caller's storage itself".into())
}

/// Whether all series that a select finds have the same name. If not the engine
/// would want to see what is left out, and ask once more.
fn has_one_name(request: &SelectRequest<'_>) -> bool {
    let names = |m: &Matcher| m.name() == "__name__" && m.op() == MatchOp::Equal;
    request.matchers.iter().any(names)
}

/// The request as `request.go` reads it.
fn encode(
    number: usize,
    (snapshot, at_once): (TimeRange, u64),
    request: &SelectRequest<'_>,
) -> Result<Vec<u8>, MessageError> {
    let mut out = Writer::default();
    out.len(number)?;
    out.u64(at_once);
    for time in [
        snapshot.start,
        snapshot.end,
        request.range.start,
        request.range.end,
    ] {
        out.i64(time);
    }
    let hints = request.hints;
    out.i64(hints.step_ms);
    out.i64(hints.range_ms);
    out.text(&hints.function)?;
    out.u8(u8::from(hints.by));
    out.texts(&hints.grouping)?;
    out.len(request.matchers.len())?;
    for matcher in request.matchers {
        // The numbers of Go's labels.MatchType.
        out.u8(match matcher.op() {
            MatchOp::Equal => 0,
            MatchOp::NotEqual => 1,
            MatchOp::Regex => 2,
            MatchOp::NotRegex => 3,
        });
        out.text(matcher.name())?;
        out.text(matcher.value())?;
    }
    out.u8(u8::from(request.projection.is_some()));
    out.texts(request.projection.unwrap_or_default())?;
    Ok(out.into_bytes())
}

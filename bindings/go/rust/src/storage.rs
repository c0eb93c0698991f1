//! The storage that Go has: each select waits until the caller of the query
//! brings its answer.

use std::sync::Arc;

use bytes::Bytes;
use futures::channel::{mpsc, oneshot};
use futures::future::BoxFuture;
use quarrel_engine::storage::{
    LabelsRequest, SelectRequest, Selected, Snapshot, Storage, StorageError, TimeRange,
};
use quarrel_matchers::MatchOp;

use crate::message::{MessageError, Writer};
use crate::samples;

/// A select that waits for Go's answer.
#[derive(Debug)]
pub(crate) struct Wanted {
    /// The request as a message.
    pub message: Vec<u8>,
    /// Where the parts of the answer go.
    pub answer: oneshot::Sender<Vec<Bytes>>,
}

/// Sends the selects of a query to its caller.
#[derive(Debug)]
pub(crate) struct GoStorage {
    requests: mpsc::UnboundedSender<Wanted>,
}

impl GoStorage {
    /// A storage, and the receiver of its requests.
    pub fn new() -> (Arc<Self>, mpsc::UnboundedReceiver<Wanted>) {
        let (requests, wanted) = mpsc::unbounded();
        (Arc::new(GoStorage { requests }), wanted)
    }
}

impl Storage for GoStorage {
    fn snapshot(&self, range: TimeRange) -> BoxFuture<'_, Result<Arc<dyn Snapshot>, StorageError>> {
        let requests = self.requests.clone();
        let snapshot: Arc<dyn Snapshot> = Arc::new(GoSnapshot { requests, range });
        Box::pin(std::future::ready(Ok(snapshot)))
    }
}

struct GoSnapshot {
    requests: mpsc::UnboundedSender<Wanted>,
    range: TimeRange,
}

impl Snapshot for GoSnapshot {
    fn select<'a>(
        &'a self,
        request: SelectRequest<'a>,
    ) -> BoxFuture<'a, Result<Selected, StorageError>> {
        Box::pin(async move {
            let other = |failure: MessageError| StorageError::Other(failure.to_string());
            let gone = |_| StorageError::Other("the query's caller is gone".into());
            let message = encode(self.range, &request).map_err(other)?;
            let (answer, parts) = oneshot::channel();
            let wanted = Wanted { message, answer };
            self.requests
                .unbounded_send(wanted)
                .map_err(|_| StorageError::Other("the query's caller is gone".into()))?;
            let parts = parts.await.map_err(gone)?;
            samples::selected(&parts, request.symbols).map_err(other)
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
    StorageError::Unsupported("label names and values come from the Go storage itself".into())
}

/// The request as Go reads it.
fn encode(snapshot: TimeRange, request: &SelectRequest<'_>) -> Result<Vec<u8>, MessageError> {
    let mut out = Writer::default();
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
    Ok(out.into_bytes())
}

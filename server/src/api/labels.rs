//! `series`, `labels` and `label/NAME/values`.

use std::ops::Range;
use std::sync::Arc;

use quarrel_engine::storage::TimeRange;
use quarrel_engine::{ErrorClass, Found, Lookup, QueryError, QueryOptions, SeriesLabels};
use quarrel_functions::fmt::quote_bytes;

use super::answer::{Annotations, Answer, Next, Pieces, Print, piece_end, reserve};
use super::call::{Call, Result};
use super::error::{ApiError, ErrorType};
use super::query::{TRUNCATED, limit, optional_time};
use crate::json;
use crate::metrics::QueryKind;
use crate::params::unescape_name;
use crate::time::{MAX_TIME, MIN_TIME};

pub(super) async fn names(call: Call) -> Result {
    let limit = limit(&call.request)?;
    let found = lookup(&call)?.label_names().await.map_err(failed)?;
    Ok(list(found, limit))
}

pub(super) async fn values(call: Call) -> Result {
    let name = match std::str::from_utf8(&call.request.name) {
        Ok(name) => unescape_name(name),
        Err(_) => {
            let shown = quote_bytes(&call.request.name);
            return Err(ApiError::bad_data(format!("invalid label name: {shown}")));
        }
    };
    if name.is_empty() {
        return Err(ApiError::bad_data("invalid label name: \"\""));
    }
    let limit = limit(&call.request)?;
    let found = lookup(&call)?.label_values(name).await.map_err(failed)?;
    Ok(list(found, limit))
}

pub(super) async fn series(mut call: Call) -> Result {
    call.request.parse_form()?;
    if call.request.values("match[]").next().is_none() {
        return Err(ApiError::bad_data("no match[] parameter provided"));
    }
    let limit = limit(&call.request)?;
    let found = lookup(&call)?.series().await;
    let found = found.map_err(|error| match error.class() {
        ErrorClass::BadData => ApiError::parameter("match[]", error),
        _ => failed(error),
    })?;
    Ok(list(found, limit))
}

/// Items that a look-up found.
trait Items: Send + Sync + 'static {
    fn count(&self) -> usize;

    /// Where a piece ends that begins at item `from`, at `most` at the latest, and
    /// its size.
    fn piece_end(&self, from: usize, most: usize) -> (usize, usize);

    /// Appends items; all but the first of all have a comma before them.
    fn print(&self, range: Range<usize>, out: &mut Vec<u8>);
}

impl Items for SeriesLabels {
    fn count(&self) -> usize {
        self.labels.len()
    }

    fn piece_end(&self, from: usize, most: usize) -> (usize, usize) {
        let symbols = self.symbols.read();
        piece_end(from..most, |i| {
            json::labels_size(self.labels.get(i), &symbols)
        })
    }

    fn print(&self, range: Range<usize>, out: &mut Vec<u8>) {
        let symbols = self.symbols.read();
        for i in range {
            out.extend_from_slice(if i > 0 { b"," } else { b"" });
            json::labels(out, self.labels.get(i), &symbols);
        }
    }
}

/// Names or values.
impl Items for Vec<String> {
    fn count(&self) -> usize {
        self.len()
    }

    fn piece_end(&self, from: usize, most: usize) -> (usize, usize) {
        piece_end(from..most, |i| self[i].len() + 3)
    }

    fn print(&self, range: Range<usize>, out: &mut Vec<u8>) {
        for i in range {
            out.extend_from_slice(if i > 0 { b"," } else { b"" });
            json::string_html(out, &self[i]);
        }
    }
}

/// An answer of the first `limit` items; 0 means all.
fn list<T: Items>(mut found: Found<T>, limit: usize) -> Answer {
    let all = found.found.count();
    let len = if limit > 0 { all.min(limit) } else { all };
    let mut warnings = std::mem::take(&mut found.warnings);
    warnings.extend((len < all).then(|| TRUNCATED.to_string()));
    Answer::Data(Box::new(List {
        items: Arc::new(found),
        len,
        next: Some(0),
        warnings,
    }))
}

/// What a look-up found.
struct List<T> {
    items: Arc<Found<T>>,
    len: usize,
    /// The first item of the next piece; `None` when the list is complete.
    next: Option<usize>,
    warnings: Vec<String>,
}

impl<T: Items> Pieces for List<T> {
    fn next(&mut self) -> Next<'_> {
        let piece = self.next.map(|from| {
            let (items, len) = (Arc::clone(&self.items), self.len);
            let (end, size) = items.found.piece_end(from, len);
            self.next = (end < len).then_some(end);
            Box::new(move |out: &mut Vec<u8>| {
                reserve(out, size);
                out.extend_from_slice(if from == 0 { b"[" } else { b"" });
                items.found.print(from..end, out);
                out.extend_from_slice(if end == len { b"]" } else { b"" });
            }) as Print
        });
        Box::pin(std::future::ready(Ok(piece)))
    }

    fn annotations(&mut self) -> Annotations {
        Annotations {
            warnings: std::mem::take(&mut self.warnings),
            infos: Vec::new(),
        }
    }
}

/// The look-up that a request asks for.
pub(super) fn lookup(call: &Call) -> std::result::Result<Lookup, ApiError> {
    let start = optional_time(&call.request, "start", MIN_TIME)?.storage_ms();
    let end = optional_time(&call.request, "end", MAX_TIME)?.storage_ms();
    lookup_in(call, TimeRange { start, end })
}

/// The look-up of a request's selectors in a range of time.
pub(super) fn lookup_in(call: &Call, range: TimeRange) -> std::result::Result<Lookup, ApiError> {
    let selectors: Vec<String> = call.request.values("match[]").map(str::to_owned).collect();
    let options = QueryOptions::new();
    let lookup =
        call.api
            .engine
            .lookup(call.storage(QueryKind::Instant)?, selectors, range, options);
    let handle = lookup.cancel_handle();
    call.cancel.on_cancel(move || handle.cancel());
    Ok(lookup)
}

pub(super) fn failed(error: QueryError) -> ApiError {
    match error {
        QueryError::Storage(error) => {
            tracing::error!(%error, "Storage failed");
            ApiError::new(ErrorType::Execution, error.to_string())
        }
        error if error.class() == ErrorClass::BadData => ApiError::bad_data(error.to_string()),
        error => ApiError::query(&error),
    }
}

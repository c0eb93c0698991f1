//! `series`, `labels` and `label/NAME/values`.

use std::ops::Range;
use std::sync::Arc;

use quarrel_engine::storage::TimeRange;
use quarrel_engine::{ErrorClass, Found, Lookup, QueryError, QueryOptions};
use quarrel_functions::fmt::quote_bytes;

use super::answer::{Annotations, Answer, Next, Pieces, Print};
use super::call::{Call, Result};
use super::error::{ApiError, ErrorType};
use super::query::{TRUNCATED, limit, optional_time};
use crate::json;
use crate::params::unescape_name;
use crate::time::{MAX_TIME, MIN_TIME};

pub(super) async fn names(call: Call) -> Result {
    let limit = limit(&call.request)?;
    let found = lookup(&call)?.label_names().await.map_err(failed)?;
    Ok(strings(found, limit))
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
    Ok(strings(found, limit))
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
    let len = found.found.labels.len();
    Ok(list(found, len, limit, |found, range, out| {
        let symbols = found.symbols.read();
        for i in range {
            out.extend_from_slice(if i > 0 { b"," } else { b"" });
            json::labels(out, found.labels.get(i), &symbols);
        }
    }))
}

/// Names or values.
fn strings(found: Found<Vec<String>>, limit: usize) -> Answer {
    let len = found.found.len();
    list(found, len, limit, |texts, range, out| {
        for i in range {
            out.extend_from_slice(if i > 0 { b"," } else { b"" });
            json::string_html(out, &texts[i]);
        }
    })
}

/// Prints items; all but the first of the list have a comma before them.
type PrintItems<T> = fn(&T, Range<usize>, &mut Vec<u8>);

/// An answer of the first `limit` of `len` items; 0 means all.
fn list<T>(mut found: Found<T>, len: usize, limit: usize, print: PrintItems<T>) -> Answer
where
    T: Send + Sync + 'static,
{
    let shown = if limit > 0 { len.min(limit) } else { len };
    let mut warnings = std::mem::take(&mut found.warnings);
    warnings.extend((shown < len).then(|| TRUNCATED.to_string()));
    Answer::Data(Box::new(List {
        items: Arc::new(found),
        len: shown,
        next: 0,
        warnings,
        print,
    }))
}

/// Items of a piece; they have some hundred bytes.
const ITEMS: usize = 1024;

/// What a look-up found.
struct List<T> {
    items: Arc<Found<T>>,
    len: usize,
    /// The next item; beyond `len`, the list is complete.
    next: usize,
    warnings: Vec<String>,
    print: PrintItems<T>,
}

impl<T: Send + Sync + 'static> Pieces for List<T> {
    fn next(&mut self) -> Next<'_> {
        let range = self.next..(self.next + ITEMS).min(self.len);
        let piece = (self.next == 0 || !range.is_empty()).then(|| {
            let (items, len, print) = (Arc::clone(&self.items), self.len, self.print);
            self.next += ITEMS;
            Box::new(move |out: &mut Vec<u8>| {
                out.extend_from_slice(if range.start == 0 { b"[" } else { b"" });
                print(&items.found, range.clone(), out);
                out.extend_from_slice(if range.end == len { b"]" } else { b"" });
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
    Ok(lookup_in(call, TimeRange { start, end }))
}

/// The look-up of a request's selectors in a range of time.
pub(super) fn lookup_in(call: &Call, range: TimeRange) -> Lookup {
    let selectors = call.request.values("match[]").map(str::to_owned).collect();
    let storage = Arc::clone(&call.storage);
    let options = QueryOptions::new();
    let lookup = call.api.engine.lookup(storage, selectors, range, options);
    let handle = lookup.cancel_handle();
    call.cancel.on_cancel(move || handle.cancel());
    lookup
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

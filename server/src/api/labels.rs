//! `series`, `labels` and `label/NAME/values`.

use std::sync::Arc;

use futures::future::BoxFuture;
use quarrel_engine::storage::TimeRange;
use quarrel_engine::{ErrorClass, Found, Lookup, QueryError, QueryOptions, SeriesLabels};

use super::answer::{Annotations, Answer, PIECE, Pieces};
use super::call::{Call, Result};
use super::error::{ApiError, ErrorType};
use super::query::{limit, optional_time};
use crate::json;
use crate::params::unescape_name;
use crate::time::{MAX_TIME, MIN_TIME};

const TRUNCATED: &str = "results truncated due to limit";

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

pub(super) async fn series(call: Call) -> Result {
    if let Some(why) = call.request.form_error() {
        return Err(ApiError::bad_data(format!(
            "error parsing form values: {why}"
        )));
    }
    if call.request.values("match[]").next().is_none() {
        return Err(ApiError::bad_data("no match[] parameter provided"));
    }
    let limit = limit(&call.request)?;
    let found = lookup(&call)?.series().await;
    let found = found.map_err(|error| match error.class() {
        ErrorClass::BadData => ApiError::parameter("match[]", error),
        _ => failed(error),
    })?;
    let all = found.found.labels.len();
    let is_cut = limit > 0 && all > limit;
    Ok(Answer::Data(Box::new(SeriesPieces {
        next: 0,
        end: if is_cut { limit } else { all },
        truncated: is_cut,
        found,
    })))
}

struct SeriesPieces {
    found: Found<SeriesLabels>,
    next: usize,
    end: usize,
    truncated: bool,
}

impl Pieces for SeriesPieces {
    fn next<'a>(
        &'a mut self,
        out: &'a mut Vec<u8>,
    ) -> BoxFuture<'a, std::result::Result<bool, ApiError>> {
        if self.next == 0 {
            out.push(b'[');
        }
        let SeriesLabels {
            labels, symbols, ..
        } = &self.found.found;
        let symbols = symbols.read();
        let enough = out.len() + PIECE;
        while self.next < self.end && out.len() < enough {
            if self.next > 0 {
                out.push(b',');
            }
            json::labels(out, labels.get(self.next), &symbols);
            self.next += 1;
        }
        let more = self.next < self.end;
        if !more {
            out.push(b']');
        }
        Box::pin(std::future::ready(Ok(more)))
    }

    fn annotations(&mut self) -> Annotations {
        let mut warnings = std::mem::take(&mut self.found.warnings);
        warnings.extend(self.truncated.then(|| TRUNCATED.to_string()));
        Annotations {
            warnings,
            infos: Vec::new(),
        }
    }
}

/// Names or values, written while the client reads.
struct StringPieces {
    found: Found<Vec<String>>,
    next: usize,
}

impl Pieces for StringPieces {
    fn next<'a>(
        &'a mut self,
        out: &'a mut Vec<u8>,
    ) -> BoxFuture<'a, std::result::Result<bool, ApiError>> {
        out.extend_from_slice(if self.next == 0 { b"[" } else { b"" });
        let enough = out.len() + PIECE;
        let texts = &self.found.found;
        while self.next < texts.len() && out.len() < enough {
            out.extend_from_slice(if self.next > 0 { b"," } else { b"" });
            json::string_html(out, &texts[self.next]);
            self.next += 1;
        }
        let more = self.next < texts.len();
        out.extend_from_slice(if more { b"" } else { b"]" });
        Box::pin(std::future::ready(Ok(more)))
    }

    fn annotations(&mut self) -> Annotations {
        Annotations {
            warnings: std::mem::take(&mut self.found.warnings),
            infos: Vec::new(),
        }
    }
}

fn strings(mut found: Found<Vec<String>>, limit: usize) -> Answer {
    if limit > 0 && found.found.len() > limit {
        found.found.truncate(limit);
        found.warnings.push(TRUNCATED.to_string());
    }
    Answer::Data(Box::new(StringPieces { found, next: 0 }))
}

/// The look-up that a request asks for.
pub(super) fn lookup(call: &Call) -> std::result::Result<Lookup, ApiError> {
    let start = optional_time(&call.request, "start", MIN_TIME)?.storage_ms();
    let end = optional_time(&call.request, "end", MAX_TIME)?.storage_ms();
    let selectors = call.request.values("match[]").map(str::to_owned).collect();
    let (storage, range) = (Arc::clone(&call.storage), TimeRange { start, end });
    let options = QueryOptions::new();
    let lookup = call.api.engine.lookup(storage, selectors, range, options);
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

/// Bytes in quotes; bytes that are not UTF-8 as `\xff`.
fn quote_bytes(bytes: &[u8]) -> String {
    let mut out = String::from("\"");
    for chunk in bytes.utf8_chunks() {
        let quoted = quarrel_functions::fmt::quote(chunk.valid());
        out.push_str(&quoted[1..quoted.len() - 1]);
        for byte in chunk.invalid() {
            out.push_str(&format!("\\x{byte:02x}"));
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_no_text_are_shown() {
        assert_eq!(quote_bytes(b"a\xff\"\xc3\xbc"), "\"a\\xff\\\"ü\"");
    }
}

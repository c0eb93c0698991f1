//! `series`, `labels` and `label/NAME/values`.

use std::sync::Arc;

use futures::future::BoxFuture;
use quarrel_engine::labels::{LabelList, SymbolTable};
use quarrel_engine::storage::{SelectHints, SelectRequest, Snapshot, StorageError, TimeRange};
use quarrel_matchers::Matcher;

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
    let range = time_range(&call)?;
    let selectors = selectors(&call).map_err(ApiError::bad_data)?;
    let snapshot = snapshot(&call, range).await?;
    let names = snapshot
        .label_names(&selectors, range)
        .await
        .map_err(failed)?;
    Ok(strings(names, limit, snapshot.warnings()))
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
    let range = time_range(&call)?;
    let selectors = selectors(&call).map_err(ApiError::bad_data)?;
    let snapshot = snapshot(&call, range).await?;
    let values = snapshot
        .label_values(&name, &selectors, range)
        .await
        .map_err(failed)?;
    Ok(strings(values, limit, snapshot.warnings()))
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
    let range = time_range(&call)?;
    let selectors = selectors(&call).map_err(|why| ApiError::parameter("match[]", why))?;
    let snapshot = snapshot(&call, range).await?;
    let symbols = Arc::new(SymbolTable::new());
    let mut warnings = snapshot.warnings();
    let mut all = LabelList::new();
    for matchers in &selectors {
        // Prometheus's hint for look-ups that need no samples.
        let mut hints = SelectHints::default();
        hints.function = "series".to_string();
        let request = SelectRequest::new(matchers, range, &hints, &symbols);
        let selected = snapshot
            .select(request)
            .await
            .map_err(|error| ApiError::new(ErrorType::Execution, error.to_string()))?;
        warnings.extend(selected.warnings);
        if selectors.len() == 1 {
            all = selected.labels;
        } else {
            all = union(&all, &selected.labels, &symbols);
        }
    }
    if limit > 0 && all.len() > limit {
        warnings.push(TRUNCATED.to_string());
    }
    let end = if limit > 0 {
        all.len().min(limit)
    } else {
        all.len()
    };
    warnings.dedup();
    Ok(Answer::Data(Box::new(SeriesPieces {
        labels: all,
        symbols,
        next: 0,
        end,
        warnings,
    })))
}

/// Merges two sorted lists; equal rows occur once.
fn union(a: &LabelList, b: &LabelList, symbols: &SymbolTable) -> LabelList {
    let symbols = symbols.read();
    let mut out = LabelList::with_capacity(a.len() + b.len(), 8);
    let (mut i, mut j) = (0, 0);
    while i < a.len() || j < b.len() {
        let order = match (i < a.len(), j < b.len()) {
            (true, true) => symbols.compare(a.get(i), b.get(j)),
            (true, false) => std::cmp::Ordering::Less,
            _ => std::cmp::Ordering::Greater,
        };
        let row = if order.is_le() { a.get(i) } else { b.get(j) };
        out.push(row.iter().copied());
        i += usize::from(order.is_le());
        j += usize::from(order.is_ge());
    }
    out
}

struct SeriesPieces {
    labels: LabelList,
    symbols: Arc<SymbolTable>,
    next: usize,
    end: usize,
    warnings: Vec<String>,
}

impl Pieces for SeriesPieces {
    fn next<'a>(
        &'a mut self,
        out: &'a mut Vec<u8>,
    ) -> BoxFuture<'a, std::result::Result<bool, ApiError>> {
        if self.next == 0 {
            out.push(b'[');
        }
        let symbols = self.symbols.read();
        let enough = out.len() + PIECE;
        while self.next < self.end && out.len() < enough {
            if self.next > 0 {
                out.push(b',');
            }
            json::labels(out, self.labels.get(self.next), &symbols);
            self.next += 1;
        }
        let more = self.next < self.end;
        if !more {
            out.push(b']');
        }
        Box::pin(std::future::ready(Ok(more)))
    }

    fn annotations(&mut self) -> Annotations {
        Annotations {
            warnings: std::mem::take(&mut self.warnings),
            infos: Vec::new(),
        }
    }
}

fn strings(mut items: Vec<String>, limit: usize, mut warnings: Vec<String>) -> Answer {
    if limit > 0 && items.len() > limit {
        items.truncate(limit);
        warnings.push(TRUNCATED.to_string());
    }
    let mut data = Vec::new();
    json::strings(&mut data, items);
    Answer::json(data, warnings)
}

async fn snapshot(
    call: &Call,
    range: TimeRange,
) -> std::result::Result<Arc<dyn Snapshot>, ApiError> {
    call.storage.snapshot(range).await.map_err(failed)
}

fn failed(error: StorageError) -> ApiError {
    tracing::error!(%error, "Storage failed");
    ApiError::new(ErrorType::Execution, error.to_string())
}

fn time_range(call: &Call) -> std::result::Result<TimeRange, ApiError> {
    let start = optional_time(&call.request, "start", MIN_TIME)?.storage_ms();
    let end = optional_time(&call.request, "end", MAX_TIME)?.storage_ms();
    Ok(TimeRange { start, end })
}

/// The selectors in `match[]`. Each has a matcher that excludes the empty
/// string.
pub(super) fn selectors(call: &Call) -> std::result::Result<Vec<Vec<Matcher>>, String> {
    let options = &call.api.engine.options().parser;
    let mut all = Vec::new();
    for text in call.request.values("match[]") {
        let matchers = quarrel_planner::parse_metric_selector(text, options);
        all.push(matchers.map_err(|error| error.to_string())?);
    }
    if all
        .iter()
        .any(|matchers| matchers.iter().all(Matcher::matches_empty))
    {
        return Err("match[] must contain at least one non-empty matcher".to_string());
    }
    Ok(all)
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
    use quarrel_engine::labels::Label;

    #[test]
    fn lists_are_merged_in_order() {
        let symbols = SymbolTable::new();
        let list = |values: &[&str]| {
            let mut list = LabelList::new();
            for value in values {
                list.push([Label {
                    name: symbols.intern("a"),
                    value: symbols.intern(value),
                }]);
            }
            list
        };
        let all = union(
            &list(&["1", "3", "5"]),
            &list(&["0", "3", "4", "6"]),
            &symbols,
        );
        let read = symbols.read();
        let values: Vec<&str> = all.iter().map(|row| read.get(row[0].value)).collect();
        assert_eq!(values, ["0", "1", "3", "4", "5", "6"]);
    }

    #[test]
    fn names_that_are_no_text_are_shown() {
        assert_eq!(quote_bytes(b"a\xff\"\xc3\xbc"), "\"a\\xff\\\"ü\"");
    }
}

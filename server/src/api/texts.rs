//! `format_query` and `parse_query`.

use quarrel_engine::QueryOptions;
use quarrel_planner::{Tree, to_json, to_pretty_within};

use super::answer::Answer;
use super::call::{Call, Result};
use super::error::{ApiError, ErrorType};
use crate::json;

/// The longest text that a query is formatted to, bytes.
const MAX_FORMATTED: usize = 16 << 20;

/// Answers with what `make` makes of the query's tree, within a query's limits.
async fn of_tree(call: Call, make: fn(&Tree) -> Option<Vec<u8>>) -> Result {
    let text = call.request.value("query");
    let options = QueryOptions::new();
    let made = call.api.engine.with_tree(text, &options, make).await;
    let data = made.map_err(|error| ApiError::query(&error))?;
    let too_long = || {
        let message = format!("the formatted query has more than {MAX_FORMATTED} bytes");
        ApiError::new(ErrorType::Execution, message)
    };
    let data = data.ok_or_else(too_long)?;
    Ok(Answer::json(data, Vec::new()))
}

pub(super) async fn format(call: Call) -> Result {
    let pretty = |tree: &Tree| {
        let mut data = Vec::new();
        json::string_html(&mut data, &to_pretty_within(tree.expr(), MAX_FORMATTED)?);
        Some(data)
    };
    of_tree(call, pretty).await
}

pub(super) async fn parse_tree(call: Call) -> Result {
    let tree = |tree: &Tree| {
        let mut data = Vec::new();
        value(&mut data, &to_json(tree.expr()));
        Some(data)
    };
    of_tree(call, tree).await
}

/// A JSON value with the escapes of Prometheus's strings.
fn value(out: &mut Vec<u8>, json: &serde_json::Value) {
    quarrel_planner::with_stack(|| match json {
        serde_json::Value::String(text) => json::string_html(out, text),
        serde_json::Value::Array(items) => {
            out.push(b'[');
            for (i, item) in items.iter().enumerate() {
                out.extend_from_slice(if i > 0 { b"," } else { b"" });
                value(out, item);
            }
            out.push(b']');
        }
        serde_json::Value::Object(fields) => {
            out.push(b'{');
            for (i, (name, field)) in fields.iter().enumerate() {
                out.extend_from_slice(if i > 0 { b"," } else { b"" });
                json::string_html(out, name);
                out.push(b':');
                value(out, field);
            }
            out.push(b'}');
        }
        other => out.extend_from_slice(other.to_string().as_bytes()),
    });
}

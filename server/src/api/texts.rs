//! `format_query` and `parse_query`.

use quarrel_planner::{Tree, parse, to_json, to_pretty};

use super::answer::Answer;
use super::call::{Call, Result};
use super::error::ApiError;
use crate::json;

fn tree(call: &Call) -> std::result::Result<Tree, ApiError> {
    parse(
        call.request.value("query"),
        &call.api.engine.options().parser,
    )
    .map_err(|error| ApiError::parameter("query", error))
}

pub(super) async fn format(call: Call) -> Result {
    let tree = tree(&call)?;
    let mut data = Vec::new();
    json::string_html(&mut data, &to_pretty(tree.expr()));
    Ok(Answer::json(data, Vec::new()))
}

pub(super) async fn parse_tree(call: Call) -> Result {
    let tree = tree(&call)?;
    let mut data = Vec::new();
    value(&mut data, &to_json(tree.expr()));
    Ok(Answer::json(data, Vec::new()))
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

//! Numbers, strings and times as Go prints and parses them, where results,
//! labels and messages show them.

mod float;
mod parse;
mod text;

pub use float::{
    append_integer, append_json, format_f, format_fixed6, format_g, format_g2, format_openmetrics,
};
pub use parse::{FloatError, parse_float, try_parse_float};
pub use text::{quote, quote_bytes, rfc3339_seconds};

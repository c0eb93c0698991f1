//! The functions of templates by name: those of Go, and those that Prometheus
//! adds.

use super::builtins;
use super::call::{Function, Param};
use super::prometheus as own;

use Param::{Any, Sample, Samples, Text};

/// Whether a function of this name exists.
pub(super) fn exists(name: &str) -> bool {
    matches!(name, "and" | "or" | "call") || find(name).is_some()
}

/// A function. `and` and `or` are part of the language, since they look at no
/// more arguments than they need.
pub(super) fn find(name: &str) -> Option<Function> {
    let function = |fixed, run| Function {
        fixed,
        more: None,
        run,
    };
    let many = |fixed, run| Function {
        fixed,
        more: Some(Any),
        run,
    };
    Some(match name {
        "not" => function(&[Any], builtins::not),
        "eq" => many(&[Any], builtins::eq),
        "ne" => function(&[Any, Any], builtins::ne),
        "lt" => function(&[Any, Any], builtins::lt),
        "le" => function(&[Any, Any], builtins::le),
        "gt" => function(&[Any, Any], builtins::gt),
        "ge" => function(&[Any, Any], builtins::ge),
        "len" => function(&[Any], builtins::len),
        "index" => many(&[Any], builtins::index),
        "slice" => many(&[Any], builtins::slice),
        "print" => many(&[], builtins::print),
        "printf" => many(&[Text], builtins::printf),
        "println" => many(&[], builtins::println),
        "html" => many(&[], builtins::html),
        "js" => many(&[], builtins::js),
        "urlquery" => many(&[], builtins::urlquery),
        "query" => function(&[Text], own::query),
        "first" => function(&[Samples], own::first),
        "label" => function(&[Text, Sample], own::label),
        "value" => function(&[Sample], own::value),
        "strvalue" => function(&[Sample], own::strvalue),
        "sortByLabel" => function(&[Text, Samples], own::sort_by_label),
        "args" => many(&[], own::args),
        "reReplaceAll" => function(&[Text, Text, Text], own::re_replace_all),
        "match" => function(&[Text, Text], own::matches),
        "safeHtml" => function(&[Text], own::safe_html),
        "title" => function(&[Text], own::title),
        "toUpper" => function(&[Text], own::to_upper),
        "toLower" => function(&[Text], own::to_lower),
        "graphLink" => function(&[Text], own::graph_link),
        "tableLink" => function(&[Text], own::table_link),
        "stripPort" => function(&[Text], own::strip_port),
        "stripDomain" => function(&[Text], own::strip_domain),
        "urlQueryEscape" => function(&[Text], own::url_query_escape),
        "humanize" => function(&[Any], own::humanize),
        "humanize1024" => function(&[Any], own::humanize1024),
        "humanizeDuration" => function(&[Any], own::humanize_duration),
        "humanizePercentage" => function(&[Any], own::humanize_percentage),
        "humanizeTimestamp" => function(&[Any], own::humanize_timestamp),
        "toTime" => function(&[Any], own::to_time),
        "toDuration" => function(&[Any], own::to_duration),
        "parseDuration" => function(&[Text], own::parse_duration),
        "now" => function(&[], own::now),
        "pathPrefix" => function(&[], own::path_prefix),
        "externalURL" => function(&[], own::external_url),
        _ => return None,
    })
}

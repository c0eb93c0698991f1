//! `features`: what the server can do, by Prometheus's names.

use quarrel_functions::table::{aggregators, all};

use super::answer::Answer;
use super::call::{Call, Result};
use crate::json;

/// Keywords of the language that are always there.
static KEYWORDS: [&str; 12] = [
    "anchored",
    "bool",
    "by",
    "duration_expr",
    "group_left",
    "group_right",
    "ignoring",
    "offset",
    "on",
    "smoothed",
    "subqueries",
    "without",
];

static OPERATORS: [&str; 20] = [
    "!=", "!~", "%", "*", "+", "-", "/", "<", "</", "<=", "==", "=~", ">", ">/", ">=", "@", "^",
    "and", "atan2", "or",
];

/// What a server has that scrapes, evaluates rules and takes samples, and this one
/// has not. Lists of what there is none of are empty.
static MISSING: [(&str, &[&str]); 6] = [
    (
        "otlp_receiver",
        &["delta_conversion", "native_delta_ingestion"],
    ),
    (
        "rules",
        &["concurrent_rule_eval", "keep_firing_for", "query_offset"],
    ),
    (
        "scrape",
        &[
            "extra_scrape_metrics",
            "openmetrics2",
            "start_timestamp_zero_ingestion",
            "type_and_unit_labels",
        ],
    ),
    ("service_discovery_providers", &[]),
    ("templating_functions", &[]),
    ("ui", &["ui_v2", "ui_v3"]),
];

type Category = (&'static str, Vec<(&'static str, bool)>);

pub(super) async fn list(call: Call) -> Result {
    let mut categories = vec![api(&call), prometheus()];
    categories.extend(promql(&call));
    categories.push(tsdb());
    for (category, names) in MISSING {
        categories.push((category, names.iter().map(|name| (*name, false)).collect()));
    }
    categories.sort_by_key(|category| category.0);
    let mut data = Vec::new();
    object(&mut data, &mut categories, |data, features| {
        features.sort_by_key(|feature| feature.0);
        object(data, features, |data, &mut is_there| {
            data.extend_from_slice(if is_there { b"true" } else { b"false" });
        });
    });
    Ok(Answer::json(data, Vec::new()))
}

fn object<T>(
    data: &mut Vec<u8>,
    fields: &mut [(&'static str, T)],
    value: impl Fn(&mut Vec<u8>, &mut T),
) {
    data.push(b'{');
    for (i, (name, field)) in fields.iter_mut().enumerate() {
        data.extend_from_slice(if i > 0 { b"," } else { b"" });
        json::string_html(data, name);
        data.push(b':');
        value(data, field);
    }
    data.push(b'}');
}

fn api(call: &Call) -> Category {
    let options = &call.api.options;
    let features = vec![
        ("admin", false),
        ("exclude_alerts", true),
        ("label_values_match", true),
        ("lifecycle", false),
        ("openapi_3.1", false),
        ("openapi_3.2", false),
        ("otlp_write_receiver", false),
        ("query_cost", options.query_cost),
        ("query_stats", true),
        ("query_warnings", true),
        ("remote_write_receiver", false),
        ("search", options.search),
        ("search_fuzz_alg_jarowinkler", true),
        ("search_fuzz_alg_subsequence", true),
        ("time_range_labels", true),
        ("time_range_series", true),
    ];
    ("api", features)
}

fn prometheus() -> Category {
    let features = vec![
        ("agent_mode", false),
        ("auto_reload_config", false),
        ("server_mode", true),
    ];
    ("prometheus", features)
}

/// What the data directory is read for.
fn tsdb() -> Category {
    let features = vec![
        ("delayed_compaction", false),
        ("exemplar_storage", true),
        ("histograms_st_encoding", true),
        ("isolation", true),
        ("native_histograms", true),
        ("st_storage", true),
        ("use_uncached_io", false),
        ("xor2_encoding", true),
    ];
    ("tsdb", features)
}

fn promql(call: &Call) -> [Category; 3] {
    let options = call.api.engine.options();
    let parser = &options.parser;
    let experimental = parser.enable_experimental_functions;
    let mut language = vec![
        ("at_modifier", options.enable_at_modifier),
        ("delayed_name_removal", options.enable_delayed_name_removal),
        ("fill", parser.enable_binop_fill_modifiers),
        ("fill_left", parser.enable_binop_fill_modifiers),
        ("fill_right", parser.enable_binop_fill_modifiers),
        ("negative_offset", options.enable_negative_offset),
        ("per_query_lookback_delta", true),
        ("per_step_stats", options.enable_per_step_stats),
        ("type_and_unit_labels", options.enable_type_and_unit_labels),
        ("unquoted_utf8_names", parser.enable_unquoted_utf8_names),
    ];
    language.extend(KEYWORDS.map(|name| (name, true)));
    let functions = all().iter();
    let functions = functions.map(|f| (f.name, !f.experimental || experimental));
    let aggregators = aggregators().iter();
    let aggregators = aggregators.map(|a| (a.name, !a.experimental || experimental));
    let operators = OPERATORS
        .iter()
        .chain(&["unless"])
        .map(|name| (*name, true));
    [
        ("promql", language),
        ("promql_functions", functions.collect()),
        ("promql_operators", operators.chain(aggregators).collect()),
    ]
}

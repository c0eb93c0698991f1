//! `search/*`: names and values that match terms, with the feature `search-api`. An
//! answer is a line of JSON for each batch of results and one for the end.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::http::header;
use axum::response::Response;
use quarrel_engine::storage::TimeRange;
use quarrel_functions::fmt::quote;
use quarrel_storage::tsdb::head::Metadata;

use super::answer::Answer;
use super::call::{Call, Result};
use super::content_type::LINES;
use super::error::{ApiError, ErrorType};
use super::labels::{failed, lookup_in};
use super::logged;
use super::query::time_of;
use super::request::Request;
use super::search_terms::{Measure, Terms};
use crate::json;
use crate::params::{parse_bool, parse_int};
use crate::time::Moment;

/// The most terms of a search.
const MAX_TERMS: usize = 32;
/// The most results, Prometheus's default of `--web.search.max-limit`.
const MAX_LIMIT: i64 = 10_000;
/// Results, and results of a batch, if the request does not say.
const DEFAULT: i64 = 100;
/// The most results of a batch.
const MAX_BATCH: i64 = 1000;
/// How far back a search looks if the request does not say, seconds.
const HOUR: i64 = 3600;

/// What a request asks for.
struct Search {
    range: TimeRange,
    terms: Terms,
    order: Order,
    include_score: bool,
    limit: usize,
    batch: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Order {
    Ascending,
    Descending,
    /// The best first, equal ones by name.
    Score,
}

pub(super) async fn metric_names(mut call: Call) -> Result {
    let search = search(&mut call, "metric_names").await?;
    let with_metadata = flag(&call.request, "include_metadata", false)?;
    let metadata = match with_metadata {
        true => {
            let tenant = call.tenant_label()?;
            Some(logged::metadata(&call.api, String::new(), tenant.as_ref()).await?)
        }
        false => None,
    };
    let found = values(&call, &search, "__name__".to_string()).await?;
    Ok(lines(&search, found, "name", |out, name| {
        let found = metadata.as_ref().and_then(|all| of_metric(all, name));
        let Some(metadata) = found else {
            return;
        };
        for (key, text) in [
            ("type", metadata.kind),
            ("help", &metadata.help),
            ("unit", &metadata.unit),
        ] {
            if !text.is_empty() {
                member(out, key, text);
            }
        }
    }))
}

pub(super) async fn label_names(mut call: Call) -> Result {
    let search = search(&mut call, "label_names").await?;
    let found = lookup_in(&call, search.range)?.label_names().await;
    let found = found.map_err(failed)?;
    let found = (found.found, found.warnings);
    Ok(lines(&search, found, "name", |_, _| {}))
}

pub(super) async fn label_values(mut call: Call) -> Result {
    let search = search(&mut call, "label_values").await?;
    let name = call.request.value("label").to_string();
    if name.is_empty() {
        let why = "missing required parameter \"label\"";
        return Err(ApiError::bad_data(why));
    }
    let found = values(&call, &search, name).await?;
    Ok(lines(&search, found, "value", |_, _| {}))
}

/// Sorted texts, and warnings.
type Found = (Vec<String>, Vec<String>);

async fn values(
    call: &Call,
    search: &Search,
    name: String,
) -> std::result::Result<Found, ApiError> {
    let found = lookup_in(call, search.range)?.label_values(name).await;
    let found = found.map_err(failed)?;
    Ok((found.found, found.warnings))
}

/// What is known of the metric that a series is of.
fn of_metric<'a>(all: &'a BTreeMap<String, Vec<Metadata>>, name: &str) -> Option<&'a Metadata> {
    if let Some(exact) = all.get(name) {
        return exact.first();
    }
    let family = &name[..name.rfind('_')?];
    let is_of = |metadata: &&Metadata| metadata.family(name) == family;
    all.get(family)?.iter().find(is_of)
}

/// Reads what all searches have in common.
async fn search(call: &mut Call, endpoint: &str) -> std::result::Result<Search, ApiError> {
    if !call.api.options.search {
        let why = "search API disabled";
        return Err(ApiError::new(ErrorType::Disabled, why));
    }
    call.request.parse_form()?;
    let request = &call.request;
    let now = Moment::now();
    let hour_ago = Moment {
        seconds: now.seconds - HOUR,
        ..now
    };
    let time = |name, default| time_of(request, name, default).map_err(ApiError::bad_data);
    let (start, end) = (time("start", hour_ago)?, time("end", now)?);
    if end < start {
        let why = "end timestamp must not be before start timestamp";
        return Err(ApiError::bad_data(why));
    }
    let range = TimeRange {
        start: start.storage_ms(),
        end: end.storage_ms(),
    };
    lookup_in(call, range)?.parse().await.map_err(failed)?;
    let terms = terms(request)?;
    let include_score = flag(request, "include_score", false)?;
    check_order(request)?;
    let (limit, batch) = sizes(request)?;
    let order = match (request.value("sort_by"), request.value("sort_dir")) {
        ("score", _) => Order::Score,
        ("alpha", "dsc") => Order::Descending,
        ("" | "alpha", _) => Order::Ascending,
        (other, _) => {
            let shown = request.shown("sort_by", quote(other));
            return Err(ApiError::bad_data(format!(
                "invalid sort_by {shown} for {endpoint}: must be \"alpha\" or \"score\""
            )));
        }
    };
    Ok(Search {
        range,
        terms,
        order,
        include_score,
        limit,
        batch,
    })
}

fn terms(request: &Request) -> std::result::Result<Terms, ApiError> {
    let terms = || request.values("search[]");
    let count = terms().count();
    if count > MAX_TERMS {
        return Err(ApiError::bad_data(format!(
            "too many search[] terms: got {count}, maximum is {MAX_TERMS}"
        )));
    }
    let threshold = match request.value("fuzz_threshold") {
        "" => 0,
        text => match parse_int(text) {
            Ok(threshold @ 0..=100) => threshold,
            _ => return Err(invalid(request, "fuzz_threshold", "must be 0-100")),
        },
    };
    let measure = match request.value("fuzz_alg") {
        "" | "subsequence" => Measure::Subsequence,
        "jarowinkler" => Measure::JaroWinkler,
        other => {
            let shown = request.shown("fuzz_alg", quote(other));
            return Err(ApiError::bad_data(format!(
                "unsupported fuzz_alg {shown}: must be one of [subsequence jarowinkler]"
            )));
        }
    };
    let case_sensitive = flag(request, "case_sensitive", true)?;
    let threshold = threshold as f64 / 100.0;
    Ok(Terms::new(terms(), measure, threshold, case_sensitive))
}

fn check_order(request: &Request) -> std::result::Result<(), ApiError> {
    let (by, direction) = (request.value("sort_by"), request.value("sort_dir"));
    let why = match (by, direction) {
        ("", direction) if !direction.is_empty() => "sort_dir is only valid when sort_by is set",
        ("score", direction) if !direction.is_empty() => {
            "sort_dir is not supported for sort_by=score"
        }
        (_, "" | "asc" | "dsc") => match request.values("search[]").next() {
            None if by == "score" => "sort_by=score requires search[] to be set",
            _ => return Ok(()),
        },
        _ => return Err(invalid(request, "sort_dir", "must be \"asc\" or \"dsc\"")),
    };
    Err(ApiError::bad_data(why))
}

/// How many results there may be, in all and in a batch.
fn sizes(request: &Request) -> std::result::Result<(usize, usize), ApiError> {
    let size = |name: &str| match request.value(name) {
        "" => Ok(DEFAULT),
        text => match parse_int(text) {
            Ok(size @ 1..) => Ok(size),
            _ => Err(invalid(request, name, "must be a positive integer")),
        },
    };
    let limit = size("limit")?;
    if limit > MAX_LIMIT {
        return Err(ApiError::bad_data(format!(
            "limit {limit} exceeds the configured maximum ({MAX_LIMIT}, see --web.search.max-limit)"
        )));
    }
    let batch = size("batch_size")?.min(limit).min(MAX_BATCH);
    Ok((limit as usize, batch as usize))
}

fn flag(request: &Request, name: &str, default: bool) -> std::result::Result<bool, ApiError> {
    match request.value(name) {
        "" => Ok(default),
        text => parse_bool(text).map_err(|_| invalid(request, name, "must be boolean")),
    }
}

fn invalid(request: &Request, name: &str, why: &str) -> ApiError {
    let shown = request.shown(name, quote(request.value(name)));
    ApiError::bad_data(format!("invalid {name} {shown}: {why}"))
}

/// The lines of an answer. `more` writes further members of a result.
fn lines(
    search: &Search,
    (names, mut warnings): Found,
    key: &str,
    more: impl Fn(&mut Vec<u8>, &str),
) -> Answer {
    let scored = names
        .into_iter()
        .filter_map(|name| Some((search.terms.score(&name)?, name)));
    let mut found: Vec<(f64, String)> = match search.order {
        Order::Ascending => scored.take(search.limit + 1).collect(),
        _ => scored.collect(),
    };
    match search.order {
        Order::Ascending => {}
        Order::Descending => found.reverse(),
        Order::Score => found.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1))),
    }
    let has_more = found.len() > search.limit;
    found.truncate(search.limit);
    let mut out = Vec::new();
    warnings.sort();
    let mut batches = found.chunks(search.batch);
    // There is a first batch even without results, for the warnings.
    let first = batches.next().unwrap_or_default();
    for (i, batch) in std::iter::once(first).chain(batches).enumerate() {
        out.extend_from_slice(b"{\"results\":[");
        for (i, (score, name)) in batch.iter().enumerate() {
            out.extend_from_slice(if i > 0 { b",{" } else { b"{" });
            json::string(&mut out, key);
            out.push(b':');
            json::string_html(&mut out, name);
            if search.include_score {
                out.extend_from_slice(b",\"score\":");
                json::number(&mut out, *score);
            }
            more(&mut out, name);
            out.push(b'}');
        }
        out.push(b']');
        if i == 0 && !warnings.is_empty() {
            out.extend_from_slice(b",\"warnings\":[");
            json::strings(&mut out, &warnings);
            out.push(b']');
        }
        out.extend_from_slice(b"}\n");
    }
    out.extend_from_slice(b"{\"status\":\"success\",\"has_more\":");
    out.extend_from_slice(if has_more { b"true" } else { b"false" });
    out.extend_from_slice(b"}\n");
    let mut response = Response::new(Body::from(out));
    response.headers_mut().insert(header::CONTENT_TYPE, LINES);
    Answer::Other(response)
}

/// A further member of an object.
fn member(out: &mut Vec<u8>, key: &str, text: &str) {
    out.push(b',');
    json::string(out, key);
    out.push(b':');
    json::string_html(out, text);
}

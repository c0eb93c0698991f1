//! Endpoints beside queries. Metadata and exemplars are those of the write-ahead
//! log, and of the Thanos API servers behind this one. Rules, alerts and targets are
//! those of these servers alone: a query engine has none, so that without them the
//! answers are well formed and empty.

use quarrel_engine::storage::TimeRange;
use quarrel_proto::rules::RulesType;

use super::answer::Answer;
use super::call::{Call, Result};
use super::error::ApiError;
use super::fanned;
use super::labels::{failed, lookup};
use super::logged;
use super::query::optional_time;
use crate::fanout::Answers;
use crate::json;
use crate::params::{parse_bool, parse_int, parse_int32};
use crate::time::{MAX_TIME, MIN_TIME};

fn fixed(json: &str) -> Result {
    Ok(Answer::json(json.as_bytes().to_vec(), Vec::new()))
}

pub(super) async fn exemplars(call: Call) -> Result {
    let start = optional_time(&call.request, "start", MIN_TIME)?;
    let end = optional_time(&call.request, "end", MAX_TIME)?;
    if end < start {
        return Err(ApiError::bad_data(
            "end timestamp must not be before start timestamp",
        ));
    }
    let range = TimeRange {
        start: start.storage_ms(),
        end: end.storage_ms(),
    };
    let query = call.request.value("query");
    let Some(found) =
        logged::exemplars(&call.api, query, range, call.tenant_label()?.as_ref()).await?
    else {
        return Ok(Answer::NoContent);
    };
    let Answers { found, warnings } = fanned::exemplars(&call, range, found).await?;
    let mut data = vec![b'['];
    for (i, series) in found.iter().enumerate() {
        data.extend_from_slice(if i > 0 { b"," } else { b"" });
        data.extend_from_slice(b"{\"seriesLabels\":");
        text_labels(&mut data, &series.labels);
        data.extend_from_slice(b",\"exemplars\":[");
        for (i, exemplar) in series.exemplars.iter().enumerate() {
            data.extend_from_slice(if i > 0 { b"," } else { b"" });
            data.extend_from_slice(b"{\"labels\":");
            text_labels(&mut data, &exemplar.labels);
            data.extend_from_slice(b",\"value\":");
            json::float(&mut data, exemplar.value);
            data.extend_from_slice(b",\"timestamp\":");
            json::timestamp(&mut data, exemplar.timestamp);
            data.push(b'}');
        }
        data.extend_from_slice(b"]}");
    }
    data.push(b']');
    Ok(Answer::json(data, warnings))
}

fn text_labels(data: &mut Vec<u8>, labels: &[(String, String)]) {
    data.push(b'{');
    for (i, (name, value)) in labels.iter().enumerate() {
        data.extend_from_slice(if i > 0 { b"," } else { b"" });
        json::string(data, name);
        data.push(b':');
        json::string(data, value);
    }
    data.push(b'}');
}

/// What is known of metrics. A negative limit is none.
pub(super) async fn metadata(call: Call) -> Result {
    let limit = |name: &str| match call.request.value(name) {
        "" => Ok(-1),
        text => parse_int(text).map_err(|_| ApiError::bad_data(format!("{name} must be a number"))),
    };
    let (limit, of_metric) = (limit("limit")?, limit("limit_per_metric")?);
    let metric = call.request.value("metric").to_string();
    let Answers { found, warnings } = fanned::metadata(&call, metric, limit).await?;
    let most = |limit: i64| usize::try_from(limit).unwrap_or(usize::MAX);
    let mut data = vec![b'{'];
    for (i, (name, all)) in found.iter().take(most(limit)).enumerate() {
        data.extend_from_slice(if i > 0 { b"," } else { b"" });
        json::string_html(&mut data, name);
        data.extend_from_slice(b":[");
        let shown = if of_metric > 0 {
            most(of_metric)
        } else {
            usize::MAX
        };
        for (i, metadata) in all.iter().take(shown).enumerate() {
            data.extend_from_slice(if i > 0 { b"," } else { b"" });
            data.extend_from_slice(b"{\"type\":");
            json::string_html(&mut data, &metadata.kind);
            data.extend_from_slice(b",\"unit\":");
            json::string_html(&mut data, &metadata.unit);
            data.extend_from_slice(b",\"help\":");
            json::string_html(&mut data, &metadata.help);
            data.push(b'}');
        }
        data.push(b']');
    }
    data.push(b'}');
    Ok(Answer::json(data, warnings))
}

pub(super) async fn rules(mut call: Call) -> Result {
    call.request.parse_form()?;
    let request = &call.request;
    lookup(&call)?.parse().await.map_err(failed)?;
    let kind = request.query_value("type").to_lowercase();
    if !matches!(kind.as_str(), "" | "alert" | "record") {
        let shown = quarrel_functions::fmt::quote(&kind);
        return Err(ApiError::parameter(
            "type",
            format_args!("not supported value {shown}"),
        ));
    }
    let exclude = request.query_value("exclude_alerts").to_lowercase();
    if !exclude.is_empty() {
        parse_bool(&exclude).map_err(|why| {
            let why = format!("error converting exclude_alerts: {why}");
            ApiError::parameter("exclude_alerts", why)
        })?;
    }
    let (limit, token) = (
        request.query_value("group_limit"),
        request.query_value("group_next_token"),
    );
    if limit.is_empty() && !token.is_empty() {
        let why = "group_limit needs to be present in order to paginate over the groups";
        return Err(ApiError::parameter("group_next_token", why));
    }
    if !limit.is_empty() {
        let groups = parse_int32(limit).map_err(|why| {
            let why = format!("group_limit needs to be a valid number: {why}");
            ApiError::parameter("group_limit", why)
        })?;
        if groups <= 0 {
            let why = "group_limit needs to be greater than 0";
            return Err(ApiError::parameter("group_limit", why));
        }
        if !token.is_empty() {
            let why = format!("invalid group_next_token '{token}'. were rule groups changed?");
            return Err(ApiError::parameter("group_next_token", why));
        }
    }
    let kind = match kind.as_str() {
        "alert" => RulesType::Alert,
        "record" => RulesType::Record,
        _ => RulesType::All,
    };
    match call.source.endpoints() {
        Some(endpoints) => fanned::rules(&call, &endpoints, kind).await,
        None => fixed(r#"{"groups":[]}"#),
    }
}

pub(super) async fn alerts(call: Call) -> Result {
    match call.source.endpoints() {
        Some(endpoints) => fanned::alerts(&call, &endpoints).await,
        None => fixed(r#"{"alerts":[]}"#),
    }
}

pub(super) async fn targets(call: Call) -> Result {
    let state = call.request.query_value("state").to_lowercase();
    if let Some(endpoints) = call.source.endpoints() {
        return fanned::targets(&call, &endpoints, &state).await;
    }
    // Prometheus omits the counts (as null) if the request does not ask for
    // them.
    let counts = if matches!(state.as_str(), "" | "any" | "dropped") {
        "{}"
    } else {
        "null"
    };
    fixed(&format!(
        r#"{{"activeTargets":[],"droppedTargets":[],"droppedTargetCounts":{counts}}}"#
    ))
}

pub(super) async fn alertmanagers(_: Call) -> Result {
    fixed(r#"{"activeAlertmanagers":[],"droppedAlertmanagers":[]}"#)
}

pub(super) async fn scrape_pools(_: Call) -> Result {
    fixed(r#"{"scrapePools":[]}"#)
}

pub(super) async fn target_metadata(call: Call) -> Result {
    let limit = call.request.value("limit");
    if !limit.is_empty() && parse_int(limit).is_err() {
        return Err(ApiError::bad_data("limit must be a number"));
    }
    let target = call.request.value("match_target");
    if !target.is_empty() {
        let options = &call.api.engine.options().parser;
        let parsed = quarrel_planner::parse_metric_selector(target, options);
        parsed.map_err(|error| ApiError::parameter("match_target", error))?;
    }
    fixed("[]")
}

pub(super) async fn notifications(_: Call) -> Result {
    fixed("[]")
}

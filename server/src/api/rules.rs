//! Endpoints of a Prometheus server that a query engine has no data for: rules,
//! alerts, targets, metadata and exemplars. The answers are well formed and
//! empty.

use quarrel_planner::ast::Expr;

use super::answer::Answer;
use super::call::{Call, Result};
use super::error::ApiError;
use super::labels::{failed, lookup};
use super::query::optional_time;
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
    let options = &call.api.engine.options().parser;
    let tree = quarrel_planner::parse(call.request.value("query"), options);
    let tree = tree.map_err(|error| ApiError::bad_data(error.to_string()))?;
    if has_selector(tree.expr()) {
        fixed("[]")
    } else {
        Ok(Answer::NoContent)
    }
}

fn has_selector(expr: &Expr) -> bool {
    quarrel_planner::with_stack(|| match expr {
        Expr::VectorSelector(_) | Expr::MatrixSelector(_) => true,
        Expr::Number(_) | Expr::String(_) => false,
        Expr::Subquery(subquery) => has_selector(&subquery.expr),
        Expr::Call(call) => call.args.iter().any(has_selector),
        Expr::Aggregate(a) => has_selector(&a.expr) || a.param.as_ref().is_some_and(has_selector),
        Expr::Binary(binary) => has_selector(&binary.lhs) || has_selector(&binary.rhs),
        Expr::Unary(unary) => has_selector(&unary.expr),
        Expr::Paren(paren) => has_selector(&paren.expr),
    })
}

pub(super) async fn metadata(call: Call) -> Result {
    for name in ["limit", "limit_per_metric"] {
        let text = call.request.value(name);
        if !text.is_empty() && parse_int(text).is_err() {
            return Err(ApiError::bad_data(format!("{name} must be a number")));
        }
    }
    fixed("{}")
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
    fixed(r#"{"groups":[]}"#)
}

pub(super) async fn alerts(_: Call) -> Result {
    fixed(r#"{"alerts":[]}"#)
}

pub(super) async fn targets(call: Call) -> Result {
    let state = call.request.query_value("state").to_lowercase();
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

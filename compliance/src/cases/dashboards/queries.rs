//! Dashboards as cases.

use std::path::Path;

use quarrel_engine::QueryTimes;
use serde_json::Value;

use super::super::case::{Case, Origin};
use super::super::data::Data;
use super::super::error::CaseError;
use super::super::files;
use super::adhoc::filtered;
use super::interpolate::{Scope, interpolate};
use super::intervals::Intervals;
use super::model::{Dashboard, Query};
use super::options::{Dashboards, LeftOut, Options, Reason};
use super::resolve::resolve;
use super::{classic, schema2, source};

/// Reads files of dashboards.
///
/// # Errors
/// If a file cannot be read, or is no dashboard's JSON. What is wrong with a
/// single query or variable leaves that out.
pub async fn dashboards<P: AsRef<Path>>(
    paths: &[P],
    data: &impl Data,
    options: &Options,
) -> Result<Dashboards, CaseError> {
    let mut all = Dashboards::default();
    for path in paths {
        let path = path.as_ref();
        let text = files::read(path)?;
        let found = dashboards_from(&path.display().to_string(), &text, data, options).await?;
        all.cases.extend(found.cases);
        all.left_out.extend(found.left_out);
    }
    Ok(all)
}

/// Reads a text, whose name is for [`Origin`]s: a dashboard, or a list of them.
///
/// # Errors
/// As [`dashboards`].
pub async fn dashboards_from(
    source: &str,
    text: &str,
    data: &impl Data,
    options: &Options,
) -> Result<Dashboards, CaseError> {
    let mut found = Dashboards::default();
    for dashboard in read(source, text)? {
        let scope = resolve(&dashboard, data, options).await;
        for query in &dashboard.queries {
            let origin = Origin::new(source, &query.place);
            match expand(query, &dashboard, &scope, options) {
                Ok(cases) => found
                    .cases
                    .extend(cases.into_iter().map(|(expr, times)| Case {
                        times,
                        ..Case::new(expr, origin.clone())
                    })),
                Err(reason) => found.left_out.push(LeftOut { origin, reason }),
            }
        }
    }
    Ok(found)
}

/// The dashboards of a text: as they are exported, below `dashboard` as the API
/// gives them, or below `spec` as resources.
fn read(source: &str, text: &str) -> Result<Vec<Dashboard>, CaseError> {
    let parsed: Result<Value, _> = serde_json::from_str(text);
    let value = parsed.map_err(|error| {
        let place = match error.line() {
            0 => String::new(),
            line => format!("line {line}"),
        };
        CaseError::format(Origin::new(source, place), error)
    })?;
    let values = match value {
        Value::Array(values) => values,
        value => vec![value],
    };
    let mut dashboards = Vec::new();
    for value in &values {
        let inner = ["dashboard", "spec"].into_iter().map(|key| &value[key]);
        let inner = inner.into_iter().find(|inner| inner.is_object());
        let value = inner.unwrap_or(value);
        dashboards.push(if schema2::is(value) {
            schema2::read(value)
        } else if value["panels"].is_array() || value["rows"].is_array() {
            classic::read(value)
        } else {
            let problem = "is no dashboard: has neither panels, rows nor elements";
            return Err(CaseError::format(Origin::new(source, ""), problem));
        });
    }
    Ok(dashboards)
}

/// A query with its values, at the times that its panel asks for.
type Expanded = (String, Option<QueryTimes>);

fn expand(
    query: &Query,
    dashboard: &Dashboard,
    scope: &Scope,
    options: &Options,
) -> Result<Vec<Expanded>, Reason> {
    if let Some(kind) = source::other(&query.source, dashboard) {
        return Err(Reason::OtherSource(kind));
    }
    let Some(expr) = &query.expr else {
        let kind = query.source.kind.clone();
        return Err(Reason::OtherSource(
            kind.unwrap_or_else(|| "unknown".into()),
        ));
    };
    if expr.trim().is_empty() {
        return Ok(Vec::new());
    }
    let mut scope = scope.clone();
    if let Some(Ok(bound)) = query.repeat.as_ref().and_then(|name| scope.get_mut(name)) {
        bound.values.truncate(1);
    }
    let intervals = Intervals::of(query, options, &scope)?;
    intervals.bind(&mut scope);
    let expr = filtered(interpolate(expr, &scope)?, dashboard);
    let range = query
        .range
        .then(|| (expr.clone(), intervals.times(options)));
    let instant = query.instant.then(|| (expr, Some(options.end.into())));
    Ok(range.into_iter().chain(instant).collect())
}

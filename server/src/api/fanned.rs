//! What the Thanos API servers behind this one have beside series, as parameters of
//! requests ask for it.

use std::collections::BTreeMap;
use std::time::Duration;

use quarrel_engine::storage::TimeRange;
use quarrel_functions::fmt::quote;
use quarrel_matchers::Matcher;
use quarrel_proto::rules::RulesType;
use quarrel_proto::targets::TargetsState;
use quarrel_storage::store_api::Endpoints;
use quarrel_storage::tsdb::head::SeriesExemplars;
use serde::Serialize;

use super::answer::Answer;
use super::call::{Call, Result};
use super::error::{ApiError, ErrorType};
use super::logged;
use super::query::timeout;
use super::read_options::selector;
use crate::fanout::{
    self, AlertInstance, Answers, FanoutError, Meta, RuleFilter, RuleGroup, Settings,
};
use crate::metrics::QueryKind;

type Found<T> = std::result::Result<Answers<T>, ApiError>;
/// Selectors, as they were sent and as matchers.
type Selectors = Vec<(String, Vec<Matcher>)>;

/// How long an endpoint may take where a request does not say.
const TIMEOUT: Duration = Duration::from_secs(5);

fn settings(call: &Call) -> std::result::Result<Settings, ApiError> {
    let options = call.read_options(QueryKind::Instant)?;
    let tenant = options.tenant.unwrap_or_default();
    Ok(Settings {
        partial_response: options.partial_response,
        timeout: timeout(&call.request)?.unwrap_or(TIMEOUT),
        replica_labels: match options.dedup {
            true => options.replica_labels,
            false => Vec::new(),
        },
        own: call.source.tenant_label(&tenant),
        tenant,
        observer: options.observer,
    })
}

/// An endpoint's failure, as an error of the kind that Thanos gives.
fn failed(error: FanoutError) -> ApiError {
    ApiError::new(ErrorType::Internal, error.to_string())
}

/// The selectors of `match[]`, as they are and parsed.
fn selectors(call: &Call) -> std::result::Result<Selectors, ApiError> {
    let texts = call.request.values("match[]");
    let parsed = texts.map(|text| Ok((text.to_string(), selector(text)?)));
    parsed.collect()
}

#[derive(Serialize)]
struct Groups {
    groups: Vec<RuleGroup>,
}

/// Rules of a kind, with the parameters `match[]`, `rule_name[]`, `rule_group[]` and
/// `file[]`.
pub(super) async fn rules(call: &Call, endpoints: &Endpoints, kind: RulesType) -> Result {
    let list = |name| call.request.values(name).map(str::to_string).collect();
    let filter = RuleFilter {
        kind,
        names: list("rule_name[]"),
        groups: list("rule_group[]"),
        files: list("file[]"),
        selectors: selectors(call)?,
    };
    let found = fanout::rules(endpoints, &settings(call)?, &filter).await;
    let Answers { found, warnings } = found.map_err(failed)?;
    Answer::of(&Groups { groups: found }, warnings)
}

#[derive(Serialize)]
struct Alerts {
    alerts: Vec<AlertInstance>,
}

/// The alerts of all rules.
pub(super) async fn alerts(call: &Call, endpoints: &Endpoints) -> Result {
    let filter = RuleFilter {
        kind: RulesType::Alert,
        names: Vec::new(),
        groups: Vec::new(),
        files: Vec::new(),
        selectors: Vec::new(),
    };
    let found = fanout::rules(endpoints, &settings(call)?, &filter).await;
    let Answers { found, warnings } = found.map_err(failed)?;
    let alerts = found.into_iter().flat_map(RuleGroup::into_alerts).collect();
    Answer::of(&Alerts { alerts }, warnings)
}

/// Targets of a state, in small letters.
pub(super) async fn targets(call: &Call, endpoints: &Endpoints, state: &str) -> Result {
    let state = match state {
        "" | "any" => TargetsState::Any,
        "active" => TargetsState::Active,
        "dropped" => TargetsState::Dropped,
        other => {
            let why = format_args!("not supported value {}", quote(other));
            return Err(ApiError::parameter("state", why));
        }
    };
    let found = fanout::targets(endpoints, &settings(call)?, state).await;
    let Answers { found, warnings } = found.map_err(failed)?;
    Answer::of(&found, warnings)
}

/// What the log and the endpoints say of a metric, or of all if the name is empty.
pub(super) async fn metadata(
    call: &Call,
    metric: String,
    limit: i64,
) -> Found<BTreeMap<String, Vec<Meta>>> {
    let endpoints = call.source.endpoints();
    let mut warnings = Vec::new();
    let mut found = BTreeMap::new();
    let tenant = call.tenant_label()?;
    for (name, metas) in logged::metadata(&call.api, metric.clone(), tenant.as_ref()).await? {
        let metas = metas.into_iter().map(|meta| Meta {
            kind: meta.kind.to_string(),
            help: meta.help,
            unit: meta.unit,
        });
        fanout::merge_metadata(&mut found, name, metas);
    }
    if let Some(endpoints) = endpoints {
        let remote = fanout::metadata(&endpoints, &settings(call)?, &metric, limit).await;
        let remote = remote.map_err(failed)?;
        warnings = remote.warnings;
        for (name, metas) in remote.found {
            fanout::merge_metadata(&mut found, name, metas);
        }
    }
    Ok(Answers { found, warnings })
}

/// Exemplars of the log, with those that the endpoints have for the same query.
pub(super) async fn exemplars(
    call: &Call,
    range: TimeRange,
    mut found: Vec<SeriesExemplars>,
) -> Found<Vec<SeriesExemplars>> {
    let mut warnings = Vec::new();
    if let Some(endpoints) = call.source.endpoints() {
        let settings = settings(call)?;
        let query = call.request.value("query");
        let selectors = logged::selected(&call.api, query, settings.own.as_ref())?;
        let remote = fanout::exemplars(&endpoints, &settings, &selectors, range).await;
        let remote = remote.map_err(failed)?;
        warnings = remote.warnings;
        found.extend(remote.found);
        found = fanout::merge_exemplars(found, &settings.replica_labels);
    }
    Ok(Answers { found, warnings })
}

//! Recording and alerting rules, and the alerts of these.

use std::cmp::{Ordering, Reverse};

use quarrel_matchers::Matcher;
use quarrel_proto::rules::{
    Alert, AlertInstance as AlertMessage, AlertState, RecordingRule as RecordingMessage,
    Rule as RuleMessage, RuleGroup as GroupMessage, RuleResult, RulesRequest, RulesResponse,
    RulesResult, RulesType,
};
use quarrel_proto::services::rules::rules_client::RulesClient;
use quarrel_proto::store::PartialResponseStrategy;
use quarrel_storage::store_api::Endpoints;
use serde::Serialize;

use super::ask::{Answers, Api, FanoutError, Frame, MAX_MESSAGE, Part, Settings, ask};
use super::json::{Time, number};
use super::labels::Labels;

const API: Api = Api {
    what: "rules",
    method: "thanos.Rules/Rules",
};

/// Which rules are asked for; empty lists are of no meaning.
#[derive(Clone, Debug)]
pub(crate) struct RuleFilter {
    /// Of which kind.
    pub(crate) kind: RulesType,
    /// Names of rules.
    pub(crate) names: Vec<String>,
    /// Names of groups.
    pub(crate) groups: Vec<String>,
    /// Files.
    pub(crate) files: Vec<String>,
    /// Selectors, as they were sent and as matchers. A rule's labels have to match all,
    /// as in Thanos.
    pub(crate) selectors: Vec<(String, Vec<Matcher>)>,
}

/// A group of rules.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RuleGroup {
    name: String,
    file: String,
    pub(super) rules: Vec<Rule>,
    /// Seconds.
    #[serde(serialize_with = "number")]
    interval: f64,
    /// Seconds.
    #[serde(serialize_with = "number")]
    evaluation_time: f64,
    last_evaluation: Time,
    limit: i64,
    partial_response_strategy: &'static str,
}

/// A rule.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(super) enum Rule {
    Alerting(AlertingRule),
    Recording(RecordingRule),
}

/// What a rule of either kind has.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Facts {
    name: String,
    query: String,
    labels: Labels,
    health: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    last_error: String,
    /// Seconds.
    #[serde(serialize_with = "number")]
    evaluation_time: f64,
    last_evaluation: Time,
}

/// An alerting rule.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AlertingRule {
    state: &'static str,
    #[serde(flatten)]
    facts: Facts,
    /// `for`, seconds.
    #[serde(serialize_with = "number")]
    duration: f64,
    /// `keep_firing_for`, seconds.
    #[serde(serialize_with = "number")]
    keep_firing_for: f64,
    annotations: Labels,
    alerts: Vec<AlertInstance>,
    /// A state is the higher, the more critical it is.
    #[serde(skip)]
    rank: i32,
}

/// A recording rule.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct RecordingRule {
    #[serde(flatten)]
    facts: Facts,
}

/// An alert.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AlertInstance {
    labels: Labels,
    annotations: Labels,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    active_at: Option<Time>,
    value: String,
    partial_response_strategy: &'static str,
}

impl Frame for RulesResponse {
    type Content = Option<GroupMessage>;

    fn part(self, settings: &Settings) -> Option<Part<Self::Content>> {
        Some(match self.result? {
            RulesResult::Group(mut group) => {
                let is_shown = |rule: &RuleMessage| match &rule.result {
                    Some(RuleResult::Alert(rule)) => settings.shows(rule.labels.as_ref()),
                    Some(RuleResult::Recording(rule)) => settings.shows(rule.labels.as_ref()),
                    None => true,
                };
                group.rules.retain(is_shown);
                let is_shown = settings.own.is_none() || !group.rules.is_empty();
                Part::Content(is_shown.then_some(group))
            }
            RulesResult::Warning(warning) => Part::Warning(warning),
        })
    }
}

pub(super) fn read(group: GroupMessage) -> Result<RuleGroup, String> {
    let rules = group.rules.into_iter().map(|rule| match rule.result {
        Some(RuleResult::Alert(alert)) => Ok(Rule::Alerting(read_alert(alert)?)),
        Some(RuleResult::Recording(rule)) => Ok(Rule::Recording(read_recording(rule)?)),
        None => Err(format!("a rule of group {:?} is of no kind", group.name)),
    });
    Ok(RuleGroup {
        rules: rules.collect::<Result<_, String>>()?,
        name: group.name,
        file: group.file,
        interval: group.interval,
        evaluation_time: group.evaluation_duration_seconds,
        last_evaluation: Time::read(group.last_evaluation),
        limit: group.limit,
        partial_response_strategy: strategy(group.partial_response_strategy),
    })
}

fn read_recording(rule: RecordingMessage) -> Result<RecordingRule, String> {
    let facts = Facts {
        name: rule.name,
        query: rule.query,
        labels: Labels::read(rule.labels)?,
        health: rule.health,
        last_error: rule.last_error,
        evaluation_time: rule.evaluation_duration_seconds,
        last_evaluation: Time::read(rule.last_evaluation),
    };
    Ok(RecordingRule { facts })
}

fn read_alert(rule: Alert) -> Result<AlertingRule, String> {
    let alerts = rule.alerts.into_iter().map(read_instance);
    Ok(AlertingRule {
        state: state(rule.state),
        rank: rule.state,
        duration: rule.duration_seconds,
        keep_firing_for: rule.keep_firing_for_seconds,
        annotations: Labels::read(rule.annotations)?,
        alerts: alerts.collect::<Result<_, String>>()?,
        facts: Facts {
            name: rule.name,
            query: rule.query,
            labels: Labels::read(rule.labels)?,
            health: rule.health,
            last_error: rule.last_error,
            evaluation_time: rule.evaluation_duration_seconds,
            last_evaluation: Time::read(rule.last_evaluation),
        },
    })
}

fn read_instance(alert: AlertMessage) -> Result<AlertInstance, String> {
    Ok(AlertInstance {
        labels: Labels::read(alert.labels)?,
        annotations: Labels::read(alert.annotations)?,
        state: state(alert.state),
        active_at: alert.active_at.map(|time| Time::read(Some(time))),
        value: alert.value,
        partial_response_strategy: strategy(alert.partial_response_strategy),
    })
}

fn state(number: i32) -> &'static str {
    match AlertState::try_from(number) {
        Ok(AlertState::Firing) => "firing",
        Ok(AlertState::Pending) => "pending",
        Ok(AlertState::Inactive) => "inactive",
        Ok(AlertState::Unknown) | Err(_) => "unknown",
    }
}

fn strategy(number: i32) -> &'static str {
    match PartialResponseStrategy::try_from(number) {
        Ok(PartialResponseStrategy::Abort) => "ABORT",
        Ok(PartialResponseStrategy::Warn) | Err(_) => "WARN",
    }
}

impl Rule {
    fn facts(&self) -> &Facts {
        match self {
            Rule::Alerting(rule) => &rule.facts,
            Rule::Recording(rule) => &rule.facts,
        }
    }

    fn facts_mut(&mut self) -> &mut Facts {
        match self {
            Rule::Alerting(rule) => &mut rule.facts,
            Rule::Recording(rule) => &mut rule.facts,
        }
    }

    /// Orders rules; equal ones are one. Alerting rules come first.
    fn compare(&self, other: &Rule) -> Ordering {
        let kind = |rule: &Rule| matches!(rule, Rule::Recording(_));
        let (a, b) = (self.facts(), other.facts());
        let order = (kind(self), &a.name, &a.labels, &a.query);
        let order = order.cmp(&(kind(other), &b.name, &b.labels, &b.query));
        order.then_with(|| match (self, other) {
            (Rule::Alerting(a), Rule::Alerting(b)) => a.duration.total_cmp(&b.duration),
            _ => Ordering::Equal,
        })
    }

    /// Orders equal rules: the more critical one first, and then the one that was
    /// evaluated last.
    fn rank(&self) -> Reverse<(i32, Time)> {
        let state = match self {
            Rule::Alerting(rule) => rule.rank,
            Rule::Recording(_) => 0,
        };
        Reverse((state, self.facts().last_evaluation))
    }
}

impl RuleGroup {
    /// The alerts of its rules.
    pub(crate) fn into_alerts(self) -> impl Iterator<Item = AlertInstance> {
        self.rules.into_iter().flat_map(|rule| match rule {
            Rule::Alerting(rule) => rule.alerts,
            Rule::Recording(_) => Vec::new(),
        })
    }
}

/// The groups of endpoints, by file and name. Rules that differ in replica labels alone
/// are one.
pub(crate) async fn rules(
    endpoints: &Endpoints,
    settings: &Settings,
    filter: &RuleFilter,
) -> Result<Answers<Vec<RuleGroup>>, FanoutError> {
    let selectors = filter.selectors.iter().map(|(text, _)| text.clone());
    let request = RulesRequest {
        r#type: filter.kind as i32,
        matcher_string: selectors.collect(),
        rule_name: filter.names.clone(),
        rule_group: filter.groups.clone(),
        file: filter.files.clone(),
        ..RulesRequest::default()
    };
    let answers = fetch(endpoints, settings, request, read).await?;
    Ok(answers.map(|groups| merge(filtered(groups, filter), &settings.replica_labels)))
}

/// The groups as messages, as the endpoints have sent them; the request's strategy is
/// that of the settings.
pub(crate) async fn rule_messages(
    endpoints: &Endpoints,
    settings: &Settings,
    request: RulesRequest,
) -> Result<Answers<Vec<GroupMessage>>, FanoutError> {
    fetch(endpoints, settings, request, Ok).await
}

async fn fetch<C>(
    endpoints: &Endpoints,
    settings: &Settings,
    mut request: RulesRequest,
    read: impl Fn(GroupMessage) -> Result<C, String>,
) -> Result<Answers<Vec<C>>, FanoutError> {
    request.partial_response_strategy = settings.strategy();
    let answers = ask(
        endpoints,
        settings,
        API,
        |status| status.info.as_ref().is_some_and(|info| info.rules),
        |_, channel, asking| {
            let client = RulesClient::new(channel);
            let mut client = client.max_decoding_message_size(MAX_MESSAGE);
            let request = asking.request(request.clone());
            Some(async move { client.rules(request).await })
        },
        |group| group.map(&read).transpose(),
    );
    Ok(answers
        .await?
        .map(|all| all.into_iter().flatten().collect()))
}

/// Leaves what is asked for: not every endpoint does so itself.
pub(super) fn filtered(mut groups: Vec<RuleGroup>, filter: &RuleFilter) -> Vec<RuleGroup> {
    let has = |list: &[String], name: &String| list.is_empty() || list.contains(name);
    let (any_name, any_selector) = (filter.names.is_empty(), filter.selectors.is_empty());
    groups.retain_mut(|group| {
        group.rules.retain(|rule| {
            let facts = rule.facts();
            let mut matchers = filter.selectors.iter().flat_map(|(_, all)| all);
            has(&filter.names, &facts.name) && matchers.all(|m| matches(m, &facts.labels))
        });
        let any_filter =
            !any_name || !any_selector || !filter.groups.is_empty() || !filter.files.is_empty();
        has(&filter.groups, &group.name)
            && has(&filter.files, &group.file)
            && !(any_filter && group.rules.is_empty())
    });
    groups
}

/// Whether a label matches. What a template makes of one is not known, so that it counts
/// as missing.
fn matches(matcher: &Matcher, labels: &Labels) -> bool {
    let label = labels.0.iter().find(|(name, _)| name == matcher.name());
    let value = label.map_or("", |(_, value)| value);
    matcher.matches(if value.contains("{{") { "" } else { value })
}

/// Groups of the same file and name are one.
pub(super) fn merge(mut groups: Vec<RuleGroup>, replica_labels: &[String]) -> Vec<RuleGroup> {
    // Thanos orders them by this text, which groups that differ may share.
    let text = |group: &RuleGroup| format!("{};{}", group.file, group.name);
    let key = |group: &RuleGroup| (text(group), group.file.clone());
    groups.sort_by_cached_key(key);
    groups.dedup_by(|next, first| {
        let same = next.file == first.file && next.name == first.name;
        if same {
            first.rules.append(&mut next.rules);
        }
        same
    });
    for group in &mut groups {
        for rule in &mut group.rules {
            rule.facts_mut().labels.remove(replica_labels);
        }
        let order = |a: &Rule, b: &Rule| a.compare(b).then_with(|| a.rank().cmp(&b.rank()));
        group.rules.sort_by(order);
        group.rules.dedup_by(|a, b| a.compare(b).is_eq());
    }
    groups
}

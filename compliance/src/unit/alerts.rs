//! The state of an alerting rule from one evaluation to the next.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use quarrel_engine::Prepared;

use super::context::Context;
use super::error::RuleError;
use super::rules::{AlertForm, Rule, Text};
use super::samples::ask;
use super::store::Written;
use crate::template::{AlertData, Environment, Labels, Sample, SampleValue, TemplateError};

/// How long a resolved alert is remembered, ms.
const RESOLVED_RETENTION: i64 = 15 * 60_000;

/// What an alert does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Inactive,
    Pending,
    Firing,
}

impl State {
    /// As the label `alertstate` has it.
    fn name(self) -> &'static str {
        match self {
            State::Inactive => "inactive",
            State::Pending => "pending",
            State::Firing => "firing",
        }
    }
}

/// An alert that is or was active.
#[derive(Clone, Debug)]
struct Alert {
    annotations: Labels,
    state: State,
    active_at: i64,
    resolved_at: Option<i64>,
    keep_firing_since: Option<i64>,
}

/// The alerts of a rule by their labels.
#[derive(Debug, Default)]
pub(super) struct Alerts {
    active: BTreeMap<Arc<Labels>, Alert>,
}

/// Labels and annotations of an alert that fires.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Firing {
    pub(super) labels: Labels,
    pub(super) annotations: Labels,
}

impl Alerts {
    /// The alerts that fire.
    pub(super) fn firing(&self) -> impl Iterator<Item = Firing> {
        let fires = |alert: &Alert| alert.state == State::Firing && alert.resolved_at.is_none();
        let active = self.active.iter().filter(move |(_, alert)| fires(alert));
        active.map(|(labels, alert)| Firing {
            labels: (**labels).clone(),
            annotations: alert.annotations.clone(),
        })
    }

    /// Evaluates the rule at a time; its query looks at `at_ms - offset`. Gives
    /// the samples of `ALERTS` and `ALERTS_FOR_STATE`.
    ///
    /// # Errors
    /// As in Prometheus; the alerts stay as they are, unless they are too many.
    pub(super) fn evaluate(
        &mut self,
        rule: &Rule,
        form: &AlertForm,
        (at_ms, offset): (i64, i64),
        limit: usize,
        context: &Context<'_>,
    ) -> Result<Vec<Written>, RuleError> {
        let samples = ask(&rule.query, at_ms - offset, context)?;
        let now = new_alerts(rule, form, samples, at_ms, context)?;
        let labels: Vec<Arc<Labels>> = now.keys().cloned().collect();
        for (labels, alert) in now {
            match self.active.get_mut(&labels) {
                Some(known) if known.state != State::Inactive => {
                    known.annotations = alert.annotations
                }
                _ => {
                    self.active.insert(labels, alert);
                }
            }
        }
        let mut written = Vec::new();
        let mut count = 0;
        self.active.retain(|own, alert| {
            let is_there = labels.binary_search(own).is_ok();
            let (stays, counts) = alert.step(is_there, at_ms, form);
            if counts {
                count += 1;
                written.extend(state_samples(rule, own, alert, at_ms - offset));
            }
            stays
        });
        if limit > 0 && count > limit {
            self.active.clear();
            return Err(RuleError::Limit {
                limit,
                count,
                what: "alerts",
            });
        }
        Ok(written)
    }
}

impl Alert {
    /// Goes on to the next state; whether the alert is kept, and whether it is
    /// pending or fires.
    fn step(&mut self, is_there: bool, at_ms: i64, form: &AlertForm) -> (bool, bool) {
        if is_there {
            self.keep_firing_since = None;
        } else {
            let mut keeps_firing = false;
            if self.state == State::Firing && form.keep_firing_for > 0 {
                let since = *self.keep_firing_since.get_or_insert(at_ms);
                keeps_firing = at_ms - since < form.keep_firing_for;
            }
            let expired = self
                .resolved_at
                .is_some_and(|at| at_ms - at > RESOLVED_RETENTION);
            let stays = self.state != State::Pending && !expired;
            if self.state != State::Inactive && !keeps_firing {
                self.state = State::Inactive;
                self.resolved_at = Some(at_ms);
            }
            if !keeps_firing {
                return (stays, false);
            }
        }
        if self.state == State::Pending && at_ms - self.active_at >= form.hold {
            self.state = State::Firing;
        }
        (true, true)
    }
}

/// The alerts of the samples of an answer.
fn new_alerts(
    rule: &Rule,
    form: &AlertForm,
    samples: Vec<Sample>,
    at_ms: i64,
    context: &Context<'_>,
) -> Result<BTreeMap<Arc<Labels>, Alert>, RuleError> {
    let surroundings = Surroundings {
        context,
        at_ms,
        queries: RefCell::default(),
    };
    let mut now = BTreeMap::new();
    for sample in samples {
        let data = AlertData {
            labels: sample.labels.clone(),
            external_labels: context.external_labels.clone(),
            external_url: context.external_url.clone(),
            value: sample.value,
        };
        let expand = |text: &Text| expanded(text, &data, &surroundings);
        let mut labels = (*sample.labels).clone();
        labels.remove("__name__");
        for (name, text) in &form.labels {
            set(&mut labels, name, expand(text)?);
        }
        set(&mut labels, "alertname", rule.name.clone());
        let mut annotations = Labels::new();
        for (name, text) in &form.annotations {
            annotations.insert(name.clone(), expand(text)?);
        }
        let alert = Alert {
            annotations,
            state: State::Pending,
            active_at: at_ms,
            resolved_at: None,
            keep_firing_since: None,
        };
        if now.insert(Arc::new(labels), alert).is_some() {
            return Err(RuleError::SameAlerts);
        }
    }
    Ok(now)
}

/// Sets a label; an empty value removes it.
fn set(labels: &mut Labels, name: &str, value: String) {
    match value.is_empty() {
        true => labels.remove(name),
        false => labels.insert(name.to_string(), value),
    };
}

/// The text of a label or an annotation. What fails is told in the text.
fn expanded(
    text: &Text,
    data: &AlertData,
    surroundings: &Surroundings<'_, '_>,
) -> Result<String, RuleError> {
    let (doing, error) = match text {
        Text::Plain(text) => return Ok(text.clone()),
        Text::Template(Ok(template)) => match template.expand(data.clone(), surroundings) {
            Ok(text) => return Ok(text),
            Err(error) => (format!("executing template {}", template.name()), error),
        },
        Text::Template(Err(error)) => {
            let name = match error {
                TemplateError::Syntax { name, .. } | TemplateError::Unsupported { name, .. } => {
                    name
                }
                TemplateError::Execution(_) => "",
            };
            (format!("parsing template {name}"), error.clone())
        }
    };
    match error {
        TemplateError::Unsupported { .. } => Err(RuleError::Template(error)),
        error => Ok(format!(
            "<error expanding template: error {doing}: {error}>"
        )),
    }
}

/// `ALERTS` and `ALERTS_FOR_STATE` of an alert.
fn state_samples(rule: &Rule, labels: &Labels, alert: &Alert, at_ms: i64) -> [Written; 2] {
    // Prometheus begins with the labels as they are written.
    let mut base = rule.labels.clone();
    base.retain(|_, value| !value.is_empty());
    base.extend(labels.clone());
    base.insert("alertname".to_string(), rule.name.clone());
    let mut alerts = base.clone();
    alerts.insert("__name__".to_string(), "ALERTS".to_string());
    alerts.insert("alertstate".to_string(), alert.state.name().to_string());
    base.insert("__name__".to_string(), "ALERTS_FOR_STATE".to_string());
    let since = alert.active_at.div_euclid(1000) as f64;
    [(alerts, 1.0), (base, since)].map(|(labels, value)| Written {
        labels: Arc::new(labels),
        at_ms,
        value: SampleValue::Float(value),
    })
}

/// What templates ask for.
struct Surroundings<'a, 'b> {
    context: &'a Context<'b>,
    at_ms: i64,
    queries: RefCell<HashMap<String, Arc<Prepared>>>,
}

impl Surroundings<'_, '_> {
    fn prepared(&self, query: &str) -> Result<Arc<Prepared>, String> {
        if let Some(known) = self.queries.borrow().get(query) {
            return Ok(known.clone());
        }
        let prepared = self
            .context
            .engine
            .prepare(query)
            .map_err(|error| error.to_string())?;
        let prepared = Arc::new(prepared);
        self.queries
            .borrow_mut()
            .insert(query.to_string(), prepared.clone());
        Ok(prepared)
    }
}

impl Environment for Surroundings<'_, '_> {
    fn query(&self, query: &str) -> Result<Vec<Arc<Sample>>, String> {
        let prepared = self.prepared(query)?;
        let samples =
            ask(&prepared, self.at_ms, self.context).map_err(|error| error.to_string())?;
        Ok(samples.into_iter().map(Arc::new).collect())
    }

    fn now_ms(&self) -> i64 {
        self.at_ms
    }

    /// `promtool` has none, so what asks for it fails.
    fn server_url(&self) -> Option<&str> {
        None
    }
}

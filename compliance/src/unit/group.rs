//! Evaluates groups and writes what their rules give.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::alerts::Alerts;
use super::context::Context;
use super::error::RuleError;
use super::rules::{Group, Rule};
use super::samples::ask;
use super::store::Written;
use crate::template::Labels;

/// A group in a test: its rules with their state.
pub(super) struct RunningGroup<'a> {
    pub(super) group: &'a Group,
    pub(super) rules: Vec<RunningRule<'a>>,
}

/// A rule with its state.
pub(super) struct RunningRule<'a> {
    pub(super) rule: &'a Rule,
    pub(super) alerts: Alerts,
    /// The series of the evaluation before.
    series: BTreeSet<Arc<Labels>>,
}

/// A rule that failed.
pub(super) struct Failed<'a> {
    pub(super) rule: &'a str,
    pub(super) error: RuleError,
}

impl<'a> RunningGroup<'a> {
    pub(super) fn new(group: &'a Group) -> Self {
        let rules = group.rules.iter().map(|rule| RunningRule {
            rule,
            alerts: Alerts::default(),
            series: BTreeSet::new(),
        });
        RunningGroup {
            group,
            rules: rules.collect(),
        }
    }

    /// Evaluates all rules at a time.
    pub(super) fn evaluate(&mut self, at_ms: i64, context: &Context<'_>) -> Vec<Failed<'a>> {
        let (offset, limit) = (self.group.query_offset, self.group.limit);
        let mut failed = Vec::new();
        for running in &mut self.rules {
            if let Err(error) = running.evaluate((at_ms, offset), limit, context) {
                let rule = &running.rule.name;
                failed.push(Failed { rule, error });
            }
        }
        failed
    }
}

impl RunningRule<'_> {
    fn evaluate(
        &mut self,
        (at_ms, offset): (i64, i64),
        limit: usize,
        context: &Context<'_>,
    ) -> Result<(), RuleError> {
        let samples = match &self.rule.alert {
            Some(form) => self
                .alerts
                .evaluate(self.rule, form, (at_ms, offset), limit, context)?,
            None => recorded(self.rule, at_ms - offset, limit, context)?,
        };
        self.write(samples, at_ms - offset, context)
    }

    /// Writes samples, and marks series that are gone as stale.
    ///
    /// # Errors
    /// The last sample that is refused; the others are written.
    fn write(
        &mut self,
        samples: Vec<Written>,
        at_ms: i64,
        context: &Context<'_>,
    ) -> Result<(), RuleError> {
        let mut result = Ok(());
        let mut accepted = Vec::with_capacity(samples.len());
        let mut series = BTreeSet::new();
        for sample in samples {
            match context.store.check(&sample) {
                Ok(()) => {
                    series.insert(sample.labels.clone());
                    accepted.push(sample);
                }
                Err(error) => result = Err(error.into()),
            }
        }
        for gone in self.series.difference(&series) {
            let stale = Written::stale(gone.clone(), at_ms);
            // Another rule may write the series now.
            if context.store.check(&stale).is_ok() {
                accepted.push(stale);
            }
        }
        context.store.write(accepted)?;
        self.series = series;
        result
    }
}

/// The samples of a recording rule.
fn recorded(
    rule: &Rule,
    at_ms: i64,
    limit: usize,
    context: &Context<'_>,
) -> Result<Vec<Written>, RuleError> {
    let samples = ask(&rule.query, at_ms, context)?;
    let mut seen = BTreeSet::new();
    let mut written = Vec::with_capacity(samples.len());
    for sample in samples {
        let mut labels = (*sample.labels).clone();
        labels.insert("__name__".to_string(), rule.name.clone());
        for (name, value) in &rule.labels {
            match value.is_empty() {
                true => labels.remove(name),
                false => labels.insert(name.clone(), value.clone()),
            };
        }
        let labels = Arc::new(labels);
        if !seen.insert(labels.clone()) {
            return Err(RuleError::SameSeries);
        }
        written.push(Written {
            labels,
            at_ms,
            value: sample.value,
        });
    }
    let count = written.len();
    if limit > 0 && count > limit {
        return Err(RuleError::Limit {
            limit,
            count,
            what: "series",
        });
    }
    Ok(written)
}

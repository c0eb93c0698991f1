//! Rule files as they are run: checked, with parsed queries and templates.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use quarrel_engine::{Engine, Prepared};
use quarrel_functions::fmt::quote;

use super::rule_file::{self, Group as GroupForm, Rule as RuleForm};
use crate::template::{Labels, Template, TemplateError};

/// What stands in front of each template of an alert.
const DEFINITIONS: &str = "{{$labels := .Labels}}{{$externalLabels := .ExternalLabels}}\
                           {{$externalURL := .ExternalURL}}{{$value := .Value}}";

/// A group whose rules run one after the other.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) name: String,
    /// Its file and name, of which there is one each.
    pub(super) key: (String, String),
    /// How far in the past rules are evaluated, ms.
    pub(super) query_offset: i64,
    /// The most series or alerts of a rule; 0 is no limit.
    pub(super) limit: usize,
    pub(super) rules: Vec<Rule>,
}

/// A rule.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) name: String,
    pub(super) query: Arc<Prepared>,
    /// As they are written, with those of the group.
    pub(super) labels: Labels,
    /// What an alert has beyond that.
    pub(super) alert: Option<AlertForm>,
}

/// The parts of an alerting rule.
#[derive(Debug)]
pub(super) struct AlertForm {
    /// `for`, ms.
    pub(super) hold: i64,
    /// `keep_firing_for`, ms.
    pub(super) keep_firing_for: i64,
    /// The templates of labels, by name.
    pub(super) labels: Vec<(String, Text)>,
    /// The templates of annotations, by name.
    pub(super) annotations: Vec<(String, Text)>,
}

/// A text with or without actions.
#[derive(Debug)]
pub(super) enum Text {
    /// It stays as it is.
    Plain(String),
    /// A template, or why it is none.
    Template(Result<Template, TemplateError>),
}

/// Reads and checks a rule file.
///
/// # Errors
/// All that is wrong with it, each with the file.
pub(super) fn load(
    path: &Path,
    engine: &Engine,
    ignore_unknown_fields: bool,
) -> Result<Vec<Group>, Vec<String>> {
    let file = path.display().to_string();
    let one = |what: String| vec![format!("{file}: {what}")];
    let bytes = std::fs::read(path).map_err(|error| one(error.to_string()))?;
    let form = rule_file::read(&bytes, ignore_unknown_fields).map_err(one)?;
    let mut checker = Checker {
        file: &file,
        engine,
        wrong: Vec::new(),
    };
    let groups = checker.groups(&form.groups);
    if checker.wrong.is_empty() {
        return Ok(groups);
    }
    Err(checker.wrong)
}

struct Checker<'a> {
    file: &'a str,
    engine: &'a Engine,
    wrong: Vec<String>,
}

impl Checker<'_> {
    fn wrong(&mut self, what: impl std::fmt::Display) {
        self.wrong.push(format!("{}: {what}", self.file));
    }

    fn groups(&mut self, forms: &[GroupForm]) -> Vec<Group> {
        let mut names = BTreeSet::new();
        let mut groups = Vec::with_capacity(forms.len());
        for form in forms {
            if form.name.is_empty() {
                self.wrong("a group has no name");
            }
            if !names.insert(&form.name) {
                self.wrong(format_args!(
                    "group name {} is repeated in this file",
                    quote(&form.name)
                ));
            }
            for name in form.labels.keys().filter(|name| !is_label(name)) {
                self.wrong(format_args!(
                    "group {}: invalid label name {}",
                    quote(&form.name),
                    quote(name)
                ));
            }
            let rules = form.rules.iter().enumerate();
            let rules = rules
                .filter_map(|(i, rule)| self.rule(form, i, rule))
                .collect();
            groups.push(Group {
                name: form.name.clone(),
                key: (self.file.to_string(), form.name.clone()),
                query_offset: form.query_offset.0,
                limit: usize::try_from(form.limit).unwrap_or(0),
                rules,
            });
        }
        groups
    }

    /// A rule, unless something is wrong with it.
    fn rule(&mut self, group: &GroupForm, index: usize, form: &RuleForm) -> Option<Rule> {
        let before = self.wrong.len();
        let name = if form.alert.is_empty() {
            &form.record
        } else {
            &form.alert
        };
        let place = format!(
            "group {}, rule {}, {}",
            quote(&group.name),
            index + 1,
            quote(name)
        );
        for what in faults(form) {
            self.wrong(format_args!("{place}: {what}"));
        }
        let query = match form.expr.as_str() {
            "" => Err("field expr must be set".to_string()),
            text => self
                .engine
                .prepare(text)
                .map_err(|error| format!("could not parse expression: {error}")),
        };
        let query = query
            .map_err(|what| self.wrong(format_args!("{place}: {what}")))
            .ok();
        let alert = (!form.alert.is_empty()).then(|| alert(group, form));
        for (kind, name, error) in alert.iter().flat_map(template_faults) {
            // Labels of the group are not checked in Prometheus.
            if kind == "annotation" || form.labels.contains_key(name) || is_unsupported(error) {
                self.wrong(format_args!("{place}: {kind} {}: {error}", quote(name)));
            }
        }
        (self.wrong.len() == before).then_some(())?;
        Some(Rule {
            name: name.clone(),
            query: Arc::new(query?),
            labels: merged(group, form),
            alert,
        })
    }
}

fn is_unsupported(error: &TemplateError) -> bool {
    matches!(error, TemplateError::Unsupported { .. })
}

fn is_label(name: &str) -> bool {
    !name.is_empty() && name != "__name__"
}

/// What is wrong with a rule beside its query and templates.
fn faults(form: &RuleForm) -> Vec<String> {
    let mut out = Vec::new();
    let records = !form.record.is_empty();
    match (records, form.alert.is_empty()) {
        (true, false) => out.push("only one of record and alert may be set".to_string()),
        (false, true) => out.push("one of record and alert must be set".to_string()),
        _ => {}
    }
    if records {
        let set = [
            ("annotations", !form.annotations.is_empty()),
            ("for", form.hold.0 != 0),
            ("keep_firing_for", form.keep_firing_for.0 != 0),
        ];
        let set = set.into_iter().filter(|(_, is_set)| *is_set);
        out.extend(set.map(|(field, _)| format!("field {field} is not for recording rules")));
        if form.record.contains(['{', '}']) {
            let name = quote(&form.record);
            out.push(format!(
                "the name {name} has braces; do they belong to expr?"
            ));
        }
    }
    let names = form.labels.keys().filter(|name| !is_label(name));
    out.extend(names.map(|name| format!("invalid label name {}", quote(name))));
    if form.annotations.contains_key("") {
        out.push("an annotation has no name".to_string());
    }
    out
}

/// The labels of the group with those of the rule over them.
fn merged(group: &GroupForm, form: &RuleForm) -> Labels {
    let mut labels = group.labels.clone();
    labels.extend(form.labels.clone());
    labels
}

fn alert(group: &GroupForm, form: &RuleForm) -> AlertForm {
    let name = format!("__alert_{}", form.alert);
    let texts = |texts: &Labels| {
        let texts = texts.iter();
        texts
            .map(|(key, text)| (key.clone(), parsed(&name, text)))
            .collect()
    };
    AlertForm {
        hold: form.hold.0,
        keep_firing_for: form.keep_firing_for.0,
        labels: texts(&merged(group, form)),
        annotations: texts(&form.annotations),
    }
}

fn parsed(name: &str, text: &str) -> Text {
    match text.contains("{{") {
        true => Text::Template(Template::parse(name, format!("{DEFINITIONS}{text}"))),
        false => Text::Plain(text.to_string()),
    }
}

/// Kind, name and fault of the texts that are no templates.
fn template_faults(
    alert: &AlertForm,
) -> impl Iterator<Item = (&'static str, &str, &TemplateError)> {
    let labels = alert
        .labels
        .iter()
        .map(|(name, text)| ("label", name, text));
    let annotations = alert
        .annotations
        .iter()
        .map(|(name, text)| ("annotation", name, text));
    labels
        .chain(annotations)
        .filter_map(|(kind, name, text)| match text {
            Text::Template(Err(error)) => Some((kind, name.as_str(), error)),
            _ => None,
        })
}

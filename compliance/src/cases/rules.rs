//! The expressions of rule files: Prometheus's `groups`, also below the `spec`
//! of Kubernetes objects and lists of them, and below the namespaces of rulers
//! with tenants. Fields beyond names and expressions are not looked at, since
//! each ruler has its own.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use serde_saphyr::Spanned;

use super::case::{Case, Origin};
use super::error::CaseError;
use super::files;
use super::yaml::fault;

/// Reads files.
///
/// # Errors
/// If a file cannot be read, is not YAML, has a document without rule groups, or
/// a rule without an expression.
pub fn rules<P: AsRef<Path>>(paths: &[P]) -> Result<Vec<Case>, CaseError> {
    let mut cases = Vec::new();
    for path in paths {
        let path = path.as_ref();
        let text = files::read(path)?;
        cases.extend(rules_from(&path.display().to_string(), &text)?);
    }
    Ok(cases)
}

/// Reads a text, whose name is for [`Origin`]s.
///
/// # Errors
/// As [`rules`].
pub fn rules_from(source: &str, text: &str) -> Result<Vec<Case>, CaseError> {
    let at_line = |line: u64| match line {
        0 => Origin::new(source, ""),
        line => Origin::new(source, format!("line {line}")),
    };
    let fail = |error: serde_saphyr::Error| {
        let (line, problem) = fault(&error);
        CaseError::format(at_line(line), problem)
    };
    let documents: Result<Vec<Document>, _> = serde_saphyr::from_multiple(text);
    let mut groups = Vec::new();
    for document in documents.map_err(fail)? {
        if document.collect(&mut groups) {
            continue;
        }
        // A document of another kind: namespaces with lists of groups.
        let spaces: Result<Vec<BTreeMap<String, Vec<Group>>>, _> =
            serde_saphyr::from_multiple(text);
        let Ok(spaces) = spaces else {
            let problem = "has a document without groups and without spec.groups";
            return Err(CaseError::format(at_line(0), problem));
        };
        groups = spaces
            .into_iter()
            .flat_map(BTreeMap::into_values)
            .flatten()
            .collect();
        break;
    }
    let mut cases = Vec::new();
    for group in &groups {
        for rule in group.rules.iter().flatten() {
            let kind = match (&rule.value.record, &rule.value.alert) {
                (Some(record), _) => format!("rule {record:?}"),
                (None, Some(alert)) => format!("alert {alert:?}"),
                (None, None) => "a rule".to_string(),
            };
            let line = rule.referenced.line();
            let place = format!("line {line}, group {:?}, {kind}", group.name);
            let origin = Origin::new(source, place);
            let Some(expr) = &rule.value.expr else {
                return Err(CaseError::format(origin, "has no expr"));
            };
            cases.push(Case::new(expr.trim(), origin));
        }
    }
    Ok(cases)
}

/// A document: a rule file, an object with it, or a list of such objects.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Document {
    groups: Option<Vec<Group>>,
    spec: Option<Spec>,
    items: Option<Vec<Document>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Spec {
    groups: Option<Vec<Group>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Group {
    name: String,
    rules: Option<Vec<Spanned<Rule>>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Rule {
    record: Option<String>,
    alert: Option<String>,
    expr: Option<String>,
}

impl Document {
    /// Adds its groups; whether it is a document with groups.
    fn collect(self, groups: &mut Vec<Group>) -> bool {
        let own = self.groups.or(self.spec.and_then(|spec| spec.groups));
        let is_known = own.is_some() || self.items.is_some();
        groups.extend(own.into_iter().flatten());
        for item in self.items.into_iter().flatten() {
            // A list has objects of other kinds, too.
            item.collect(groups);
        }
        is_known
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Result<Vec<(String, String)>, String> {
        let cases = rules_from("r.yml", text).map_err(|error| error.to_string())?;
        let pairs = cases
            .into_iter()
            .map(|case| (case.query, case.origin.place));
        Ok(pairs.collect())
    }

    fn queries(text: &str) -> Vec<String> {
        read(text)
            .unwrap()
            .into_iter()
            .map(|(query, _)| query)
            .collect()
    }

    const PLAIN: &str = r#"
namespace: tenant
groups:
  - name: nodes
    interval: 1m
    partial_response_strategy: warn
    rules:
      - record: job:up:sum
        expr: sum by (job) (up)
      - alert: Down
        expr: |
          up
            == 0
        for: 5m
        labels: {severity: page}
  - name: empty
"#;

    #[test]
    fn rules_have_expressions() {
        let rules = read(PLAIN).unwrap();
        let expected = [
            (
                "sum by (job) (up)",
                "line 8, group \"nodes\", rule \"job:up:sum\"",
            ),
            ("up\n  == 0", "line 10, group \"nodes\", alert \"Down\""),
        ];
        let expected = expected.map(|(query, place)| (query.to_string(), place.to_string()));
        assert_eq!(rules, expected);
    }

    #[test]
    fn wrappers_are_opened() {
        let object = "
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata: {name: x}
spec:
  groups:
    - name: a
      rules: [{alert: A, expr: 1}]
---
groups: [{name: b, rules: [{record: r, expr: 'b'}]}]
";
        assert_eq!(queries(object), ["1", "b"]);
        let list = "
kind: List
items:
  - kind: Service
    spec: {ports: []}
  - kind: PrometheusRule
    spec: {groups: [{name: a, rules: [{alert: A, expr: c}]}]}
";
        assert_eq!(queries(list), ["c"]);
        let spaces = "
first:
  - name: a
    rules: [{alert: A, expr: d}]
second:
  - name: b
    rules: [{alert: B, expr: e}]
";
        assert_eq!(queries(spaces), ["d", "e"]);
    }

    #[test]
    fn faults_are_told_with_the_line() {
        let missing = "groups:\n- name: a\n  rules:\n  - alert: A\n";
        let error = read(missing).unwrap_err();
        assert_eq!(
            error,
            "r.yml, line 4, group \"a\", alert \"A\": has no expr"
        );
        let error = read("groups: [\n").unwrap_err();
        assert!(error.starts_with("r.yml, line "), "{error}");
        let error = read("global: {scrape_interval: 1m}\n").unwrap_err();
        assert!(error.contains("without groups"), "{error}");
    }

    proptest! {
        #[test]
        fn any_text_is_taken(text in "\\PC{0,60}|(groups|rules|spec|expr|items|[:\\[\\]{} &*!\n-]){0,30}") {
            let _ = read(&text);
            let _ = read(&format!("groups:\n- name: a\n  rules:\n  - expr: {text}\n"));
        }
    }
}

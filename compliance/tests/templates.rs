//! Compares templates with what Prometheus makes of them: `templates.jsonl`,
//! which `compliance/go/cmd/templategolden` writes. To compare with another file of
//! that form, set `QUARREL_TEMPLATES` to its path.

use std::path::PathBuf;
use std::sync::Arc;

use quarrel_compliance::template::{
    AlertData, Environment, Labels, Sample, SampleValue, Template, TemplateError,
};
use quarrel_functions::histogram::native::{Histogram, Layout};
use serde::Deserialize;

/// What stands in front of each template of an alert.
const DEFINITIONS: &str = "{{$labels := .Labels}}{{$externalLabels := .ExternalLabels}}\
                           {{$externalURL := .ExternalURL}}{{$value := .Value}}";

const NAME: &str = "__alert_Golden";

#[derive(Deserialize)]
struct Record {
    t: String,
    out: Option<String>,
    #[serde(default)]
    err: String,
}

fn labels(pairs: &[(&str, &str)]) -> Arc<Labels> {
    let pairs = pairs.iter();
    Arc::new(pairs.map(|(n, v)| (n.to_string(), v.to_string())).collect())
}

/// The data and the answers of the Go program.
struct Golden;

impl Environment for Golden {
    fn query(&self, query: &str) -> Result<Vec<Arc<Sample>>, String> {
        let sample = |value, pairs: &[(&str, &str)]| {
            let labels = labels(pairs);
            Arc::new(Sample { labels, value })
        };
        let float = |value| SampleValue::Float(value);
        match query {
            "two" => Ok(vec![
                sample(
                    float(2.0),
                    &[("__name__", "up"), ("job", "b"), ("__value__", "two")],
                ),
                sample(float(1.5), &[("__name__", "up"), ("job", "a")]),
            ]),
            "none" => Ok(Vec::new()),
            "hist" => {
                let layout = Layout::from_spans(1, 0.001, [(0, 2)], [], Arc::default()).unwrap();
                let mut h = Histogram::new(layout, vec![1.0, 1.0]).unwrap();
                (h.count, h.sum, h.zero_count) = (3.0, 4.5, 1.0);
                Ok(vec![sample(
                    SampleValue::Histogram(Arc::new(h)),
                    &[("job", "h")],
                )])
            }
            query => Err(format!("no such query {query}")),
        }
    }

    fn now_ms(&self) -> i64 {
        1_700_000_000_123
    }

    fn server_url(&self) -> Option<&str> {
        None
    }
}

fn data() -> AlertData {
    AlertData {
        labels: labels(&[
            ("job", "api"),
            ("instance", "node1.example.com:9100"),
            ("code", "500"),
            ("empty", ""),
            ("num", "12.5"),
        ]),
        external_labels: labels(&[("region", "eu"), ("cluster", "c-1")]),
        external_url: "http://prom.example.com/x".into(),
        value: SampleValue::Float(1234.5678),
    }
}

/// What is not supported, by the beginning of its name.
const UNSUPPORTED: [&str; 1] = ["the string \"\\xff\", which is not UTF-8,"];

/// The difference of a template from Prometheus's, if there is one.
fn difference(record: &Record) -> Option<String> {
    let text = format!("{DEFINITIONS}{}", record.t);
    let parsed = Template::parse(NAME, text);
    let is_syntax = matches!(parsed, Err(TemplateError::Syntax { .. }));
    let got = parsed.and_then(|template| template.expand(data(), &Golden));
    let same = match (&record.out, &got) {
        (Some(want), Ok(got)) => want == got,
        (_, Err(TemplateError::Unsupported { what, .. })) => {
            UNSUPPORTED.iter().any(|known| what.starts_with(known))
        }
        (None, Err(error)) => {
            let doing = if is_syntax { "parsing" } else { "executing" };
            record.err == format!("error {doing} template {NAME}: {error}")
        }
        _ => false,
    };
    let want = record.out.as_deref().unwrap_or(&record.err);
    let got = match &got {
        Ok(text) => text.clone(),
        Err(error) => error.to_string(),
    };
    (!same).then(|| format!("{}\n  want {want:?}\n  got  {got:?}", record.t))
}

#[test]
fn templates_are_as_in_prometheus() {
    let given = std::env::var_os("QUARREL_TEMPLATES").map(PathBuf::from);
    let own = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/templates.jsonl");
    let text = std::fs::read_to_string(given.unwrap_or_else(own)).unwrap();
    let records: Vec<Record> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert!(records.len() > 1000, "only {} templates", records.len());
    let differences: Vec<String> = records.iter().filter_map(difference).collect();
    let all = differences.len();
    let shown = differences[..all.min(20)].join("\n");
    assert!(differences.is_empty(), "{all} differences:\n{shown}");
}

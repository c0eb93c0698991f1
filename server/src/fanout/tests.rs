//! How answers of endpoints become one, and the JSON of that.

use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use quarrel_matchers::{MatchOp, Matcher};
use quarrel_proto::exemplars::ExemplarsResponse;
use quarrel_proto::labels::{Label, LabelSet};
use quarrel_proto::rules::{
    Alert, AlertInstance, AlertState, RecordingRule, Rule, RuleGroup as GroupMessage, RuleResult,
    RulesResponse, RulesResult, RulesType,
};
use quarrel_proto::targets::{
    ActiveTarget, DroppedTarget, TargetDiscovery, TargetHealth, TargetsResponse, TargetsResult,
};
use quarrel_proto::time::Timestamp;
use quarrel_storage::store_api::EndpointInfo;
use quarrel_storage::tsdb::head::{Exemplar, SeriesExemplars};
use serde::Serialize;
use serde_json::{Value, json};

use super::ask::{Frame, Part};
use super::targets::Targets;
use super::*;

fn label_set(labels: &[(&'static str, &'static str)]) -> Option<LabelSet> {
    let labels = labels.iter().map(|&(name, value)| Label {
        name: name.as_bytes().into(),
        value: value.as_bytes().into(),
    });
    Some(LabelSet {
        labels: labels.collect(),
    })
}

fn pairs(labels: &[(&str, &str)]) -> Vec<(String, String)> {
    let own = |&(name, value): &(&str, &str)| (name.to_string(), value.to_string());
    labels.iter().map(own).collect()
}

fn at(seconds: i64) -> Option<Timestamp> {
    Some(Timestamp { seconds, nanos: 0 })
}

fn settings() -> Settings {
    Settings {
        partial_response: true,
        timeout: Duration::from_secs(1),
        replica_labels: Vec::new(),
        tenant: String::new(),
        own: None,
        observer: None,
    }
}

fn content<F: Frame>(frame: F) -> F::Content {
    match frame.part(&settings()).unwrap() {
        Part::Content(content) => content,
        Part::Warning(warning) => panic!("{warning}"),
    }
}

fn value(data: impl Serialize) -> Value {
    serde_json::to_value(data).unwrap()
}

fn replica() -> Vec<String> {
    vec!["replica".to_string()]
}

fn recording(name: &str, replica: &'static str, evaluated: i64) -> Rule {
    let rule = RecordingRule {
        name: name.to_string(),
        query: "sum(up)".to_string(),
        labels: label_set(&[("replica", replica), ("by", "a")]),
        health: "ok".to_string(),
        evaluation_duration_seconds: 0.5,
        last_evaluation: at(evaluated),
        ..RecordingRule::default()
    };
    Rule {
        result: Some(RuleResult::Recording(rule)),
    }
}

fn alerting(replica: &'static str, state: AlertState, evaluated: i64) -> Rule {
    let alert = AlertInstance {
        labels: label_set(&[("alertname", "Down")]),
        annotations: label_set(&[("summary", replica)]),
        state: state as i32,
        active_at: (state == AlertState::Firing).then(|| at(5)).flatten(),
        value: "1e+00".to_string(),
        partial_response_strategy: 0,
    };
    let rule = Alert {
        state: state as i32,
        name: "Down".to_string(),
        query: "up == 0".to_string(),
        duration_seconds: 60.0,
        labels: label_set(&[("replica", replica), ("severity", "{{ $labels.x }}")]),
        alerts: vec![alert],
        health: "err".to_string(),
        last_error: "broken".to_string(),
        last_evaluation: at(evaluated),
        ..Alert::default()
    };
    Rule {
        result: Some(RuleResult::Alert(rule)),
    }
}

fn group(file: &str, name: &str, rules: Vec<Rule>) -> RuleGroup {
    let group = GroupMessage {
        name: name.to_string(),
        file: file.to_string(),
        rules,
        interval: 30.0,
        last_evaluation: at(7),
        partial_response_strategy: 1,
        ..GroupMessage::default()
    };
    let group = content(RulesResponse {
        result: Some(RulesResult::Group(group)),
    });
    rules::read(group.unwrap()).unwrap()
}

#[test]
fn rules_have_the_json_of_thanos() {
    let rules = vec![
        recording("a:b", "0", 9),
        alerting("0", AlertState::Firing, 9),
    ];
    let groups = rules::merge(vec![group("f", "g", rules)], &replica());
    let want = json!([{
        "name": "g", "file": "f", "interval": 30, "evaluationTime": 0, "limit": 0,
        "lastEvaluation": "1970-01-01T00:00:07Z", "partialResponseStrategy": "ABORT",
        "rules": [
            {
                "type": "alerting", "state": "firing", "name": "Down", "query": "up == 0",
                "duration": 60, "keepFiringFor": 0, "annotations": {},
                "labels": {"severity": "{{ $labels.x }}"},
                "health": "err", "lastError": "broken", "evaluationTime": 0,
                "lastEvaluation": "1970-01-01T00:00:09Z",
                "alerts": [{
                    "labels": {"alertname": "Down"}, "annotations": {"summary": "0"},
                    "state": "firing", "activeAt": "1970-01-01T00:00:05Z", "value": "1e+00",
                    "partialResponseStrategy": "WARN",
                }],
            },
            {
                "type": "recording", "name": "a:b", "query": "sum(up)", "labels": {"by": "a"},
                "health": "ok", "evaluationTime": 0.5, "lastEvaluation": "1970-01-01T00:00:09Z",
            },
        ],
    }]);
    assert_eq!(value(groups), want);
}

#[test]
fn groups_of_replicas_become_one_with_the_best_of_equal_rules() {
    let groups = vec![
        group(
            "f",
            "g",
            vec![
                alerting("0", AlertState::Pending, 20),
                recording("a:b", "0", 10),
            ],
        ),
        group("e", "g", vec![recording("a:b", "0", 10)]),
        group(
            "f",
            "g",
            vec![
                alerting("1", AlertState::Firing, 10),
                recording("a:b", "1", 20),
            ],
        ),
    ];
    let apart = value(rules::merge(groups.clone(), &[]));
    let counts = |groups: &Value| {
        let groups = groups.as_array().unwrap().iter();
        let count = |group: &Value| {
            let file = group["file"].as_str().unwrap().to_string();
            (file, group["rules"].as_array().unwrap().len())
        };
        groups.map(count).collect::<Vec<_>>()
    };
    assert_eq!(counts(&apart), [("e".to_string(), 1), ("f".to_string(), 4)]);
    let merged = value(rules::merge(groups, &replica()));
    assert_eq!(
        counts(&merged),
        [("e".to_string(), 1), ("f".to_string(), 2)]
    );
    let rules = &merged[1]["rules"];
    assert_eq!(rules[0]["state"], "firing");
    assert_eq!(rules[1]["lastEvaluation"], "1970-01-01T00:00:20Z");
}

#[test]
fn rules_are_picked_by_names_files_and_selectors() {
    let none = || RuleFilter {
        kind: RulesType::All,
        names: Vec::new(),
        groups: Vec::new(),
        files: Vec::new(),
        selectors: Vec::new(),
    };
    let with = |edit: &dyn Fn(&mut RuleFilter)| {
        let mut filter = none();
        edit(&mut filter);
        let groups = vec![
            group(
                "f",
                "g",
                vec![recording("a:b", "0", 1), recording("c:d", "0", 1)],
            ),
            group("f", "h", vec![alerting("0", AlertState::Firing, 1)]),
            group("e", "empty", Vec::new()),
        ];
        let groups = value(rules::filtered(groups, &filter));
        let groups = groups.as_array().unwrap().iter();
        let shown = groups.map(|group| {
            let rules = group["rules"].as_array().unwrap().len();
            format!("{}:{rules}", group["name"].as_str().unwrap())
        });
        shown.collect::<Vec<_>>().join(" ")
    };
    let selector = |name: &str, value: &str| {
        let matcher = Matcher::new(MatchOp::Equal, name, value).unwrap();
        (String::new(), vec![matcher])
    };
    assert_eq!(with(&|_| {}), "g:2 h:1 empty:0");
    assert_eq!(with(&|f| f.names = vec!["a:b".into()]), "g:1");
    assert_eq!(with(&|f| f.groups = vec!["h".into()]), "h:1");
    assert_eq!(with(&|f| f.files = vec!["f".into()]), "g:2 h:1");
    assert_eq!(with(&|f| f.selectors = vec![selector("by", "a")]), "g:2");
    let templated = selector("severity", "{{ $labels.x }}");
    assert_eq!(with(&|f| f.selectors = vec![templated.clone()]), "");
    let both = [selector("by", "a"), selector("by", "b")];
    assert_eq!(with(&|f| f.selectors = both.to_vec()), "");
}

fn target(replica: &'static str, health: TargetHealth, scraped: i64) -> Targets {
    let discovered = label_set(&[("__address__", "x:1"), ("replica", replica)]);
    let active = ActiveTarget {
        discovered_labels: discovered.clone(),
        labels: label_set(&[("replica", replica), ("job", "x")]),
        scrape_pool: "p".to_string(),
        scrape_url: "http://x:1/metrics".to_string(),
        last_scrape: at(scraped),
        last_scrape_duration: 0.25,
        health: health as i32,
        ..ActiveTarget::default()
    };
    let dropped = DroppedTarget {
        discovered_labels: discovered,
    };
    let found = content(TargetsResponse {
        result: Some(TargetsResult::Targets(TargetDiscovery {
            active_targets: vec![active],
            dropped_targets: vec![dropped],
        })),
    });
    targets::read(found).unwrap()
}

#[test]
fn targets_of_replicas_become_one() {
    let frames = vec![
        target("1", TargetHealth::Up, 10),
        target("0", TargetHealth::Up, 20),
        target("2", TargetHealth::Unknown, 30),
    ];
    let apart = value(targets::merge(frames.clone(), &[]));
    for list in ["activeTargets", "droppedTargets"] {
        assert_eq!(apart[list].as_array().unwrap().len(), 3);
    }
    let want = json!({
        "activeTargets": [{
            "discoveredLabels": {"__address__": "x:1"}, "labels": {"job": "x"},
            "scrapePool": "p", "scrapeUrl": "http://x:1/metrics", "globalUrl": "",
            "lastError": "", "lastScrape": "1970-01-01T00:00:20Z",
            "lastScrapeDuration": 0.25, "health": "up",
        }],
        "droppedTargets": [{"discoveredLabels": {"__address__": "x:1"}}],
    });
    assert_eq!(value(targets::merge(frames, &replica())), want);
    let frames = vec![
        target("0", TargetHealth::Up, 20),
        target("1", TargetHealth::Down, 10),
    ];
    let merged = value(targets::merge(frames, &replica()));
    assert_eq!(merged["activeTargets"][0]["health"], "down");
}

#[test]
fn metadata_that_differs_stands_side_by_side() {
    let meta = |help: &str| Meta {
        kind: "counter".to_string(),
        help: help.to_string(),
        unit: String::new(),
    };
    let mut all = std::collections::BTreeMap::new();
    merge_metadata(&mut all, "m".to_string(), [meta("a"), meta("b")]);
    merge_metadata(&mut all, "m".to_string(), [meta("b"), meta("c")]);
    assert_eq!(all["m"], [meta("a"), meta("b"), meta("c")]);
}

#[test]
fn exemplars_of_replicas_become_one_series() {
    let series = |replica: &str, at: &[i64]| SeriesExemplars {
        labels: pairs(&[("__name__", "m"), ("replica", replica)]),
        exemplars: at
            .iter()
            .map(|&timestamp| Exemplar {
                labels: pairs(&[("trace", "x")]),
                value: f64::NAN,
                timestamp,
            })
            .collect(),
    };
    let all = vec![series("1", &[3, 1]), series("0", &[2, 1]), series("2", &[])];
    let merged = merge_exemplars(all.clone(), &replica());
    assert_eq!(merged.len(), 1);
    assert_eq!(merged[0].labels, pairs(&[("__name__", "m")]));
    let times: Vec<i64> = merged[0].exemplars.iter().map(|e| e.timestamp).collect();
    assert_eq!(times, [1, 2, 3]);
    assert_eq!(merge_exemplars(all, &[]).len(), 2);
}

#[test]
fn endpoints_are_asked_for_exemplars_that_they_may_have() {
    let matcher = |name, value| Matcher::new(MatchOp::Equal, name, value).unwrap();
    let selectors = [
        vec![matcher("__name__", "m"), matcher("cluster", "a")],
        vec![matcher("__name__", "n"), matcher("cluster", "b")],
        vec![matcher("cluster", "a")],
    ];
    let mut info = EndpointInfo::default();
    info.label_sets = vec![pairs(&[("cluster", "a")])];
    let asked = exemplars::query(&info, &selectors).unwrap();
    assert_eq!(asked, r#"{__name__="m"} + {__name__=~".+"}"#);
    assert_eq!(exemplars::query(&info, &selectors[1..2]), None);
    info.component = "query".to_string();
    let asked = exemplars::query(&info, &selectors[..1]).unwrap();
    assert_eq!(asked, r#"{__name__="m", cluster="a"}"#);
}

#[test]
fn frames_without_content_and_labels_that_are_no_text_are_refused() {
    let settings = settings();
    assert!(RulesResponse { result: None }.part(&settings).is_none());
    assert!(TargetsResponse { result: None }.part(&settings).is_none());
    let bad = LabelSet {
        labels: vec![Label {
            name: b"a".as_slice().into(),
            value: b"\xff".as_slice().into(),
        }],
    };
    let dropped_targets = vec![DroppedTarget {
        discovered_labels: Some(bad),
    }];
    let found = TargetDiscovery {
        active_targets: Vec::new(),
        dropped_targets,
    };
    let result = Some(TargetsResult::Targets(found));
    assert!(targets::read(content(TargetsResponse { result })).is_err());
    let result = Some(RulesResult::Group(GroupMessage {
        rules: vec![Rule { result: None }],
        ..GroupMessage::default()
    }));
    let group = content(RulesResponse { result });
    assert!(rules::read(group.unwrap()).is_err());
}

/// The content of a frame, if these bytes are one that has some.
fn decoded<F: Frame + Default>(bytes: &[u8]) -> Option<F::Content> {
    match F::decode(bytes).ok()?.part(&settings())? {
        Part::Content(content) => Some(content),
        Part::Warning(_) => None,
    }
}

proptest! {
    #[test]
    fn any_bytes_are_an_answer_or_an_error(
        inner in vec(any::<u8>(), 0..60),
        field in prop_oneof![Just(0x0a_u8), Just(0x12), Just(0x1a)],
    ) {
        // Bare, as the frame's content, and as a message within that.
        let nested = |field: u8, bytes: &[u8]| {
            let mut out = vec![field, bytes.len() as u8];
            out.extend_from_slice(bytes);
            out
        };
        let content = nested(0x0a, &inner);
        let deep = nested(0x0a, &nested(field, &inner));
        for bytes in [&inner, &content, &deep] {
            let groups = decoded::<RulesResponse>(bytes).flatten();
            let groups = groups.and_then(|group| rules::read(group).ok());
            value(rules::merge(groups.into_iter().collect(), &replica()));
            let found = decoded::<TargetsResponse>(bytes);
            let found = found.and_then(|found| targets::read(found).ok());
            value(targets::merge(found.into_iter().collect(), &replica()));
            let series = decoded::<ExemplarsResponse>(bytes).flatten();
            let series = series.and_then(|series| exemplars::read(series).ok());
            merge_exemplars(series.into_iter().collect(), &replica());
        }
    }

    #[test]
    fn the_order_of_answers_makes_no_difference(
        order in Just((0..6).collect::<Vec<usize>>()).prop_shuffle(),
    ) {
        let replica_of = |i: usize| ["0", "1", "2"][i % 3];
        let merged = |order: &[usize]| {
            let groups = order.iter().map(|&i| {
                let state = [AlertState::Firing, AlertState::Pending][i % 2];
                let (name, time) = (replica_of(i), i as i64);
                let rules = vec![recording("a:b", name, time), alerting(name, state, time)];
                group("f", "g", rules)
            });
            let found = order.iter().map(|&i| {
                let health = [TargetHealth::Up, TargetHealth::Down][i % 2];
                target(replica_of(i), health, i as i64)
            });
            let groups = rules::merge(groups.collect(), &replica());
            (value(groups), value(targets::merge(found.collect(), &replica())))
        };
        prop_assert_eq!(merged(&order), merged(&[0, 1, 2, 3, 4, 5]));
    }
}

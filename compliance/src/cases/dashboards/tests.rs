//! Dashboards of all forms, with variables from made-up data.

use proptest::prelude::*;
use quarrel_engine::{QueryRange, QueryTimes, Timestamp};
use serde_json::{Value, json};

use super::super::fake::FakeData;
use super::*;

fn options() -> Options {
    Options::new(Timestamp::from_secs(36_000), Timestamp::from_secs(39_600))
}

fn data() -> FakeData {
    let mut data = FakeData::default();
    for (job, instance) in [("api", "a.b:1"), ("api", "c:2"), ("web", "d:10")] {
        data.add("up", &[("job", job), ("instance", instance)]);
    }
    data.add("load1", &[("instance", "c:2")]);
    data.add("load15", &[("instance", "c:2")]);
    data
}

async fn read(dashboard: &Value, options: &Options) -> Dashboards {
    dashboards_from("d.json", &dashboard.to_string(), &data(), options)
        .await
        .unwrap()
}

/// The one query of a panel with variables.
async fn filled(expr: &str, variables: Value) -> String {
    let dashboard = json!({
        "title": "T",
        "templating": {"list": variables},
        "panels": [{"title": "P", "targets": [{"refId": "A", "expr": expr}]}],
    });
    let found = read(&dashboard, &options()).await;
    match (&*found.cases, &*found.left_out) {
        ([case], []) => case.query.clone(),
        ([], [left]) => format!("left out: {}", left.reason),
        other => panic!("{other:?}"),
    }
}

fn queries(found: &Dashboards) -> Vec<&str> {
    found.cases.iter().map(|case| &*case.query).collect()
}

#[tokio::test]
async fn panels_are_found_wherever_they_are() {
    let target = |expr: &str| json!([{"refId": "A", "expr": expr}]);
    let dashboard = json!({"dashboard": {
        "title": "T",
        "__elements": {"lib": {"name": "L", "model": {
            "title": "L", "targets": target("in_export"), "panels": [{"libraryPanel": {"uid": "lib"}}],
        }}},
        "rows": [{"panels": [{"title": "R", "targets": target("in_row")}]}],
        "panels": [
            {"title": "P", "targets": target("plain")},
            {"title": "N", "type": "row", "panels": [{"title": "C", "targets": target("nested")}]},
            {"libraryPanel": {"uid": "lib", "name": "L"}},
            {"libraryPanel": {"uid": "x", "model": {"title": "M", "targets": target("inline")}}},
            {"type": "text"},
        ],
        "annotations": {"list": [
            {"name": "A", "enable": true, "expr": "of_annotation"},
            {"name": "B", "target": {"expr": "of_target"}},
            {"name": "C", "enable": false, "expr": "off"},
            {"name": "D", "builtIn": 1, "type": "dashboard"},
        ]},
    }});
    let found = read(&dashboard, &options()).await;
    let expected = [
        "in_row",
        "plain",
        "nested",
        "in_export",
        "inline",
        "of_annotation",
        "of_target",
    ];
    assert_eq!(queries(&found), expected);
    assert_eq!(found.left_out, []);
    assert_eq!(
        found.cases[1].origin.to_string(),
        "d.json, panel \"P\", query A"
    );
    assert_eq!(
        found.cases[5].origin.to_string(),
        "d.json, annotation \"A\""
    );
}

#[tokio::test]
async fn a_query_has_times() {
    let dashboard = json!({"panels": [{"title": "P", "maxDataPoints": 60, "targets": [
        {"refId": "A", "expr": "a"},
        {"refId": "B", "expr": "b", "instant": true},
        {"refId": "C", "expr": "c", "instant": true, "range": true, "interval": "5m"},
        {"refId": "D", "expr": "d", "hide": true},
        {"refId": "E", "expr": " "},
    ]}]});
    let found = read(&dashboard, &options()).await;
    let end: QueryTimes = options().end.into();
    let range = |step| QueryRange::from_millis(36_000_000..=39_600_000, step).unwrap();
    let times: Vec<_> = found
        .cases
        .iter()
        .map(|case| (&*case.query, case.times.unwrap()))
        .collect();
    let expected = [
        ("a", range(60_000).into()),
        ("b", end),
        ("c", range(300_000).into()),
        ("c", end),
    ];
    assert_eq!(times, expected);
    assert_eq!(found.left_out, []);
}

#[tokio::test]
async fn other_data_sources_are_left_out() {
    let target = |source: Value| json!({"refId": "A", "expr": "a", "datasource": source});
    let dashboard = json!({
        "__inputs": [{"name": "DS_LOKI", "type": "datasource", "pluginId": "loki"}],
        "templating": {"list": [
            {"name": "ds", "type": "datasource", "query": "prometheus", "current": {"value": "x"}},
            {"name": "logs", "type": "datasource", "query": "loki"},
        ]},
        "panels": [
            {"datasource": {"type": "loki", "uid": "l"}, "targets": [{"expr": "left"}]},
            {"datasource": {"type": "datasource", "uid": "-- Mixed --"}, "targets": [
                target(json!({"type": "prometheus", "uid": "p"})),
                target(json!("${DS_LOKI}")),
                target(json!({"uid": "$logs"})),
                target(json!({"uid": "$ds"})),
                target(json!("Prometheus")),
                target(json!({"type": "__expr__", "uid": "__expr__"})),
                {"datasource": {"type": "influxdb"}, "rawQuery": "x"},
            ]},
        ],
    });
    let found = read(&dashboard, &options()).await;
    assert_eq!(found.cases.len(), 3);
    let kinds: Vec<String> = found
        .left_out
        .iter()
        .map(|left| left.reason.to_string())
        .collect();
    let expected = ["loki", "loki", "loki", "__expr__", "influxdb"];
    assert_eq!(
        kinds,
        expected.map(|kind| format!("is for the data source {kind}"))
    );
}

#[tokio::test]
async fn intervals_are_filled_in() {
    let filled = filled(
        "rate(x[$__rate_interval]) + x[${__interval}] + $__interval_ms + x[[[__range]]] \
         + $__range_s * $__range_ms + ${__from} + ${__to:date:seconds}",
        json!([]),
    );
    let expected = "rate(x[1m]) + x[15s] + 15000 + x[3600s] + 3600 * 3600000 + 36000000 + 39600";
    assert_eq!(filled.await, expected);
}

#[tokio::test]
async fn choices_are_as_saved_or_the_first() {
    let query = |multi: bool, current: Value| {
        json!([{
            "name": "i", "type": "query", "query": "label_values(up, instance)",
            "multi": multi, "includeAll": multi, "current": {"value": current},
        }])
    };
    for (variables, expected) in [
        (query(false, json!("c:2")), "c:2"),
        (query(false, json!("elsewhere")), "a.b:1"),
        (query(true, json!(["a.b:1"])), "a\\\\.b:1"),
        (
            query(true, json!(["a.b:1", "c:2", "elsewhere"])),
            "(a\\\\.b:1|c:2)",
        ),
        (query(true, json!(["$__all"])), "(a\\\\.b:1|c:2|d:10)"),
        (query(true, json!("$__all")), "(a\\\\.b:1|c:2|d:10)"),
    ] {
        let filled = filled("up{instance=~\"$i\"}", variables).await;
        assert_eq!(filled, format!("up{{instance=~\"{expected}\"}}"));
    }
    let mut all = query(true, json!(["$__all"]));
    all[0]["allValue"] = json!("[^x].*");
    assert_eq!(filled("$i", all).await, "[^x].*");
    let mut chosen = options();
    chosen.variables.insert("i".into(), vec!["mine".into()]);
    let dashboard = json!({
        "templating": {"list": query(false, json!("c:2"))},
        "panels": [{"targets": [{"expr": "$i"}]}],
    });
    assert_eq!(queries(&read(&dashboard, &chosen).await), ["mine"]);
}

#[tokio::test]
async fn variables_of_all_types_have_values() {
    for (variable, expected) in [
        (json!({"type": "custom", "query": "a\\,b, c"}), "a,b"),
        (
            json!({"type": "custom", "query": "A : a,B : b", "current": {"value": "b"}}),
            "b",
        ),
        (json!({"type": "constant", "query": "k"}), "k"),
        (
            json!({"type": "textbox", "query": "k", "current": {"value": "t\"\\"}}),
            "t\\\"\\\\",
        ),
        (json!({"type": "interval", "query": "10m,1h"}), "10m"),
        (
            json!({"type": "interval", "query": "10m,1h", "current": {"value": "1h"}}),
            "1h",
        ),
        (
            json!({
                "type": "interval", "query": "10m", "auto": true, "auto_count": 10,
                "auto_min": "1m", "current": {"value": "$__auto_interval_v"},
            }),
            "5m",
        ),
        (json!({"type": "query", "query": "metrics(load)"}), "load1"),
        (
            json!({"type": "query", "query": "label_names(load1)", "sort": 1}),
            "__name__",
        ),
        (
            json!({"type": "query", "query": "label_values(job)", "sort": 2}),
            "web",
        ),
        (
            json!({"type": "query", "query": "label_values(instance)", "sort": 4}),
            "d:10",
        ),
        (
            json!({"type": "query", "query": {"query": "label_values(up{job=\"web\"}, instance)"}}),
            "d:10",
        ),
        (
            json!({
                "type": "query", "query": "query_result(up)",
                "regex": "/instance=\"([^\"]+)\",job=\"WEB\".* 2 1000/i",
            }),
            "d:10",
        ),
        (
            json!({
                "type": "query", "query": "label_values(up, instance)",
                "regex": "/(?<text>.).*:(?<value>\\d+)/", "sort": 4,
            }),
            "10",
        ),
        (
            json!({"type": "query", "query": "label_values(up, instance)", "regex": "c.*"}),
            "c:2",
        ),
        (
            json!({"type": "query", "query": "load1"}),
            "load1{instance=\\\"c:2\\\"}",
        ),
        (
            json!({"type": "query", "query": "label_values(no_such, x)"}),
            "",
        ),
        (
            json!({"type": "query", "query": "label_values(x)", "regex": "/(/"}),
            "left out: uses the variable \"v\": \"(\": regex parse error:\n    (\n    ^\nerror: unclosed group",
        ),
        (
            json!({"type": "query", "datasource": {"type": "loki"}, "query": "label_values(x)"}),
            "left out: uses the variable \"v\": is for the data source loki",
        ),
    ] {
        let mut variable = variable;
        variable["name"] = json!("v");
        let found = filled("$v", json!([variable])).await;
        assert_eq!(found, expected, "{variable}");
    }
}

#[tokio::test]
async fn variables_may_use_others() {
    let variables = json!([
        {"name": "i", "type": "query", "query": "label_values(up{job=\"$j\"}, instance)"},
        {"name": "j", "type": "query", "query": "label_values(up, job)", "current": {"value": "web"}},
    ]);
    assert_eq!(filled("$i", variables).await, "d:10");
    let circle = json!([
        {"name": "a", "type": "query", "query": "label_values($b)"},
        {"name": "b", "type": "query", "query": "label_values($a)"},
    ]);
    let left_out = "left out: uses the variable \"b\": uses the variable \"a\": uses \"b\", which is no variable";
    assert_eq!(filled("$b", circle).await, left_out);
    assert_eq!(
        filled("$nobody", json!([])).await,
        "left out: uses \"nobody\", which is no variable"
    );
}

#[tokio::test]
async fn formats_are_written() {
    for (format, expected) in [
        ("csv", "a.b,c"),
        ("raw", "a.b,c"),
        ("pipe", "a.b|c"),
        ("regex", "(a\\.b|c)"),
        ("glob", "{a.b,c}"),
        ("json", "[\"a.b\",\"c\"]"),
        ("distributed", "a.b,v=c"),
        ("doublequote", "\"a.b\",\"c\""),
        ("singlequote", "'a.b','c'"),
        ("sqlstring", "'a.b','c'"),
        ("lucene", "(\"a.b\" OR \"c\")"),
        ("percentencode", "a.b%2Cc"),
        ("queryparam", "var-v=a.b&var-v=c"),
        ("text", "a.b + c"),
        ("unheard_of", "(a\\\\.b|c)"),
    ] {
        let variables = json!([{
            "name": "v", "type": "custom", "query": "a.b,c", "multi": true,
            "current": {"value": ["a.b", "c"]},
        }]);
        let filled = filled(&format!("${{v:{format}}}"), variables).await;
        assert_eq!(filled, expected, "{format}");
    }
}

#[tokio::test]
async fn what_is_no_variable_stays() {
    let expr = "label_replace(x, \"a\", \"$1${2}\", \"b\", \"(.*)$\") + y[5m] + z[[1]]";
    assert_eq!(filled(expr, json!([])).await, expr);
    let repeated = json!({
        "templating": {"list": [{
            "name": "v", "type": "custom", "query": "a,b", "multi": true,
            "current": {"value": ["a", "b"]},
        }]},
        "panels": [{"repeat": "v", "targets": [{"expr": "$v"}]}, {"targets": [{"expr": "$v"}]}],
    });
    assert_eq!(queries(&read(&repeated, &options()).await), ["a", "(a|b)"]);
}

#[tokio::test]
async fn ad_hoc_filters_are_in_every_selector() {
    let variables = json!([{"name": "f", "type": "adhoc", "filters": [
        {"key": "job", "operator": "=", "value": "a\"b"},
        {"key": "zone", "operator": "=|", "value": "x", "values": ["x.1", "y"]},
        {"key": "n", "operator": "<", "value": "3"},
    ]}]);
    let matchers = "job=\"a\\\"b\",zone=~\"x\\\\.1|y\"";
    let filled = filled(
        "sum(rate(x[5m] offset 1m)) / y{} + z {a=\"{\"} + {__name__=\"w\"}",
        variables,
    );
    let expected = format!(
        "sum(rate(x{{{matchers}}}[5m] offset 1m)) / y{{{matchers},}} + z {{{matchers},a=\"{{\"}} \
         + {{{matchers},__name__=\"w\"}}"
    );
    let filled = filled.await;
    assert_eq!(filled, expected);
    let options = quarrel_planner::ParserOptions::default();
    quarrel_planner::parse(&filled, &options).unwrap();
}

#[tokio::test]
async fn the_second_schema_is_read() {
    let query = |kind: &str, group: Value, expr: &str| json!({"kind": kind, "group": group, "spec": {"expr": expr, "interval": "1m"}});
    let panel = |id: &str, hidden: bool, query: Value| json!({"kind": "PanelQuery", "spec": {"refId": id, "hidden": hidden, "query": query}});
    let dashboard = json!({
        "apiVersion": "dashboard.grafana.app/v2beta1", "kind": "Dashboard",
        "spec": {
            "title": "T",
            "elements": {"panel-1": {"kind": "Panel", "spec": {"title": "P", "data": {
                "kind": "QueryGroup", "spec": {"queryOptions": {"maxDataPoints": 10}, "queries": [
                    panel("A", false, query("DataQuery", json!("prometheus"), "a{i=~\"$i\"}")),
                    panel("B", false, query("prometheus", Value::Null, "b[$__rate_interval]")),
                    panel("C", true, query("prometheus", Value::Null, "hidden")),
                    panel("D", false, query("DataQuery", json!("loki"), "logs")),
                ]},
            }}}},
            "annotations": [{"kind": "AnnotationQuery", "spec": {
                "name": "N", "enable": true, "query": query("prometheus", Value::Null, "note"),
            }}],
            "variables": [
                {"kind": "QueryVariable", "spec": {
                    "name": "i", "multi": true, "includeAll": true, "sort": "alphabeticalDesc",
                    "current": {"value": ["$__all"]},
                    "query": {"kind": "prometheus", "spec": {"query": "label_values(up, job)"}},
                }},
            ],
        },
    });
    let found = read(&dashboard, &options()).await;
    assert_eq!(queries(&found), ["a{i=~\"(web|api)\"}", "b[6m]", "note"]);
    assert_eq!(found.left_out.len(), 1);
    assert_eq!(found.left_out[0].origin.place, "panel \"P\", query D");
}

#[tokio::test]
async fn what_is_no_dashboard_is_told() {
    for (text, expected) in [
        ("{", "d.json, line 1: EOF"),
        ("{}", "d.json: is no dashboard"),
        ("3", "d.json: is no dashboard"),
    ] {
        let found = dashboards_from("d.json", text, &data(), &options()).await;
        let error = found.unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}");
    }
    let mut broken = data();
    broken.error = Some("connection refused".into());
    let text = json!({
        "templating": {"list": [{"name": "v", "type": "query", "query": "label_values(x)"}]},
        "panels": [{"targets": [{"expr": "$v"}, {"expr": "w"}]}],
    });
    let found = dashboards_from("d.json", &text.to_string(), &broken, &options())
        .await
        .unwrap();
    assert_eq!(queries(&found), ["w"]);
    let reason = found.left_out[0].reason.to_string();
    assert_eq!(
        reason,
        "uses the variable \"v\": values of the label x: connection refused"
    );
}

/// JSON with the keys that readers look for.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        "(\\$|\\[\\[|\\{|\\}|\\]\\]|v|:|a|/|\\(|é|,|query|custom|adhoc|=){0,8}"
            .prop_map(Value::from),
    ];
    let keys = "title|panels|rows|targets|expr|templating|list|name|type|query|current|value|regex|\
                elements|spec|data|queries|variables|filters|datasource|uid|interval|repeat|sort";
    leaf.prop_recursive(6, 60, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(keys, inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn any_json_is_taken(value in any_json(), expr in "\\PC{0,30}") {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let wrapped = json!({
            "templating": {"list": [value.clone(), {"name": "v", "type": "custom", "query": expr}]},
            "panels": [value.clone(), {"targets": [{"expr": expr}, value.clone()]}],
        });
        let second = json!({"spec": {"elements": {"a": value.clone()}, "variables": [value.clone()]}});
        for text in [value.to_string(), wrapped.to_string(), second.to_string(), expr] {
            let _ = runtime.block_on(dashboards_from("d", &text, &data(), &options()));
        }
    }
}

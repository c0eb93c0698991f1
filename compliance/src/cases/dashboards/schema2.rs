//! The JSON of dashboards with `elements`: each thing has a `kind` and a `spec`.

use serde_json::Value;

use super::classic::{place, source, variable};
use super::json::{flag, items, number, optional, text};
use super::model::{Dashboard, Query, Source, Variable, VariableKind};

/// Whether a dashboard is of this schema.
pub(super) fn is(spec: &Value) -> bool {
    spec["elements"].is_object()
}

pub(super) fn read(spec: &Value) -> Dashboard {
    let mut queries = Vec::new();
    for element in spec["elements"].as_object().into_iter().flatten() {
        panel(&element.1["spec"], &mut queries);
    }
    for annotation in items(spec, "annotations") {
        let annotation = &annotation["spec"];
        if flag(annotation, "enable") == Some(false) {
            continue;
        }
        let query = Query {
            place: place("annotation", &text(annotation, "name"), ""),
            range: true,
            ..query(&annotation["query"])
        };
        if query.expr.is_some() {
            queries.push(query);
        }
    }
    Dashboard {
        title: text(spec, "title"),
        variables: items(spec, "variables").iter().map(typed).collect(),
        queries,
        inputs: Vec::new(),
    }
}

fn panel(spec: &Value, queries: &mut Vec<Query>) {
    let group = &spec["data"]["spec"];
    let options = &group["queryOptions"];
    let title = text(spec, "title");
    for item in items(group, "queries") {
        let item = &item["spec"];
        if flag(item, "hidden") == Some(true) {
            continue;
        }
        let mut query = query(&item["query"]);
        // The first version has it beside the query.
        if query.source.name.is_none() {
            query.source.name = source(&item["datasource"]).name;
        }
        queries.push(Query {
            place: place("panel", &title, &text(item, "refId")),
            min_interval: text(options, "interval"),
            max_data_points: number(options, "maxDataPoints"),
            ..query
        });
    }
}

/// A query: its type is its kind, or its group beside the kind `DataQuery`.
fn query(value: &Value) -> Query {
    let spec = &value["spec"];
    let kind = optional(value, "group").or_else(|| optional(value, "kind"));
    let instant = flag(spec, "instant").unwrap_or(false);
    Query {
        expr: spec["expr"].as_str().map(String::from),
        source: Source {
            kind,
            name: source(&value["datasource"]).name,
        },
        min_step: text(spec, "interval"),
        interval_factor: spec["intervalFactor"].as_f64().unwrap_or(1.0),
        instant,
        range: flag(spec, "range").unwrap_or(!instant),
        ..Query::default()
    }
}

fn typed(value: &Value) -> Variable {
    let (spec, kind) = (&value["spec"], VariableKind::of(&text(value, "kind")));
    let mut variable = variable(spec);
    variable.kind = kind;
    if kind == VariableKind::Query && variable.query.is_empty() {
        let query = &spec["query"]["spec"];
        variable.query = match &query["query"] {
            Value::String(text) => text.clone(),
            object => text(object, "query"),
        };
    }
    if kind == VariableKind::DataSource {
        variable.query = text(spec, "pluginId");
    }
    if kind == VariableKind::Fixed && variable.current.is_empty() {
        variable.current = vec![variable.query.clone()];
    }
    variable
}

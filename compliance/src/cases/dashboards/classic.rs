//! The JSON of dashboards with `panels`, or `rows` with panels.

use serde_json::Value;

use super::json::{flag, items, number, optional, text, texts};
use super::model::{Dashboard, Filter, Query, Sort, SortKey, Source, Variable, VariableKind};

pub(super) fn read(value: &Value) -> Dashboard {
    let mut reader = Reader {
        elements: &value["__elements"],
        queries: Vec::new(),
    };
    for row in items(value, "rows") {
        reader.panels(items(row, "panels"), optional(row, "repeat"));
    }
    reader.panels(items(value, "panels"), None);
    for annotation in items(&value["annotations"], "list") {
        reader.annotation(annotation);
    }
    let variables = items(&value["templating"], "list");
    let inputs = items(value, "__inputs").iter();
    Dashboard {
        title: text(value, "title"),
        variables: variables.iter().map(variable).collect(),
        queries: reader.queries,
        inputs: inputs
            .map(|input| (text(input, "name"), text(input, "pluginId")))
            .collect(),
    }
}

struct Reader<'a> {
    /// Library panels that come with an export.
    elements: &'a Value,
    queries: Vec<Query>,
}

impl Reader<'_> {
    fn panels(&mut self, panels: &[Value], repeat: Option<String>) {
        for panel in panels {
            let repeat = optional(panel, "repeat").or_else(|| repeat.clone());
            match self.model(&panel["libraryPanel"]) {
                // A library panel has no panels below it.
                Some(model) => {
                    let model = model.clone();
                    self.panel(&model, &repeat);
                }
                None => {
                    self.panel(panel, &repeat);
                    self.panels(items(panel, "panels"), repeat);
                }
            }
        }
    }

    /// The model of a library panel: with it, or among the export's elements.
    fn model(&self, library: &Value) -> Option<&Value> {
        let uid = library["uid"].as_str()?;
        let own = match self.elements {
            Value::Array(all) => all.iter().find(|element| element["uid"] == uid),
            elements => elements.get(uid),
        };
        own.map(|element| &element["model"])
            .filter(|model| model.is_object())
    }

    fn panel(&mut self, panel: &Value, repeat: &Option<String>) {
        let inline = &panel["libraryPanel"]["model"];
        let panel = if inline.is_object() { inline } else { panel };
        let title = text(panel, "title");
        for target in items(panel, "targets") {
            if flag(target, "hide") == Some(true) {
                continue;
            }
            let own = source(&target["datasource"]);
            let is_given = own != Source::default();
            let instant = flag(target, "instant").unwrap_or(false);
            self.queries.push(Query {
                place: place("panel", &title, &text(target, "refId")),
                expr: target["expr"].as_str().map(String::from),
                source: if is_given {
                    own
                } else {
                    source(&panel["datasource"])
                },
                min_step: text(target, "interval"),
                min_interval: text(panel, "interval"),
                interval_factor: target["intervalFactor"].as_f64().unwrap_or(1.0),
                max_data_points: number(panel, "maxDataPoints"),
                instant,
                range: flag(target, "range").unwrap_or(!instant),
                repeat: repeat.clone(),
            });
        }
    }

    fn annotation(&mut self, annotation: &Value) {
        let is_on = flag(annotation, "enable").unwrap_or(true);
        let expr = annotation["expr"].as_str();
        let expr = expr.or_else(|| annotation["target"]["expr"].as_str());
        if !is_on || expr.is_none() {
            return;
        }
        self.queries.push(Query {
            place: place("annotation", &text(annotation, "name"), ""),
            expr: expr.map(String::from),
            source: source(&annotation["datasource"]),
            min_step: text(annotation, "step"),
            interval_factor: 1.0,
            range: true,
            ..Query::default()
        });
    }
}

/// `panel "CPU", query A`
pub(super) fn place(kind: &str, title: &str, id: &str) -> String {
    let mut place = format!("{kind} {title:?}");
    if !id.is_empty() {
        place.push_str(&format!(", query {id}"));
    }
    place
}

/// A data source: a name, or an object.
pub(super) fn source(value: &Value) -> Source {
    match value {
        Value::String(name) => Source {
            kind: None,
            name: Some(name.clone()),
        },
        value => Source {
            kind: optional(value, "type"),
            name: optional(value, "uid").or_else(|| optional(value, "name")),
        },
    }
}

/// A variable, also of the newer schema, which has most fields of the same
/// names.
pub(super) fn variable(value: &Value) -> Variable {
    let query = match &value["query"] {
        Value::String(query) => query.clone(),
        object => text(object, "query"),
    };
    let filters = items(value, "filters").iter().map(filter);
    let auto = flag(value, "auto") == Some(true);
    let count = number(value, "auto_count").or(number(value, "autoCount"));
    let shortest = optional(value, "auto_min").unwrap_or_else(|| text(value, "autoMin"));
    Variable {
        name: text(value, "name"),
        kind: VariableKind::of(&text(value, "type")),
        query,
        regex: text(value, "regex"),
        sort: sort(&value["sort"]),
        multi: flag(value, "multi").unwrap_or(false),
        include_all: flag(value, "includeAll").unwrap_or(false),
        all_value: optional(value, "allValue"),
        current: texts(&value["current"]["value"]),
        filters: filters.collect(),
        auto: auto.then(|| (count.unwrap_or(30), shortest)),
        source: source(&value["datasource"]),
    }
}

pub(super) fn filter(value: &Value) -> Filter {
    let several = texts(&value["values"]);
    Filter {
        key: text(value, "key"),
        operator: text(value, "operator"),
        values: if several.is_empty() {
            texts(&value["value"])
        } else {
            several
        },
    }
}

/// The order: a number in one schema, a name in the other.
fn sort(value: &Value) -> Sort {
    let (by, descending) = match (value.as_u64(), value.as_str()) {
        (Some(1), _) | (_, Some("alphabeticalAsc")) => (SortKey::Text, false),
        (Some(2), _) | (_, Some("alphabeticalDesc")) => (SortKey::Text, true),
        (Some(3), _) | (_, Some("numericalAsc")) => (SortKey::Number, false),
        (Some(4), _) | (_, Some("numericalDesc")) => (SortKey::Number, true),
        (Some(5), _) | (_, Some("alphabeticalCaseInsensitiveAsc")) => {
            (SortKey::TextWithoutCase, false)
        }
        (Some(6), _) | (_, Some("alphabeticalCaseInsensitiveDesc")) => {
            (SortKey::TextWithoutCase, true)
        }
        // A natural order: numbers in texts by their values. The number comes
        // near enough.
        (Some(7), _) | (_, Some("naturalAsc")) => (SortKey::Number, false),
        (Some(8), _) | (_, Some("naturalDesc")) => (SortKey::Number, true),
        _ => (SortKey::None, false),
    };
    Sort { by, descending }
}

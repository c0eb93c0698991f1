//! Which data source a query is for.

use super::model::{Dashboard, Source, VariableKind};

/// The type of a data source that is not Prometheus's or one with its API.
/// Unknown ones count as Prometheus: who has `expr` mostly is.
pub(super) fn other(source: &Source, dashboard: &Dashboard) -> Option<String> {
    let kind = kind(source, dashboard)?;
    (!has_promql(&kind)).then_some(kind)
}

fn has_promql(kind: &str) -> bool {
    kind.contains("prometheus") || kind.contains("victoriametrics") && !kind.contains("logs")
}

fn kind(source: &Source, dashboard: &Dashboard) -> Option<String> {
    if let Some(kind) = &source.kind
        && !matches!(&**kind, "datasource" | "mixed" | "DataQuery")
    {
        return Some(kind.clone());
    }
    let name = source.name.as_deref()?;
    if matches!(name, "-- Grafana --" | "grafana" | "__expr__") {
        return Some(name.into());
    }
    let name = name.strip_prefix('$')?;
    let name = name.trim_start_matches('{').trim_end_matches('}');
    let inputs = dashboard.inputs.iter();
    let mut inputs = inputs.filter(|(input, kind)| input == name && !kind.is_empty());
    if let Some((_, kind)) = inputs.next() {
        return Some(kind.clone());
    }
    let mut variables = dashboard.variables.iter();
    let variable = variables
        .find(|variable| variable.name == name && variable.kind == VariableKind::DataSource)?;
    Some(variable.query.clone()).filter(|kind| !kind.is_empty())
}

//! Filters of ad hoc variables: matchers that every selector gets.

use quarrel_functions::fmt::quote;
use quarrel_planner::ast::Expr;
use quarrel_planner::{ParserOptions, parse};

use super::format::in_regex;
use super::model::{Dashboard, Filter, VariableKind};

/// A query with the filters in each of its selectors. What is no PromQL stays as
/// it is, for the endpoints to refuse.
pub(super) fn filtered(query: String, dashboard: &Dashboard) -> String {
    let adhoc = dashboard.variables.iter();
    let adhoc = adhoc.filter(|variable| variable.kind == VariableKind::AdHoc);
    let filters = adhoc.flat_map(|variable| &variable.filters);
    let matchers: Vec<String> = filters.filter_map(matcher).collect();
    if matchers.is_empty() {
        return query;
    }
    let Ok(tree) = parse(&query, &ParserOptions::all()) else {
        return query;
    };
    let mut spans: Vec<(usize, usize)> = Vec::new();
    for expr in tree.expr().nodes() {
        let selector = match expr {
            Expr::VectorSelector(selector) => selector,
            Expr::MatrixSelector(matrix) => &matrix.selector,
            _ => continue,
        };
        spans.push((selector.span.start as usize, selector.span.end as usize));
    }
    // From the last, so that places stay.
    spans.sort_unstable();
    let mut filtered = query;
    for (start, end) in spans.into_iter().rev() {
        insert(&mut filtered, start, end, &matchers.join(","));
    }
    filtered
}

fn insert(query: &mut String, start: usize, end: usize, matchers: &str) {
    let Some(selector) = query.get(start..end) else {
        return;
    };
    let is_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | ':' | '.');
    let name = selector.find(|c| !is_name(c)).unwrap_or(selector.len());
    // White space and comments may stand between.
    match selector[name..].find('{').map(|at| name + at) {
        Some(open) => query.insert_str(start + open + 1, &format!("{matchers},")),
        None => query.insert_str(start + name, &format!("{{{matchers}}}")),
    }
}

fn matcher(filter: &Filter) -> Option<String> {
    let one = filter.values.first()?;
    let alternatives = || {
        let values: Vec<String> = filter.values.iter().map(|value| in_regex(value)).collect();
        quote(&values.join("|"))
    };
    let matcher = match &*filter.operator {
        operator @ ("=" | "!=" | "=~" | "!~") => format!("{operator}{}", quote(one)),
        "=|" => format!("=~{}", alternatives()),
        "!=|" => format!("!~{}", alternatives()),
        _ => return None,
    };
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let name = if filter.key.chars().all(is_plain) {
        filter.key.clone()
    } else {
        quote(&filter.key)
    };
    (!filter.key.is_empty()).then(|| format!("{name}{matcher}"))
}

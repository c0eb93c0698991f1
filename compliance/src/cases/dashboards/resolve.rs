//! The values of a dashboard's variables.

use std::collections::BTreeSet;

use regex_automata::meta::Regex;
use regex_automata::util::syntax;

use super::super::data::{Data, Sample};
use super::interpolate::{Scope, interpolate, names};
use super::intervals::{auto, bind_range};
use super::model::{Dashboard, Sort, SortKey, Variable, VariableKind};
use super::options::Options;
use super::source;
use super::values::Bound;

/// What stands for "All" in a saved choice.
const ALL: &str = "$__all";
/// What stands for the automatic choice of an interval.
const AUTO: &str = "$__auto_interval";
/// How large an automaton of a variable's regular expression may be, bytes.
const REGEX_BYTES: usize = 1 << 20;

/// The values of all variables, and those of the time range. A variable comes
/// after those that its query uses.
pub(super) async fn resolve(dashboard: &Dashboard, data: &impl Data, options: &Options) -> Scope {
    let mut scope = Scope::new();
    bind_range(options, &mut scope);
    scope.insert("__dashboard".into(), Ok(Bound::literal(&dashboard.title)));
    let mut waiting: Vec<&Variable> = dashboard.variables.iter().collect();
    while !waiting.is_empty() {
        let open: BTreeSet<&str> = waiting.iter().map(|variable| &*variable.name).collect();
        let is_ready = |variable: &&Variable| {
            let names = names(&variable.query).into_iter();
            names
                .filter(|name| *name != variable.name)
                .all(|name| !open.contains(name))
        };
        // Variables that wait for each other come in their order.
        let next = waiting.iter().position(is_ready).unwrap_or(0);
        let variable = waiting.remove(next);
        let bound = bind(variable, dashboard, &scope, data, options).await;
        scope.insert(variable.name.clone(), bound);
    }
    scope
}

async fn bind(
    variable: &Variable,
    dashboard: &Dashboard,
    scope: &Scope,
    data: &impl Data,
    options: &Options,
) -> Result<Bound, String> {
    let is_list = variable.multi || variable.include_all;
    let bound = |values| Bound {
        values,
        is_list,
        is_literal: false,
    };
    if let Some(values) = options.variables.get(&variable.name) {
        return Ok(bound(values.clone()));
    }
    let found = match variable.kind {
        VariableKind::Query => {
            if let Some(kind) = source::other(&variable.source, dashboard) {
                return Err(format!("is for the data source {kind}"));
            }
            values(variable, scope, data).await?
        }
        VariableKind::Custom => list(&variable.query),
        VariableKind::Interval => {
            return Ok(Bound::literal(interval(variable, options)));
        }
        VariableKind::Fixed => {
            let current = variable.current.first();
            return Ok(bound(vec![current.unwrap_or(&variable.query).clone()]));
        }
        VariableKind::DataSource => return Ok(bound(variable.current.clone())),
        VariableKind::AdHoc => return Ok(bound(Vec::new())),
        VariableKind::Other => return Err("is of an unknown type".into()),
    };
    Ok(choose(variable, found))
}

/// The saved choice, as far as the values have it, or the first value.
fn choose(variable: &Variable, found: Vec<String>) -> Bound {
    let is_list = variable.multi || variable.include_all;
    let wants_all = variable.include_all && variable.current.iter().any(|value| value == ALL);
    if wants_all && let Some(all) = &variable.all_value {
        return Bound {
            is_list,
            ..Bound::literal(all)
        };
    }
    let saved = found
        .iter()
        .filter(|value| variable.current.contains(value));
    let saved: Vec<String> = saved.cloned().collect();
    let values = if wants_all {
        found
    } else if saved.is_empty() {
        found.into_iter().take(1).collect()
    } else {
        saved
    };
    Bound {
        values,
        is_list,
        is_literal: false,
    }
}

/// Values with commas between; `\,` is no end. `text : value` is a value with a
/// text of its own.
fn list(text: &str) -> Vec<String> {
    let mut values = vec![String::new()];
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' if chars.peek() == Some(&',') => {
                chars.next();
                values
                    .last_mut()
                    .into_iter()
                    .for_each(|last| last.push(','));
            }
            ',' => values.push(String::new()),
            c => values.last_mut().into_iter().for_each(|last| last.push(c)),
        }
    }
    let values = values.iter().map(|value| {
        let value = value.split_once(" : ").map_or(&**value, |(_, value)| value);
        value.trim().to_string()
    });
    values.filter(|value| !value.is_empty()).collect()
}

fn interval(variable: &Variable, options: &Options) -> String {
    let chosen = variable.current.first().filter(|chosen| !chosen.is_empty());
    match (chosen, &variable.auto) {
        (Some(chosen), Some((count, shortest))) if chosen.starts_with(AUTO) => {
            auto(*count, shortest, options)
        }
        (Some(chosen), _) if !chosen.starts_with('$') => chosen.clone(),
        _ => {
            let first = list(&variable.query).into_iter().next();
            first.unwrap_or_else(|| "1m".into())
        }
    }
}

/// What a query variable finds.
async fn values(
    variable: &Variable,
    scope: &Scope,
    data: &impl Data,
) -> Result<Vec<String>, String> {
    let query = interpolate(&variable.query, scope).map_err(|reason| reason.to_string())?;
    let found = ask(query.trim(), data).await?;
    let pattern = interpolate(&variable.regex, scope).unwrap_or_else(|_| variable.regex.clone());
    let mut found = filter(found, &pattern)?;
    sort(&mut found, variable.sort);
    let mut seen = BTreeSet::new();
    found.retain(|value| seen.insert(value.clone()));
    Ok(found)
}

async fn ask(query: &str, data: &impl Data) -> Result<Vec<String>, String> {
    let fail = |error: super::super::data::DataError| error.to_string();
    let inner = |name: &str| {
        let inner = query.strip_prefix(name)?.trim_start().strip_prefix('(')?;
        Some(inner.strip_suffix(')')?.trim())
    };
    let selectors = |text: &str| match text.trim() {
        "" => Vec::new(),
        selector => vec![selector.to_string()],
    };
    if let Some(inner) = inner("label_values") {
        let (selector, label) = inner.rsplit_once(',').unwrap_or(("", inner));
        let label = label.trim().trim_matches('"');
        return data
            .label_values(label, &selectors(selector))
            .await
            .map_err(fail);
    }
    if let Some(selector) = inner("label_names") {
        return data.label_names(&selectors(selector)).await.map_err(fail);
    }
    if let Some(pattern) = inner("metrics") {
        let names = data.label_values("__name__", &[]).await.map_err(fail)?;
        let regex = compile(pattern, false)?;
        return Ok(names
            .into_iter()
            .filter(|name| regex.is_match(name))
            .collect());
    }
    if let Some(expr) = inner("query_result") {
        let samples = data.query(expr).await.map_err(fail)?;
        return Ok(samples.iter().map(printed).collect());
    }
    if query.is_empty() {
        return Ok(Vec::new());
    }
    // A selector: its series.
    let series = data.series(&selectors(query)).await.map_err(fail)?;
    Ok(series.iter().map(metric).collect())
}

/// A sample as variables see it: `name{label="value"} value time`.
fn printed(sample: &Sample) -> String {
    format!(
        "{} {} {}",
        metric(&sample.labels),
        sample.value,
        sample.time_ms
    )
}

fn metric(labels: &std::collections::BTreeMap<String, String>) -> String {
    let name = labels.get("__name__").map_or("", |name| name);
    let others = labels.iter().filter(|(label, _)| *label != "__name__");
    let others: Vec<String> = others
        .map(|(label, value)| format!("{label}={value:?}"))
        .collect();
    format!("{name}{{{}}}", others.join(","))
}

/// The values that a regular expression finds: its first group, or the one that
/// is called `value`, if it has any. `/pattern/i` is how JavaScript writes one;
/// without slashes, the whole value must match.
fn filter(values: Vec<String>, pattern: &str) -> Result<Vec<String>, String> {
    if pattern.is_empty() {
        return Ok(values);
    }
    let slashed = pattern
        .strip_prefix('/')
        .and_then(|rest| rest.rsplit_once('/'));
    let regex = match slashed {
        Some((inner, flags)) => compile(&inner.replace("\\/", "/"), flags.contains('i'))?,
        None => compile(&format!("^(?:{pattern})$"), false)?,
    };
    let named = regex
        .group_info()
        .to_index(regex_automata::PatternID::ZERO, "value");
    let group = named.unwrap_or(usize::from(regex.captures_len() > 1));
    let mut captures = regex.create_captures();
    let mut found = Vec::new();
    for value in values {
        regex.captures(&value, &mut captures);
        if let Some(span) = captures.get_group(group) {
            found.push(value[span.range()].to_string());
        }
    }
    Ok(found)
}

fn compile(pattern: &str, ignore_case: bool) -> Result<Regex, String> {
    // JavaScript's named groups begin with `(?<`, which is understood here, too.
    let config = Regex::config().nfa_size_limit(Some(REGEX_BYTES));
    let syntax = syntax::Config::new().case_insensitive(ignore_case);
    let regex = Regex::builder()
        .configure(config)
        .syntax(syntax)
        .build(pattern);
    regex.map_err(|error| match error.syntax_error() {
        Some(syntax) => format!("{pattern:?}: {syntax}"),
        None => format!("{pattern:?}: {error}"),
    })
}

fn sort(values: &mut [String], order: Sort) {
    match order.by {
        SortKey::None => return,
        SortKey::Text => values.sort(),
        SortKey::TextWithoutCase => values.sort_by_key(|value| value.to_lowercase()),
        SortKey::Number => values.sort_by(|a, b| number_in(a).total_cmp(&number_in(b))),
    }
    if order.descending {
        values.reverse();
    }
}

/// The first number in a text; texts without one come last.
fn number_in(text: &str) -> f64 {
    let Some(start) = text.find(|c: char| c.is_ascii_digit()) else {
        return f64::INFINITY;
    };
    let rest = &text[start..];
    let end = rest
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(rest.len());
    rest[..end]
        .trim_end_matches('.')
        .parse()
        .unwrap_or(f64::INFINITY)
}

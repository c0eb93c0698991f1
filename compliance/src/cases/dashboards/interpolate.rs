//! Variables in texts: `$name`, `${name}`, `${name:format}`, `${name.field}`,
//! `[[name]]`, `[[name:format]]`.

use std::collections::BTreeMap;

use super::format::{for_promql, formatted};
use super::options::Reason;
use super::values::Bound;

/// Values of variables by name, or why there are none.
pub(super) type Scope = BTreeMap<String, Result<Bound, String>>;

/// A variable in a text.
struct Reference<'a> {
    name: &'a str,
    /// After a colon.
    format: Option<&'a str>,
    /// How many bytes it takes.
    length: usize,
}

/// The names of variables in a text.
pub(super) fn names(text: &str) -> Vec<&str> {
    let mut names = Vec::new();
    each(text, |part| {
        if let Part::Reference(reference) = part {
            names.push(reference.name);
        }
    });
    names
}

/// A text with the values of its variables. Where Grafana knows no format, it
/// takes that of the data source; what is no variable stays.
pub(super) fn interpolate(text: &str, scope: &Scope) -> Result<String, Reason> {
    let mut filled = String::new();
    let mut fault = None;
    each(text, |part| match part {
        Part::Text(text) => filled.push_str(text),
        Part::Reference(reference) => match value(&reference, scope) {
            Ok(value) => filled.push_str(&value),
            Err(reason) => fault = fault.take().or(Some(reason)),
        },
    });
    fault.map_or(Ok(filled), Err)
}

fn value(reference: &Reference, scope: &Scope) -> Result<String, Reason> {
    let name = reference.name;
    let bound = match scope.get(name) {
        Some(Ok(bound)) => bound,
        Some(Err(problem)) => {
            return Err(Reason::Unresolved {
                name: name.into(),
                problem: problem.clone(),
            });
        }
        None => return Err(Reason::UnknownVariable(name.into())),
    };
    // `${__from:date:seconds}`; milliseconds without a format.
    if let (Some("date:seconds"), [ms]) = (reference.format, &*bound.values) {
        return Ok(ms
            .parse::<i64>()
            .map_or_else(|_| ms.clone(), |ms| (ms / 1000).to_string()));
    }
    let in_format = reference
        .format
        .and_then(|format| formatted(name, bound, format));
    Ok(in_format.unwrap_or_else(|| for_promql(bound)))
}

enum Part<'a> {
    Text(&'a str),
    Reference(Reference<'a>),
}

fn each<'a>(text: &'a str, mut take: impl FnMut(Part<'a>)) {
    let (mut rest, mut plain) = (text, 0);
    while let Some(at) = rest[plain..].find(['$', '[']) {
        let at = plain + at;
        match reference(&rest[at..]) {
            Some(reference) => {
                take(Part::Text(&rest[..at]));
                rest = &rest[at + reference.length..];
                plain = 0;
                take(Part::Reference(reference));
            }
            None => plain = at + 1,
        }
    }
    take(Part::Text(rest));
}

/// The reference that a text begins with.
fn reference(text: &str) -> Option<Reference<'_>> {
    let (open, close) = if text.starts_with("${") {
        ("${", "}")
    } else if text.starts_with("[[") {
        ("[[", "]]")
    } else {
        let name = &text[1..];
        let length = word(name);
        // `"$1"` is a group of label_replace.
        let starts_well = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        return (text.starts_with('$') && starts_well).then(|| Reference {
            name: &name[..length],
            format: None,
            length: length + 1,
        });
    };
    let end = text.find(close)?;
    let inner = text.get(open.len()..end)?;
    let (path, format) = match inner.split_once(':') {
        Some((path, format)) => (path, Some(format)),
        None => (inner, None),
    };
    let name = &path[..word(path)];
    let starts_well = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let rest = &path[name.len()..];
    (starts_well && (rest.is_empty() || rest.starts_with('.'))).then_some(Reference {
        name,
        format,
        length: end + close.len(),
    })
}

fn word(text: &str) -> usize {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.find(|c| !is_word(c)).unwrap_or(text.len())
}

//! Templates of queries: text with `{{.name}}`, which is all of Go's templates
//! that lists of queries use.

use std::collections::BTreeMap;

/// A template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Template<'a>(Vec<Part<'a>>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part<'a> {
    Text(&'a str),
    Value(&'a str),
}

/// Why a text is no template, or cannot be filled in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum TemplateError {
    #[error("{{{{ without }}}}")]
    Unclosed,
    #[error("{{{{{0}}}}} is no {{{{.name}}}}; other actions of Go's templates are not supported")]
    Unsupported(String),
    #[error("{{{{.{0}}}}} is not among the variant_args")]
    Unknown(String),
}

impl<'a> Template<'a> {
    pub(super) fn parse(text: &'a str) -> Result<Self, TemplateError> {
        let (mut parts, mut rest) = (Vec::new(), text);
        while let Some((before, after)) = rest.split_once("{{") {
            let (action, after) = after.split_once("}}").ok_or(TemplateError::Unclosed)?;
            let name = action.trim().strip_prefix('.').filter(|name| is_name(name));
            let name = name.ok_or_else(|| TemplateError::Unsupported(action.into()))?;
            parts.extend([Part::Text(before), Part::Value(name)]);
            rest = after;
        }
        parts.push(Part::Text(rest));
        Ok(Template(parts))
    }

    /// The names of its values, as often as they come.
    pub(super) fn names(&self) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter_map(|part| match part {
            Part::Value(name) => Some(*name),
            Part::Text(_) => None,
        })
    }

    pub(super) fn fill(&self, values: &BTreeMap<&str, &str>) -> Result<String, TemplateError> {
        let mut filled = String::new();
        for part in &self.0 {
            filled.push_str(match part {
                Part::Text(text) => text,
                Part::Value(name) => values
                    .get(name)
                    .ok_or_else(|| TemplateError::Unknown((*name).into()))?,
            });
        }
        Ok(filled)
    }
}

fn is_name(text: &str) -> bool {
    let starts_well = text.starts_with(|c: char| c.is_alphabetic() || c == '_');
    starts_well && text.chars().all(|c| c.is_alphanumeric() || c == '_')
}

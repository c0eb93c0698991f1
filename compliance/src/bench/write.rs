//! The forms of a run.

use std::str::FromStr;

use super::baseline::Changes;
use super::record::Record;
use super::summary::Summary;
use super::{html, json, markdown, text};

/// The forms of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// For a terminal.
    #[default]
    Text,
    /// For programs, and to be compared with later.
    Json,
    /// For comments on changes.
    Markdown,
    /// A page in one file, with plots.
    Html,
}

/// A name that is none of a [`Format`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is none of text, json, markdown, html")]
pub struct UnknownFormat(String);

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(name: &str) -> Result<Self, UnknownFormat> {
        match name {
            "text" => Ok(Format::Text),
            "json" => Ok(Format::Json),
            "markdown" => Ok(Format::Markdown),
            "html" => Ok(Format::Html),
            _ => Err(UnknownFormat(name.to_string())),
        }
    }
}

/// A run in a form, with what has changed since an earlier one.
pub fn write(record: &Record, summary: &Summary, changes: &[Changes], format: Format) -> String {
    match format {
        Format::Text => text::write(record, summary, changes),
        Format::Json => json::write(record, summary, changes),
        Format::Markdown => markdown::write(record, summary, changes),
        Format::Html => html::write(record, summary, changes),
    }
}

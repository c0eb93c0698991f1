//! The forms of a report.

use std::io;
use std::str::FromStr;

use super::summary::Report;
use super::{html, json, junit, markdown, text};

/// The forms of a report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// For a terminal.
    #[default]
    Text,
    /// For programs; `docs/compliance.md` describes it.
    Json,
    /// A page in one file, with a plot of each difference.
    Html,
    /// For comments on changes, and issues.
    Markdown,
    /// For what shows tests; a query is a test case.
    Junit,
}

/// A name that is none of a [`Format`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is none of text, json, html, markdown, junit")]
pub struct UnknownFormat(String);

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(name: &str) -> Result<Self, UnknownFormat> {
        match name {
            "text" => Ok(Format::Text),
            "json" => Ok(Format::Json),
            "html" => Ok(Format::Html),
            "markdown" => Ok(Format::Markdown),
            "junit" => Ok(Format::Junit),
            _ => Err(UnknownFormat(name.to_string())),
        }
    }
}

impl Report {
    /// Writes the report in a form.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write(&self, format: Format, out: &mut dyn io::Write) -> io::Result<()> {
        let text = match format {
            Format::Text => text::write(self),
            Format::Json => json::write(self),
            Format::Html => html::write(self),
            Format::Markdown => markdown::write(self),
            Format::Junit => junit::write(self),
        };
        out.write_all(text.as_bytes())
    }
}

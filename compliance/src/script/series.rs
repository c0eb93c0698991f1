//! Series in scripts: a metric and its values.

use quarrel_planner::literal::unquote;

use super::scan::{ScanError, Scanner};
use super::sequence::{Point, SequenceItem, sequence};

/// Words that are no metric name in front of values: operators and modifiers
/// that the grammar of metrics leaves out, and numbers.
const NO_METRICS: [&str; 8] = [
    "on",
    "ignoring",
    "bool",
    "group_left",
    "group_right",
    "atan2",
    "inf",
    "nan",
];

/// `metric{label="value"} 1 2+3x4 _ stale {{sum:1}}`
#[derive(Clone, Debug, PartialEq)]
pub struct SeriesDescription {
    /// Names and values sorted by name; an empty value only without a name in
    /// front of the braces.
    pub labels: Vec<(String, String)>,
    /// The values as they are written.
    pub items: Vec<SequenceItem>,
}

impl SeriesDescription {
    /// The values one by one.
    ///
    /// # Errors
    /// When histograms in it cannot be added up.
    pub fn points(&self) -> Result<Vec<Point>, String> {
        let mut out = Vec::new();
        for item in &self.items {
            item.expand(&mut out)?;
        }
        Ok(out)
    }
}

/// A metric alone, as tests of rules write the labels of an expected sample.
///
/// # Errors
/// When it is none, with the column; without `unquoted_utf8` also when a name
/// without quotes has a dot or a letter beyond ASCII.
pub fn parse_metric(text: &str, unquoted_utf8: bool) -> Result<Vec<(String, String)>, String> {
    let text = &without_comments(text);
    let mut scanner = Scanner::new(text);
    scanner.skip_space();
    if scanner.is_done() {
        return Ok(Vec::new());
    }
    let is_utf8 = |c: &char| *c == '.' || !c.is_ascii();
    let mut plain = unquoted(text).map(|(_, c)| c);
    if !unquoted_utf8 && let Some(c) = plain.find(is_utf8) {
        return Err(format!("unexpected {c:?} in a name without quotes"));
    }
    let name = metric_name(&mut scanner).map_err(|error| error.to_string())?;
    scanner.skip_space();
    let labels = labelled(name, &mut scanner).map_err(|error| error.to_string())?;
    scanner.skip_space();
    if !scanner.is_done() {
        return Err(scanner.unexpected("metric").to_string());
    }
    Ok(labels)
}

/// The characters outside of quotes, with their places.
fn unquoted(text: &str) -> impl Iterator<Item = (usize, char)> {
    let mut quote = None;
    let mut escaped = false;
    text.char_indices().filter(move |&(_, c)| {
        match quote {
            Some(_) if escaped => escaped = false,
            Some(open) if c == '\\' && open != '`' => escaped = true,
            Some(open) if c == open => quote = None,
            Some(_) => {}
            None if matches!(c, '"' | '\'' | '`') => quote = Some(c),
            None => return true,
        }
        false
    })
}

/// The text without what follows a `#` up to the end of the line.
fn without_comments(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((at, _)) = unquoted(rest).find(|(_, c)| *c == '#') {
        out.push_str(&rest[..at]);
        let comment = &rest[at..];
        rest = &comment[comment.find('\n').unwrap_or(comment.len())..];
    }
    out.push_str(rest);
    out
}

/// A whole line: metric and values.
pub(crate) fn parse_series(line: &str) -> Result<SeriesDescription, ScanError> {
    let mut scanner = Scanner::new(line);
    let labels = metric(&mut scanner)?;
    let items = sequence(&mut scanner)?;
    Ok(SeriesDescription { labels, items })
}

/// `name{label="value"}`, `{"name", label="value"}`, or either part alone.
pub(super) fn metric(scanner: &mut Scanner<'_>) -> Result<Vec<(String, String)>, ScanError> {
    let name = metric_name(scanner)?;
    labelled(name, scanner)
}

/// The name in front of the braces; empty if there is none.
fn metric_name<'a>(scanner: &mut Scanner<'a>) -> Result<&'a str, ScanError> {
    if scanner.peek() == Some('{') {
        return Ok("");
    }
    if !scanner.peek().is_some_and(|c| is_name_start(c) || c == ':') {
        return Err(scanner.unexpected("series"));
    }
    let name = scanner.take_while(|c| is_name_part(c) || c == ':');
    if NO_METRICS.contains(&name.to_ascii_lowercase().as_str()) {
        return Err(scanner.error(format!("{name:?} is not a metric's name here")));
    }
    Ok(name)
}

/// The labels of a metric whose name was read.
fn labelled(name: &str, scanner: &mut Scanner<'_>) -> Result<Vec<(String, String)>, ScanError> {
    let mut labels = match scanner.peek() {
        Some('{') => label_set(scanner)?,
        _ => Vec::new(),
    };
    if !name.is_empty() {
        // A name in front of the braces wins, and labels with empty values are
        // dropped.
        labels.retain(|(n, value)| n != "__name__" && !value.is_empty());
        labels.push(("__name__".to_string(), name.to_string()));
    }
    labels.sort();
    Ok(labels)
}

fn label_set(scanner: &mut Scanner<'_>) -> Result<Vec<(String, String)>, ScanError> {
    let mut labels = Vec::new();
    scanner.eat("{");
    loop {
        scanner.skip_space();
        if scanner.eat("}") {
            return Ok(labels);
        }
        labels.push(label(scanner)?);
        scanner.skip_space();
        if !scanner.eat(",") && scanner.peek() != Some('}') {
            return Err(scanner.unexpected("label set, expected \",\" or \"}\""));
        }
    }
}

/// `name="value"`, `"name"="value"`, or `"metric"`.
fn label(scanner: &mut Scanner<'_>) -> Result<(String, String), ScanError> {
    let quoted = matches!(scanner.peek(), Some('"' | '\'' | '`'));
    let name = if quoted {
        string(scanner)?
    } else {
        identifier(scanner)?
    };
    scanner.skip_space();
    if !scanner.eat("=") {
        if quoted {
            return Ok(("__name__".to_string(), name));
        }
        return Err(scanner.unexpected("label set, expected \"=\""));
    }
    scanner.skip_space();
    Ok((name, string(scanner)?))
}

fn identifier(scanner: &mut Scanner<'_>) -> Result<String, ScanError> {
    if !scanner.peek().is_some_and(is_name_start) {
        return Err(scanner.unexpected("label set, expected identifier or \"}\""));
    }
    Ok(scanner.take_while(is_name_part).to_string())
}

fn is_name_start(c: char) -> bool {
    c.is_alphabetic() || c == '_'
}

fn is_name_part(c: char) -> bool {
    is_name_start(c) || c.is_ascii_digit() || c == '.'
}

fn string(scanner: &mut Scanner<'_>) -> Result<String, ScanError> {
    let quoted = scanner.quoted()?;
    let bytes = unquote(quoted).map_err(|e| scanner.error(e))?;
    String::from_utf8(bytes).map_err(|_| scanner.error("label names and values are UTF-8"))
}

//! Tables for people to read. The common labels of all series stand above the
//! table. A matrix has a column for each series if that fits, else a line for
//! each sample.

use std::io::{self, Write};

use quarrel_engine::{SeriesSet, Value};
use unicode_width::UnicodeWidthStr as _;

use super::number::number;
use super::series::{Names, sample, short, value_of};
use super::style::Style;
use crate::time::format_ms;

/// Spaces between columns.
const GAP: &str = "  ";

/// Writes an answer as a table.
pub(crate) fn write(value: &Value, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    match value {
        Value::Scalar { value, .. } => writeln!(out, "{}", number(*value)),
        Value::String { value, .. } => writeln!(out, "{value}"),
        Value::Vector(set) | Value::Matrix(set) if set.is_empty() => writeln!(out, "(no series)"),
        Value::Vector(set) => vector(set, out),
        Value::Matrix(set) => match pivot(set, style) {
            Some(table) => table.write(out),
            None => long(set, out),
        },
    }
}

/// Cells of text. The first columns are aligned to the left, the others to
/// the right.
struct Table {
    title: String,
    left: usize,
    header: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    fn widths(&self) -> Vec<usize> {
        let mut widths: Vec<usize> = self.header.iter().map(|cell| cell.width()).collect();
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.width());
            }
        }
        widths
    }

    fn width(&self) -> usize {
        self.widths()
            .iter()
            .map(|width| width + GAP.len())
            .sum::<usize>()
            .saturating_sub(GAP.len())
    }

    fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        if !self.title.is_empty() {
            writeln!(out, "{}\n", self.title)?;
        }
        let widths = self.widths();
        let rules: Vec<String> = widths.iter().map(|&width| "─".repeat(width)).collect();
        for row in [&self.header, &rules].into_iter().chain(&self.rows) {
            let mut line = String::new();
            for (i, (cell, width)) in row.iter().zip(&widths).enumerate() {
                let pad = " ".repeat(width.saturating_sub(cell.width()));
                let gap = if i > 0 { GAP } else { "" };
                let (before, after) = if i < self.left {
                    ("", pad)
                } else {
                    (pad.as_str(), String::new())
                };
                line.extend([gap, before, cell, &after]);
            }
            writeln!(out, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

/// Control characters would break the lines.
fn clean(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect()
}

fn label_cells(set: &SeriesSet, names: &Names) -> (Vec<String>, Vec<Vec<String>>) {
    let symbols = set.symbols().read();
    let columns = names.columns(set);
    let header = columns
        .iter()
        .map(|&name| clean(symbols.get(name)))
        .collect();
    let cells = set
        .iter()
        .map(|series| {
            let value = |&name| clean(symbols.get(value_of(series.labels(), name)));
            columns.iter().map(value).collect()
        })
        .collect();
    (header, cells)
}

fn vector(set: &SeriesSet, out: &mut dyn Write) -> io::Result<()> {
    let (names, title) = names_and_title(set);
    let (mut header, cells) = label_cells(set, &names);
    let left = header.len();
    header.push("value".to_string());
    let rows = set
        .iter()
        .zip(cells)
        .map(|(series, mut row)| {
            row.extend(series.points().next().map(|point| sample(point.value)));
            row
        })
        .collect();
    Table {
        title,
        left,
        header,
        rows,
    }
    .write(out)
}

fn names_and_title(set: &SeriesSet) -> (Names, String) {
    let symbols = set.symbols().read();
    let names = Names::of(set, &symbols);
    let title = clean(&names.common(set, &symbols));
    (names, title)
}

/// A line for each time and a column for each series, if that fits into the
/// width.
fn pivot(set: &SeriesSet, style: &Style) -> Option<Table> {
    // A column takes five characters at least.
    if set.len() > style.width / 5 {
        return None;
    }
    let (names, title) = names_and_title(set);
    let symbols = set.symbols().read();
    let mut times: Vec<i64> = set
        .iter()
        .flat_map(|series| series.points().map(|point| point.timestamp))
        .collect();
    times.sort_unstable();
    times.dedup();
    let mut header = vec!["time".to_string()];
    let mut rows: Vec<Vec<String>> = times.iter().map(|&time| vec![format_ms(time)]).collect();
    for series in set.iter() {
        header.push(clean(&short(series.labels(), names.columns(set), &symbols)));
        let mut points = series.points().peekable();
        for (row, &time) in rows.iter_mut().zip(&times) {
            let point = points.next_if(|point| point.timestamp == time);
            row.push(point.map_or(String::new(), |point| sample(point.value)));
        }
    }
    let table = Table {
        title,
        left: 1,
        header,
        rows,
    };
    (table.width() <= style.width).then_some(table)
}

/// A line for each sample.
fn long(set: &SeriesSet, out: &mut dyn Write) -> io::Result<()> {
    let (names, title) = names_and_title(set);
    let (mut header, cells) = label_cells(set, &names);
    header.push("time".to_string());
    let left = header.len();
    header.push("value".to_string());
    let mut rows = Vec::new();
    for (series, labels) in set.iter().zip(cells) {
        for point in series.points() {
            let mut row = labels.clone();
            row.extend([format_ms(point.timestamp), sample(point.value)]);
            rows.push(row);
        }
    }
    Table {
        title,
        left,
        header,
        rows,
    }
    .write(out)
}

//! Plots in the terminal, drawn with braille characters of two by four dots. An
//! instant vector becomes bars.

mod axis;
mod canvas;

use std::io::{self, Write};

use quarrel_engine::{SeriesSet, Value};
use unicode_width::UnicodeWidthStr as _;

use super::number::number;
use super::series::{Names, short};
use super::style::Style;
use axis::{time_labels, value_ticks};
use canvas::Canvas;

/// Colors of lines, in the terminal's palette.
const COLORS: [&str; 6] = ["36", "33", "32", "35", "34", "31"];
/// The largest number of lines of the legend.
const LEGEND: usize = 20;
/// A line is broken where samples are missing for longer than this many steps.
const GAP_STEPS: f64 = 1.5;

/// Draws an answer.
pub(crate) fn write(value: &Value, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    match value {
        Value::Scalar { value, .. } => writeln!(out, "{}", number(*value)),
        Value::String { value, .. } => writeln!(out, "{value}"),
        Value::Vector(set) => bars(set, style, out),
        Value::Matrix(set) => lines(set, style, out),
    }
}

/// A series to draw: its finite points.
struct Line {
    name: String,
    points: Vec<(i64, f64)>,
}

fn lines_of(set: &SeriesSet) -> (String, Vec<Line>) {
    let symbols = set.symbols().read();
    let names = Names::of(set, &symbols);
    let lines = set.iter().map(|series| {
        let points = series.points().filter_map(|point| {
            let value = point.value.as_float().filter(|value| value.is_finite())?;
            Some((point.timestamp, value))
        });
        let name = short(series.labels(), names.columns(set), &symbols);
        Line {
            name,
            points: points.collect(),
        }
    });
    (
        names.common(set, &symbols),
        lines.filter(|line| !line.points.is_empty()).collect(),
    )
}

fn lines(set: &SeriesSet, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    let (title, lines) = lines_of(set);
    let points = || lines.iter().flat_map(|line| line.points.iter().copied());
    let (Some(first), Some(last)) = (points().map(|p| p.0).min(), points().map(|p| p.0).max())
    else {
        return writeln!(out, "(nothing to plot)");
    };
    let low = points().map(|p| p.1).fold(f64::INFINITY, f64::min);
    let high = points().map(|p| p.1).fold(f64::NEG_INFINITY, f64::max);
    let rows = (style.height.saturating_sub(8 + lines.len().min(LEGEND))).clamp(8, 24);
    let ticks = value_ticks(low, high, rows);
    let labels: Vec<String> = ticks.values.iter().map(|&tick| ticks.label(tick)).collect();
    let margin = labels.iter().map(|label| label.width()).max().unwrap_or(0);
    let columns = style.width.saturating_sub(margin + 6).max(20);
    let mut canvas = Canvas::new(columns, rows);
    let step = lines.iter().filter_map(smallest_step).min().unwrap_or(1);
    let position = |(time, value): (i64, f64)| {
        let across = (time - first) as f64 / ((last - first).max(1)) as f64;
        let down = 1.0 - ticks.share(value);
        let dot = |share: f64, size: usize| (share * (size - 1) as f64).round() as i64;
        (dot(across, columns * 2), dot(down, rows * 4))
    };
    for (i, line) in lines.iter().enumerate() {
        draw(line, step, i, position, &mut canvas);
    }
    if !title.is_empty() {
        writeln!(out, "{title}")?;
    }
    let mut at_row = vec![None; rows];
    for (tick, label) in ticks.values.iter().zip(&labels) {
        let row = ((1.0 - ticks.share(*tick)) * (rows - 1) as f64).round() as usize;
        at_row[row.min(rows - 1)] = Some(label.as_str());
    }
    let ends = letters_at_ends(&lines, style, position, rows);
    for (row, label) in at_row.iter().enumerate() {
        let label = label.unwrap_or("");
        let axis = if label.is_empty() { '│' } else { '┤' };
        let pad = " ".repeat(margin - label.width());
        let text = canvas.row(row, style.color.then_some(&COLORS));
        let line = format!("{pad}{label} {axis}{text}{}", ends[row]);
        writeln!(out, "{}", line.trim_end())?;
    }
    for line in time_labels(first, last, columns) {
        writeln!(out, "{}{line}", " ".repeat(margin + 1))?;
    }
    legend(&lines, style, out)
}

/// The smallest distance between two samples, ms.
fn smallest_step(line: &Line) -> Option<i64> {
    line.points
        .windows(2)
        .map(|pair| pair[1].0 - pair[0].0)
        .min()
}

fn draw(
    line: &Line,
    step: i64,
    series: usize,
    position: impl Fn((i64, f64)) -> (i64, i64),
    canvas: &mut Canvas,
) {
    let mut before: Option<(i64, (i64, i64))> = None;
    for &point in &line.points {
        let to = position(point);
        let from = match before {
            Some((time, from)) if (point.0 - time) as f64 <= step as f64 * GAP_STEPS => from,
            _ => to,
        };
        canvas.line(from, to, series);
        before = Some((point.0, to));
    }
}

/// Letters that stand for the series, by index.
fn letter(series: usize) -> char {
    char::from(b'A' + (series % 26) as u8)
}

/// Without colors, letters at their ends distinguish the lines.
fn letters_at_ends(
    lines: &[Line],
    style: &Style,
    position: impl Fn((i64, f64)) -> (i64, i64),
    rows: usize,
) -> Vec<String> {
    let mut ends = vec![String::new(); rows];
    if !style.color && lines.len() > 1 {
        for (i, line) in lines.iter().enumerate() {
            let row = line.points.last().map_or(0, |&point| position(point).1 / 4) as usize;
            let end = &mut ends[row.min(rows - 1)];
            match end.chars().count() {
                0 => end.extend([' ', letter(i)]),
                1..4 => end.push(letter(i)),
                // There is room for three letters.
                _ => {}
            }
        }
    }
    ends
}

fn legend(lines: &[Line], style: &Style, out: &mut dyn Write) -> io::Result<()> {
    for (i, line) in lines.iter().take(LEGEND).enumerate() {
        let last = line.points.last().map_or(f64::NAN, |point| point.1);
        let mark = if style.color {
            format!("\x1b[{}m━━\x1b[0m", COLORS[i % COLORS.len()])
        } else if lines.len() > 1 {
            letter(i).to_string()
        } else {
            "─".to_string()
        };
        writeln!(out, "{mark} {}  {}", line.name, number(last))?;
    }
    if lines.len() > LEGEND {
        writeln!(out, "and {} more", lines.len() - LEGEND)?;
    }
    Ok(())
}

/// A bar for each series of an instant vector.
fn bars(set: &SeriesSet, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    let (title, lines) = lines_of(set);
    if lines.is_empty() {
        return writeln!(out, "(nothing to plot)");
    }
    let value = |line: &Line| line.points.first().map_or(0.0, |point| point.1);
    let largest = lines
        .iter()
        .map(|line| value(line).abs())
        .fold(0.0, f64::max);
    let half = style.width / 2;
    let names: Vec<String> = lines.iter().map(|line| shorten(&line.name, half)).collect();
    let margin = names.iter().map(|name| name.width()).max().unwrap_or(0);
    let numbers: Vec<String> = lines.iter().map(|line| number(value(line))).collect();
    let tail = numbers.iter().map(|text| text.width()).max().unwrap_or(0);
    let room = style.width.saturating_sub(margin + tail + 3).max(10);
    if !title.is_empty() {
        writeln!(out, "{title}")?;
    }
    for ((line, name), text) in lines.iter().zip(&names).zip(&numbers) {
        let share = if largest > 0.0 {
            value(line).abs() / largest
        } else {
            0.0
        };
        let bar = bar(share, room);
        let pad = " ".repeat(margin - name.width());
        writeln!(out, "{name}{pad} │{bar} {text}")?;
    }
    Ok(())
}

/// A bar in eighths of characters.
fn bar(share: f64, room: usize) -> String {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let eighths = (share * room as f64 * 8.0).round() as usize;
    format!("{}{}", "█".repeat(eighths / 8), EIGHTHS[eighths % 8])
}

fn shorten(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_string();
    }
    let mut out = String::new();
    for c in text.chars() {
        if out.width() + 2 > width {
            break;
        }
        out.push(c);
    }
    out.push('…');
    out
}

//! A run as a page in one file, with a plot of each query's rounds.

use std::fmt::Write as _;

use super::baseline::Changes;
use super::figures::{METHOD, digits, headline, ratio, span, times};
use super::record::{Asked, Record};
use super::summary::{Line, Summary, last_byte, warm};
use super::text::{failures, totals};
use crate::report::escape;

/// The size of a plot in pixels, and the height of an endpoint in it.
const WIDE: f64 = 640.0;
const LEFT: f64 = 120.0;
const EDGE: f64 = 10.0;
const ROW: f64 = 18.0;

const STYLE: &str = "body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; \
padding: 0 1rem; color: #1c2430; background: #fff; } h1 { font-size: 1.3rem; } h2 { font-size: 1.05rem; } \
table { border-collapse: collapse; } td, th { padding: .2rem .8rem .2rem 0; text-align: left; \
border-bottom: 1px solid #d5dae1; } pre { white-space: pre-wrap; overflow-wrap: anywhere; \
background: #f3f5f8; padding: .4rem .6rem; border-radius: 4px; margin: .3rem 0; } \
section { margin: 1.2rem 0; } .note { color: #66707d; font-size: .9em; margin: .2rem 0; } \
svg { max-width: 100%; height: auto; } svg text { font: 11px system-ui, sans-serif; fill: #66707d; } \
.warm { fill: #1f6fb2; fill-opacity: .5; } .cold { fill: none; stroke: #c9302c; } \
.median { stroke: #1c2430; stroke-width: 2; } .interval { stroke: #1c2430; } \
.axis { stroke: #d5dae1; } @media (prefers-color-scheme: dark) { body { background: #14181e; \
color: #dde3ea; } pre { background: #1e242c; } .median, .interval { stroke: #dde3ea; } }";

pub(super) fn write(record: &Record, summary: &Summary, changes: &[Changes]) -> String {
    let mut out = String::new();
    // Writing to a string does not fail.
    let _ = page(record, summary, changes, &mut out);
    out
}

fn page(
    record: &Record,
    summary: &Summary,
    changes: &[Changes],
    out: &mut String,
) -> std::fmt::Result {
    let title = escape(&record.endpoints.join(", ")).into_owned();
    writeln!(
        out,
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\">\
         <title>Latency of {title}</title>\n<style>{STYLE}</style></head><body>\n\
         <h1>Latency of {title}</h1>\n<p>{}.</p>",
        headline(record)
    )?;
    table(&totals(record, summary), out)?;
    writeln!(out, "<p class=\"note\">{METHOD}</p>")?;
    for one in changes {
        change(one, out)?;
    }
    let failures = failures(record);
    if !failures.is_empty() {
        writeln!(out, "<h2>{} failed</h2>", failures.len())?;
        writeln!(out, "<pre>{}</pre>", escape(&failures.join("\n")))?;
    }
    writeln!(
        out,
        "<h2>Queries</h2>\n<p class=\"note\">Dots are warm rounds, circles the cold one, the \
         strokes medians with their intervals.</p>"
    )?;
    for number in summary.slowest_first() {
        query(record, &record.queries[number], &summary.lines[number], out)?;
    }
    out.write_str("</body></html>\n")
}

fn table(rows: &[Vec<String>], out: &mut String) -> std::fmt::Result {
    out.write_str("<table>")?;
    for (number, row) in rows.iter().enumerate() {
        let cell = if number == 0 { "th" } else { "td" };
        out.write_str("<tr>")?;
        for text in row {
            write!(out, "<{cell}>{}</{cell}>", escape(text))?;
        }
        out.write_str("</tr>")?;
    }
    out.write_str("</table>\n")
}

fn change(changes: &Changes, out: &mut String) -> std::fmt::Result {
    writeln!(
        out,
        "<h2>{} against the earlier run</h2>\n<p>Ratio {} over {} queries.</p>",
        escape(&changes.endpoint),
        ratio(changes.ratio, changes.interval),
        changes.compared
    )?;
    let mut rows = vec![
        ["ratio", "before", "now", "query"]
            .map(String::from)
            .to_vec(),
    ];
    for change in &changes.changed {
        rows.push(vec![
            digits(change.now / change.before),
            span(change.before),
            span(change.now),
            change.query.clone(),
        ]);
    }
    if rows.len() > 1 {
        table(&rows, out)?;
    }
    Ok(())
}

fn query(record: &Record, asked: &Asked, line: &Line, out: &mut String) -> std::fmt::Result {
    let ratios = line.cells.iter().skip(1).filter_map(|cell| cell.ratio);
    let ratios: Vec<String> = ratios.map(digits).collect();
    let ratios = match &*ratios {
        [] => String::new(),
        several => format!(", ratio {}", several.join(", ")),
    };
    writeln!(
        out,
        "<section><pre>{}</pre>\n<p class=\"note\">{}, from {}{ratios}</p>",
        escape(&asked.query),
        times(asked.times),
        escape(&asked.origin)
    )?;
    plot(record, asked, line, out)?;
    out.write_str("</section>\n")
}

/// The rounds of each endpoint over a logarithmic axis.
fn plot(record: &Record, asked: &Asked, line: &Line, out: &mut String) -> std::fmt::Result {
    let colds = asked.sides.iter().filter_map(|side| side.cold.as_ref());
    let all: Vec<f64> = colds
        .map(last_byte)
        .chain(asked.sides.iter().flat_map(warm))
        .collect();
    let Some(axis) = Axis::over(&all) else {
        return Ok(());
    };
    let high = ROW * asked.sides.len() as f64 + 2.0 * ROW;
    write!(
        out,
        "<svg viewBox=\"0 0 {WIDE} {high}\" width=\"{WIDE}\" role=\"img\">"
    )?;
    for mark in axis.marks() {
        let x = axis.x(mark);
        write!(
            out,
            "<line x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"4\" y2=\"{:.1}\" class=\"axis\"/>\
             <text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
            high - ROW,
            high - 5.0,
            span(mark)
        )?;
    }
    for (number, (side, name)) in asked.sides.iter().zip(&record.endpoints).enumerate() {
        let y = ROW * (number as f64 + 0.8);
        let short = super::figures::short(name, 20);
        write!(
            out,
            "<text x=\"0\" y=\"{:.1}\">{}</text>",
            y + 4.0,
            escape(&short)
        )?;
        for seconds in warm(side) {
            write!(
                out,
                "<circle cx=\"{:.1}\" cy=\"{y:.1}\" r=\"3\" class=\"warm\"/>",
                axis.x(seconds)
            )?;
        }
        if let Some(cold) = &side.cold {
            let x = axis.x(last_byte(cold));
            write!(
                out,
                "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4\" class=\"cold\"/>"
            )?;
        }
        let Some(cell) = line.cells.get(number) else {
            continue;
        };
        if let Some(interval) = cell.interval {
            let (low, high) = (axis.x(interval.low), axis.x(interval.high));
            write!(
                out,
                "<line x1=\"{low:.1}\" x2=\"{high:.1}\" y1=\"{y:.1}\" y2=\"{y:.1}\" class=\"interval\"/>"
            )?;
        }
        if let Some(median) = cell.last_byte {
            let x = axis.x(median);
            write!(
                out,
                "<line x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{:.1}\" y2=\"{:.1}\" class=\"median\">\
                 <title>{}</title></line>",
                y - 6.0,
                y + 6.0,
                span(median)
            )?;
        }
    }
    out.write_str("</svg>\n")
}

/// A logarithmic axis.
struct Axis {
    low: f64,
    high: f64,
}

impl Axis {
    fn over(values: &[f64]) -> Option<Self> {
        let positive = values.iter().copied().filter(|value| *value > 0.0);
        let low = positive.clone().min_by(f64::total_cmp)?;
        let high = positive.max_by(f64::total_cmp)?;
        // Some room, and an axis where all values are one.
        Some(Axis {
            low: (low / 1.2).ln(),
            high: (high * 1.2).ln(),
        })
    }

    fn x(&self, value: f64) -> f64 {
        let place = (value.max(1e-9).ln() - self.low) / (self.high - self.low);
        LEFT + place.clamp(0.0, 1.0) * (WIDE - LEFT - 3.0 * EDGE)
    }

    /// The values at the ends and in the middle.
    fn marks(&self) -> [f64; 3] {
        [self.low, (self.low + self.high) / 2.0, self.high].map(f64::exp)
    }
}

//! A run for a terminal.

use std::collections::HashMap;
use std::fmt::Write as _;

use super::baseline::Changes;
use super::figures::{METHOD, bytes, digits, headline, ratio, short, span, span_or_none, times};
use super::record::{Error, Record};
use super::summary::Summary;

/// How many queries are listed.
const QUERIES: usize = 20;
/// How many characters of a query are shown.
const WIDE: usize = 100;

pub(super) fn write(record: &Record, summary: &Summary, changes: &[Changes]) -> String {
    let mut out = format!("{}\n\n", headline(record));
    out.push_str(&aligned(&totals(record, summary)));
    queries(record, summary, &mut out);
    for one in changes {
        change(one, &mut out);
    }
    errors(record, &mut out);
    let _ = write!(out, "\n{METHOD}\n");
    out
}

/// The table of endpoints, with its head.
pub(super) fn totals(record: &Record, summary: &Summary) -> Vec<Vec<String>> {
    let head = [
        "endpoint",
        "median",
        "first byte",
        "p90",
        "cold",
        "bytes",
        "failed",
        "ratio",
        "cold ratio",
    ];
    let mut rows = vec![head.map(String::from).to_vec()];
    for (name, total) in record.endpoints.iter().zip(&summary.totals) {
        rows.push(vec![
            name.clone(),
            span_or_none(total.last_byte),
            span_or_none(total.first_byte),
            span_or_none(total.p90),
            span_or_none(total.cold),
            bytes(total.bytes),
            total.failed.to_string(),
            ratio(total.ratio, total.interval),
            ratio(total.cold_ratio, None),
        ]);
    }
    rows
}

/// The table of queries, in an order, without its head.
pub(super) fn lines(record: &Record, summary: &Summary, order: &[usize]) -> Vec<Vec<String>> {
    let row = |number: &usize| {
        let (asked, line) = (&record.queries[*number], &summary.lines[*number]);
        let mut row = Vec::new();
        for (side, cell) in line.cells.iter().enumerate() {
            row.push(span_or_none(cell.last_byte));
            if side > 0 {
                let mut text = ratio(cell.ratio, None);
                let first = line.cells[0].interval;
                if cell
                    .interval
                    .zip(first)
                    .is_some_and(|(own, first)| own.is_apart(first))
                {
                    text.push('*');
                }
                row.push(text);
            }
        }
        row.push(times(asked.times));
        row.push(short(&asked.query, WIDE));
        row
    };
    order.iter().map(row).collect()
}

/// The head of that table.
pub(super) fn head(record: &Record) -> Vec<String> {
    let mut head = Vec::new();
    for (side, name) in record.endpoints.iter().enumerate() {
        head.push(name.clone());
        if side > 0 {
            head.push("ratio".into());
        }
    }
    head.extend(["times".into(), "query".into()]);
    head
}

fn queries(record: &Record, summary: &Summary, out: &mut String) {
    let mut order = summary.slowest_first();
    let all = order.len();
    order.truncate(QUERIES);
    if order.is_empty() {
        return;
    }
    let which = match record.endpoints.len() {
        1 => "slowest",
        _ => "largest ratios to the first endpoint (*: the medians' intervals lie apart)",
    };
    let _ = write!(out, "\n{} of {all} queries, {which}\n", order.len());
    let mut rows = vec![head(record)];
    rows.extend(lines(record, summary, &order));
    out.push_str(&aligned(&rows));
}

fn change(changes: &Changes, out: &mut String) {
    let Changes {
        endpoint,
        earlier,
        compared,
        changed,
        ..
    } = changes;
    let against = if endpoint == earlier {
        String::new()
    } else {
        format!(" of {earlier}")
    };
    let _ = write!(
        out,
        "\n{endpoint} against the earlier run{against}: ratio {} over {compared} queries, {} changed\n",
        ratio(changes.ratio, changes.interval),
        changed.len()
    );
    for change in changed.iter().take(QUERIES) {
        let _ = writeln!(
            out,
            "  {} ({} → {})  {}",
            digits(change.now / change.before),
            span(change.before),
            span(change.now),
            short(&change.query, WIDE)
        );
    }
}

/// The first error of each query and endpoint, and how many there are.
pub(super) fn failures(record: &Record) -> Vec<String> {
    let mut found: Vec<(&str, &str, usize, &Error)> = Vec::new();
    let mut places: HashMap<(&str, &str), usize> = HashMap::new();
    for asked in &record.queries {
        for (name, side) in record.endpoints.iter().zip(&asked.sides) {
            let Some(first) = side.errors.first() else {
                continue;
            };
            // A query that is asked at several times is told once.
            let place = *places.entry((name, &asked.query)).or_insert(found.len());
            match found.get_mut(place) {
                Some(known) => known.2 += side.errors.len(),
                None => found.push((name, &asked.query, side.errors.len(), first)),
            }
        }
    }
    let texts = found.into_iter().map(|(name, query, count, first)| {
        let status = first.status;
        let status = status.map_or_else(String::new, |status| format!("{status} "));
        let reason = short(&first.reason, 2 * WIDE);
        let query = short(query, WIDE);
        format!("{name}: {count} × {status}{reason}: {query}")
    });
    texts.collect()
}

fn errors(record: &Record, out: &mut String) {
    let failures = failures(record);
    if failures.is_empty() {
        return;
    }
    let _ = write!(out, "\n{} failed\n", failures.len());
    for failure in failures.iter().take(QUERIES) {
        let _ = writeln!(out, "  {failure}");
    }
}

/// Columns of one width; the last one is not filled up.
fn aligned(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut out = String::new();
    for row in rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            let _ = write!(line, "{cell:<width$}  ");
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

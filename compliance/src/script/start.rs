//! Start timestamps in scripts: `metric{label="value"}@st -1mx4`, the line
//! before the metric's values.

use quarrel_planner::literal::parse_duration;

use super::scan::Scanner;
use super::series::metric;

/// Offsets that one line may stand for.
const MOST_OFFSETS: u64 = 10_000_000;

/// The metric of an `@st` line, and for each value the distance of its start
/// from its time, ms.
pub(super) type StartLine = (Vec<(String, String)>, Vec<Option<i64>>);

/// Splits an `@st` line into metric and offsets; `None` if it is another line.
pub(super) fn split(line: &str) -> Option<(&str, &str)> {
    let (metric, offsets) = line.split_once([' ', '\t'])?;
    Some((metric.strip_suffix("@st")?, offsets.trim()))
}

/// Parses the parts of an `@st` line.
pub(super) fn parse_start_line(metric_text: &str, offsets: &str) -> Result<StartLine, String> {
    let mut scanner = Scanner::new(metric_text);
    let labels = metric(&mut scanner)
        .and_then(|labels| {
            if scanner.is_done() {
                Ok(labels)
            } else {
                Err(scanner.unexpected("series"))
            }
        })
        .map_err(|e| format!("invalid @st line metric {metric_text:?}: {e}"))?;
    let mut out = Vec::new();
    for item in offsets.split_whitespace() {
        expand(item, &mut out)
            .map_err(|e| format!("invalid @st sequence: invalid ST item {item:?}: {e}"))?;
    }
    Ok((labels, out))
}

/// `_`, `_xN`, `D`, `DxN`, `D+DxN`, `D-DxN`
fn expand(item: &str, out: &mut Vec<Option<i64>>) -> Result<(), String> {
    if item == "_" {
        out.push(None);
        return Ok(());
    }
    if let Some(count) = item.strip_prefix("_x") {
        let count = repeat(count, out.len())?;
        if count == 0 {
            return Err("invalid repeat count".into());
        }
        out.extend((0..count).map(|_| None));
        return Ok(());
    }
    let (base, rest) = duration(item)?;
    if rest.is_empty() {
        out.push(Some(base));
        return Ok(());
    }
    let (delta, count) = match rest.strip_prefix('x') {
        Some(count) => (0, count),
        None => delta(rest)?,
    };
    let mut offset = base;
    for _ in 0..=repeat(count, out.len())? {
        out.push(Some(offset));
        offset = offset.saturating_add(delta);
    }
    Ok(())
}

/// `+DxN` or `-DxN`
fn delta(rest: &str) -> Result<(i64, &str), String> {
    let sign = match rest.chars().next() {
        Some('+') => 1,
        Some('-') => -1,
        other => return Err(format!("unexpected character {other:?} after duration")),
    };
    let (delta, rest) = duration(&rest[1..]).map_err(|e| format!("invalid step duration: {e}"))?;
    let count = rest
        .strip_prefix('x')
        .ok_or("expected 'x<count>' after step duration")?;
    Ok((sign * delta, count))
}

fn repeat(count: &str, before: usize) -> Result<u64, String> {
    let digits = !count.is_empty() && count.bytes().all(|b| b.is_ascii_digit());
    let count = count.parse().ok().filter(|_| digits);
    count
        .filter(|&c: &u64| c.saturating_add(before as u64) < MOST_OFFSETS)
        .ok_or_else(|| "invalid repeat count".to_string())
}

/// A duration with a sign or without, ms, and what follows it.
fn duration(text: &str) -> Result<(i64, &str), String> {
    let negative = text.starts_with('-');
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let digits = unsigned
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(unsigned.len());
    if digits == 0 {
        return Err(format!("expected digits in duration {text:?}"));
    }
    // `x` marks a repetition and occurs in no unit.
    let unit = unsigned[digits..].find(|c: char| !c.is_ascii_alphabetic() || c == 'x');
    let end = unit.map_or(unsigned.len(), |i| digits + i);
    let ms = parse_duration(&unsigned[..end]).map_err(|e| format!("invalid duration: {e}"))?;
    Ok((if negative { -ms } else { ms }, &unsigned[end..]))
}

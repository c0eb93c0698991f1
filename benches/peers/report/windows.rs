//! What a step costs at long windows, compared with short ones.

use std::fmt::Write;

use quarrel_benches::classes::{WINDOWS, Windowed, windowed};

use super::{code, times};
use crate::row::{Outcome, Row};

/// What is less than this part of the time of reading is noise: it counts as
/// this much.
const NOISE: f64 = 0.02;

/// A table of ratios, or nothing if no call was measured at the shortest and at
/// the longest window.
pub fn ratios(rows: &[&Row], names: &[&str]) -> String {
    let (Some(short), Some(long)) = (WINDOWS.first(), WINDOWS.last()) else {
        return String::new();
    };
    let mut lines = String::new();
    for call in windowed() {
        let ratio = |engine| Some(net(rows, call, long, engine)? / net(rows, call, short, engine)?);
        let ratios: Vec<Option<f64>> = (0..names.len()).map(ratio).collect();
        let is_baseline = call.text(short) == call.baseline(short);
        if is_baseline || ratios.first().is_none_or(Option::is_none) {
            continue;
        }
        let _ = write!(lines, "| {} |", code(&call.text("w")));
        for ratio in ratios {
            let _ = write!(lines, " {} |", ratio.map_or("-".into(), times));
        }
        lines.push('\n');
    }
    if lines.is_empty() {
        return lines;
    }
    format!(
        "\nWhat a step costs at {long}, in multiples of what it costs at {short}. From each time that of \
         `count_over_time` over the same selector and window is subtracted, which reads and decodes the same \
         samples and looks at none of them; a difference below {} % of that counts as {0} %.\n\n\
         | call | {} |\n| --- |{}\n{lines}",
        NOISE * 100.0,
        names.join(" | "),
        " ---: |".repeat(names.len()),
    )
}

/// The time of a call beyond that of reading, ns.
fn net(rows: &[&Row], call: Windowed, window: &str, engine: usize) -> Option<f64> {
    let reading = time(rows, &call.baseline(window), engine)?;
    let whole = time(rows, &call.text(window), engine)?;
    Some((whole - reading).max(reading * NOISE))
}

/// The time of a query. What varies less from run to run is the shortest one.
fn time(rows: &[&Row], text: &str, engine: usize) -> Option<f64> {
    let row = rows.iter().find(|row| row.query.text == text)?;
    let shortest = row.outcomes.get(engine).and_then(Outcome::min)?;
    Some(shortest as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row::tests::{outcome, row};

    #[test]
    fn subtracts_what_reading_costs() {
        let of = |text: &str, own, peer| {
            let mut row = row(vec![outcome(own, 1, 1, 1), outcome(peer, 1, 1, 1)]);
            row.query.text = text.to_string();
            row
        };
        let rows = [
            of("count_over_time(memory_bytes[5m])", 10, 10),
            of("count_over_time(memory_bytes[24h])", 100, 100),
            of("max_over_time(memory_bytes[5m])", 20, 20),
            of("max_over_time(memory_bytes[24h])", 120, 2_100),
        ];
        let text = ratios(&rows.iter().collect::<Vec<_>>(), &["quarrel", "Prometheus"]);
        let last = text.lines().last();
        assert_eq!(
            last,
            Some("| `max_over_time(memory_bytes[w])` | 2.0 | 200 |")
        );
    }

    #[test]
    fn says_nothing_without_rows() {
        assert_eq!(ratios(&[], &["quarrel"]), "");
    }
}

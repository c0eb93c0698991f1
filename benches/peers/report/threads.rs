//! One thread against two, and a small query beside heavy ones.

use std::fmt::Write;

use super::{code, ms, times};
use crate::run::{Crowded, Threaded};
use quarrel_benches::stats::{geometric_mean, quantile};

/// A query that takes longer than this on one thread, ns, is to gain from the
/// second one.
const LONG: u64 = 10_000_000;

/// What it is to gain at least.
const GAIN: f64 = 1.8;

impl Threaded {
    /// How many times as fast two threads are.
    pub fn gain(&self) -> Option<f64> {
        Some(self.one.median()? as f64 / self.two.median()?.max(1) as f64)
    }

    fn is_long(&self) -> bool {
        self.one.median() > Some(LONG)
    }
}

/// The mean gain of long queries.
pub fn mean(rows: &[Threaded]) -> Option<f64> {
    let long = rows.iter().filter(|row| row.is_long());
    geometric_mean(long.filter_map(Threaded::gain))
}

impl Crowded {
    /// A latency alone and beside others, ns.
    pub fn latency(&self, part: f64) -> Option<(u64, u64)> {
        Some((quantile(&self.alone, part)?, quantile(&self.beside, part)?))
    }

    /// The median beside others, as a multiple of that alone.
    pub fn multiple(&self) -> Option<f64> {
        let (alone, beside) = self.latency(0.5)?;
        Some(beside as f64 / alone.max(1) as f64)
    }
}

/// The section.
pub fn section(about: &str, rows: &[Threaded], crowded: Option<&Crowded>) -> String {
    let mut out = format!("### threads\n\n{about}.\n\n");
    out += "| query | one, ms | two, ms | times | remarks |\n| --- | ---: | ---: | ---: | --- |\n";
    for row in rows {
        let cell = |ns: Option<u64>| ns.map_or("-".into(), ms);
        let gain = row.gain();
        let low = row.is_long() && gain.is_some_and(|gain| gain < GAIN);
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} | {} |",
            code(&row.query.text),
            cell(row.one.median()),
            cell(row.two.median()),
            gain.map_or("-".into(), |gain| format!("{gain:.2}")),
            if low { "below 1.8" } else { "" },
        );
    }
    if let Some(mean) = mean(rows) {
        let _ = writeln!(out, "\nGeometric mean above 10 ms: {mean:.2} times.");
    }
    if let Some(crowded) = crowded {
        out += &beside(crowded);
    }
    out
}

fn beside(crowded: &Crowded) -> String {
    let mut out = format!(
        "\n{} alone, and beside {} of {} at once:\n\n| latency | alone, ms | beside, ms | times |\n| --- | ---: | ---: | ---: |\n",
        code(&crowded.small),
        crowded.times,
        code(&crowded.heavy),
    );
    for (name, part) in [("median", 0.5), ("99 %", 0.99)] {
        if let Some((alone, beside)) = crowded.latency(part) {
            let ratio = beside as f64 / alone.max(1) as f64;
            let (alone, beside) = (ms(alone), ms(beside));
            let _ = writeln!(out, "| {name} | {alone} | {beside} | {} |", times(ratio));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row::tests::{outcome, row};

    #[test]
    fn marks_what_gains_too_little() {
        let threaded = |one, two| Threaded {
            query: row(Vec::new()).query,
            one: outcome(one, 1, 1, 1),
            two: outcome(two, 1, 1, 1),
        };
        let rows = [threaded(20, 10), threaded(20, 18), threaded(2, 2)];
        let text = section("About", &rows, None);
        let marked: Vec<bool> = text
            .lines()
            .filter(|line| line.starts_with("| `"))
            .map(|line| line.contains("below"))
            .collect();
        assert_eq!(marked, [false, true, false]);
        let mean = mean(&rows).expect("a mean");
        assert!((mean - (2.0_f64 * 20.0 / 18.0).sqrt()).abs() < 1e-6);
    }

    #[test]
    fn latency_beside_others() {
        let crowded = Crowded {
            alone: vec![10, 10, 10],
            beside: vec![30, 30, 90],
            ..Crowded::default()
        };
        assert_eq!(crowded.multiple(), Some(3.0));
        assert_eq!(crowded.latency(1.0), Some((10, 90)));
    }
}

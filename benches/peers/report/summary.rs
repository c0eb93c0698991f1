//! Five lines that say what the tables say.

use quarrel_benches::classes::Class;

use super::{table, threads, times};
use crate::row::{Outcome, Row};
use crate::run::{Crowded, Threaded};
use quarrel_benches::machine::Machine;
use quarrel_benches::stats::geometric_mean;

/// The geometric means of the classes that have one.
pub fn means(rows: &[Row]) -> Vec<(&'static str, f64)> {
    let of = |class: Class| {
        let rows = rows.iter().filter(|row| row.class == class);
        Some((class.name(), table::mean(rows)?))
    };
    Class::ALL.into_iter().filter_map(of).collect()
}

/// The lines, as a list.
pub fn lines(
    machine: &Machine,
    rows: &[Row],
    threaded: &[Threaded],
    crowded: Option<&Crowded>,
) -> String {
    let compared = rows.iter().filter(|row| row.times().is_some()).count();
    let cell = |value: Option<f64>| value.map_or("?".to_string(), times);
    let saved = |figure: fn(&Outcome) -> Option<u64>| {
        let ratio = |row: &Row| {
            let (own, peer) = row.compared(figure)?;
            Some(peer as f64 / own.max(1) as f64)
        };
        cell(geometric_mean(rows.iter().filter_map(ratio)))
    };
    let by_class: Vec<String> = means(rows)
        .iter()
        .map(|(name, mean)| format!("{name} {}", times(*mean)))
        .collect();
    let slower = rows
        .iter()
        .filter(|row| row.times() < Some(1.0) && row.times().is_some());
    let other = rows.iter().filter(|row| row.other_rows().is_some());
    let mut out = [
        format!(
            "{compared} queries, {}, {} cores of an {}: quarrel is {} times as fast as the better of the Prometheus and the Thanos engine (geometric mean)",
            machine.date, machine.cores, machine.cpu, cell(table::mean(rows)),
        ),
        format!("by class: {}", by_class.join(", ")),
        format!(
            "of queries for which a peer allocates more than 1 MiB, the better peer allocates {} times as much and has {} times the peak of memory",
            saved(|o| o.allocated), saved(|o| o.peak),
        ),
        format!(
            "{} queries are slower than with the better peer; {} have another number of rows than Prometheus",
            slower.count(), other.count(),
        ),
        format!(
            "a second thread makes queries above 10 ms {} times as fast; a small query beside ten heavy ones takes {} times as long as alone",
            threads::mean(threaded).map_or("?".into(), |mean| format!("{mean:.2}")),
            cell(crowded.and_then(Crowded::multiple)),
        ),
    ]
    .map(|line| format!("- {line}"))
    .join("\n");
    out.push('\n');
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row::tests::{outcome, row};

    #[test]
    fn five_lines() {
        let rows = [
            row(vec![
                outcome(10, 3, 1, 1),
                outcome(80, 3, 20, 10),
                outcome(40, 3, 30, 4),
            ]),
            row(vec![outcome(90, 3, 1, 1), outcome(45, 4, 20, 10)]),
        ];
        let text = lines(&Machine::default(), &rows, &[], None);
        assert_eq!(text.lines().count(), 5, "{text}");
        assert!(text.contains("1 queries are slower"), "{text}");
        assert!(text.contains("1 have another number"), "{text}");
        assert_eq!(means(&rows).len(), 1);
    }
}

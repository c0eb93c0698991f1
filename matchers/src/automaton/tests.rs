use super::*;
use crate::syntax::{Dialect, parse};

/// Matching from outside begins at the lowest rung, so the golden verdicts are
/// compared with the upper ones here.
#[test]
fn all_rungs_have_the_verdicts_of_go() {
    let (mut tables, mut lazy) = (0, 0);
    for line in include_str!("../../tests/data/regex.jsonl").lines() {
        let record: serde_json::Value = serde_json::from_str(line).unwrap();
        let (Some(pattern), Some(want)) = (record["p"].as_str(), record["m"].as_str()) else {
            continue;
        };
        let Ok(parsed) = parse(pattern, Dialect::Matcher) else {
            continue; // known differences, and patterns that are not UTF-8
        };
        if pattern.contains(r"\x{d800}") {
            continue; // see tests/golden.rs
        }
        // The second has no room for a table.
        for budget in [RegexBudget::DEFAULT_LIMIT, 3 << 20] {
            let automaton = Automaton::of(&parsed.ast, &RegexBudget::new(budget));
            tables += usize::from(matches!(automaton, Automaton::Table { .. }));
            lazy += usize::from(matches!(automaton, Automaton::Lazy(_)));
            let inputs = record["i"].as_array().unwrap().iter();
            for (input, want) in inputs.zip(want.bytes()) {
                let Some(text) = input.as_str() else {
                    continue; // not UTF-8
                };
                let got = automaton.is_match(text.as_bytes());
                assert_eq!(got, want == b'1', "{pattern:?} on {text:?}: {automaton:?}");
            }
        }
    }
    assert!(tables > 1_500 && lazy > 1_500, "{tables} and {lazy}");
}

//! Compares with results of Prometheus's regular expressions, which
//! `compliance/go/cmd/regexgolden` writes. `QUARREL_REGEX_GOLDEN` names another
//! file of that program, such as one of another seed.

use quarrel_matchers::{Class, MatchOp, Matcher, Regex, RegexBudget, Replacer};
use serde_json::Value;

/// Patterns with known differences and their reasons.
const KNOWN: &[&str] = &[
    // Go replaces a surrogate by U+FFFD when it compares the pattern's literal
    // prefix as text, but not when it compares characters. Here no text matches
    // a surrogate.
    r"\x{d800}",
    r"[\x{d800}]",
];

fn records() -> Vec<Value> {
    let text = match std::env::var_os("QUARREL_REGEX_GOLDEN") {
        Some(path) => std::fs::read_to_string(path).unwrap(),
        None => include_str!("data/regex.jsonl").to_string(),
    };
    let records: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .filter(|record: &Value| {
            let pattern = record["p"].as_str();
            pattern.is_some_and(|pattern| !KNOWN.contains(&pattern))
        })
        .collect();
    assert!(records.len() > 2_000, "the file is cut");
    records
}

/// The pattern, and whether it is UTF-8.
fn pattern(record: &Value) -> Result<&str, Vec<u8>> {
    let text = record["p"].as_str().unwrap();
    let Some(hex) = text.strip_prefix("hex:") else {
        return Ok(text);
    };
    Err(unhex(hex))
}

fn unhex(hex: &str) -> Vec<u8> {
    let digits = hex.as_bytes().chunks(2);
    digits
        .map(|two| u8::from_str_radix(std::str::from_utf8(two).unwrap(), 16).unwrap())
        .collect()
}

/// Budgets with which matchers end up on different ways: any, no table, and none
/// but that over code points.
const BUDGETS: [usize; 3] = [RegexBudget::DEFAULT_LIMIT, 3 << 20, 0];

/// An input, which is in hexadecimal if it is not UTF-8.
fn text(input: &Value) -> Vec<u8> {
    match input["hex"].as_str() {
        Some(hex) => unhex(hex),
        None => input.as_str().unwrap().into(),
    }
}

fn items<'a>(record: &'a Value, key: &str) -> &'a [Value] {
    record[key].as_array().map_or(&[], Vec::as_slice)
}

/// Collects all differences for one failure.
#[derive(Default)]
struct Report {
    checked: usize,
    wrong: Vec<String>,
}

impl Report {
    fn check(&mut self, same: bool, text: impl FnOnce() -> String) {
        self.checked += 1;
        if !same {
            self.wrong.push(text());
        }
    }

    fn finish(self, at_least: usize) {
        let shown = self.wrong.iter().take(40).cloned().collect::<Vec<_>>();
        assert!(
            self.wrong.is_empty(),
            "{} of {} differ:\n{}",
            self.wrong.len(),
            self.checked,
            shown.join("\n")
        );
        assert!(self.checked >= at_least, "only {} checked", self.checked);
    }
}

#[test]
fn invalid_patterns_are_the_same() {
    let mut report = Report::default();
    for record in records() {
        let want = record["e"].as_str();
        match pattern(&record) {
            Ok(pattern) => {
                let got = Regex::new(pattern).err().map(|e| e.to_string());
                report.check(got.as_deref() == want, || {
                    format!("{pattern:?}: want {want:?}, got {got:?}")
                });
            }
            Err(bytes) => {
                let got = Regex::from_bytes(&bytes).is_err();
                report.check(got && want.is_some(), || format!("{bytes:?}"));
            }
        }
    }
    report.finish(2_000);
}

#[test]
fn invalid_patterns_of_label_replace_are_the_same() {
    let mut report = Report::default();
    for record in records() {
        let want = record["r"].as_str();
        if let Ok(pattern) = pattern(&record) {
            let got = Replacer::new(pattern).err().map(|e| e.to_string());
            report.check(got.as_deref() == want, || {
                format!("{pattern:?}: want {want:?}, got {got:?}")
            });
        }
    }
    report.finish(2_000);
}

#[test]
fn matches_are_the_same() {
    let mut report = Report::default();
    for record in records() {
        let (Ok(pattern), Some(want)) = (pattern(&record), record["m"].as_str()) else {
            continue;
        };
        for bytes in BUDGETS {
            let budget = RegexBudget::new(bytes);
            let matcher = Matcher::new_within(MatchOp::Regex, "l", pattern, &budget);
            let Ok(matcher) = matcher else {
                continue; // another test reports it
            };
            let general = matches!(matcher.regex().unwrap().class(), Class::General { .. });
            for (input, want) in items(&record, "i").iter().zip(want.bytes()) {
                let input = text(input);
                if std::str::from_utf8(&input).is_err() && !(general && bytes == 0) {
                    continue; // only code points are those of Go in any case
                }
                let got = matcher.matches_bytes(&input);
                report.check(got == (want == b'1'), || {
                    let class = matcher.regex().unwrap().class();
                    let input = String::from_utf8_lossy(&input);
                    format!("{pattern:?} ({class}, {bytes} bytes) on {input:?}: got {got}")
                });
            }
        }
    }
    report.finish(8_000 * BUDGETS.len());
}

#[test]
fn groups_and_templates_are_the_same() {
    let mut report = Report::default();
    for record in records() {
        let Ok(pattern) = pattern(&record) else {
            continue;
        };
        for bytes in BUDGETS {
            let budget = RegexBudget::new(bytes);
            if let Ok(replacer) = Replacer::new_within(pattern, &budget) {
                check_groups(&replacer, &record, &mut report);
            }
        }
    }
    report.finish(10_000 * BUDGETS.len());
}

fn check_groups(replacer: &Replacer, record: &Value, report: &mut Report) {
    let pattern = replacer.pattern();
    let inputs = items(record, "i");
    for (input, want) in inputs.iter().zip(items(record, "c")) {
        let Some(input) = input.as_str() else {
            continue; // a label's value, which is UTF-8
        };
        let got = replacer.groups(input).map(|groups| {
            let ends = groups.into_iter().flat_map(|group| match group {
                Some(group) => [group.start as i64, group.end as i64],
                None => [-1, -1],
            });
            ends.collect::<Vec<i64>>()
        });
        let want: Option<Vec<i64>> = serde_json::from_value(want.clone()).unwrap();
        report.check(got == want, || {
            format!("{pattern:?} on {input:?}: want {want:?}, got {got:?}")
        });
    }
    for expansion in items(record, "x") {
        let input = &inputs[expansion["i"].as_u64().unwrap() as usize];
        let Some(input) = input.as_str() else {
            continue;
        };
        let template = expansion["t"].as_str().unwrap();
        let got = replacer.replace(input, template);
        let want = expansion["w"].as_str();
        report.check(got.as_deref() == want, || {
            format!("{pattern:?} on {input:?} by {template:?}: want {want:?}, got {got:?}")
        });
    }
}

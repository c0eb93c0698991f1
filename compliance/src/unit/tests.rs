//! Whole files, beyond what the corpus in `tests/unit` has.

use std::path::PathBuf;

use super::{UnitError, UnitOptions, UnitSummary, run_files};

/// A folder with files.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

fn run(files: &[(&str, &str)], options: &UnitOptions) -> UnitSummary {
    let folder = folder(files);
    let tests = files.iter().filter(|(name, _)| name.starts_with("test"));
    let paths: Vec<PathBuf> = tests.map(|(name, _)| folder.path().join(name)).collect();
    run_files(&paths, options).unwrap()
}

const TWO: &str = "tests:\n- {name: one, promql_expr_test: [{expr: '1', exp_samples: [{value: 1}]}]}\n\
                   - {name: two, promql_expr_test: [{expr: '1', exp_samples: [{value: 2}]}]}\n";

#[test]
fn results_are_in_order_and_printed() {
    let refused = ("test2.yml", "nope: 1\n");
    let summary = run(
        &[("test1.yml", TWO), refused, ("test3.yml", TWO)],
        &UnitOptions::default(),
    );
    assert_eq!((summary.passed(), summary.failed()), (2, 3));
    let names: Vec<&str> = summary.files[2]
        .tests
        .iter()
        .map(|t| t.name.as_str())
        .collect();
    assert_eq!(names, ["one", "two"]);
    let text = summary.to_string();
    assert!(
        text.contains(
            "test1.yml: test two: query \"1\" at 0s\n    expected {} 2\n    got      {} 1\n"
        ),
        "{text}"
    );
    assert!(
        text.contains("test2.yml: ") && text.contains("nope"),
        "{text}"
    );
    assert!(text.ends_with("2 passed, 3 failed"), "{text}");
}

#[test]
fn tests_are_chosen_by_name() {
    let mut options = UnitOptions {
        run: vec!["^on".into(), "x".into()],
        ..UnitOptions::default()
    };
    assert_eq!(run(&[("test.yml", TWO)], &options).passed(), 1);
    assert!(run(&[("test.yml", TWO)], &options).success());
    options.run = vec!["(".into()];
    let error = run_files::<PathBuf>(&[], &options).unwrap_err();
    assert!(matches!(error, UnitError::Pattern(_)), "{error}");
}

#[test]
fn a_difference_shows_both_sides() {
    let options = UnitOptions {
        diff: true,
        ..UnitOptions::default()
    };
    let summary = run(&[("test.yml", TWO)], &options);
    let details = &summary.files[0].tests[1].failures[0].details;
    assert_eq!(details, &["- {} 2", "+ {} 1"]);
}

#[test]
fn unknown_fields_of_rules_are_refused_unless_they_are_ignored() {
    let rules = "groups: [{name: g, owner: me, rules: [{record: a, expr: '1'}]}]\n";
    let test = "rule_files: [rules.yml]\ntests: [{promql_expr_test: [{expr: a, exp_samples: [{labels: a, value: 1}]}]}]\n";
    let files = [("rules.yml", rules), ("test.yml", test)];
    for (ignore_unknown_fields, success) in [(false, false), (true, true)] {
        let options = UnitOptions {
            ignore_unknown_fields,
            ..UnitOptions::default()
        };
        let summary = run(&files, &options);
        assert_eq!(summary.success(), success, "{summary}");
    }
}

#[test]
fn what_no_file_matches_is_a_warning() {
    let summary = run(
        &[("test.yml", "rule_files: [nope*.yml]\ntests: [{name: a}]\n")],
        &UnitOptions::default(),
    );
    assert!(summary.success());
    assert!(
        summary.files[0].warnings[0].contains("nope*.yml"),
        "{summary}"
    );
}

#[test]
fn experimental_syntax_needs_an_option() {
    let test = "tests: [{promql_expr_test: [{expr: 'sort_by_label(vector(1), \"a\")', exp_samples: [{value: 1}]}]}]\n";
    let mut options = UnitOptions::default();
    assert!(!run(&[("test.yml", test)], &options).success());
    options.engine.parser = quarrel_planner::ParserOptions::all();
    assert!(run(&[("test.yml", test)], &options).success());
}

#[test]
fn what_a_template_lacks_fails_the_test() {
    let rules = "groups: [{name: g, rules: [{alert: a, expr: '1', annotations: {x: '{{ (toTime 1).Add 5 }}'}}]}]\n";
    let test = "rule_files: [rules.yml]\ntests: [{name: lacks}]\n";
    let summary = run(
        &[("rules.yml", rules), ("test.yml", test)],
        &UnitOptions::default(),
    );
    let text = summary.to_string();
    assert!(
        text.contains("rule a of") && text.contains("Add of a time is not supported"),
        "{text}"
    );
}

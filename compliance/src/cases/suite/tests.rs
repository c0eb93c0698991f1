//! Files in the suite's form.

use proptest::prelude::*;
use quarrel_engine::{QueryRange, Timestamp};

use super::super::case::Expected;
use super::super::error::CaseError;
use super::*;

fn read(texts: &[(&str, &str)]) -> Result<Suite, CaseError> {
    load_text(texts)
}

fn error(text: &str) -> String {
    read(&[("a.yml", "# a comment\n"), ("b.yml", text)])
        .unwrap_err()
        .to_string()
}

fn queries(suite: &Suite) -> Vec<&str> {
    suite.cases.iter().map(|case| &*case.query).collect()
}

#[test]
fn files_are_one_text() {
    let lists = "test_cases:\n  - query: 'a'\n  - query: \"b\"\n    should_fail: true";
    let endpoints = "
reference_target_config:
  query_url: http://localhost:9090
test_target_config:
  query_url: http://localhost:1/x
  basic_auth_user: user
  basic_auth_pass: secret
  headers:
    X-Scope-OrgID: 1
query_time_parameters:
  end_time: 2026-11-30T12:00:00Z
  range_in_seconds: 60
  resolution_in_seconds: 0.5
query_tweaks:
  - note: it has a label of its own
    no_bug: true
    drop_result_labels: [replica]
  - adjust_value_tolerance: {fraction: 0.1}
";
    let suite = read(&[("q.yml", lists), ("e.yml", endpoints)]).unwrap();
    assert_eq!(queries(&suite), ["a", "b"]);
    assert_eq!(suite.cases[1].expected, Expected::Failure);
    assert_eq!(suite.cases[1].origin.to_string(), "q.yml, line 3");
    assert_eq!(suite.reference.unwrap().url, "http://localhost:9090");
    let test = suite.test.unwrap();
    assert_eq!(test.basic_auth, Some(("user".into(), "secret".into())));
    assert_eq!(test.headers["X-Scope-OrgID"], "1");
    assert!(!format!("{test:?}").contains("secret"));
    let times = suite.times.resolve(Timestamp::from_secs(0)).unwrap();
    let expected = QueryRange::from_millis(1_796_039_940_000..=1_796_040_000_000, 500);
    assert_eq!(times, expected.unwrap());
    assert_eq!(suite.tweaks[0].drop_result_labels, ["replica"]);
    let tolerance = suite.tweaks[1].adjust_value_tolerance.unwrap();
    assert_eq!((tolerance.fraction, tolerance.margin), (Some(0.1), None));
}

#[test]
fn every_combination_of_arguments_is_a_query() {
    let text = "
test_cases:
  - query: '{{.topBottomOp}}({{ .clampFunc }}, {{.topBottomOp}})'
    variant_args: [topBottomOp, clampFunc, topBottomOp]
    skip_comparison: true
  - query: 42
  - query: NaN
  - query: -1 ^ 2
";
    let suite = read(&[("q.yml", text)]).unwrap();
    let expected = [
        "topk(clamp_min, topk)",
        "topk(clamp_max, topk)",
        "bottomk(clamp_min, bottomk)",
        "bottomk(clamp_max, bottomk)",
        "42",
        "NaN",
        "-1 ^ 2",
    ];
    assert_eq!(queries(&suite), expected);
    assert_eq!(suite.cases[3].expected, Expected::Success);
    assert_eq!(suite.times, SuiteTimes::default());
}

#[test]
fn faults_are_told_with_file_and_line() {
    for (text, place, what) in [
        ("test_case:\n", "b.yml, line 1: ", "test_case"),
        (
            "test_cases:\n- query: a\n  fail: true\n",
            "b.yml, line 3: ",
            "fail",
        ),
        (
            "test_cases:\n- variant_args: []\n",
            "b.yml, line 2: ",
            "query",
        ),
        (
            "test_cases:\n- query: a\n  variant_args:\n  - ranges\n",
            "b.yml, line 4: ",
            "no variant argument \"ranges\"",
        ),
        (
            "test_cases:\n- query: '{{.range}}'\n",
            "b.yml, line 2: ",
            "not among",
        ),
        (
            "test_cases:\n- query: '{{if .x}}'\n",
            "b.yml, line 2: ",
            "{{if .x}}",
        ),
        (
            "test_cases:\n- query: 'a{{b'\n",
            "b.yml, line 2: ",
            "without }}",
        ),
        (
            "query_time_parameters:\n  end_time: soon\n",
            "b.yml, line 2: ",
            "\"soon\" is no time",
        ),
        (
            "query_time_parameters:\n  range_in_seconds: -1\n",
            "b.yml, line 2: ",
            "range_in_seconds: -1",
        ),
        (
            "test_cases: []\ntest_cases: []\n",
            "b.yml, line 2: ",
            "test_cases",
        ),
    ] {
        let error = error(text);
        assert!(error.starts_with(place), "{text}: {error}");
        assert!(error.contains(what), "{text}: {error}");
    }
}

#[test]
fn too_many_queries_are_refused() {
    let arguments = "[range, quantile, binOp, simpleAggrOp, simpleMathFunc, offset, dateFunc]";
    let text = format!("test_cases:\n- query: a\n  variant_args: {arguments}\n");
    let error = error(&text);
    assert_eq!(error, "b.yml, line 2: more than 100000 queries");
}

#[test]
fn no_text_is_an_empty_suite() {
    for text in ["", "# nothing\n", "test_cases:\n", "query_tweaks:\n"] {
        assert_eq!(read(&[("a.yml", text)]).unwrap(), Suite::default());
    }
}

#[test]
fn tweaks_move_times() {
    let range = QueryRange::from_millis(1_234_567..=2_345_678, 10_000).unwrap();
    let moved = |tweak: Tweak| {
        let range = tweak.times(range).unwrap();
        (range.start().as_millis(), range.end().as_millis())
    };
    assert_eq!(moved(Tweak::default()), (1_234_567, 2_345_678));
    let truncated = moved(Tweak {
        truncate_timestamps_to_ms: 1000,
        ..Tweak::default()
    });
    assert_eq!(truncated, (1_234_000, 2_345_000));
    let aligned = moved(Tweak {
        align_timestamps_to_step: true,
        offset_timestamps_by_ms: 7,
        ..Tweak::default()
    });
    assert_eq!(aligned, (1_230_007, 2_340_007));
    // 62,135,596,800 seconds since the year 1 are no multiple of 7 seconds.
    let odd = moved(Tweak {
        truncate_timestamps_to_ms: 7000,
        ..Tweak::default()
    });
    assert_eq!((odd.0 + 62_135_596_800_000) % 7000, 0);
    assert!(odd.0 <= 1_234_567 && odd.0 > 1_227_567);
}

proptest! {
    #[test]
    fn any_text_is_taken(text in "\\PC{0,60}|([a-z_]{1,12}: ?[\\[{\"'.}\\]|&*!\n -]{0,6}\n?){0,6}") {
        let _ = read(&[("a", &text), ("b", &text)]);
        let case = format!("test_cases:\n- query: |\n    {text}\n");
        let _ = read(&[("a", &case)]);
    }
}

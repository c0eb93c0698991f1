//! Tests of the runner: what passes, what fails, and the texts of failures.

use super::*;

const DATA: &str = r#"
load 5m
  http_requests{job="api-server", instance="0", group="production"} 0+10x10
  http_requests{job="api-server", instance="1", group="production"} 0+20x10
  http_requests{job="api-server", instance="0", group="canary"} 0+30x10
  http_requests{job="api-server", instance="1", group="canary"} 0+40x10

"#;

fn run(script: &str) -> FileSummary {
    run_text("t", &format!("{DATA}{script}"), &RunOptions::default()).unwrap()
}

fn passes(script: &str) {
    let summary = run(script);
    assert!(
        summary.failures.is_empty() && summary.passed > 0,
        "{script}\n{summary}"
    );
}

/// The details of the only failure, in one line.
fn fails(script: &str) -> String {
    let summary = run(script);
    assert_eq!(summary.failures.len(), 1, "{script}\n{summary}");
    summary.failures[0].details.join("; ")
}

#[test]
fn a_failure_names_file_line_and_query() {
    let summary = run(
        "eval instant at 5m sum by (group) (http_requests)\n {group=\"production\"} 30\n {group=\"canary\"} 80",
    );
    assert_eq!(
        summary.to_string(),
        "t:8: sum by (group) (http_requests)\n    {group=\"canary\"}: expected 80, got 70\n"
    );
    let all = Summary {
        files: vec![summary],
    };
    assert!(all.to_string().ends_with("\n0 passed, 1 failed"));
    assert!(!all.success());
}

#[test]
fn series_and_values() {
    passes(
        "eval instant at 5m sum by (group) (http_requests)\n {group=\"production\"} 30\n {group=\"canary\"} 70",
    );
    assert_eq!(
        fails("eval instant at 5m sum by (group) (http_requests)\n {group=\"production\"} 30"),
        "unexpected {group=\"canary\"} 70"
    );
    assert_eq!(
        fails("eval instant at 5m sum(http_requests)\n {} 100\n {group=\"test\"} 1"),
        "expected {group=\"test\"} 1, got no such series"
    );
    passes("eval range from 0 to 10m step 5m sum(http_requests)\n {} 0 100 200");
    assert!(
        fails("eval range from 0 to 10m step 5m sum(http_requests)\n {} 0 100 201")
            .contains("at 600000 ms: expected 201, got 200")
    );
    assert!(
        fails("eval range from 0 to 10m step 5m sum(http_requests)\n {} 0 100")
            .contains("expected 0 @[0] 100 @[300000]\n")
    );
    assert!(
        fails("eval range from 0 to 10m step 5m sum(http_requests)\n {} 0 100 200 300")
            .contains("the range has fewer steps")
    );
    passes("eval instant at 0 1 + 1\n 2");
    assert_eq!(
        fails("eval instant at 0 1 + 1\n 3"),
        "expected scalar 3, got 2"
    );
    assert_eq!(
        fails("eval instant at 0 1 + 1\n {} 2"),
        "expected series, got scalar 2"
    );
    passes("eval instant at 0 (\"Foo\")\n expect string \"Foo\"");
    assert_eq!(
        fails("eval instant at 0 (\"Foo\")\n expect string \"Bar\""),
        "expected string \"Bar\", got \"Foo\""
    );
}

#[test]
fn order() {
    let sorted = "eval_ordered instant at 50m sort(sum by (instance) (http_requests))\n";
    passes(&format!(
        "{sorted} {{instance=\"0\"}} 400\n {{instance=\"1\"}} 600"
    ));
    assert!(
        fails(&format!(
            "{sorted} {{instance=\"1\"}} 600\n {{instance=\"0\"}} 400"
        ))
        .contains("at position 2, got it at 1")
    );
}

#[test]
fn range_vectors() {
    let query = "eval instant at 10m sum by (job) (http_requests)[10m:5m]\n";
    let grid = " expect range vector from 5m to 10m step 5m\n";
    passes(&format!("{query}{grid} {{job=\"api-server\"}} 100 200"));
    assert!(
        fails(&format!("{query}{grid} {{job=\"api-server\"}} 100 _"))
            .contains("expected 100 @[300000]")
    );
}

#[test]
fn failures_warnings_and_infos() {
    let same = "label_replace(http_requests, \"instance\", \"x\", \"\", \"\")\n";
    let message = "vector cannot contain metrics with the same labelset";
    passes(&format!("eval_fail instant at 5m {same}"));
    passes(&format!(
        "eval_fail instant at 5m {same} expected_fail_message {message}"
    ));
    passes(&format!(
        "eval instant at 5m {same} expect fail regex: metrics with"
    ));
    assert!(
        fails(&format!(
            "eval instant at 5m {same} expect fail msg: something"
        ))
        .contains("expected the error \"something\"")
    );
    assert!(
        fails(&format!("eval instant at 5m {same}")).starts_with("the query failed: vector cannot")
    );
    assert_eq!(
        fails("eval_fail instant at 0 vector(0)"),
        "expected the query to fail, but it did not"
    );
    let rate = "sum(rate(http_requests[10m]))\n";
    let value = " {} 0.3333333333333333\n";
    passes(&format!(
        "eval instant at 50m {rate} expect info\n expect no_warn\n{value}"
    ));
    passes(&format!("eval_info instant at 50m {rate}{value}"));
    passes(&format!(
        "eval instant at 50m {rate} expect info regex: might not be a counter, .* \\(1:10\\)\n{value}"
    ));
    assert!(
        fails(&format!(
            "eval instant at 50m {rate} expect no_info\n{value}"
        ))
        .contains("expected no infos")
    );
    assert_eq!(
        fails(&format!("eval_warn instant at 50m {rate}{value}")),
        "expected warnings, but got none"
    );
    assert!(
        fails(&format!(
            "eval instant at 50m {rate} expect info msg: other\n{value}"
        ))
        .starts_with("expected the info \"other\"; but got")
    );
}

#[test]
fn all_forms_of_an_instant_query_run() {
    // Queries with `time()` do not run with `@`, but in range mode.
    passes("eval instant at 10m sum(http_requests) + time() + 0 * vector(1)\n {} 800");
    let failing =
        fails("eval instant at 10m absent(x @ end()) + vector(0)\n expect no_info\n {} 2");
    assert_eq!(failing, "{}: expected 2, got 1");
    // A query that depends on the range is not compared in range mode.
    passes(
        "eval instant at 10m http_requests{instance=\"0\", group=\"canary\"} @ start()\n http_requests{instance=\"0\", group=\"canary\", job=\"api-server\"} 60",
    );
}

#[test]
fn loads_add_up_until_clear() {
    passes(
        "load 5m\n http_requests 1\n\neval instant at 0 count(http_requests)\n {} 5\n\nclear\n\neval instant at 0 http_requests\n",
    );
    let late =
        fails("load 1m\n http_requests{job=\"api-server\", instance=\"0\", group=\"canary\"} 7\n");
    assert!(
        late.contains("load failed: out of order sample: {__name__=\"http_requests\""),
        "{late}"
    );
    assert!(fails("load 1m\n {} 1\n").contains("series has no labels"));
}

#[test]
fn an_invalid_script_fails_and_so_does_an_invalid_query() {
    let summary = run_text("t", "load 1m\n a 1 ,\n", &RunOptions::default()).unwrap();
    assert_eq!(summary.to_string(), "t:2: column 5: expected a number\n");
    assert!(fails("eval instant at 0 sum(\n").starts_with("the query does not parse: "));
    assert!(fails("eval_fail instant at 0 sum(\n").starts_with("the query does not parse: "));
    let missing = run_files(&["/no/such/file.test"], &RunOptions::default()).unwrap();
    assert_eq!(missing.failed(), 1);
}

//! `quarrel bench`.

use super::{quarrel, stderr, stdout};

const DATA: &str = concat!(
    "data:",
    env!("CARGO_MANIFEST_DIR"),
    "/../examples/demo-data"
);

fn bench(endpoints: &[&str], more: &[&str]) -> (Option<i32>, String, String) {
    let mut args = vec!["bench"];
    args.extend(endpoints);
    args.extend(["--query", "up", "--query", "up +", "--rounds", "2"]);
    args.extend(["--time", "1795478400"]);
    args.extend(more);
    let output = quarrel(&args);
    (output.status.code(), stdout(&output), stderr(&output))
}

#[test]
fn a_run_is_measured_and_compared_with_an_earlier_one() {
    let named = format!("new={DATA}");
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.json");
    let path = path.to_str().unwrap();
    let json = ["--format", "json", "-o", path];
    let (code, report, error) = bench(&[DATA, &named], &json);
    assert_eq!((code, &*report), (Some(0), ""), "{error}");
    assert!(
        error.contains("at most 12 requests, 1 at a time"),
        "{error}"
    );
    let text = std::fs::read_to_string(path).unwrap();
    let run: serde_json::Value = serde_json::from_str(&text).unwrap();
    let endpoints = run["endpoints"].as_array().unwrap();
    for (endpoint, name) in endpoints.iter().zip([DATA, "new"]) {
        assert_eq!(endpoint["endpoint"], name);
        assert_eq!(
            (&endpoint["answered"], &endpoint["failed"]),
            (&3.into(), &3.into())
        );
        assert!(endpoint["last_byte_seconds"].as_f64().unwrap() > 0.0);
    }
    assert!(endpoints[1]["ratio"].as_f64().unwrap() > 0.0);

    let (code, report, error) = bench(&[&named], &["--baseline", path]);
    assert_eq!(code, Some(0), "{error}");
    assert!(
        report.contains("new against the earlier run: ratio "),
        "{report}"
    );
    // Nothing takes so little time.
    let (code, ..) = bench(&[&named], &["--baseline", path, "--fail-above", "0.000001"]);
    assert_eq!(code, Some(1));
}

#[test]
fn a_dry_run_asks_nothing() {
    let closed = "http://127.0.0.1:1";
    let (code, report, error) = bench(&[closed], &["--dry-run"]);
    assert_eq!((code, &*report), (Some(0), "up\nup +\n"), "{error}");
    let (code, _, error) = bench(&[closed], &[]);
    assert_eq!(code, Some(2));
    assert!(
        error.contains("an endpoint has answered nothing"),
        "{error}"
    );
    let (code, _, error) = bench(&[], &[]);
    assert_eq!(code, Some(2));
    assert!(error.contains("an endpoint is needed"), "{error}");
}

//! `quarrel compare`.

use super::faulty::{self, Fault};
use super::{Server, quarrel, stderr, stdout};

const DATA: &str = concat!(
    "data:",
    env!("CARGO_MANIFEST_DIR"),
    "/../examples/demo-data"
);
/// Queries whose answers the faulty server leaves alone.
const OTHERS: [&str; 3] = [
    "up",
    "sum by (mode) (rate(node_cpu_seconds_total[5m]))",
    "up +",
];
/// The query whose answers it falsifies.
const MARKED: &str = "avg by (mode) (node_cpu_seconds_total) / 7";

fn compare(reference: &str, test: &str, more: &[&str]) -> (Option<i32>, String, String) {
    let mut args = vec!["compare", "--reference", reference, "--test", test];
    for query in OTHERS.iter().chain([&MARKED]) {
        args.extend(["--query", query]);
    }
    args.extend(["--time", "1795478400"]);
    args.extend(more);
    let output = quarrel(&args);
    (output.status.code(), stdout(&output), stderr(&output))
}

#[test]
fn each_fault_of_a_server_is_found_and_none_is_invented() {
    let server = Server::start();
    for (fault, kind) in [
        (Fault::Digit, "value"),
        (Fault::Series, "missing series"),
        (Fault::Label, "labels"),
        (Fault::Type, "result type"),
        (Fault::Error, "error"),
        (Fault::Late, "timeout"),
        (Fault::Json, "unreadable"),
        (Fault::Dies, "connection"),
    ] {
        let url = faulty::start(&server.address, "avg+by", fault);
        let (code, report, error) = compare(DATA, &url, &["--format", "json", "--timeout", "5s"]);
        assert_eq!(code, Some(1), "{fault:?}: {report} {error}");
        let json: serde_json::Value = serde_json::from_str(&report).unwrap();
        assert_eq!(json["counts"]["asked"], 4);
        let queries = json["queries"].as_array().unwrap();
        let found: Vec<_> = queries
            .iter()
            .map(|query| (&query["query"], &query["differences"][0]["kind"]))
            .collect();
        assert_eq!(found, [(&MARKED.into(), &kind.into())], "{fault:?}");
        assert_eq!(
            queries[0]["differences"].as_array().unwrap().len(),
            1,
            "{fault:?}"
        );
    }
}

#[test]
fn equal_endpoints_have_no_difference() {
    let (code, report, error) = compare(DATA, DATA, &["--annotations", "--error-texts"]);
    assert_eq!(code, Some(0), "{report} {error}");
    assert!(
        report.starts_with("4 queries: 4 equal, 0 different; 3 with samples"),
        "{report}"
    );
}

#[test]
fn a_known_difference_is_no_failure() {
    let server = Server::start();
    let url = faulty::start(&server.address, "avg+by", Fault::Label);
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("known.yml");
    std::fs::write(
        &file,
        "- {match: 'avg.*', kinds: [labels], reason: of old}\n",
    )
    .unwrap();
    let accept = ["--accept", file.to_str().unwrap()];
    let (code, report, _) = compare(DATA, &url, &accept);
    assert_eq!(code, Some(0), "{report}");
    assert!(report.contains("1 known to differ"), "{report}");
    let (code, report, _) = compare(DATA, DATA, &accept);
    assert_eq!(code, Some(0), "{report}");
    assert!(
        report.contains("known difference that was not met: avg.*"),
        "{report}"
    );
}

#[test]
fn what_cannot_be_asked_is_exit_code_2() {
    let (code, _, error) = compare("http://127.0.0.1:1", DATA, &[]);
    assert_eq!(code, Some(2));
    assert!(error.contains("the reference gave no answer"), "{error}");
    for args in [
        &["compare", "--reference", DATA, "--query", "up"][..],
        &[
            "compare",
            "--reference",
            DATA,
            "--test",
            "ftp://x",
            "--query",
            "up",
            "--time",
            "1",
        ],
        &[
            "compare",
            "--reference",
            DATA,
            "--test",
            DATA,
            "--query",
            "up",
            "--accept",
            "no/such",
        ],
    ] {
        let output = quarrel(args);
        assert_eq!(
            output.status.code(),
            Some(2),
            "{args:?}: {}",
            stderr(&output)
        );
    }
}

#[test]
fn a_report_goes_to_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("report.html");
    let out = ["--output", file.to_str().unwrap(), "--format", "html"];
    let (code, report, _) = compare(DATA, DATA, &out);
    assert_eq!((code, &*report), (Some(0), ""));
    let page = std::fs::read_to_string(file).unwrap();
    assert!(page.starts_with("<!doctype html>") && page.ends_with("</html>\n"));
}

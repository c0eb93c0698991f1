use std::time::Duration;

use proptest::prelude::*;
use quarrel_engine::{QueryRange, QueryTimes, Timestamp};

use super::*;
use crate::answer::{Labels, Row};
use crate::cases::{Case, Origin};
use crate::compare::{
    Accepted, AnswerKind, Difference, Kind, Outcome, Sides, Undetermined, Verdict,
};
use crate::endpoint::AskError;

fn row(floats: &[(i64, f64)]) -> Row {
    Row {
        labels: Labels::new(vec![("job", "a")]).unwrap(),
        floats: floats.to_vec(),
        histograms: Vec::new(),
    }
}

fn difference(kind: Kind, text: &str) -> Difference {
    Difference {
        kind,
        count: 2,
        text: text.to_string(),
        at: Some(60_000),
        rows: Some(Box::new(Sides {
            reference: Some(row(&[
                (0, 1.0),
                (60_000, 2.0),
                (120_000, f64::NAN),
                (180_000, 4.0),
            ])),
            test: Some(row(&[(0, 1.0), (60_000, 3.0)])),
        })),
    }
}

fn outcome(query: &str, verdict: Verdict) -> Outcome {
    let range = QueryRange::from_millis(0..=180_000, 60_000).unwrap();
    Outcome {
        case: Case::new(query, Origin::new("list.txt", "line 3")),
        times: QueryTimes::Range(range),
        verdict,
        answer: AnswerKind::Samples,
        smallest: Some(Case {
            times: Some(QueryTimes::Instant(Timestamp::from_secs(60))),
            ..Case::new("y", Origin::default())
        }),
    }
}

/// A report with each verdict, whose first query has a text.
fn report(query: &str) -> Report {
    let mut report = Report::new("right", "<wrong>", true);
    let found = vec![difference(
        Kind::Value,
        "{job=\"a\"} at 60: reference 2; test 3",
    )];
    for verdict in [
        Verdict::Different(found.clone()),
        Verdict::Equal,
        Verdict::Accepted(found, "known & loved".to_string()),
        Verdict::Undetermined(Undetermined::Tie),
        Verdict::Unasked(AskError::Connect("refused".to_string())),
    ] {
        report.add(outcome(query, verdict));
    }
    report.finish(&Accepted::default(), Duration::from_millis(1500));
    report
}

fn written(report: &Report, format: Format) -> String {
    let mut out = Vec::new();
    report.write(format, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn a_terminal_shows_what_differs_by_kind() {
    let text = written(&report("x > 1"), Format::Text);
    assert_eq!(
        text,
        "value (1)
  x > 1
    start=0 end=180 step=60 (list.txt, line 3)
    smallest: y (time=60)
      value: {job=\"a\"} at 60: reference 2; test 3 (and 1 more)

not asked: the reference gave no answer
  x > 1
    start=0 end=180 step=60 (list.txt, line 3)
      no connection: refused

5 queries: 1 equal, 1 different, 1 known to differ, 1 undetermined, \
1 without an answer of the reference; 5 with samples, 0 empty, 0 errors, in 1.5 s
"
    );
}

#[test]
fn json_has_all_of_it() {
    let text = written(&report("x > 1"), Format::Json);
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(json["counts"]["different"], 1);
    let query = &json["queries"][0];
    assert_eq!(
        (&query["query"], &query["verdict"]),
        (&"x > 1".into(), &"different".into())
    );
    assert_eq!(query["smallest"]["query"], "y");
    let found = &query["differences"][0];
    assert_eq!(
        (&found["kind"], &found["time"]),
        (&"value".into(), &"60".into())
    );
    assert_eq!(
        found["test"]["values"],
        serde_json::json!([["0", "1"], ["60", "3"]])
    );
    let words: Vec<_> = json["queries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|q| &q["verdict"])
        .collect();
    assert_eq!(
        words,
        ["different", "accepted", "undetermined", "unasked", "equal"]
    );
}

#[test]
fn a_page_has_two_plots_of_a_difference() {
    let page = written(&report("x < 1 & y"), Format::Html);
    assert!(page.contains("<pre>x &lt; 1 &amp; y</pre>"));
    assert!(page.contains("&lt;wrong&gt; compared with right"));
    // Of the new difference and of the known one.
    assert_eq!(page.matches("<svg").count(), 4);
    assert_eq!(page.matches("class=\"mark\"><title>").count(), 4);
    // The sample behind the gap is alone.
    assert_eq!(page.matches("<polyline").count(), 4);
    assert_eq!(page.matches("r=\"2\"").count(), 2);
    assert!(!page.contains("http://") && !page.contains("<script"));
}

#[test]
fn markdown_and_junit_count_and_escape() {
    let markdown = written(&report("a | b `c`"), Format::Markdown);
    assert!(markdown.contains("### value (1)"));
    assert!(
        markdown.contains("| `` a \\| b `c` `` | start=0 end=180 step=60 |"),
        "{markdown}"
    );
    let junit = written(&report("x < \"1\""), Format::Junit);
    assert!(junit.contains("tests=\"5\" failures=\"1\" errors=\"1\" skipped=\"2\""));
    assert!(junit.contains("name=\"x &lt; &quot;1&quot; start=0 end=180 step=60\""));
    assert!(junit.contains("<skipped message=\"known &amp; loved\"/>"));
    assert_eq!(junit.matches("<testcase").count(), 5);
}

#[test]
fn a_report_on_much_that_is_wrong_stays_small() {
    let mut report = Report::new("a", "b", false);
    for _ in 0..300 {
        let found = vec![difference(Kind::Value, "")];
        report.add(outcome("x", Verdict::Different(found)));
        report.add(outcome("x", Verdict::Equal));
    }
    assert_eq!((report.outcomes.len(), report.equal.len()), (300, 0));
    let with = report
        .outcomes
        .iter()
        .filter(|outcome| match &outcome.verdict {
            Verdict::Different(found) => found[0].rows.is_some(),
            _ => false,
        });
    assert_eq!(with.count(), 200);
    let text = written(&report, Format::Text);
    assert!(
        text.contains("value (300)") && text.contains("    299 more come down to the same\n"),
        "{text}"
    );
}

/// Whether tags are closed in order, and nothing else looks like one.
fn well_formed(xml: &str) -> bool {
    let mut open = Vec::new();
    for piece in xml.split('<').skip(1) {
        let Some((tag, text)) = piece.split_once('>') else {
            return false;
        };
        if text.contains('>') || tag.starts_with(['?', '!']) {
            continue;
        }
        let name = tag
            .trim_start_matches('/')
            .split([' ', '/'])
            .next()
            .unwrap_or_default();
        match (tag.starts_with('/'), tag.ends_with('/')) {
            (true, _) if open.pop() != Some(name) => return false,
            (false, false) => open.push(name),
            _ => {}
        }
    }
    open.is_empty()
}

proptest! {
    #[test]
    fn any_query_stays_text(query in ".{0,40}") {
        let report = report(&query);
        prop_assert!(well_formed(&written(&report, Format::Junit)));
        let json = written(&report, Format::Json);
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        prop_assert_eq!(&json["queries"][0]["query"], &query);
        written(&report, Format::Markdown);
        written(&report, Format::Html);
    }
}

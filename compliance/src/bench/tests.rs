//! Runs against servers of which one is slower, and what is written of them.

use std::time::Duration;

use proptest::prelude::*;
use quarrel_engine::{QueryRange, QueryTimes, Timestamp};

use super::*;
use crate::cases::{Case, Origin};
use crate::endpoint::fake::{Asked as Request, Fake, Told};
use crate::endpoint::{Endpoint, EndpointOptions};

const VECTOR: &str = r#"{"status":"success","data":{"resultType":"vector","result":[]}}"#;
const REFUSED: &str = r#"{"status":"error","errorType":"bad_data","error":"no such <thing>"}"#;

/// A server that takes so long, and refuses the query `broken`.
async fn server(pause: Duration) -> Fake {
    let tell = move |asked: &Request| match asked.parameter("query") {
        "broken" => Told::json(REFUSED),
        _ => Told::Late(pause, VECTOR.into()),
    };
    Fake::start(tell).await
}

fn endpoint(fake: &Fake, name: &str) -> Endpoint {
    let options = EndpointOptions {
        name: name.into(),
        ..EndpointOptions::default()
    };
    Endpoint::new(&fake.url, options).unwrap()
}

fn queries(texts: &[&str]) -> Vec<(Case, QueryTimes)> {
    let range = QueryRange::from_millis(0..=3_600_000, 60_000).unwrap();
    let at: QueryTimes = Timestamp::from_secs(7).into();
    let cases = texts.iter().enumerate().map(|(number, text)| {
        let times = if number == 0 { at } else { range.into() };
        (Case::new(*text, Origin::new("q.txt", "")), times)
    });
    cases.collect()
}

fn options(rounds: u32) -> BenchOptions {
    BenchOptions {
        rounds,
        ..BenchOptions::default()
    }
}

#[tokio::test]
async fn the_slower_one_is_slower() {
    let (slow, fast) = (
        server(Duration::from_millis(30)).await,
        server(Duration::ZERO).await,
    );
    let endpoints = [endpoint(&slow, "slow"), endpoint(&fast, "fast")];
    let mut shown = Vec::new();
    let record = run(&endpoints, &queries(&["a", "b"]), &options(6), |p| {
        shown.push(p)
    })
    .await;
    assert_eq!(record.requests(), 2 * 2 * 7);
    let last = shown.last().unwrap();
    assert_eq!((last.requests, last.failed, last.round), (28, 0, 6));
    let summary = Summary::of(&record);
    let [first, second] = &summary.totals[..] else {
        panic!()
    };
    assert!(first.last_byte > second.last_byte);
    assert!(first.cold > second.cold);
    assert_eq!((first.ratio, first.interval), (None, None));
    assert!(second.ratio.unwrap() < 1.0 && second.cold_ratio.unwrap() < 1.0);
    let interval = second.interval.unwrap();
    assert!(interval.low <= second.ratio.unwrap() && second.ratio.unwrap() <= interval.high);
    assert_eq!(
        (second.compared, second.answered, second.failed),
        (2, 14, 0)
    );
    assert_eq!(second.bytes, 2.0 * VECTOR.len() as f64);
    for asked in &record.queries {
        let rounds: Vec<u32> = asked.sides[0]
            .warm
            .iter()
            .map(|timing| timing.round)
            .collect();
        assert_eq!(rounds, [1, 2, 3, 4, 5, 6]);
        assert!(asked.sides.iter().all(|side| {
            let cold = side.cold.unwrap();
            cold.round == 0 && cold.first_byte_ns <= cold.last_byte_ns
        }));
    }
}

#[tokio::test]
async fn endpoints_take_turns() {
    let order = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let mut fakes = Vec::new();
    for name in ["x", "y"] {
        let order = order.clone();
        let tell = move |asked: &Request| {
            let query = asked.parameter("query").to_string();
            order.lock().unwrap().push(format!("{query}{name}"));
            Told::json(VECTOR)
        };
        fakes.push((Fake::start(tell).await, name));
    }
    let endpoints: Vec<Endpoint> = fakes
        .iter()
        .map(|(fake, name)| endpoint(fake, name))
        .collect();
    run(&endpoints, &queries(&["a", "b"]), &options(1), |_| {}).await;
    let order = order.lock().unwrap().join(" ");
    assert_eq!(order, "ax ay by bx ay ax bx by");
}

#[tokio::test]
async fn failures_are_counted_and_not_measured() {
    let fake = server(Duration::ZERO).await;
    let endpoints = [endpoint(&fake, "here")];
    let record = run(&endpoints, &queries(&["a", "broken"]), &options(2), |_| {}).await;
    let broken = &record.queries[1].sides[0];
    assert_eq!(
        (broken.cold, broken.warm.len(), broken.errors.len()),
        (None, 0, 3)
    );
    let error = &broken.errors[0];
    assert_eq!(
        (error.status, &*error.reason),
        (Some(400), "no such <thing>")
    );
    let summary = Summary::of(&record);
    assert_eq!(
        (summary.totals[0].answered, summary.totals[0].failed),
        (3, 3)
    );
    assert!(summary.totals[0].last_byte.is_some());
    let text = write(&record, &summary, &[], Format::Text);
    assert!(
        text.contains("here: 3 × 400 no such <thing>: broken"),
        "{text}"
    );
    let html = write(&record, &summary, &[], Format::Html);
    assert!(html.contains("no such &lt;thing&gt;") && !html.contains("<thing>"));
}

#[tokio::test]
async fn a_budget_is_kept() {
    let fake = server(Duration::ZERO).await;
    let endpoints = [endpoint(&fake, "here")];
    let none = BenchOptions {
        duration: Duration::ZERO,
        ..BenchOptions::default()
    };
    let record = run(&endpoints, &queries(&["a"]), &none, |_| {}).await;
    assert_eq!((record.requests(), fake.asked().len()), (0, 0));
    // The first request is made at once; of the next ones, none within the time.
    let slow = BenchOptions {
        rate: Some(0.001),
        ..BenchOptions::default()
    };
    let record = run(&endpoints, &queries(&["a"]), &slow, |_| {}).await;
    assert_eq!((record.requests(), fake.asked().len()), (1, 1));
    let budget = BenchOptions::default().budget(100, 2).to_string();
    assert_eq!(budget, "at most 2200 requests, 1 at a time, for at most 5m");
}

#[tokio::test]
async fn many_at_a_time_ask_the_same() {
    let fake = server(Duration::ZERO).await;
    let endpoints = [endpoint(&fake, "x"), endpoint(&fake, "y")];
    let many = BenchOptions {
        jobs: 8,
        rounds: 2,
        ..BenchOptions::default()
    };
    let texts = ["a", "b", "c", "d", "e"];
    let record = run(&endpoints, &queries(&texts), &many, |_| {}).await;
    assert_eq!(record.requests(), 5 * 2 * 3);
    for (asked, text) in record.queries.iter().zip(texts) {
        assert_eq!(asked.query, text);
        assert!(asked.sides.iter().all(|side| side.warm.len() == 2));
    }
}

/// A record with given times, in milliseconds.
fn record(sides: &[(&str, &[u64])]) -> Record {
    let side = |times: &[u64]| Side {
        cold: None,
        errors: Vec::new(),
        warm: (1..)
            .zip(times)
            .map(|(round, ms)| Timing {
                round,
                first_byte_ns: ms * 500_000,
                last_byte_ns: ms * 1_000_000,
                sent_bytes: 2048,
            })
            .collect(),
    };
    let asked = Asked {
        query: "sum by (a) (`x|y`)".into(),
        origin: "q.txt, line 1".into(),
        times: queries(&["", "a"])[1].1.into(),
        sides: sides.iter().map(|(_, times)| side(times)).collect(),
    };
    Record {
        endpoints: sides.iter().map(|(name, _)| name.to_string()).collect(),
        begun_ms: 1,
        seconds: 1.5,
        rounds: 8,
        jobs: 1,
        queries: vec![asked],
    }
}

const OLD: [u64; 8] = [10, 11, 12, 10, 11, 12, 10, 11];
const NEW: [u64; 8] = [20, 22, 24, 20, 22, 24, 20, 22];

#[test]
fn an_earlier_run_is_compared() {
    let earlier = record(&[("a", &OLD), ("b", &NEW)]);
    let mut now = record(&[("a", &NEW), ("c", &NEW)]);
    // Another begin is the same query.
    let Times::Range {
        start_ms, end_ms, ..
    } = &mut now.queries[0].times
    else {
        panic!()
    };
    (*start_ms, *end_ms) = (*start_ms + 5, *end_ms + 5);
    let changes = Changes::since(&earlier, &now);
    let [a, c] = &changes[..] else { panic!() };
    assert_eq!((&*a.endpoint, &*a.earlier, a.compared), ("a", "a", 1));
    assert!((a.ratio.unwrap() - 2.0).abs() < 1e-9);
    let change = &a.changed[0];
    assert_eq!((change.before, change.now), (0.011, 0.022));
    // What has no name of before is compared by its place.
    assert_eq!((&*c.endpoint, &*c.earlier, c.ratio), ("c", "b", Some(1.0)));
    assert_eq!(c.changed, []);
    now.queries[0].query.push('!');
    let changes = Changes::since(&earlier, &now);
    assert_eq!((changes[0].compared, changes[0].ratio), (0, None));
}

#[test]
fn rounds_that_one_has_not_answered_are_not_compared() {
    let mut record = record(&[("a", &OLD), ("b", &OLD)]);
    // The first endpoint was disturbed in the round that the other one lost.
    record.queries[0].sides[0].warm[7].last_byte_ns *= 1000;
    record.queries[0].sides[1].warm.pop();
    let total = &Summary::of(&record).totals[1];
    assert_eq!(total.ratio, Some(1.0));
    let interval = total.interval.unwrap();
    assert_eq!((interval.low, interval.high), (1.0, 1.0));
}

#[test]
fn a_run_is_written_and_read() {
    let record = record(&[("a", &OLD), ("b", &NEW)]);
    let summary = Summary::of(&record);
    let changes = Changes::since(&record, &record);
    let json = write(&record, &summary, &changes, Format::Json);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.json");
    std::fs::write(&path, &json).unwrap();
    assert_eq!(Record::read(&path).unwrap(), record);
    for (text, problem) in [
        (
            json.replace("\"version\": 1", "\"version\": 2"),
            "has version 2, not 1",
        ),
        ("{}".into(), "missing field"),
        (
            json.replace("[\n      \"a\",\n", "[\n"),
            "without one of the endpoints",
        ),
    ] {
        std::fs::write(&path, text).unwrap();
        let error = Record::read(&path).unwrap_err().to_string();
        assert!(error.starts_with(&path.display().to_string()), "{error}");
        assert!(error.contains(problem), "{error}");
    }
}

#[test]
fn texts_have_the_numbers() {
    let record = record(&[("a", &OLD), ("b", &NEW)]);
    let summary = Summary::of(&record);
    let text = write(
        &record,
        &summary,
        &Changes::since(&record, &record),
        Format::Text,
    );
    let expected = "\
2 endpoints, 1 query, a cold round and up to 8 warm ones: 16 requests in 1.50 s, 1 at a time

endpoint  median   first byte  p90      cold  bytes     failed  ratio                cold ratio
a         11.0 ms  5.50 ms     12.0 ms  -     2.00 KiB  0       -                    -
b         22.0 ms  11.0 ms     24.0 ms  -     2.00 KiB  0       2.00 (2.00 to 2.00)  -

1 of 1 queries, largest ratios to the first endpoint (*: the medians' intervals lie apart)
a        b        ratio  times     query
11.0 ms  22.0 ms  2.00*  1h by 1m  sum by (a) (`x|y`)
";
    assert!(text.starts_with(expected), "{text}");
    assert!(
        text.contains(
            "a against the earlier run: ratio 1.00 (0.91 to 1.10) over 1 queries, 0 changed"
        ),
        "{text}"
    );
    let markdown = write(&record, &summary, &[], Format::Markdown);
    let row = "| 11.0 ms | 22.0 ms | 2.00* | 1h by 1m | ``sum by (a) (`x\\|y`)`` |";
    assert!(markdown.contains(row), "{markdown}");
    let html = write(&record, &summary, &[], Format::Html);
    assert_eq!(html.matches("class=\"warm\"").count(), 16);
    assert_eq!(html.matches("class=\"median\"").count(), 2);
    assert!(!html.contains("http://") && !html.contains("https://"));
}

proptest! {
    #[test]
    fn any_text_is_taken_as_an_earlier_run(text in "\\PC{0,60}") {
        let _ = Record::parse(&text);
        let _ = Record::parse(&format!("{{\"version\": 1, \"record\": {text}}}"));
    }

    #[test]
    fn any_record_is_written(
        first in prop::collection::vec(0u64..1_000_000, 0..8),
        second in prop::collection::vec(0u64..1_000_000, 0..8),
        name in "\\PC{0,10}",
    ) {
        let record = record(&[("a", &first), (&name, &second)]);
        let summary = Summary::of(&record);
        let changes = Changes::since(&record, &record);
        for format in [Format::Text, Format::Json, Format::Markdown, Format::Html] {
            write(&record, &summary, &changes, format);
        }
        let json = write(&record, &summary, &changes, Format::Json);
        prop_assert_eq!(Record::parse(&json), Ok(record));
    }
}

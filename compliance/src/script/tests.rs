//! Tests of the script language's reader.

use proptest::prelude::*;
use quarrel_functions::window::STALE_NAN_BITS;

use super::*;

fn series(line: &str) -> SeriesDescription {
    super::series::parse_series(line).unwrap_or_else(|e| panic!("{line}: {e}"))
}

fn labels(line: &str) -> String {
    let labels = series(line).labels;
    let labels: Vec<String> = labels.iter().map(|(n, v)| format!("{n}={v}")).collect();
    labels.join(" ")
}

/// Values as bits, `None` where omitted.
fn values(line: &str) -> Vec<Option<u64>> {
    let points = series(line).points().unwrap();
    let bits = |point: &Point| match point {
        Point::Omitted => None,
        Point::Float(value) => Some(value.to_bits()),
        Point::Histogram(_) => panic!("no floats: {line}"),
    };
    points.iter().map(bits).collect()
}

fn floats(values: &[f64]) -> Vec<Option<u64>> {
    values.iter().map(|v| Some(v.to_bits())).collect()
}

#[test]
fn metrics() {
    assert_eq!(labels("a 1"), "__name__=a");
    assert_eq!(labels("{} 1"), "");
    assert_eq!(labels(r#"a{x="1", y='2',} 1"#), "__name__=a x=1 y=2");
    assert_eq!(
        labels(r#"{"http.requests", "service.name"="a b"} 1"#),
        "__name__=http.requests service.name=a b"
    );
    assert_eq!(
        labels("http.requests:ü{ü=`x`} 1"),
        "__name__=http.requests:ü ü=x"
    );
    assert_eq!(labels(r#"sum{by="x"} 1"#), "__name__=sum by=x");
    // The name in front wins, and labels with empty values are dropped only
    // then.
    assert_eq!(labels(r#"a{__name__="b", x=""} 1"#), "__name__=a");
    assert_eq!(labels(r#"{x=""} 1"#), "x=");
    for bad in [
        "",
        "1a 1",
        "on 1",
        "a {x=\"1\"} 1",
        "a{x=1} 1",
        "a{x~\"1\"} 1",
        "a{x=\"1\" 1",
        "a{x=\"1\" y=\"2\"} 1",
        "a{,} 1",
        "NaN 1",
    ] {
        assert!(super::series::parse_series(bad).is_err(), "{bad}");
    }
}

#[test]
fn float_sequences() {
    assert_eq!(
        values("a 1 -2 +3 .5 1e3 -1.5e-3"),
        floats(&[1.0, -2.0, 3.0, 0.5, 1000.0, -0.0015])
    );
    assert_eq!(
        values("a 1x2 2+3x2 2-3x1 -1--1x1".split(" -1--").next().unwrap()),
        floats(&[1.0, 1.0, 1.0, 2.0, 5.0, 8.0, 2.0, -1.0])
    );
    assert_eq!(
        values("a Inf -Inf +inf"),
        floats(&[f64::INFINITY, f64::NEG_INFINITY, f64::INFINITY])
    );
    assert_eq!(values("a NaN").len(), 1);
    assert_eq!(
        values("a _ 1 _x2 stale  "),
        [None, Some(1f64.to_bits()), None, None, Some(STALE_NAN_BITS)]
    );
    assert_eq!(values("a 1x0 010x1"), floats(&[1.0, 8.0, 8.0]));
    // Added up step by step: 0.1 three times is not 0.3.
    assert_eq!(values("a 0+0.1x3")[3], Some((0.1f64 + 0.1 + 0.1).to_bits()));
    assert_eq!(values("a"), []);
    for bad in [
        "a 1+2",
        "a 1x",
        "a 1x-2",
        "a x2",
        "a 1,2",
        "a stalex2",
        "a Stale",
        "a 1 2+",
        "a 1++2x3",
        "a 0x1F",
        "a 1x99999999",
        "a _x99999999999999999999",
        "a {1}",
    ] {
        let parsed = super::series::parse_series(bad);
        // `0x1F` is a repeated zero with an invalid rest.
        assert!(parsed.is_err(), "{bad}: {parsed:?}");
    }
}

#[test]
fn histogram_literals() {
    let text = "{{schema:1 count:22 sum:-3.5 z_bucket:2 z_bucket_w:0.001 offset:-2 n_offset:1 custom_values:[1 2.5] buckets:[5 10 7] n_buckets:[1] counter_reset_hint:gauge}}";
    let line = series(&format!("a {text}"));
    let [
        SequenceItem::Histogram {
            first,
            increment: None,
            count: 1,
        },
    ] = &line.items[..]
    else {
        panic!("one histogram, not {:?}", line.items);
    };
    assert_eq!(first.to_string(), text);
    assert_eq!(first.hint, Some(ResetHint::Gauge));
    let points = series("a {{}} {{sum:1}}x2 {{sum:1}}+{{sum:2 counter_reset_hint:reset}}x1")
        .points()
        .unwrap();
    assert_eq!(points.len(), 6);
    let Point::Histogram(last) = &points[5] else {
        panic!("a histogram")
    };
    assert_eq!((last.times, last.hint_is_set), (1, true));
    assert!(series("a {{schema:2}}+{{schema:1}}x1").points().is_err());
    for bad in [
        "a {{",
        "a {{sum:1",
        "a {{sum:1}",
        "a {{sum}}",
        "a {{sum:}}",
        "a {{what:1}}",
        "a {{sum:1 sum:2}}",
        "a {{buckets:[]}}",
        "a {{buckets:[1,2]}}",
        "a {{buckets:[1 2}}",
        "a {{schema:1.5}}",
        "a {{schema:99999999999}}",
        "a {{counter_reset_hint:maybe}}",
        "a {{sum:1}}+{{sum:1}}",
        "a {{sum:1}}{{sum:1}}",
    ] {
        assert!(super::series::parse_series(bad).is_err(), "{bad}");
    }
}

#[test]
fn start_lines() {
    let offsets = |text: &str| start::parse_start_line("a", text).map(|line| line.1);
    assert_eq!(offsets("_"), Ok(vec![None]));
    assert_eq!(offsets("_x3 0s"), Ok(vec![None, None, None, Some(0)]));
    assert_eq!(offsets("-1m"), Ok(vec![Some(-60_000)]));
    assert_eq!(offsets("-1mx2"), Ok(vec![Some(-60_000); 3]));
    assert_eq!(
        offsets("-1m+15sx2"),
        Ok(vec![Some(-60_000), Some(-45_000), Some(-30_000)])
    );
    assert_eq!(
        offsets("30s-10sx2"),
        Ok(vec![Some(30_000), Some(20_000), Some(10_000)])
    );
    assert_eq!(offsets(""), Ok(vec![]));
    for bad in [
        "badunit",
        "_x0",
        "_x-2",
        "_x+2",
        "-1m+15s",
        "1",
        "1mx",
        "1mx99999999999",
    ] {
        assert!(offsets(bad).is_err(), "{bad}");
    }
    let script = parse("load 5m\n  a{x=\"1\"}@st -1mx4\n  a{x=\"1\"} 0+1x4\n").unwrap();
    let CommandKind::Load(load) = &script.commands[0].kind else {
        panic!("a load")
    };
    assert_eq!(load.series[0].start_offsets, Some(vec![Some(-60_000); 5]));
    for (bad, line) in [
        ("load 5m\n a@st -1mx3\n a 0+1x4", 2),
        ("load 5m\n b@st -1mx4\n a 0+1x4", 2),
        ("load 5m\n a@st -1mx4", 2),
        ("load 5m\n a@st -1mx4\n a@st -1mx4\n a 0+1x4", 2),
    ] {
        assert_eq!(parse(bad).map(|_| ()).unwrap_err().line, line, "{bad}");
    }
}

fn eval(text: &str) -> Eval {
    let script = parse(text).unwrap_or_else(|e| panic!("{text}: {e}"));
    match script.commands.into_iter().next().map(|c| c.kind) {
        Some(CommandKind::Eval(eval)) => *eval,
        other => panic!("an eval, not {other:?}"),
    }
}

#[test]
fn evals() {
    let e = eval("eval instant at 1h30m  sum(x) \n {} 1\n");
    assert_eq!(
        (e.query.as_str(), e.time),
        ("sum(x)", EvalTime::Instant { at_ms: 5_400_000 })
    );
    let e = eval("eval range from 0 to 1m step 10s x\n x 1 _ 3\n");
    assert_eq!(
        e.time,
        EvalTime::Range {
            start_ms: 0,
            end_ms: 60_000,
            step_ms: 10_000
        }
    );
    let e = eval("eval_ordered instant at 0 x\n a 1\n b 2");
    assert!(e.expect.ordered && e.expect.series.len() == 2);
    let e = eval("eval_fail instant at 0 x\n expected_fail_regexp a.c");
    assert!(e.expect.fail.unwrap()[0].matches("xabcx"));
    let e = eval("eval instant at 0 x\n expect fail msg: \"abc\"  ");
    assert!(e.expect.fail.unwrap()[0].matches("\"abc\""));
    let e = eval("eval instant at 0 x\n expect warn\n expect info regex:^a.c$\n expect ordered");
    assert!(e.expect.info[0].matches("abc") && !e.expect.info[0].matches("xabc"));
    let e = eval("eval instant at 0 1\n -0x1F");
    assert_eq!(e.expect.scalar, Some(-31.0));
    let e = eval("eval instant at 0 ''\n expect string \"a\\n\"");
    assert_eq!(e.expect.string.as_deref(), Some("a\n"));
    let e = eval("eval instant at 0 x[1m]\n expect range vector from 10s to 1m step 10s\n x 1 2");
    assert_eq!(e.time, EvalTime::Instant { at_ms: 60_000 });
    assert_eq!(
        e.expect.range_vector,
        Some(EvalTime::Range {
            start_ms: 10_000,
            end_ms: 60_000,
            step_ms: 10_000
        })
    );
    let e = eval("eval instant at 0 x\n expect{} 1");
    assert_eq!(
        e.expect.series[0].labels,
        [("__name__".to_string(), "expect".to_string())]
    );
}

#[test]
fn errors_have_a_line() {
    for (bad, line, message) in [
        ("\nfoo", 2, "invalid command"),
        ("load", 1, "invalid load command"),
        ("load x\n", 1, "invalid step definition"),
        (
            "load 1m\n a 1\n# a comment ends a command\n b 1",
            4,
            "invalid command",
        ),
        ("load 1m\n a 1 2,3", 2, "column 6: unexpected ','"),
        ("eval instant 1", 1, "invalid evaluation command"),
        (
            "eval instant at abc123 vector(0)",
            1,
            "invalid timestamp definition",
        ),
        (
            "eval_ordered range from 0 to 1 step 1 x",
            1,
            "invalid evaluation command",
        ),
        (
            "eval range from 1m to 0 step 1m x",
            1,
            "is before start timestamp",
        ),
        ("eval instant at 0 x\n x 1 2", 2, "multiple values"),
        ("eval instant at 0 x\n x", 2, "without a value"),
        (
            "eval instant at 0 x\n expect no_info\n expect info",
            3,
            "cannot be used together",
        ),
        (
            "eval instant at 0 x\n expect no_warn\n expect warn",
            3,
            "cannot be used together",
        ),
        (
            "eval instant at 0 x\n expect fail\n expect fail",
            3,
            "multiple expect fail",
        ),
        (
            "eval instant at 0 x\n expect what",
            2,
            "invalid expect statement",
        ),
        (
            "eval instant at 0 x\n expect fail regex: [",
            2,
            "invalid regex [",
        ),
        (
            "eval instant at 0 x\n expect string Foo",
            2,
            "correctly quoted",
        ),
        ("eval instant at 0 x\n expect string", 2, "is required"),
        (
            "eval instant at 0 x\n expect range vector from 10s",
            2,
            "invalid range vector definition",
        ),
    ] {
        let error = parse(bad).map(|_| ()).unwrap_err();
        assert!(
            error.line == line && error.message.contains(message),
            "{bad}: {error}"
        );
    }
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(
        words in proptest::collection::vec(
            proptest::sample::select(vec![
                "load", "eval", "instant", "range", "at", "from", "to", "step", "5m", "1", "x", "a{", "}", "{{",
                "}}", "sum:1", "buckets:[", "]", "+", "-", "_x3", "stale", "\n", "\n ", "expect", "fail", "msg:",
                "string", "\"", "'", "\\", "@st", "ü", "0", " ", "1+2x3", "clear", "#",
            ]),
            0..60,
        ),
        glue in proptest::sample::select(vec!["", " "]),
    ) {
        let _ = parse(&words.join(glue));
    }

    #[test]
    fn nor_do_bytes(text in "\\PC*") {
        let _ = parse(&format!("load 5m\n a {text}\n{text}"));
        let _ = parse(&format!("eval instant at 0 x\n{text}"));
    }
}

//! Whole templates.

use std::sync::Arc;

use proptest::prelude::*;

use super::{AlertData, Environment, Labels, Sample, SampleValue, Template, TemplateError};

struct Fixed;

impl Environment for Fixed {
    fn query(&self, query: &str) -> Result<Vec<Arc<Sample>>, String> {
        let sample = |name: &str, value| {
            let labels: Labels = [("job".to_string(), name.to_string())].into();
            Arc::new(Sample {
                labels: Arc::new(labels),
                value: SampleValue::Float(value),
            })
        };
        match query {
            "two" => Ok(vec![sample("b", 2.0), sample("a", 1.0)]),
            "none" => Ok(Vec::new()),
            _ => Err(format!("no such query {query}")),
        }
    }

    fn now_ms(&self) -> i64 {
        1500
    }

    fn server_url(&self) -> Option<&str> {
        None
    }
}

fn expand(text: &str) -> Result<String, TemplateError> {
    let labels: Labels = [("job".to_string(), "api".to_string())].into();
    let data = AlertData {
        labels: Arc::new(labels),
        external_labels: Arc::default(),
        external_url: "http://p".into(),
        value: SampleValue::Float(12.5),
    };
    Template::parse("t", text)?.expand(data, &Fixed)
}

#[test]
fn actions_do_what_they_say() {
    for (text, want) in [
        (
            "{{ $x := 1 }}{{ if true }}{{ $x = 2 }}{{ end }}{{ $x }}",
            "2",
        ),
        (
            "{{ range $i, $s := query \"two\" | sortByLabel \"job\" }}{{ $i }}{{ $s.Labels.job }}{{ end }}",
            "0a1b",
        ),
        ("{{ range query \"none\" }}x{{ else }}none{{ end }}", "none"),
        (
            "{{ range 5 }}{{ if eq . 1 }}{{ continue }}{{ end }}{{ if eq . 3 }}{{ break }}{{ end }}{{ . }}{{ end }}",
            "02",
        ),
        (
            "{{ define \"a\" }}[{{ . }}]{{ end }}{{ template \"a\" 7 }}{{ block \"b\" 8 }}{{ . }}{{ end }}",
            "[7]8",
        ),
        (
            "{{ with .Labels.nope }}x{{ else with .Labels.job }}{{ . }}{{ end }}",
            "api",
        ),
        ("{{ .Labels.nope }}|{{ .Value }}|{{ now }}", "|12.5|1.5"),
        ("{{ (query \"two\" | first | value) }}", "2"),
        ("{{ or 0 \"\" \"x\" }}{{ and 1 0 2 }}{{ not 1 }}", "x0false"),
        ("a {{- 1 -}} b", "a1b"),
        ("{{/* no */ -}}  x", "x"),
    ] {
        assert_eq!(expand(text).as_deref(), Ok(want), "{text}");
    }
}

#[test]
fn failures_say_where() {
    for (text, want) in [
        (
            "{{ query \"none\" | first }}",
            "template: t:1:18: executing \"t\" at <first>: error calling first: first() called on \
             vector with no elements",
        ),
        (
            "\n  {{ humanize \"x\" }}",
            "template: t:2:5: executing \"t\" at <humanize \"x\">: error calling humanize: \
             strconv.ParseFloat: parsing \"x\": invalid syntax",
        ),
        (
            "{{ .Nope }}",
            "template: t:1:3: executing \"t\" at <.Nope>: can't evaluate field Nope in type \
             struct { Labels map[string]string; ExternalLabels map[string]string; ExternalURL \
             string; Value interface {} }",
        ),
        (
            "{{ externalURL }}",
            "template: t:1:3: executing \"t\" at <externalURL>: error calling externalURL: \
             runtime error: invalid memory address or nil pointer dereference",
        ),
    ] {
        assert_eq!(expand(text).unwrap_err().to_string(), want, "{text}");
    }
}

#[test]
fn what_is_not_supported_is_named() {
    for (text, what) in [
        ("{{ 1i }}", "the complex number 1i"),
        ("{{ query \"two\" }}", "printing a query's answer"),
        ("{{ (toTime 1).Add 5 }}", "Add of a time"),
    ] {
        let error = expand(text).unwrap_err();
        assert!(
            matches!(&error, TemplateError::Unsupported { what: w, .. } if w.starts_with(what)),
            "{error}"
        );
    }
}

#[test]
fn loops_without_end_are_refused() {
    for text in [
        "{{ range 9223372036854775807 }}x{{ end }}",
        "{{ range 9223372036854775807 }}{{ end }}",
    ] {
        let error = expand(text).unwrap_err();
        assert!(
            matches!(error, TemplateError::Unsupported { .. }),
            "{error}"
        );
    }
    let text = r#"{{ printf "%*d" -9223372036854775808 1 }}"#;
    assert_eq!(expand(text).unwrap(), "%!(BADWIDTH)1");
}

#[test]
fn templates_that_call_themselves_end() {
    let text = "{{ define \"a\" }}{{ template \"a\" }}{{ end }}{{ template \"a\" }}";
    let error = expand(text).unwrap_err().to_string();
    assert!(
        error.ends_with("exceeded maximum template depth (100000)"),
        "{error}"
    );
}

/// Pieces that templates are made of.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("{{"),
        Just("}}"),
        Just("{{-"),
        Just(" -}}"),
        Just("$x"),
        Just(":="),
        Just("="),
        Just(" | "),
        Just("("),
        Just(")"),
        Just("."),
        Just(".Labels.job"),
        Just("if "),
        Just("end"),
        Just("else "),
        Just("range "),
        Just("define \"a\""),
        Just("template \"a\" "),
        Just("break"),
        Just("printf "),
        Just("\"%d %5.2f %[2]q\""),
        Just("1"),
        Just("-1.5e3"),
        Just("'a'"),
        Just("nil"),
        Just("query \"two\""),
        Just("first"),
        Just("humanize "),
        Just("index "),
        Just("slice "),
        Just("/*"),
        Just("*/"),
        Just(" "),
        Just("\n"),
        Just("é"),
        Just("`"),
        Just("args "),
        Just(","),
    ];
    proptest::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_makes_the_parser_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
        let _ = expand(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn no_template_panics(text in pieces()) {
        let _ = expand(&text);
        let _ = expand(&format!("{{{{ {text} }}}}"));
    }

    #[test]
    fn no_format_panics(format in "[%#0+\\- .*\\[\\]0-9a-zA-Zé]{0,16}") {
        let _ = expand(&format!("{{{{ printf `{format}` .Value 1 \"x\" .Labels nil }}}}"));
    }
}

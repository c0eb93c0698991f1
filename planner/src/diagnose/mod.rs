//! What is wrong with a text that is no query, in Prometheus's words and at
//! Prometheus's place.
//!
//! The grammar says fast whether a text is a query. Only when it is none, or
//! when the tree cannot be built, the text is read once more here, token by
//! token, by a machine that makes no tree: it stops at the first fault that
//! Prometheus's parser meets, be it a character, a token or what a part means.
//! Prometheus reads at most one token ahead, and some parts are complete before
//! it has read that token, so the order of reading and checking matters here.
//!
//! All stacks are on the heap and each token is looked at a bounded number of
//! times: no text takes more than linear time.

mod durations;
mod expression;
mod fault;
mod labels;
mod lexer;
mod machine;
mod modifiers;
mod parts;
mod scan;
mod token;

use crate::error::ParseError;
use crate::options::ParserOptions;

use machine::Machine;

/// What a text should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Goal {
    Expression,
    Selector,
}

/// The first fault of a text; none if it is what it should be (but for types).
pub(crate) fn first_fault(text: &str, options: &ParserOptions, goal: Goal) -> Option<ParseError> {
    let mut machine = Machine::new(text, options);
    let result = match goal {
        Goal::Expression => machine.expression(),
        Goal::Selector => machine.selector(),
    };
    let fault = result.err()?;
    let error = ParseError::new(text, fault.span, fault.message);
    Some(error.with_mark(fault.mark).with_hint(fault.hint))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> String {
        let error = crate::parse(text, &ParserOptions::default()).unwrap_err();
        error.to_string().replace("parse error: ", "")
    }

    /// What Prometheus 3.16 says of the same texts is compared in
    /// `tests/prometheus.rs` and by `compliance/go/cmd/parsetest`.
    #[test]
    fn errors_name_place_token_and_part() {
        for (text, want) in [
            ("", "unknown position: no expression found in input"),
            ("\n", "1:1: no expression found in input"),
            (
                r#"up{job="a" instance="b"}"#,
                r#"1:12: unexpected identifier "instance" in label matching, expected "," or "}""#,
            ),
            (
                r#"up{job="a""#,
                "1:11: unexpected end of input inside braces",
            ),
            (
                "avg by (job (up)",
                r#"1:13: unexpected "(" in grouping opts, expected "," or ")""#,
            ),
            (
                r#"up{p="C:\logs"}"#,
                "1:6: unknown escape sequence U+006C 'l'",
            ),
            (
                "rate(up[1.5m])",
                r#"1:9: unknown unit "." in duration "1.5m""#,
            ),
            (
                "sum(up down)",
                r#"1:8: unexpected identifier "down" in aggregation"#,
            ),
            (
                "rate(up[5m)",
                r#"1:11: unexpected ")" in subquery or range, expected ":" or "]""#,
            ),
            ("rate(up #c", "1:11: unclosed left parenthesis"),
            (
                "up[ ",
                "1:5: unexpected end of input in duration expression",
            ),
            ("up[5m:", "1:7: unclosed left bracket"),
            (
                "up +\nsum(foo, 1)",
                "2:1: wrong number of arguments for aggregate expression provided, expected 1, got 2",
            ),
            ("m[9223372037]", "1:3: duration out of range"),
            ("m offset 9223372036.9", "1:10: duration out of range"),
            ("m offset -9223372036.9", "1:10: duration out of range"),
            ("m[1:9223372037]", "1:5: duration out of range"),
        ] {
            assert_eq!(said(text), want, "{text}");
        }
    }

    /// What is complete is checked before Prometheus reads on.
    #[test]
    fn the_first_fault_counts() {
        for (text, want) in [
            ("nope(x) }", r#"1:1: unknown function with name "nope""#),
            ("sum() }", "1:7: unexpected character: '}'"),
            (
                "sum by (a) () }",
                "1:1: no arguments for aggregate expression provided",
            ),
            ("x[0s] }", "1:3: duration must be greater than 0"),
            ("x[0s}", "1:5: unexpected character: '}'"),
            (
                r#"x{a=~"("} }"#,
                "1:3: error parsing regexp: missing closing ): `(`",
            ),
        ] {
            assert_eq!(said(text), want, "{text}");
        }
    }

    /// Prometheus has no such limits, and no fault is found.
    #[test]
    fn limits_keep_their_words() {
        let chain = format!("x{}", " + x".repeat(10_001));
        assert!(said(&chain).contains("more than 10000 operators"));
        let deep = format!("{}x{}", "(".repeat(1_001), ")".repeat(1_001));
        assert!(said(&deep).contains("brackets nest deeper than 1000"));
        assert_eq!(
            said(&"(".repeat(1_001)),
            "1:1002: unclosed left parenthesis"
        );
    }

    #[test]
    fn hints_say_what_may_help() {
        let hint = |text: &str| {
            let error = crate::parse(text, &ParserOptions::default()).unwrap_err();
            error.hint().unwrap_or_default()
        };
        assert_eq!(hint("rat(up[5m])"), "did you mean `rate`?");
        assert_eq!(hint("1 +\n (2"), "what is not closed begins at 2:2");
        assert_eq!(hint("x[5m:"), "what is not closed begins at 1:2");
        assert_eq!(hint("sum by (a, up{b"), "");
        assert!(hint("up{job=api}").contains("quotes"));
        assert!(hint("up = 1").contains("=="));
        assert!(hint("up && down").contains("and"));
        assert!(hint(r#"up{p="C:\logs"}"#).contains(r"`\\`"));
        assert!(hint("up[1.5h]").contains("1h30m"));
    }

    #[test]
    fn selectors_have_errors_of_their_own() {
        let said = |text: &str| {
            let error = crate::parse_metric_selector(text, &ParserOptions::default()).unwrap_err();
            error.to_string().replace("parse error: ", "")
        };
        assert_eq!(said(""), "unknown position: unexpected end of input");
        assert_eq!(said("up[5m]"), r#"1:3: unexpected "[""#);
        assert_eq!(said("1"), r#"1:1: unexpected number "1""#);
        assert_eq!(
            said("{a=}"),
            r#"1:4: unexpected "}" in label matching, expected string"#
        );
    }
}

//! Parsers of text.

use quarrel_compliance::script;
use quarrel_compliance::script::CommandKind;
use quarrel_matchers::{Regex, Replacer};
use quarrel_planner::literal::{parse_duration, parse_number, unquote};
use quarrel_planner::{
    ParseError, ParserOptions, format_duration, parse, parse_metric_selector, to_json, to_pretty,
    to_promql,
};
use quarrel_server::{duration, params, time};

/// PromQL: what is refused has Prometheus's words for it, and what is printed of
/// a query parses again, and prints the same. As
/// Prometheus does, the printer puts `@` before `offset`, and a duration that is
/// an expression then takes in what stood after the `@`; and U+FFFD, which an escape
/// may mean, is printed as it is and refused as it is. Texts with these are parsed
/// and printed only.
pub(crate) fn promql(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let options = ParserOptions::all();
    let _ = parse(&text, &ParserOptions::default()).map_err(|e| check_words(&e));
    let tree = match parse(&text, &options) {
        Ok(tree) => tree,
        Err(error) => return check_words(&error),
    };
    let printed = to_promql(tree.expr());
    let _ = to_json(tree.expr()).to_string();
    let pretty = to_pretty(tree.expr());
    if printed.contains(" @ ") && printed.contains(" offset ") || printed.contains('\u{fffd}') {
        return;
    }
    let again = parse(&printed, &options).unwrap_or_else(|e| panic!("{printed:?}: {e}"));
    assert_eq!(printed, to_promql(again.expr()));
    let again = parse(&pretty, &options).unwrap_or_else(|e| panic!("{pretty:?}: {e}"));
    assert_eq!(printed, to_promql(again.expr()));
}

/// The grammar's own word for what it refuses is never seen.
fn check_words(error: &ParseError) {
    assert_ne!(error.message(), "not PromQL");
}

/// Selectors of the endpoints for metadata.
pub(crate) fn selector(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    match parse_metric_selector(&text, &ParserOptions::all()) {
        Ok(matchers) => {
            for matcher in matchers {
                let _ = matcher.matches(&text);
                let _ = matcher.matches("");
            }
        }
        Err(error) => check_words(&error),
    }
}

/// Regular expressions: the first line is the pattern, the rest what it is tried
/// on. A pattern that is a plain text matches itself.
pub(crate) fn regex(data: &[u8]) {
    let (pattern, value) = match data.iter().position(|b| *b == b'\n') {
        Some(at) => (&data[..at], &data[at + 1..]),
        None => (data, b"abc".as_slice()),
    };
    let Ok(regex) = Regex::from_bytes(pattern) else {
        return;
    };
    let first = regex.is_match(value);
    assert_eq!(first, regex.is_match(value));
    regex.is_match(pattern);
    if pattern.iter().all(u8::is_ascii_alphanumeric) {
        assert!(regex.is_match(pattern));
    }
    if let (Ok(pattern), Ok(value)) = (str::from_utf8(pattern), str::from_utf8(value))
        && let Ok(replacer) = Replacer::new(pattern)
    {
        assert!(
            replacer.groups(value).is_some()
                == replacer.replace(value, "$1-${2}-$0-${x}").is_some()
        );
        let _ = replacer.replace(value, value);
    }
}

/// `.test` scripts. Series are written out as far as they are short.
pub(crate) fn script(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let Ok(script) = script::parse(&text) else {
        return;
    };
    for command in script.commands {
        if let CommandKind::Load(load) = command.kind {
            for series in load.series {
                let _ = series.description.points();
            }
        }
    }
}

/// Times, durations and numbers: what is printed is read back.
pub(crate) fn times(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    if let Some(moment) = time::parse(&text) {
        time::format_nanos(moment);
        time::format_ms(moment.storage_ms());
        moment.query_ms();
        moment.nanos_since(time::Moment::from_ms(0));
    }
    let _ = time::parse_relative(&text, time::Moment::from_ms(0));
    let _ = duration::parse_model_duration(&text);
    let _ = params::parse_time(&text);
    let _ = params::parse_duration(&text);
    let _ = params::parse_limit(&text);
    let _ = params::parse_int(&text);
    let _ = params::parse_size(&text);
    let _ = params::unescape_name(&text);
    let _ = parse_number(&text);
    let _ = unquote(&text);
    if let Ok(ms) = parse_duration(&text) {
        assert_eq!(parse_duration(&format_duration(ms)), Ok(ms));
    }
}
